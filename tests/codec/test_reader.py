"""Marker segments: what is read, and where and how the reader says no."""

import io
import subprocess
import sys

import numpy as np
import pytest
from jpegmaker import grey, make_jpeg, random_parts, segment, standard_tables
from pictures import photo, pillow_jpeg
from PIL import Image

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg, require_supported
from jpegredact.errors import (
    InvalidJpegError,
    JpegRedactError,
    LimitExceededError,
    UnsupportedJpegError,
)
from jpegredact.limits import Limits

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
FACTORS = ((2, 2), (1, 1), (1, 1))
WHOLE = make_jpeg(40, 30, random_parts(40, 30, FACTORS))
GREY = make_jpeg(16, 16, [grey(np.zeros((2, 2), int))])
BOX = [(0, 0, 8, 8)]


def error_of(data: bytes, **limits: int) -> JpegRedactError:
    """Return the error that `redact` raises; `inspect` may only raise the same or none."""
    error = attempt(jr.redact, data, BOX, limits=Limits(**limits))
    assert isinstance(error, JpegRedactError)
    other = attempt(jr.inspect, data, limits=Limits(**limits))
    if isinstance(other, JpegRedactError):
        assert (type(other), other.code, other.offset) == (type(error), error.code, error.offset)
    return error


def attempt(function, *args, **options):
    """Return what a call returns, or the error of ours that it raises."""
    try:
        return function(*args, **options)
    except JpegRedactError as error:
        return error


def without(data: bytes, code: int) -> bytes:
    """Leave out the first segment with a marker."""
    at = data.index(bytes([0xFF, code]))
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4]) :]


def put(data: bytes, code: int, at: int, new: bytes) -> bytes:
    """Change bytes at a place in the first segment with a marker."""
    start = data.index(bytes([0xFF, code])) + at
    return data[:start] + new + data[start + len(new) :]


# --- not a JPEG ---


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xd8\xff", b"x" + WHOLE, b"\0" * 100, b"\xff\xd9", b"<html>"], ids=repr
)
def test_no_soi(data) -> None:
    error = error_of(data)
    assert isinstance(error, InvalidJpegError)
    assert (error.code, error.offset) == ("jpeg.no-soi", 0)


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG,"),
        (b"\x8aMNG\r\n\x1a\n", "an MNG,"),
        (b"GIF89a", "a GIF,"),
        (b"RIFF\0\0\0\0WEBP", "a WebP,"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video,"),
        (b"RIFF\0\0\0\0ACON", "a RIFF file,"),
        (b"\xff\x0a", "a JPEG XL codestream,"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL,"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000,"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream,"),
        (b"\xff\x10\xff\x50", "a JPEG XS codestream,"),
        (b"II\xbc\1", "a JPEG XR,"),
        (b"II*\0", "a TIFF,"),
        (b"MM\0*", "a TIFF,"),
        (b"II+\0\x08", "a BigTIFF,"),
        (b"MM\0+\0", "a BigTIFF,"),
        (b"II*\0\x10\0\0\0CR\2\0", "a Canon CR2"),
        (b"FUJIFILMCCD-RAW 0201", "a Fujifilm raw file,"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "an AVIF,"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "an HEIC,"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "an HEIF,"),
        (b"\0\0\0\x18ftypXXXX\0\0\0\0mif3avif", "an AVIF,"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a Canon CR3,"),
        (b"\0\0\0\x18ftypisom\0\0\0\1isomavc1", "an MP4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\1qt  ", "a QuickTime video,"),
        (b"BM", "a BMP,"),
        (b"%PDF-1.7", "a PDF,"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript file,"),
        (b"8BPS\0\1", "a PSD,"),
        (b"P6\n16 16\n255\n", "a Netpbm picture,"),
        (b"\0\0\1\0\1\0", "an ICO,"),
        (bytes(128) + b"DICM", "a DICOM file,"),
        (b"\x76\x2f\x31\x01", "an OpenEXR,"),
        (b"PK\3\4", "a ZIP archive,"),
    ],
)
def test_other_formats_are_named(start, word) -> None:
    error = error_of(start + bytes(40))
    assert isinstance(error, UnsupportedJpegError)
    assert (error.code, error.offset) == ("jpeg.other-format", 0)
    assert word in str(error)


# --- damaged segments ---


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        (SOI, "jpeg.no-frame", 2),
        (SOI + EOI, "jpeg.no-frame", 4),
        (SOI + b"\xff", "jpeg.no-frame", 3),
        (SOI + b"\xff\xe0", "jpeg.truncated", 2),
        (SOI + b"\xff\xe0\0", "jpeg.truncated", 2),
        (SOI + b"\xff\xe0\0\x10abc", "jpeg.truncated", 2),
        (SOI + b"\xff\xe0\0\0", "jpeg.no-frame", 6),  # as libjpeg takes it
        (SOI + b"\xff\xdb\0\0", "jpeg.segment-length", 2),
        (SOI + b"\xff\xdb\0\1", "jpeg.segment-length", 2),
        (SOI + b"\xff\xff\xff\xdb\0\1", "jpeg.segment-length", 4),
        (SOI + segment(0xDA, b"\1\1\0\0\x3f\0"), "jpeg.no-frame", 2),
        (SOI + segment(0xC0, b""), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\x10\0"), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\x10\2\1\x11\0"), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\0\1\1\x11\0"), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\x10\1\1\x01\0"), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\x10\1\1\x15\0"), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\x10\1\1\x11\4"), "jpeg.sof0", 2),
        (SOI + segment(0xC0, b"\x08\0\x10\0\x10\5" + b"\1\x11\0" * 5), "jpeg.components", 2),
        (SOI + segment(0xDB, b"\0" + bytes(63)), "jpeg.dqt", 2),
        (SOI + segment(0xDB, b"\4" + bytes(64)), "jpeg.dqt", 2),
        (SOI + segment(0xDB, b"\x20" + bytes(64)), "jpeg.dqt", 2),
        (SOI + segment(0xDB, b"\x10" + bytes(127)), "jpeg.dqt", 2),
        (SOI + segment(0xC2, b"\x08\0\x10\0\x10\5" + b"\1\x11\7" * 5), "jpeg.components", 2),
        (SOI + segment(0xC4, b"\0" + bytes(15)), "jpeg.dht", 2),
        (SOI + segment(0xC4, b"\0\5" + bytes(15)), "jpeg.dht", 2),
        (SOI + segment(0xC4, b"\4" + bytes(16)), "jpeg.dht", 2),
        (SOI + segment(0xC4, b"\x20" + bytes(16)), "jpeg.dht", 2),
        (SOI + segment(0xC4, b"\0" + b"\xff" * 2 + bytes(14) + bytes(510)), "jpeg.dht", 2),
        (SOI + segment(0xDD, b"\0"), "jpeg.dri", 2),
        (SOI + segment(0xDD, b"\0\1\2"), "jpeg.dri", 2),
        (SOI + segment(0xCC, b"\0"), "jpeg.dac", 2),
        (SOI + segment(0xCC, b"\x20\0"), "jpeg.dac", 2),
        (SOI + segment(0xCC, b"\0\x12"), "jpeg.dac", 2),
        (SOI + segment(0xC8, b"\0"), "jpeg.process", 2),
        (SOI + segment(0xDE, b"\0"), "jpeg.hierarchical", 2),
        (SOI + segment(0xDF, b"\0"), "jpeg.hierarchical", 2),
        (SOI + segment(0xE0, b"x") + segment(0xDD, b""), "jpeg.dri", 7),
    ],
)
def test_damaged_segments(data, code, offset) -> None:
    error = error_of(data)
    assert (error.code, error.offset) == (code, offset)


SOS = WHOLE.index(b"\xff\xda")


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        (put(WHOLE, 0xDA, 4, b"\0"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 4, b"\2"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 4, b"\5"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 5, b"\x09"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 7, b"\1"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 6, b"\x40"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 6, b"\x04"), "jpeg.sos", SOS),
        (put(WHOLE, 0xDA, 6, b"\x20"), "jpeg.no-table", SOS),
        (put(WHOLE, 0xDA, 6, b"\x03"), "jpeg.no-table", SOS),
        (put(WHOLE, 0xC0, 11, b"\x33"), "jpeg.sos", SOS),  # 11 blocks per MCU
        (put(WHOLE, 0xC0, 4, b"\x10"), "jpeg.precision", WHOLE.index(b"\xff\xc0")),
        (put(WHOLE, 0xC0, 4, b"\x00"), "jpeg.precision", WHOLE.index(b"\xff\xc0")),
        (put(WHOLE, 0xC0, 5, b"\0\0"), "jpeg.dnl", WHOLE.index(b"\xff\xc0")),
        (put(WHOLE, 0xC4, 5, b"\6\0\0"), "jpeg.huffman", WHOLE.index(b"\xff\xc4") + 4),
        (WHOLE[: SOS + 1], "jpeg.no-scan", None),
        (WHOLE[: SOS + 6], "jpeg.truncated", SOS),
        (WHOLE[: SOS + 14], "jpeg.truncated", SOS + 14),
        (WHOLE[: SOS + 20], "jpeg.truncated", None),
    ],
)
def test_damaged_pictures(data, code, offset) -> None:
    error = error_of(data)
    assert error.code == code
    assert error.offset is not None
    if offset is not None:
        assert error.offset == offset


def test_a_component_in_two_scans() -> None:
    parts = random_parts(16, 16, ((1, 1),) * 2)
    data = make_jpeg(16, 16, parts, scans=[[0], [0], [1]])
    error = error_of(data)
    assert error.code == "jpeg.component-twice"
    assert error.offset == data.rindex(b"\xff\xda", 0, data.rindex(b"\xff\xda"))


def test_a_second_frame() -> None:
    frame = GREY[GREY.index(b"\xff\xc0") :][:13]
    error = error_of(GREY[:-2] + frame + EOI)
    assert isinstance(error, UnsupportedJpegError)
    assert (error.code, error.offset) == ("jpeg.several-frames", len(GREY) - 2)


@pytest.mark.parametrize("length", range(len(GREY)))
def test_every_truncation_is_a_clear_error_or_a_good_result(length) -> None:
    data = GREY[:length]
    result = attempt(jr.redact, data, BOX)
    if isinstance(result, JpegRedactError):
        assert result.code.startswith("jpeg.")
        assert result.offset is not None
        assert 0 <= result.offset <= length
    else:
        assert jr.restore(result.jpeg, result.diff) == data


# --- odd, but real ---


def test_fill_bytes_and_garbage_between_segments() -> None:
    odd = SOI
    at = 2
    while at < SOS:
        end = at + 2 + int.from_bytes(WHOLE[at + 2 : at + 4])
        odd += b"stray \0\1\xff\0\xff\xff\0" + b"\xff" * 5 + WHOLE[at:end]
        at = end
    odd += b"\xff\xff" + WHOLE[at:-2] + b"\xff\xff\xff" + EOI
    plain, parsed = read_jpeg(WHOLE), read_jpeg(odd)
    assert [s.name for s in parsed.segments] == [s.name for s in plain.segments]
    for a, b in zip(plain.segments, parsed.segments, strict=True):
        assert WHOLE[a.offset : a.end] == odd[b.offset : b.end]
    assert parsed.eoi == len(odd) - 2
    assert parsed.frame.components == plain.frame.components
    for policy, left in (("keep", 8), ("default", 0)):
        result = jr.redact(odd, BOX, side_copies=policy)
        assert result.jpeg.count(b"stray") == left
        assert jr.restore(result.jpeg, result.diff) == odd


@pytest.mark.parametrize("behind", [b"x", EOI, WHOLE, b"\xff", bytes(1000), b"\xff\xc0\0\0"])
def test_bytes_behind_eoi_are_left_alone(behind) -> None:
    parsed = read_jpeg(WHOLE + behind)
    assert (parsed.eoi, parsed.length) == (len(WHOLE) - 2, len(WHOLE) + len(behind))
    assert len(parsed.scans) == 1
    result = jr.redact(WHOLE + behind, BOX, side_copies="keep")
    assert result.jpeg.endswith(EOI + behind)
    assert jr.restore(result.jpeg, result.diff) == WHOLE + behind
    result = jr.redact(WHOLE + behind, BOX)
    assert result.jpeg.endswith(EOI)
    assert jr.restore(result.jpeg, result.diff) == WHOLE + behind


def test_a_missing_eoi_is_reported() -> None:
    result = jr.redact(WHOLE[:-2], BOX)
    assert "no-eoi" in [w.code for w in result.report.warnings]
    assert not result.jpeg.endswith(EOI)
    assert jr.restore(result.jpeg, result.diff) == WHOLE[:-2]


def test_restart_markers_and_stand_alone_markers_between_segments() -> None:
    odd = SOI + b"\xff\x01\xff\xd3\xff\xd8" + WHOLE[2:]
    assert read_jpeg(odd).frame.width == 40
    result = jr.redact(odd, BOX)
    assert jr.restore(result.jpeg, result.diff) == odd


def test_tables_may_be_missing() -> None:
    """Motion JPEG frames mean the standard tables (T.81 annex K)."""
    bare = make_jpeg(40, 30, random_parts(40, 30, FACTORS), {})
    assert b"\xff\xc4" not in bare
    result = jr.redact(bare, BOX)
    assert jr.restore(result.jpeg, result.diff) == bare


def test_a_missing_quantization_table_is_no_crash() -> None:
    data = without(GREY, 0xDB)
    for method in ("inpaint", "fill", "pixelate", "blur"):
        result = attempt(jr.redact, data, BOX, method=method)
        if isinstance(result, JpegRedactError):
            assert result.offset is not None
        else:
            assert jr.restore(result.jpeg, result.diff) == data


def test_what_is_read() -> None:
    parts = random_parts(40, 30, FACTORS)
    data = make_jpeg(40, 30, parts, restart=2, scans=[[0], [1, 2]], front=segment(0xFE, b"hello"))
    parsed = read_jpeg(data)
    frame = parsed.frame
    assert (frame.width, frame.height, frame.precision, frame.code) == (40, 30, 8, 0xC0)
    assert frame.process == "baseline sequential, Huffman"
    assert [(c.identifier, c.horizontal, c.vertical) for c in frame.components] == [
        (1, 2, 2), (2, 1, 1), (3, 1, 1),
    ]  # fmt: skip
    assert [frame.blocks(k) for k in range(3)] == [(4, 5), (2, 3), (2, 3)]
    assert [tuple(c.index for c in scan.components) for scan in parsed.scans] == [(0,), (1, 2)]
    assert [len(scan.restarts) for scan in parsed.scans] == [9, 2]
    assert all(scan.restart_interval == 2 for scan in parsed.scans)
    assert parsed.quantization == tuple(tuple(p.quantization) for p in parts)
    assert [s.name for s in parsed.segments] == [
        "SOI", "COM", "DQT", "DQT", "DQT", "SOF0", "DHT", "DHT", "DHT", "DHT", "DRI", "SOS", "SOS",
    ]  # fmt: skip
    assert [t.slot for t in parsed.tables] == list(standard_tables())
    for table in parsed.tables:
        assert data[table.offset :].startswith(table.to_bytes())
    assert (parsed.colour, parsed.inverted) == ("YCbCr", False)


def test_a_table_in_effect_is_the_last_one_before_the_scan() -> None:
    """A quantisation table redefined between scans counts for later scans only (T.81 B.2.4.1)."""
    parts = random_parts(16, 16, ((1, 1),) * 2)
    data = make_jpeg(16, 16, parts, scans=[[0], [1]])
    second = data.rindex(b"\xff\xda")
    new = segment(0xDB, b"\0" + b"\5" * 64 + b"\1" + b"\7" * 64)
    parsed = read_jpeg(data[:second] + new + data[second:])
    assert parsed.quantization == ((8,) * 64, (7,) * 64)


@pytest.mark.parametrize(
    ("mode", "options", "colour", "inverted"),
    [
        ("L", {}, "grey", False),
        ("RGB", {}, "YCbCr", False),
        ("RGB", {"keep_rgb": True}, "RGB", True),
        ("CMYK", {}, "CMYK", True),
    ],
)
def test_colour(mode, options, colour, inverted) -> None:
    parsed = read_jpeg(pillow_jpeg(photo(16, 16), mode, **options))
    assert parsed.colour == colour
    if mode == "CMYK":
        assert parsed.inverted == inverted


# --- the height behind the first scan (T.81 B.2.5) ---

DNL = segment(0xDC, b"\0\x1e")
TWO_SCANS = make_jpeg(40, 30, random_parts(40, 30, FACTORS), scans=[[0], [1, 2]])


def behind_scan(data: bytes, number: int, new: bytes) -> bytes:
    """Insert bytes behind a scan's coded data."""
    at = read_jpeg(data).scans[number].end
    return data[:at] + new + data[at:]


@pytest.mark.parametrize("data", [WHOLE, TWO_SCANS, make_jpeg(40, 30, random_parts(40, 30, FACTORS),
                                  restart=2, trailing_restart=True)])  # fmt: skip
def test_the_height_is_taken_from_dnl(data) -> None:
    parsed = read_jpeg(behind_scan(put(data, 0xC0, 5, b"\0\0"), 0, DNL))
    assert (parsed.frame.height, parsed.frame.dnl_height) == (30, 30)
    assert parsed.frame.dnl == parsed.scans[0].end
    assert parsed.frame.blocks(0) == (4, 5)
    assert len(parsed.scans) == len(read_jpeg(data).scans)
    require_supported(parsed)


@pytest.mark.parametrize("odd", [WHOLE[:2] + DNL + WHOLE[2:], behind_scan(WHOLE, 0, DNL),
                                 behind_scan(TWO_SCANS, 1, DNL),
                                 behind_scan(WHOLE, 0, DNL + DNL)])  # fmt: skip
def test_a_dnl_that_says_nothing_new(odd) -> None:
    result = jr.redact(odd, BOX)
    assert DNL in result.jpeg
    assert jr.restore(result.jpeg, result.diff) == odd


OPEN = put(WHOLE, 0xC0, 5, b"\0\0")


@pytest.mark.parametrize(
    "data",
    [
        OPEN,
        OPEN[:2] + DNL + OPEN[2:],
        OPEN[:SOS] + DNL + OPEN[SOS:],
        behind_scan(OPEN, 0, segment(0xDC, b"\0\0")),
        behind_scan(OPEN, 0, segment(0xDC, b"\0\x1e\0")),
        behind_scan(OPEN, 0, DNL + segment(0xDC, b"\0\x1f")),
        behind_scan(put(TWO_SCANS, 0xC0, 5, b"\0\0"), 1, DNL),
        behind_scan(WHOLE, 0, segment(0xDC, b"\0\x1f")),
        behind_scan(WHOLE, 0, segment(0xDC, b"\0\0")),
        behind_scan(WHOLE, 0, segment(0xDC, b"")),
        behind_scan(WHOLE, 0, DNL + segment(0xDC, b"\0\x1f")),
        behind_scan(TWO_SCANS, 1, segment(0xDC, b"\0\x1f")),
    ],
)
def test_a_height_that_is_not_clear(data) -> None:
    jr.inspect(data)
    error = error_of(data)
    assert isinstance(error, UnsupportedJpegError)
    assert error.code == "jpeg.dnl"
    assert data[error.offset : error.offset + 2] in (b"\xff\xdc", b"\xff\xc0")


def test_the_pixel_limit_holds_for_dnl_too() -> None:
    data = behind_scan(OPEN, 0, segment(0xDC, b"\xff\xff"))
    error = error_of(data, max_pixels=40 * 65535 - 1)
    assert (error.code, error.offset) == ("limit.pixels", data.index(b"\xff\xdc"))
    assert read_jpeg(data, Limits(max_pixels=40 * 65535)).frame.height == 65535


# --- arithmetic conditioning and table numbers ---


def headers(code: int, scans, components: int = 3, *, size=(40, 30), between=(), length=0) -> bytes:
    """Return a picture of headers only: ``scans`` are (components, tables, Ss, Se, Ah, Al)."""
    width, height = size
    out = SOI + segment(0xDB, b"\0" + b"\1" * 64)
    frame = b"\x08" + height.to_bytes(2) + width.to_bytes(2) + bytes([components])
    out += segment(code, frame + b"".join(bytes([k, 0x11, 0]) for k in range(components)))
    for number, (parts, tables, first, last, high, low) in enumerate(scans):
        header = bytes([len(parts)]) + b"".join(bytes([k, tables]) for k in parts)
        if number < len(between):
            out += between[number]
        out += segment(0xDA, header + bytes([first, last, high << 4 | low])) + bytes(length)
    return out + EOI


def test_conditioning_in_effect_at_each_scan() -> None:
    segments = [b"", segment(0xCC, b"\0\x31\x1f\x3f"), segment(0xCC, b"\1\x00\x0f\xff\x10\1")]
    scans = [([k], 0xA7, 0, 63, 0, 0) for k in range(3)]
    parsed = read_jpeg(headers(0xC9, scans, between=segments))
    require_supported(parsed)
    first, second, third = (scan.conditioning for scan in parsed.scans)
    assert first == (b"\x10" * 16, b"\x05" * 16)
    assert second == (b"\x31" + b"\x10" * 15, b"\x05" * 15 + b"\x3f")
    assert third == (b"\x31\x00" + b"\x10" * 13 + b"\xff", b"\x01" + b"\x05" * 14 + b"\x3f")
    assert [(c.dc_slot, c.ac_slot) for s in parsed.scans for c in s.components] == [(10, 7)] * 3


@pytest.mark.parametrize(
    ("code", "scan", "tables", "refused"),
    [
        (0xC0, (0, 63, 0, 0), 0x03, "jpeg.no-table"),
        (0xC1, (0, 63, 0, 0), 0x20, "jpeg.no-table"),
        (0xC2, (0, 0, 0, 0), 0x20, "jpeg.no-table"),
        (0xC2, (0, 0, 0, 0), 0x40, "jpeg.sos"),
        (0xC2, (0, 0, 0, 0), 0x0F, None),
        (0xC2, (0, 0, 1, 0), 0xFF, None),
        (0xC2, (1, 63, 0, 0), 0x02, "jpeg.no-table"),
        (0xC2, (1, 63, 1, 0), 0x02, "jpeg.no-table"),
        (0xC2, (1, 63, 0, 0), 0x04, "jpeg.sos"),
        (0xC2, (1, 63, 0, 0), 0xF1, None),
        (0xC9, (0, 63, 0, 0), 0xFF, None),
        (0xCA, (0, 0, 0, 0), 0xFF, None),
        (0xCA, (1, 63, 0, 0), 0xFF, None),
    ],
)
def test_only_tables_that_a_scan_reads_must_be_there(code, scan, tables, refused) -> None:
    data = headers(code, [([0], tables, *scan)])
    result = attempt(read_jpeg, data)
    if refused is None:
        (component,) = result.scans[0].components
        assert (component.dc_slot, component.ac_slot) == (tables >> 4, tables & 15)
        assert component.dc.is_dc
        assert not component.ac.is_dc
    else:
        assert result.code == refused


# --- which coding processes are redacted ---


@pytest.mark.parametrize(
    ("code", "word", "error_code"),
    [
        (0xC3, "lossless", "jpeg.lossless"), (0xCB, "lossless", "jpeg.lossless"),
        (0xC5, "hierarchical", "jpeg.hierarchical"), (0xC6, "hierarchical", "jpeg.hierarchical"),
        (0xC7, "hierarchical", "jpeg.hierarchical"), (0xCD, "hierarchical", "jpeg.hierarchical"),
        (0xCE, "hierarchical", "jpeg.hierarchical"), (0xCF, "hierarchical", "jpeg.hierarchical"),
        (0xF7, "LS", "jpeg.jpeg-ls"),
    ],
)  # fmt: skip
def test_other_processes(code, word, error_code) -> None:
    data = WHOLE.replace(b"\xff\xc0", bytes([0xFF, code]))
    assert word in jr.inspect(data).frame.process
    error = error_of(data)
    assert isinstance(error, UnsupportedJpegError)
    assert (error.code, error.offset) == (error_code, data.index(bytes([0xFF, code])))
    assert word in str(error)


@pytest.mark.parametrize("code", [0xC3, 0xC5, 0xC7, 0xCB, 0xCD, 0xCF, 0xF7])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data, at: data[: at + 4] + bytes(20) + data[at + 24 :],  # a strange frame header
        lambda data, at: data[: at + 12],
        lambda data, at: data[: at + 30],
        lambda data, at: data.replace(b"\xff\xda", b"\xff\xda\0\3"),
        lambda data, at: data.replace(b"\xff\xda\0\x0c\3", b"\xff\xda\0\x0c\7"),
        lambda data, at: data[:-30] + b"\xff\x20\x70\0" + data[-26:],
        lambda data, at: data[:-2],
    ],
)
def test_a_damaged_file_of_another_process_is_still_that(code, damage) -> None:
    at = WHOLE.index(b"\xff\xc0")
    data = damage(WHOLE[:at] + bytes([0xFF, code]) + WHOLE[at + 2 :], at)
    error = error_of(data)
    if isinstance(error, UnsupportedJpegError):
        assert error.code in ("jpeg.lossless", "jpeg.hierarchical", "jpeg.jpeg-ls")
    else:  # cut before the frame header's end
        assert len(data) < at + 19


@pytest.mark.parametrize("code", [0xC0, 0xC1, 0xC9])
@pytest.mark.parametrize("precision", [8, 12])
def test_sequential_processes(code, precision) -> None:
    data = put(WHOLE, 0xC0, 4, bytes([precision])).replace(b"\xff\xc0", bytes([0xFF, code]))
    require_supported(read_jpeg(data))


def test_a_real_progressive_file() -> None:
    parsed = jr.inspect(pillow_jpeg(photo(64, 48), progressive=True))
    assert len(parsed.scans) == 10
    assert parsed.frame.process == "progressive, Huffman"
    require_supported(parsed)


@pytest.mark.parametrize("last", [b"\0\0\0", b"\0\0\x10", b"\0\x3e\0", b"\1\x3f\x21"])
def test_parameters_that_mean_nothing_in_sequential_scans(last: bytes) -> None:
    """libjpeg warns, and decodes: some encoders write zeros there."""
    data = put(WHOLE, 0xDA, 11, last)
    result, plain = jr.redact(data, BOX), jr.redact(WHOLE, BOX)
    assert result.jpeg == put(plain.jpeg, 0xDA, 11, last)
    assert jr.restore(result.jpeg, result.diff) == data
    with Image.open(io.BytesIO(result.jpeg)) as a, Image.open(io.BytesIO(plain.jpeg)) as b:
        assert a.tobytes() == b.tobytes()


DC, Y = ([0, 1, 2], 0, 0, 0, 0, 0), [0]


@pytest.mark.parametrize("code", [0xC2, 0xCA])
@pytest.mark.parametrize(
    ("scans", "refused"),
    [
        ([DC], None),
        ([DC, (Y, 0, 1, 63, 0, 0)], None),
        ([(Y, 0, 1, 63, 0, 0), DC], None),  # AC first
        ([DC, (Y, 0, 1, 5, 0, 2), (Y, 0, 6, 63, 0, 2), (Y, 0, 1, 63, 2, 1), (Y, 0, 1, 63, 1, 0)],
         None),
        ([(Y, 0, 0, 0, 0, 13), (Y, 0, 0, 0, 13, 12)], None),
        ([DC, DC], None),  # the same again
        ([DC, (Y, 0, 1, 63, 0, 0), (Y, 0, 5, 9, 0, 0)], None),
        ([DC, (Y, 0, 1, 63, 0, 0), (Y, 0, 5, 9, 0, 3), (Y, 0, 5, 9, 3, 2)], None),
        ([(Y, 0, 0, 1, 0, 0)], "jpeg.scan-header"),
        ([(Y, 0, 0, 63, 0, 0)], "jpeg.scan-header"),
        ([(Y, 0, 2, 1, 0, 0)], "jpeg.scan-header"),
        ([(Y, 0, 1, 64, 0, 0)], "jpeg.scan-header"),
        ([([0, 1], 0, 1, 63, 0, 0)], "jpeg.scan-header"),
        ([(Y, 0, 1, 63, 2, 0)], "jpeg.scan-header"),
        ([(Y, 0, 1, 63, 1, 1)], "jpeg.scan-header"),
        ([(Y, 0, 1, 63, 0, 14)], "jpeg.scan-header"),
        ([(Y, 0, 1, 63, 1, 0)], "jpeg.progression"),  # nothing to refine
        ([DC, (Y, 0, 1, 63, 0, 1), (Y, 0, 1, 63, 0, 0)], "jpeg.progression"),
        ([DC, (Y, 0, 1, 63, 0, 2), (Y, 0, 1, 63, 1, 0)], "jpeg.progression"),
        ([DC, (Y, 0, 1, 5, 0, 1), (Y, 0, 1, 63, 1, 0)], "jpeg.progression"),
        ([(Y, 0, 0, 0, 0, 1), ([0, 1], 0, 0, 0, 1, 0)], "jpeg.progression"),
    ],
)  # fmt: skip
def test_progressive_scans(code, scans, refused) -> None:
    data = headers(code, scans)
    result = attempt(require_supported, read_jpeg(data))
    assert (result.code if result else None) == refused
    if result:
        assert result.offset == data.rindex(b"\xff\xda")


# --- limits ---


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_bytes": len(WHOLE) - 1}, "limit.bytes"),
        ({"max_pixels": 40 * 30 - 1}, "limit.pixels"),
        ({"max_segments": 9}, "limit.segments"),
        ({"max_scans": 0}, "limit.scans"),
    ],
)
def test_limits(limits, code) -> None:
    error = error_of(WHOLE, **limits)
    assert isinstance(error, LimitExceededError)
    assert error.code == code
    assert error.offset is not None or code == "limit.bytes"
    exact = {name: value + 1 for name, value in limits.items()}
    if code == "limit.segments":
        exact = {"max_segments": len(read_jpeg(WHOLE).segments)}
    jr.redact(WHOLE, BOX, limits=Limits(**exact))


@pytest.mark.parametrize(
    ("code", "scan", "allowed"),
    [
        (0xC0, (0, 63, 0, 0), True), (0xC1, (0, 63, 0, 0), True), (0xC9, (0, 63, 0, 0), False),
        (0xC2, (0, 0, 0, 0), False), (0xCA, (0, 0, 0, 0), False),
    ],
)  # fmt: skip
def test_a_small_file_with_many_blocks(code, scan, allowed) -> None:
    """Only where each block takes two bits does the file's size bound the work."""
    huge = read_jpeg(headers(code, [([0, 1, 2], 0, *scan)], size=(20000, 20000)))
    if allowed:
        require_supported(huge)
    else:
        error = attempt(require_supported, huge)
        assert isinstance(error, LimitExceededError)
        assert (error.code, error.offset) == ("limit.density", huge.frame.offset)
        require_supported(huge, Limits(max_density=1_000_000))
    more = headers(code, [([0, 1, 2], 0, *scan)], size=(20000, 20000), length=600_000)
    require_supported(read_jpeg(more))
    require_supported(read_jpeg(headers(code, [([0], 0, *scan)], size=(8192, 8192))))


def test_many_scans_over_many_blocks() -> None:
    data = headers(0xC2, [([0], 0, 1, 63, 0, 0)] * 100, 1, size=(8000, 8000), length=4_000)
    blocks = 1000 * 1000
    require_supported(read_jpeg(data), Limits(max_visits=100 * blocks))
    error = attempt(require_supported, read_jpeg(data), Limits(max_visits=99 * blocks))
    assert (error.code, error.offset) == ("limit.visits", data.rindex(b"\xff\xda"))
    assert attempt(require_supported, read_jpeg(data)) is None
    more = headers(0xC2, [([0], 0, 1, 63, 0, 0)] * 135, 1, size=(8000, 8000), length=4_000)
    assert attempt(require_supported, read_jpeg(more)).code == "limit.visits"


def test_many_restart_markers_are_no_segments() -> None:
    data = make_jpeg(200, 200, random_parts(200, 200, ((1, 1),)), restart=1)
    jr.redact(data, BOX, limits=Limits(max_segments=9))


@pytest.mark.parametrize(
    "body",
    [
        "b'\\xff' * 3_000_000 + b'\\0'",
        "b'\\xff' * 3_000_000",
        "b'\\xff\\0' * 1_500_000",
        "b'\\xff\\xd0' * 1_500_000",
        "b'\\xff\\xff\\xff\\0' * 700_000",
    ],
)
@pytest.mark.parametrize("in_scan", [False, True])
def test_no_bytes_make_the_reader_hang(body, in_scan) -> None:
    """Three megabytes of 0xFF take a moment, not a time that grows with their square."""
    start = WHOLE[: SOS + 14] if in_scan else SOI
    program = (
        "from jpegredact.codec.reader import read_jpeg\n"
        "from jpegredact.errors import JpegRedactError\n"
        f"try:\n    read_jpeg({start!r} + {body} + {EOI!r})\n"
        "except JpegRedactError as error:\n    print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], timeout=10, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ("" if in_scan else "jpeg.no-frame")
