"""Bytes -> `JpegData`. Knows markers; knows no blocks, regions, diffs, files."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import replace

from ..errors import InvalidJpegError, JpegRedactError, UnsupportedJpegError
from ..limits import DEFAULT_LIMITS, Limits
from . import markers as m
from .huffman import STANDARD_TABLES, HuffmanTable
from .model import Component, Frame, JpegData, Scan, ScanComponent, Segment
from .signatures import other_format
from .support import refusal, require_supported

__all__ = ["read_jpeg", "require_supported"]

_STANDALONE = frozenset({0x01, *range(m.RST0, m.RST7 + 1), m.SOI})
_FRAMES = frozenset(m.PROCESSES)
_SKIPPED = frozenset({*range(m.APP0, m.APP0 + 16), m.COM, m.DNL})
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_LS = re.compile(rb"\xff[\x80-\xfe]")  # ITU-T T.87 stuffs bits, not bytes
_SOS = bytes([0xFF, m.SOS])
_CONDITIONING = (b"\x10" * 16, b"\x05" * 16)  # T.81 F.1.4.4.1.4, F.1.4.4.2.1


def read_jpeg(data: bytes, limits: Limits = DEFAULT_LIMITS) -> JpegData:
    """Parse the marker segments of a JPEG of any coding process.

    Coded data is not decoded here; only its markers are found. Bytes behind EOI
    are left alone.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
    """
    limits.check("max_bytes", len(data), "bytes")
    if not data.startswith(b"\xff\xd8"):
        what = other_format(data)
        if what is not None:
            raise UnsupportedJpegError(
                f"this is {what}, not a JPEG", code="jpeg.other-format", offset=0
            )
        found = data.find(b"\xff\xd8\xff")
        raise InvalidJpegError(
            "no SOI marker: this is not a JPEG",
            code="jpeg.no-soi",
            offset=0,
            hint=f"a JPEG may begin at byte {found}" if found > 0 else None,
        )
    return _Reader(data, limits).read()


class _Reader:
    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.segments: list[Segment] = []
        self.scans: list[Scan] = []
        self.all_tables: list[HuffmanTable] = []
        self.huffman: dict[int, HuffmanTable] = {}
        self.quantization: dict[int, tuple[int, ...]] = {}
        self.latched: dict[int, tuple[int, ...]] = {}
        self.restart_interval = 0
        self.conditioning = _CONDITIONING
        self.frame: Frame | None = None
        self.eoi: int | None = None
        self.has_jfif = False
        self.adobe: int | None = None

    def read(self) -> JpegData:
        for segment in self._walk():
            self._take(segment)
        frame = self.frame
        if frame is None:
            raise InvalidJpegError(
                "no frame header: the picture is missing",
                code="jpeg.no-frame",
                offset=len(self.data),
            )
        return JpegData(
            frame=frame,
            scans=tuple(self.scans),
            quantization=tuple(self.latched.get(i) for i in range(len(frame.components))),
            colour=self._colour(frame),
            inverted=self.adobe is not None,
            segments=tuple(self.segments),
            tables=tuple(self.all_tables),
            eoi=self.eoi,
            length=len(self.data),
        )

    def _walk(self) -> Iterator[Segment]:
        """Yield each marker segment up to EOI, or to the end of the data."""
        data = self.data
        at = 2
        self.segments.append(Segment(m.SOI, 0, 2))
        while True:
            found = _MARKER.search(data, at)
            if found is None:
                return
            code = data[found.end() - 1]
            offset = found.end() - 2
            if code == m.EOI:
                self.eoi = offset
                return
            if code in _STANDALONE:
                at = found.end()
                continue
            if code < m.SOF0 and self.scans and not self._single():
                raise self._error(
                    "a reserved marker in or behind a scan; readers differ in how they go on",
                    code="jpeg.reserved-marker",
                    offset=offset,
                )
            end = offset + 2 + int.from_bytes(data[offset + 2 : offset + 4])
            if code in _SKIPPED and offset + 4 <= len(data):
                end = max(end, offset + 4)  # a length of 0 or 1 is read as 2 by libjpeg
            if (end < offset + 4 or end > len(data)) and self._complete():
                if self._single() or data.find(_SOS, offset + 2) < 0:
                    return  # where the last scan was cut, or behind it
                raise self._error(
                    f"a {m.marker_name(code)} segment with a wrong length, and scans behind it",
                    code="jpeg.segment-length",
                    offset=offset,
                )
            if offset + 4 > len(data):
                raise self._error(
                    f"the file ends in a {m.marker_name(code)} marker",
                    code="jpeg.truncated",
                    offset=offset,
                )
            if end < offset + 4 or end > len(data):
                raise self._error(
                    f"the file ends in a {m.marker_name(code)} segment, or its length is wrong",
                    code="jpeg.truncated" if end > len(data) else "jpeg.segment-length",
                    offset=offset,
                )
            segment = Segment(code, offset, end)
            self.segments.append(segment)
            self.limits.check("max_segments", len(self.segments), "segments", offset)
            yield segment
            at = self.scans[-1].end if code == m.SOS else end

    def _single(self) -> bool:
        """Whether the picture has had the only scan that readers take of it."""
        frame = self.frame
        return (
            frame is not None
            and frame.code not in m.PROGRESSIVE
            and len(self.scans) == 1
            and self._complete()
        )

    def _complete(self) -> bool:
        """Whether a sequential picture has had all its scans, or a progressive one any."""
        frame = self.frame
        if frame is None or frame.code in m.PROGRESSIVE:
            return frame is not None and len(self.scans) > 0
        if frame.code not in m.SEQUENTIAL:
            return False
        seen = {component.index for scan in self.scans for component in scan.components}
        return len(seen) == len(frame.components)

    def _take(self, segment: Segment) -> None:
        code = segment.code
        payload = self.data[segment.offset + 4 : segment.end]
        if code in _FRAMES:
            self._frame_header(segment, payload)
        elif code == m.DHT:
            self._huffman_tables(segment, payload)
        elif code == m.DQT:
            self._quantization_tables(segment, payload)
        elif code == m.DRI:
            if len(payload) != 2:
                raise self._bad(segment, "length")
            self.restart_interval = int.from_bytes(payload)
        elif code == m.SOS:
            self._scan(segment, payload)
        elif code == m.DAC:
            self._conditioning(segment, payload)
        elif code == m.DNL:
            self._number_of_lines(segment, payload)
        elif code in (m.DHP, m.EXP, m.JPG):
            raise refusal(code, segment.offset) or self._bad(segment, "marker")
        elif code == m.APP0 and payload.startswith(b"JFIF\0"):
            self.has_jfif = True
        elif code == m.APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            self.adobe = payload[11]

    def _error(self, message: str, *, code: str, offset: int) -> JpegRedactError:
        """Return what to raise; in a picture that can't be redacted anyway, rather that.

        The rules of lossless and other frames differ from those that are read here.
        """
        frame = self.frame
        refused = refusal(frame.code, frame.offset) if frame is not None else None
        return refused or InvalidJpegError(message, code=code, offset=offset)

    def _bad(self, segment: Segment, what: str) -> JpegRedactError:
        refused = refusal(segment.code, segment.offset) if segment.code in _FRAMES else None
        return refused or self._error(
            f"bad {what} in a {segment.name} segment",
            code=f"jpeg.{segment.name.lower()}",
            offset=segment.offset,
        )

    def _frame_header(self, segment: Segment, payload: bytes) -> None:
        if self.frame is not None:
            raise UnsupportedJpegError(
                "a second frame header", code="jpeg.several-frames", offset=segment.offset
            )
        if len(payload) < 6 or len(payload) != 6 + 3 * payload[5] or payload[5] == 0:
            raise self._bad(segment, "length")
        if payload[5] > 4 and refusal(segment.code, segment.offset) is None:
            raise UnsupportedJpegError(
                f"{payload[5]} components; this version takes 1 to 4",
                code="jpeg.components",
                offset=segment.offset,
            )
        precision = payload[0]
        height, width = int.from_bytes(payload[1:3]), int.from_bytes(payload[3:5])
        if width == 0:
            raise self._bad(segment, "width")
        self.limits.check("max_pixels", width * height, "pixels", segment.offset)
        components: list[Component] = []
        for at in range(6, len(payload), 3):
            identifier, factors, slot = payload[at : at + 3]
            horizontal, vertical = factors >> 4, factors & 15
            if not (1 <= horizontal <= 4 and 1 <= vertical <= 4 and slot <= 3):
                raise self._bad(segment, "sampling factor or table number")
            components.append(Component(identifier, horizontal, vertical, slot))
        self.frame = Frame(
            segment.code, segment.offset, precision, height, width, tuple(components)
        )

    def _huffman_tables(self, segment: Segment, payload: bytes) -> None:
        at = 0
        found: list[tuple[int, int, bytes, bytes]] = []
        while at < len(payload):
            counts = payload[at + 1 : at + 17]
            symbols = payload[at + 17 : at + 17 + sum(counts)]
            slot = payload[at]
            if len(counts) != 16 or len(symbols) != sum(counts) or len(symbols) > 256:
                raise self._bad(segment, "length")
            if slot & 15 > 3 or slot >> 4 > 1:
                raise self._bad(segment, "table number")
            found.append((segment.offset + 4 + at, slot, counts, symbols))
            at += 17 + len(symbols)
        for offset, slot, counts, symbols in found:
            # What a DHT segment may still grow by is shared out among its tables.
            room = (65533 - len(payload)) // len(found)
            self.limits.check("max_tables", len(self.all_tables) + 1, "Huffman tables", offset)
            table = HuffmanTable(slot, counts, symbols, len(self.all_tables), offset, room)
            self.all_tables.append(table)
            self.huffman[slot] = table

    def _quantization_tables(self, segment: Segment, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            wide, slot = payload[at] >> 4, payload[at] & 15
            step = 2 if wide else 1
            values = payload[at + 1 : at + 1 + 64 * step]
            if wide > 1 or slot > 3:
                raise self._bad(segment, "table number")
            if len(values) != 64 * step:
                raise self._bad(segment, "length")
            self.quantization[slot] = tuple(
                int.from_bytes(values[k : k + step]) for k in range(0, 64 * step, step)
            )
            at += 1 + 64 * step

    def _conditioning(self, segment: Segment, payload: bytes) -> None:
        """Take over the conditioning values of a DAC segment (T.81 B.2.4.3).

        T.81 has Kx from 1 to 63; no decoder minds others.
        """
        values = bytearray(self.conditioning[0]), bytearray(self.conditioning[1])
        good = len(payload) % 2 == 0
        for target, value in zip(payload[::2], payload[1::2], strict=False):
            kind, slot = target >> 4, target & 15
            good = good and kind <= 1 and (kind == 1 or value & 15 <= value >> 4)
            if good:
                values[kind][slot] = value
        if not good:
            raise self._error(
                "bad length, table number or conditioning value in a DAC segment",
                code="jpeg.dac",
                offset=segment.offset,
            )
        self.conditioning = (bytes(values[0]), bytes(values[1]))

    def _number_of_lines(self, segment: Segment, payload: bytes) -> None:
        """Note what a DNL segment says (T.81 B.2.5); it counts behind the first scan only."""
        frame = self.frame
        if frame is None:
            return
        height = int.from_bytes(payload) if len(payload) == 2 else -1
        if frame.dnl_height is not None:  # the second one
            if frame.dnl_height != height:
                self.frame = replace(frame, dnl_height=-1)
            return
        self.frame = replace(frame, dnl=segment.offset, dnl_height=height)
        if frame.height == 0 and height > 0 and len(self.scans) == 1:
            self.limits.check("max_pixels", frame.width * height, "pixels", segment.offset)
            self.frame = replace(self.frame, height=height)

    def _scan(self, segment: Segment, payload: bytes) -> None:
        frame = self.frame
        if frame is None:
            raise InvalidJpegError(
                "a scan before any frame header", code="jpeg.no-frame", offset=segment.offset
            )
        self.limits.check("max_scans", len(self.scans) + 1, "scans", segment.offset)
        if not payload or len(payload) != 4 + 2 * payload[0] or not 1 <= payload[0] <= 4:
            raise self._bad(segment, "length")
        first, last, bits = payload[-3:]
        if frame.code in m.SEQUENTIAL:
            first, last, bits = 0, 63, 0
        needs = self._needed_tables(frame.code, first, bits >> 4)
        components: list[ScanComponent] = []
        units = 0
        for at in range(1, 1 + 2 * payload[0], 2):
            # In the frame's order (B.2.3), even where one identifier stands for several; where
            # another order is plain, in that.
            same = [i for i, c in enumerate(frame.components) if c.identifier == payload[at]]
            index = next((i for i in same if i >= len(components)), same[0] if same else -1)
            slots = payload[at + 1] >> 4, payload[at + 1] & 15
            if (
                index < 0
                or index in [c.index for c in components]
                or any(need and slot > 3 for need, slot in zip(needs, slots, strict=True))
            ):
                raise self._bad(segment, "component or table number")
            dc, ac = (
                self._table(tc | slot, segment) if need else STANDARD_TABLES[tc]
                for tc, slot, need in zip((0x00, 0x10), slots, needs, strict=True)
            )
            components.append(ScanComponent(index, dc, ac, *slots))
            units += frame.components[index].horizontal * frame.components[index].vertical
            slot = frame.components[index].quantization
            if slot in self.quantization:
                self.latched.setdefault(index, self.quantization[slot])
        if len(components) > 1 and units > 10:
            raise self._bad(segment, "number of blocks per MCU")
        start = segment.end
        end = self._entropy_end(start, _MARKER_LS if frame.code == m.JPEG_LS else _MARKER)
        self.scans.append(
            Scan(
                segment, tuple(components), (first, last), (bits >> 4, bits & 15),
                self.restart_interval, self.conditioning, start, *end,
            )
        )

    @staticmethod
    def _needed_tables(code: int, first: int, high: int) -> tuple[bool, bool]:
        """Return whether a scan reads a DC and an AC Huffman table (T.81 F.1.2, G.1.2)."""
        if code == 0xC2:
            return first == 0 and high == 0, first > 0
        return (True, True) if code in (0xC0, 0xC1) else (False, False)

    def _table(self, slot: int, segment: Segment) -> HuffmanTable:
        table = self.huffman.get(slot) or STANDARD_TABLES.get(slot)
        if table is None:
            raise InvalidJpegError(
                f"a scan uses Huffman table {slot:#04x}, which is not defined",
                code="jpeg.no-table",
                offset=segment.offset,
            )
        table.check()
        return table

    def _entropy_end(
        self, start: int, marker: re.Pattern[bytes]
    ) -> tuple[int, array[int], int]:
        """Return where a scan's data ends, its restart markers, and how many are in order."""
        data = self.data
        most = self.limits.max_restarts
        restarts = array("q")
        in_order = 0
        for found in marker.finditer(data, start):
            at = found.start()
            code = data[at + 1]
            if not m.RST0 <= code <= m.RST7:
                return at, restarts, in_order
            if code & 7 == in_order & 7 and in_order == len(restarts):
                in_order += 1
            restarts.append(at)
            if len(restarts) > most:
                self.limits.check("max_restarts", len(restarts), "restart markers", at)
        return len(data), restarts, in_order

    def _colour(self, frame: Frame) -> str:
        """The colour space, by the rules of libjpeg's ``default_decompress_parms``."""
        identifiers = tuple(c.identifier for c in frame.components)
        if len(identifiers) == 1:
            return "grey"
        if len(identifiers) == 3:
            if self.has_jfif:
                return "YCbCr"
            if self.adobe is not None:
                return "RGB" if self.adobe == 0 else "YCbCr"
            return "RGB" if identifiers == (0x52, 0x47, 0x42) else "YCbCr"
        if len(identifiers) == 4:
            return "CMYK" if self.adobe in (None, 0) else "YCCK"
        return "unknown"
