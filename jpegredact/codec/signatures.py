"""What a file that is no JPEG is: other formats by the bytes that they begin with."""

from __future__ import annotations

__all__ = ["other_format"]

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a PNG"),
    (b"\x89PNG", "a damaged PNG"),
    (b"\x8aMNG", "an MNG"),
    (b"\x8bJNG", "a JNG"),
    (b"GIF8", "a GIF"),
    (b"\xff\x0a", "a JPEG XL codestream"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\x00\x00\x00\x0cjP\x1a\x1a", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream"),
    (b"\xff\x10\xff\x50", "a JPEG XS codestream"),
    (b"II\xbc", "a JPEG XR"),
    (b"\x97JB2\r\n\x1a\n", "a JBIG2"),
    (b"II*\x00\x10\x00\x00\x00CR", "a Canon CR2 (TIFF)"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"II+\x00", "a BigTIFF"),
    (b"MM\x00+", "a BigTIFF"),
    (b"IIRO", "an Olympus raw file"),
    (b"IIRS", "an Olympus raw file"),
    (b"IIU\x00", "a Panasonic raw file"),
    (b"FUJIFILMCCD-RAW", "a Fujifilm raw file"),
    (b"FOVb", "a Sigma raw file"),
    (b"BM", "a BMP"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "an EPS"),
    (b"8BPS", "a PSD"),
    (b"gimp xcf", "an XCF"),
    (b"\x00\x00\x01\x00", "an ICO"),
    (b"qoif", "a QOI"),
    (b"DDS ", "a DDS"),
    (b"FLIF", "a FLIF"),
    (b"\x76\x2f\x31\x01", "an OpenEXR"),
    (b"#?RADIANCE", "a Radiance HDR"),
    (b"SIMPLE  =", "a FITS"),
    (b"AT&TFORM", "a DjVu"),
    (b"<svg", "an SVG"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
)
_RIFF = {b"WEBP": "a WebP", b"AVI ": "an AVI video", b"WAVE": "a WAV"}
_BRANDS = {
    b"avif": "an AVIF", b"avis": "an AVIF",
    b"heic": "an HEIC", b"heix": "an HEIC", b"heim": "an HEIC", b"heis": "an HEIC",
    b"hevc": "an HEIC", b"hevx": "an HEIC", b"hevm": "an HEIC", b"hevs": "an HEIC",
    b"mif1": "an HEIF", b"msf1": "an HEIF", b"mif2": "an HEIF",
    b"crx ": "a Canon CR3", b"jxl ": "a JPEG XL", b"jp2 ": "a JPEG 2000",
    b"qt  ": "a QuickTime video",
}  # fmt: skip


def other_format(data: bytes) -> str | None:
    """Return what ``data`` is by its first bytes ("a PNG"), or None."""
    if data.startswith(b"RIFF"):
        return _RIFF.get(bytes(data[8:12]), "a RIFF file")
    if data[4:8] == b"ftyp":
        return _brand(data)
    if data[:1] == b"P" and data[1:2] in b"1234567F" and data[2:3].isspace():
        return "a Netpbm picture"
    if data[128:132] == b"DICM":
        return "a DICOM file"
    return next((what for start, what in _SIGNATURES if data.startswith(start)), None)


def _brand(data: bytes) -> str:
    """Name a file of boxes (ISO/IEC 14496-12) by its brands, the main one first."""
    end = min(int.from_bytes(data[:4]), 256)
    for at in (8, *range(16, end, 4)):
        if data[at : at + 4] in _BRANDS:
            return _BRANDS[bytes(data[at : at + 4])]
    return "an MP4, or another file of ISO boxes"
