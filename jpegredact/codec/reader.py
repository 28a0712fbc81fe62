"""Bytes -> `JpegData`. Knows markers; knows no blocks, regions, diffs, files."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from ..errors import InvalidJpegError, UnsupportedJpegError
from ..limits import DEFAULT_LIMITS, Limits
from . import markers as m
from .huffman import STANDARD_TABLES, HuffmanTable
from .layout import scan_layout
from .model import Component, Frame, JpegData, Scan, ScanComponent, Segment

__all__ = ["read_jpeg", "require_supported"]

_SIGNATURES = (
    (b"\x89PNG", "a PNG"),
    (b"GIF8", "a GIF"),
    (b"RIFF", "a RIFF file (WebP?)"),
    (b"\xff\x0a", "a JPEG XL codestream"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"BM", "a BMP"),
    (b"%PDF", "a PDF"),
)
_STANDALONE = frozenset({0x01, *range(m.RST0, m.RST7 + 1), m.SOI})
_FRAMES = frozenset(m.PROCESSES)
_MARKER = re.compile(rb"\xff[^\x00\xff]")


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
        for signature, what in _SIGNATURES:
            if data.startswith(signature):
                raise UnsupportedJpegError(
                    f"this is {what}, not a JPEG", code="jpeg.other-format", offset=0
                )
        raise InvalidJpegError("no SOI marker: this is not a JPEG", code="jpeg.no-soi", offset=0)
    return _Reader(data, limits).read()


def require_supported(jpeg: JpegData) -> None:
    """Raise `UnsupportedJpegError` unless the coding process can be redacted in place."""
    frame = jpeg.frame
    if frame.code not in (0xC0, 0xC1) or frame.precision != 8:
        raise UnsupportedJpegError(
            f"the picture is coded as {m.marker_name(frame.code)} ({frame.process}, "
            f"{frame.precision} bits); this version redacts SOF0 and SOF1 at 8 bits",
            code="jpeg.process",
            offset=frame.offset,
        )
    if frame.height == 0:
        raise UnsupportedJpegError(
            "the frame header leaves the height open (DNL); this version can't redact that",
            code="jpeg.dnl",
            offset=frame.offset,
        )
    seen: set[int] = set()
    for scan in jpeg.scans:
        if scan.spectral != (0, 63) or scan.approximation != (0, 0):
            raise InvalidJpegError(
                "a sequential scan with progressive parameters",
                code="jpeg.scan-header",
                offset=scan.header.offset,
            )
        for component in scan.components:
            if component.index in seen:
                raise UnsupportedJpegError(
                    "a component is coded in two scans of a sequential picture",
                    code="jpeg.component-twice",
                    offset=scan.header.offset,
                )
            seen.add(component.index)
        _check_size(jpeg, scan)
    if not jpeg.scans:
        raise InvalidJpegError(
            "no scan: the picture is missing", code="jpeg.no-scan", offset=jpeg.length
        )


def _check_size(jpeg: JpegData, scan: Scan) -> None:
    """Refuse a scan that can't hold its blocks, before anything is planned for them."""
    layout = scan_layout(jpeg, scan)
    expected = -(-layout.mcus // layout.interval) - 1
    if len(scan.restarts) < expected:
        raise InvalidJpegError(
            f"{len(scan.restarts)} restart markers where {expected} should be",
            code="jpeg.restart-missing",
            offset=scan.end,
        )
    blocks = layout.mcus * layout.units
    if blocks > 4 * (scan.end - scan.start):  # a block takes two bits at least
        raise InvalidJpegError(
            f"a scan of {scan.end - scan.start} bytes can't hold its {blocks} blocks",
            code="jpeg.truncated",
            offset=scan.end,
        )


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
            if offset + 4 > len(data):
                raise InvalidJpegError(
                    f"the file ends in a {m.marker_name(code)} marker",
                    code="jpeg.truncated",
                    offset=offset,
                )
            end = offset + 2 + int.from_bytes(data[offset + 2 : offset + 4])
            if end < offset + 4 or end > len(data):
                raise InvalidJpegError(
                    f"the file ends in a {m.marker_name(code)} segment, or its length is wrong",
                    code="jpeg.truncated" if end > len(data) else "jpeg.segment-length",
                    offset=offset,
                )
            segment = Segment(code, offset, end)
            self.segments.append(segment)
            self.limits.check("max_segments", len(self.segments), "segments", offset)
            yield segment
            at = self.scans[-1].end if code == m.SOS else end

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
        elif code in (0xDE, 0xDF):
            raise UnsupportedJpegError(
                "a hierarchical JPEG (several frames)",
                code="jpeg.hierarchical",
                offset=segment.offset,
            )
        elif code == m.APP0 and payload.startswith(b"JFIF\0"):
            self.has_jfif = True
        elif code == m.APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            self.adobe = payload[11]

    @staticmethod
    def _bad(segment: Segment, what: str) -> InvalidJpegError:
        return InvalidJpegError(
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
        if len(components) > 4 and segment.code in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA):
            raise UnsupportedJpegError(
                f"{len(components)} components; this version takes 1 to 4",
                code="jpeg.components",
                offset=segment.offset,
            )
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

    def _scan(self, segment: Segment, payload: bytes) -> None:
        frame = self.frame
        if frame is None:
            raise InvalidJpegError(
                "a scan before any frame header", code="jpeg.no-frame", offset=segment.offset
            )
        self.limits.check("max_scans", len(self.scans) + 1, "scans", segment.offset)
        if not payload or len(payload) != 4 + 2 * payload[0] or not 1 <= payload[0] <= 4:
            raise self._bad(segment, "length")
        indices = {c.identifier: i for i, c in reversed(list(enumerate(frame.components)))}
        huffman = frame.code in (0xC0, 0xC1)
        components: list[ScanComponent] = []
        units = 0
        for at in range(1, 1 + 2 * payload[0], 2):
            index = indices.get(payload[at], -1)
            dc, ac = payload[at + 1] >> 4, payload[at + 1] & 15
            if index < 0 or index in [c.index for c in components] or dc > 3 or ac > 3:
                raise self._bad(segment, "component or table number")
            components.append(
                ScanComponent(
                    index,
                    self._table(dc, segment, huffman),
                    self._table(0x10 | ac, segment, huffman),
                )
            )
            units += frame.components[index].horizontal * frame.components[index].vertical
            slot = frame.components[index].quantization
            if slot in self.quantization:
                self.latched.setdefault(index, self.quantization[slot])
        if len(components) > 1 and units > 10:
            raise self._bad(segment, "number of blocks per MCU")
        start = segment.end
        end, restarts = self._entropy_end(start)
        first, last, bits = payload[-3:]
        self.scans.append(
            Scan(
                segment, tuple(components), (first, last), (bits >> 4, bits & 15),
                self.restart_interval, start, end, restarts,
            )
        )

    def _table(self, slot: int, segment: Segment, required: bool) -> HuffmanTable:
        table = self.huffman.get(slot) or STANDARD_TABLES.get(slot)
        if table is None:
            if required:
                raise InvalidJpegError(
                    f"a scan uses Huffman table {slot:#04x}, which is not defined",
                    code="jpeg.no-table",
                    offset=segment.offset,
                )
            return STANDARD_TABLES[slot & 0x10]
        if required:
            table.check()
        return table

    def _entropy_end(self, start: int) -> tuple[int, array[int]]:
        restarts = array("q")
        at = start
        while True:
            found = _MARKER.search(self.data, at)
            if found is None:
                return len(self.data), restarts
            code = self.data[found.start() + 1]
            if not m.RST0 <= code <= m.RST7:
                return found.start(), restarts
            restarts.append(found.start())
            if len(restarts) > self.limits.max_restarts:
                self.limits.check("max_restarts", len(restarts), "restart markers", at)
            at = found.end()

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
            return "YCCK" if self.adobe == 2 else "CMYK"
        return "unknown"
