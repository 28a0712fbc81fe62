"""Find every picture in a file's bytes outside its own scans, whatever the format around it.

Looks for signatures in every segment, in what is put together of several, behind EOI, in base64
and hexadecimal text and in deflated data; needs no knowledge of the container. Raw samples, which
have no signature, are in `samples`. Written for the tests alone.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from . import hdrp, samples
from .decode import small_grey
from .streams import Layout, Stream, streams, walk

__all__ = ["Finding", "carve", "carve_bytes"]

DEEPEST = 4
"""Levels of text in text that are opened."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A picture, or what must be one.

    Attributes
    ----------
    place
        Segment or assembly, with its offset in the file.
    kind
        "jpeg", "jpeg without SOI", "png", "rgb samples", "video", ...; with "base64 " in front
        and so on for how it was wrapped.
    offset
        Where in the file (of wrapped ones: of the wrapping).
    length
        Bytes, as far as they are known.
    size
        Width and height that it says it has.
    grey
        Its pixels, or None: it could not be decoded.
    """

    place: str
    kind: str
    offset: int
    length: int
    size: tuple[int, int] | None
    grey: np.ndarray | None


def carve(data: bytes, original: np.ndarray | None = None) -> list[Finding]:
    """Return all pictures in a JPEG file but its own, in no order.

    With the original's grey values, raw samples that look like it are searched for too.
    """
    found: list[Finding] = []
    for stream in streams(data):
        found += carve_bytes(stream)
        if original is not None and "ICC_PROFILE" not in stream.place:  # smooth tables are no rows
            found += _trial(stream, original)
    return _without_doubles(found)


def carve_bytes(stream: Stream, depth: int = 0) -> Iterator[Finding]:
    """Yield all pictures in some bytes."""
    covered: list[Layout] = []
    yield from _jpegs(stream, covered)
    yield from _headless(stream, covered)
    for kind, pattern, check in _OTHERS:
        for hit in pattern.finditer(stream.data):
            if not _in_scan(hit.start(), covered):
                yield from check(stream, kind, hit.start())
    yield from _samples(stream)
    if depth < DEEPEST:
        for wrapping, at, inner in _unwrapped(stream.data, covered):
            offset = stream.offset(at)
            nested = Stream(f"{stream.place}, {wrapping}", inner, ((0, offset),))
            for finding in carve_bytes(nested, depth + 1):
                yield replace(finding, kind=f"{wrapping} {finding.kind}", offset=offset)


def _without_doubles(found: list[Finding]) -> list[Finding]:
    """Leave out what several streams show at the same place with the same pixels."""
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in found:
        pixels = None if finding.grey is None else finding.grey.tobytes()
        kept.setdefault((finding.offset, finding.size, pixels), finding)
    return list(kept.values())


# ---------------------------------------------------------------------------
# JPEG
# ---------------------------------------------------------------------------

_START = re.compile(rb"[\0-\xff](?=\xd8\xff[\xc0-\xc2\xc4\xdb\xdd\xe0-\xef\xfe])")
_FRAME = re.compile(rb"\xff[\xc0-\xc2]\0(?:\x0b\x08....\x01|\x11\x08....\x03|\x14\x08....\x04)", re.S)  # fmt: skip # noqa: E501


def _in_scan(at: int, covered: list[Layout]) -> bool:
    return any(start <= at < end for layout in covered for start, end in layout.scans)


def _jpegs(stream: Stream, covered: list[Layout]) -> Iterator[Finding]:
    for hit in _START.finditer(stream.data):
        at = hit.start()
        if _in_scan(at, covered):
            continue
        layout = walk(stream.data, at)
        if layout.frame and layout.scans and all(layout.frame):
            covered.append(layout)
            damaged = "" if stream.data[at] == 0xFF else " with a damaged first byte"
            yield _jpeg(stream, layout, f"jpeg{damaged}")
        # Without a scan there is nothing to see, and chance makes such hits.


def _jpeg(stream: Stream, layout: Layout, kind: str) -> Finding:
    data = b"\xff" + stream.data[layout.start + 1 : layout.end]
    if not layout.whole:
        data += b"\xff\xd9"
    decoded = small_grey(_with_tables(data, layout))
    return Finding(
        stream.place, kind, stream.offset(layout.start), layout.end - layout.start, layout.frame,
        None if decoded is None else decoded[0],
    )  # fmt: skip


def _with_tables(data: bytes, layout: Layout) -> bytes:
    """Give an abbreviated stream the standard Huffman tables, as readers of MJPEG do."""
    codes = {segment.code for segment in layout.segments}
    return data if 0xC4 in codes or codes & {0xC9, 0xCA} else data[:2] + samples.TABLES + data[2:]


def _headless(stream: Stream, covered: list[Layout]) -> Iterator[Finding]:
    """JPEGs whose SOI is gone: from the tables in front of a frame header that belongs to none."""
    for hit in _FRAME.finditer(stream.data):
        at = hit.start()
        if any(layout.start <= at < layout.end for layout in covered):
            continue
        start = at
        before = max(at - 4096, 0)
        for tables in re.finditer(rb"\xff[\xc4\xdb\xdd\xe0-\xef]", stream.data[before:at]):
            if _chain(stream.data, before + tables.start(), at):
                start = before + tables.start()
                break
        whole = b"\xff\xd8" + stream.data[start:]
        layout = walk(whole)
        if layout.frame and layout.scans and all(layout.frame):
            shown = _jpeg(Stream(stream.place, whole, ((0, stream.offset(start)),)), layout, "")
            covered.append(
                Layout(start, (), tuple((a + start - 2, b + start - 2) for a, b in layout.scans),
                       start + layout.end - 2, layout.frame, layout.whole)
            )  # fmt: skip
            yield replace(shown, kind="jpeg without SOI")


def _chain(data: bytes, at: int, target: int) -> bool:
    """Whether marker segments lead from one place to another without a gap."""
    while at < target and data[at] == 0xFF:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return at == target


# ---------------------------------------------------------------------------
# Other formats with a signature
# ---------------------------------------------------------------------------


def _by_pillow(stream: Stream, kind: str, at: int) -> Iterator[Finding]:
    decoded = small_grey(stream.data[at:])
    length = len(stream.data) - at
    if decoded is None:
        yield Finding(stream.place, kind, stream.offset(at), length, None, None)
    else:
        yield Finding(stream.place, kind, stream.offset(at), length, decoded[1], decoded[0])


def _mended(stream: Stream, kind: str, at: int) -> Iterator[Finding]:
    mended = b"\x89" + stream.data[at + 1 :]
    yield from _by_pillow(Stream(stream.place, mended, ((0, stream.offset(at)),)), kind, 0)


def _by_pillow_or_nothing(stream: Stream, kind: str, at: int) -> Iterator[Finding]:
    """Short signatures that chance hits too: a finding only where it decodes."""
    yield from (f for f in _by_pillow(stream, kind, at) if f.grey is not None)


def _bitmap(stream: Stream, kind: str, at: int) -> Iterator[Finding]:
    """A Windows bitmap without its file header, as in FlashPix and OLE thumbnails."""
    data = stream.data[at:]
    bits = int.from_bytes(data[14:16], "little")
    colours = int.from_bytes(data[32:36], "little") or (1 << bits if bits <= 8 else 0)
    header = b"BM" + (14 + len(data)).to_bytes(4, "little") + bytes(4)
    header += (14 + 40 + 4 * colours).to_bytes(4, "little")
    whole = Stream(stream.place, header + data, ((0, stream.offset(at)),))
    yield from _by_pillow_or_nothing(whole, kind, 0)


def _movie(stream: Stream, kind: str, at: int) -> Iterator[Finding]:
    """An ISO media file: video, or a HEIF picture; neither is decoded here."""
    data = stream.data[at - 4 :]
    length = int.from_bytes(data[:4])
    if at < 4 or not 8 <= length <= 4096 or not data[8:12].isascii():
        return
    brand = data[8:12]
    track = b"vide" in data or b"mdat" in data
    kind = "heif" if brand in (b"heic", b"heix", b"mif1", b"avif") else "video"
    if kind == "heif" or track:
        yield Finding(stream.place, kind, stream.offset(at - 4), len(data), None, None)


_OTHERS = (
    ("png", re.compile(rb"\x89PNG\r\n\x1a\n"), _by_pillow),
    ("png with a damaged first byte", re.compile(rb"[^\x89](?=PNG\r\n\x1a\n)"), _mended),
    ("gif", re.compile(rb"GIF8[79]a"), _by_pillow),
    ("webp", re.compile(rb"RIFF....WEBP", re.S), _by_pillow),
    ("jpeg 2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\0"), _by_pillow),
    ("bmp", re.compile(rb"BM.{8}..\0\0\x28\0\0\0", re.S), _by_pillow_or_nothing),
    ("bitmap", re.compile(rb"\x28\0\0\0..\0\0..[\0\xff]{2}\x01\0[\x08\x18\x20]\0\0\0\0\0", re.S),
     _bitmap),
    ("video", re.compile(rb"ftyp"), _movie),
    ("video", re.compile(rb"\x1a\x45\xdf\xa3.{0,40}(?:webm|matroska)", re.S),
     lambda stream, kind, at: iter([Finding(
         stream.place, kind, stream.offset(at), len(stream.data) - at, None, None)])),
)  # fmt: skip


def _samples(stream: Stream) -> Iterator[Finding]:
    for reader in (samples.of_tiffs, samples.of_jfif, samples.of_matrix):
        yield from _shown(stream, reader(stream.data))


def _trial(stream: Stream, original: np.ndarray) -> Iterator[Finding]:
    yield from _shown(stream, samples.by_trial(stream.data, original))


def _shown(stream: Stream, found: Iterable[samples.Shown]) -> Iterator[Finding]:
    for shown in found:
        yield Finding(
            stream.place, shown.kind, stream.offset(shown.offset), shown.length, shown.size,
            shown.grey,
        )  # fmt: skip


# ---------------------------------------------------------------------------
# Wrappings
# ---------------------------------------------------------------------------

_BREAK = re.compile(rb"&#(?:x[aAdD]|10|13);|\\[nr]|\s")
_DIGITS = re.compile(rb"[0-9A-Fa-f]{32,}")
_LETTERS = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_TAIL = re.compile(rb"\s{1,8}([A-Za-z0-9+/_-]{1,23}={0,2})(?![A-Za-z0-9+/_-])")
_SHORTEST = 200
_DEFLATED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_MOST = 1 << 27


def _unwrapped(data: bytes, covered: list[Layout]) -> Iterator[tuple[str, int, bytes]]:
    """Yield wrapping, position and inner bytes."""
    spaced = _BREAK.sub(lambda found: b" " * len(found.group()), data)
    for at, digits in _runs(spaced, _DIGITS, covered):
        yield "hex", at, bytes.fromhex(digits[: len(digits) & ~1].decode())
    for at, letters in _runs(spaced, _LETTERS, covered):
        yield from _base64(letters.translate(bytes.maketrans(b"-_", b"+/")), at)
    for hit in _DEFLATED.finditer(data):
        if not _in_scan(hit.start(), covered):
            inner = _inflated(data, hit.start())
            if len(inner) > 400:
                yield "deflated", hit.start(), inner


def _runs(
    data: bytes, pattern: re.Pattern[bytes], covered: list[Layout]
) -> Iterator[tuple[int, bytes]]:
    """Yield long runs of a pattern, white space between its pieces taken out."""
    start, end, pieces = 0, -1, list[bytes]()

    def run() -> Iterator[tuple[int, bytes]]:
        last = _TAIL.match(data, end) if pattern is _LETTERS and end >= 0 else None
        text = b"".join(pieces) + (last.group(1) if last else b"")
        if len(text) >= _SHORTEST and not _in_scan(start, covered):
            yield start, text

    for hit in pattern.finditer(data):
        if end < 0 or hit.start() - end > 16 or data[end : hit.start()].strip():
            yield from run()
            start, pieces = hit.start(), []
        pieces.append(hit.group())
        end = hit.end()
    yield from run()


def _base64(text: bytes, at: int) -> Iterator[tuple[str, int, bytes]]:
    # Where a run of text starts a letter too early (a word in front), another phase fits.
    for phase in range(4):
        cut = text[phase:].rstrip(b"=")
        cut = cut[: len(cut) - (len(cut) % 4 == 1)]
        try:
            inner = base64.b64decode(cut + b"=" * (-len(cut) % 4))
        except binascii.Error:
            continue
        if phase == 0 or _START.search(inner) or b"PNG\r" in inner:
            yield "base64", at, inner
        opened = hdrp.opened(inner)
        if opened is not None:
            yield "base64 HDR+", at, opened


def _inflated(data: bytes, at: int) -> bytes:
    reader = zlib.decompressobj(47)
    found = b""
    for start in range(at, len(data), 4096):
        try:
            found += reader.decompress(data[start : start + 4096], _MOST)
        except zlib.error:
            break
        if reader.eof or len(found) > _MOST:
            break
    return found
