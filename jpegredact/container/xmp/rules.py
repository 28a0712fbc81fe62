"""Which XMP properties show the picture, lead to something that does, or may name people.

Sources: XMP specification parts 1 and 2; Google's GDepth, GImage, GAudio, GPano, Motion Photo,
Ultra HDR and Dynamic Depth specifications; Metadata Working Group guidelines 2.0; IPTC Photo
Metadata standard 2023.1; ExifTool's XMP tag tables.

Namespaces are written without their last "/" or "#", as `xmp_packet` gives them.
"""

from __future__ import annotations

import re

__all__ = [
    "ENCODED_MOST",
    "ENCODED_TOTAL",
    "ENTRY_LISTS",
    "EXTENDED",
    "GAIN_MAP",
    "HIERARCHIES",
    "IPTC_DIGEST",
    "NATIVE_DIGESTS",
    "PANORAMA",
    "encoded",
    "is_blob",
    "is_note_removed",
    "is_picture_text",
    "is_protected",
    "removed_kind",
]

_XAP = "http://ns.adobe.com/xap/1.0"
_GIMG = f"{_XAP}/g/img"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0"
_CRS = "http://ns.adobe.com/camera-raw-settings/1.0"
_EXIF = "http://ns.adobe.com/exif/1.0"
_TIFF = "http://ns.adobe.com/tiff/1.0"
_DC = "http://purl.org/dc/elements/1.1"
_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29"
_GOOGLE = "http://ns.google.com/photos"
_LIGHTROOM = "http://ns.adobe.com/lightroom/1.0"
_DIGIKAM = "http://www.digikam.org/ns/1.0"
_ACDSEE = "http://ns.acdsee.com/iptc/1.0"

_GPANO = f"{_GOOGLE}/1.0/panorama"
PANORAMA = frozenset(
    f"{_GPANO} {local}"
    for local in (
        "UsePanoramaViewer", "ProjectionType", "ExposureLockUsed", "SourcePhotosCount",
        "PoseHeadingDegrees", "PosePitchDegrees", "PoseRollDegrees",
        "InitialViewHeadingDegrees", "InitialViewPitchDegrees", "InitialViewRollDegrees",
        "InitialHorizontalFOVDegrees", "InitialVerticalFOVDegrees", "InitialCameraDolly",
        "FirstPhotoDate", "LastPhotoDate", "FullPanoWidthPixels", "FullPanoHeightPixels",
        "CroppedAreaImageWidthPixels", "CroppedAreaImageHeightPixels",
        "CroppedAreaLeftPixels", "CroppedAreaTopPixels",
        "LargestValidInteriorRectLeft", "LargestValidInteriorRectTop",
        "LargestValidInteriorRectWidth", "LargestValidInteriorRectHeight",
    )
)  # fmt: skip
"""What shows a panorama as one; the names of the programs that made it are left out."""
GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0"
EXTENDED = "http://ns.adobe.com/xmp/note HasExtendedXMP"
IPTC_DIGEST = f"{_PHOTOSHOP} LegacyIPTCDigest"
NATIVE_DIGESTS = frozenset((f"{_EXIF} NativeDigest", f"{_TIFF} NativeDigest"))

_REMOVED = {
    f"{_XAP} Thumbnails": "xmp-thumbnail",
    "http://purl.org/dc/terms provenance": "xmp-provenance",
    "http://ns.xiaomi.com/photos/1.0/camera XMPMeta": "xmp-container",
    **dict.fromkeys(
        (
            # Brush strokes and retouched spots draw what they were put on, as paths do.
            f"{_CRS} PaintBasedCorrections",
            f"{_CRS} MaskGroupBasedCorrections",
            f"{_CRS} RetouchAreas",
            f"{_CRS} RetouchInfo",
            f"{_CRS} RedEyeInfo",
        ),
        "xmp-mask",
    ),
}
_REMOVED_NAMESPACES = {
    _GIMG: "xmp-thumbnail",
    f"{_GOOGLE}/1.0/image": "xmp-image",
    f"{_GOOGLE}/1.0/audio": "xmp-audio",
    f"{_GOOGLE}/1.0/depthmap": "xmp-depth",
    f"{_GOOGLE}/dd/1.0/device": "xmp-depth",
    "http://ns.apple.com/depthData/1.0": "xmp-depth",
    "http://ns.apple.com/depthBlurEffect/1.0": "xmp-depth",
    "http://ns.apple.com/portraitEffectsMatte/1.0": "xmp-depth",
    "http://ns.apple.com/portraitLightingEffect/1.0": "xmp-depth",
    "http://ns.apple.com/semanticSegmentationMatte/1.0": "xmp-depth",
}
_CAMERAS = (
    f"{_GOOGLE}/1.0/camera ",
    "http://ns.oplus.com/photos/1.0/camera ",
    "http://ns.xiaomi.com/photos/1.0/camera ",
    "http://ns.vivo.com/photos/1.0/camera ",
)
_VIDEO = re.compile(r"MicroVideo|MotionPhoto|LivePhoto|VideoLength|VideoOffset")
_BLOB_NAMES = re.compile(r"makernote|hdrp|shot_log|imagedata|depthmap", re.IGNORECASE)

_PLUS = "http://ns.useplus.org/ldf/xmp/1.0"
_CIPA = "http://cipa.jp/exif/1.0"
_AUX = f"{_EXIF}/aux"
_PLUS_CREDITS = re.compile(
    re.escape(_PLUS) + " (?:Licensor|Licensee|EndUser|CopyrightOwner|CopyrightStatus|CreditLine"
    "|Copyright|ImageCreator|ImageSupplier|LicensorImageID|LicenseTransactionID)"
)
_PROTECTED = frozenset(
    (
        f"{_DC} creator", f"{_DC} rights", f"{_DC} contributor", f"{_DC} publisher",
        f"{_DC} format", f"{_DC} language", f"{_DC} type",
        f"{_PHOTOSHOP} Credit", f"{_PHOTOSHOP} Source", f"{_PHOTOSHOP} AuthorsPosition",
        f"{_PHOTOSHOP} CaptionWriter", f"{_PHOTOSHOP} City", f"{_PHOTOSHOP} State",
        f"{_PHOTOSHOP} Country", f"{_PHOTOSHOP} ICCProfile", f"{_PHOTOSHOP} ColorMode",
        f"{_CORE} CreatorContactInfo", f"{_CORE} Location", f"{_CORE} CountryCode",
        f"{_CORE} CiAdrExtadr", f"{_CORE} CiAdrCity", f"{_CORE} CiAdrRegion",
        f"{_CORE} CiAdrPcode", f"{_CORE} CiAdrCtry", f"{_CORE} CiTelWork",
        f"{_CORE} CiEmailWork", f"{_CORE} CiUrlWork",
        f"{_EXT} LocationShown", f"{_EXT} LocationCreated", f"{_EXT} Contributor",
        f"{_EXT} AOCreator", f"{_EXT} AOCreatorId", f"{_EXT} AOCopyrightNotice",
        f"{_EXT} AOSource", f"{_EXT} AOCurrentCopyrightOwnerName",
        f"{_EXT} AOCurrentLicensorName",
        "http://purl.org/dc/terms creator", "http://purl.org/dc/terms rightsHolder",
        f"{_XAP} CreatorTool",
        f"{_DIGIKAM} CaptionsAuthorNames", f"{_ACDSEE} author", EXTENDED,
        *(
            f"{_XAP}/rights {local}"
            for local in ("Certificate", "Marked", "Owner", "UsageTerms", "WebStatement")
        ),
        *(
            f"{namespace} {local}"
            for namespace in ("http://creativecommons.org/ns", "https://creativecommons.org/ns")
            for local in ("attributionName", "attributionURL", "license")
        ),
        *(
            f"{namespace} {local}"
            for namespace in (_EXIF, _TIFF)
            for local in (
                "Artist", "Copyright", "Make", "Model", "Software", "OwnerName",
                "CameraOwnerName", "LensMake", "LensModel", "XPAuthor",
            )
        ),
        *(
            f"{_CIPA} {local}"
            for local in (
                "Photographer", "ImageEditor", "CameraOwnerName", "OwnerName", "LensMake",
                "LensModel", "LensSerialNumber", "BodySerialNumber", "CameraFirmware",
                "RAWDevelopingSoftware", "ImageEditingSoftware", "MetadataEditingSoftware",
            )
        ),
        *(
            f"{_AUX} {local}"
            for local in ("OwnerName", "Lens", "LensInfo", "SerialNumber", "Firmware")
        ),
        *(
            f"{_CRS} {local}"
            for local in (
                "CameraProfile", "CameraProfileDigest", "LensProfileName", "LensProfileFilename",
                "Look", "ToneCurveName", "ToneCurveName2012", "WhiteBalance",
            )
        ),
        *(
            f"http://ns.adobe.com/pdf/1.3 {local}"
            for local in ("Author", "Copyright", "PDFVersion", "Producer", "Trapped")
        ),
    )
)  # fmt: skip
"""Credits, rights, places and settings: a name in them is no caption, or the match is chance."""

ENTRY_LISTS = frozenset(
    (
        f"{_EXT} PersonInImage", f"{_EXT} PersonInImageWDetails",
        "http://xmp.gettyimages.com/gift/1.0 Personality",
        "http://ns.iview-multimedia.com/mediapro/1.0 People",
        "http://ns.microsoft.com/expressionmedia/1.0 People",
    )
)  # fmt: skip
"""Lists of people: an item with the name goes whole."""
HIERARCHIES = frozenset(
    (
        f"{_LIGHTROOM} hierarchicalSubject", f"{_DIGIKAM} TagsList",
        "http://ns.microsoft.com/photo/1.0 LastKeywordXMP",
        "http://ns.microsoft.com/photo/1.0 LastKeywordIPTC",
        "http://ns.iview-multimedia.com/mediapro/1.0 CatalogSets",
        "http://ns.microsoft.com/expressionmedia/1.0 CatalogSets",
    )
)  # fmt: skip
"""Keywords with their parents before them, divided by "|" or "/"."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_BASE64_MOST = 512
ENCODED_MOST = 512
ENCODED_TOTAL = 2048
"""Characters of a property, and of a packet, that may look encoded."""
_SIGNATURES = ("/9j/", "iVBORw0KGgo")
"""How a JPEG and a PNG begin in base64."""
_NOTE_MOST = 1024
_LONG = 4096
_TOKEN = re.compile(r"[!-~]{32,}")
_TOKEN_LONG = 200
_TURNS = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[^a-zA-Z0-9]")
"""Stretches of one kind of character: encoded data has one in less than three, words have not."""
_IDENTIFIER = re.compile(
    r"(?:[A-Za-z.]{1,12}:){0,4}[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
    r"(?:\.[0-9A-Fa-f]{1,8})?|[a-z][a-z0-9+.-]{1,12}://[!-~]{1,280}|[0-9,]{1,2000};[0-9A-F]{32}"
)
"""GUIDs and digests of 16 bytes, addresses, and digests with the tags that they are of."""
_TABLES = re.compile(re.escape(_CRS) + " (?:RGB)?Table(?:_[0-9A-F]{32})?")
_PROSE = 64
"""One white space in so many characters, at least, is what text has."""


def removed_kind(name: str) -> str | None:
    """Return the kind of side copy that a property is by its name alone, or None."""
    if name in _REMOVED:
        return _REMOVED[name]
    namespace, _, local = name.rpartition(" ")
    if namespace in _REMOVED_NAMESPACES:
        return _REMOVED_NAMESPACES[namespace]
    if name.startswith(_CAMERAS):
        if _VIDEO.search(local):
            return "xmp-container"
        if _BLOB_NAMES.search(local):
            return "xmp-blob"
    return None


def is_picture_text(value: str) -> bool:
    """Whether this is the beginning of a JPEG or PNG in base64."""
    return value[:80].lstrip().startswith(_SIGNATURES)


def is_blob(name: str, value: str) -> bool:
    """Whether a text value is data in disguise.

    That is a base64 run (line breaks in it allowed) of more than 512 characters, a picture in
    base64 of any length, or, outside Camera Raw's own tables, a long value that is no prose.
    """
    value = value.strip()
    if len(value) < len(_SIGNATURES[0]):
        return False
    if is_picture_text(value):
        return True
    if len(value) > _BASE64_MOST and _has_base64_run(value):
        return True
    return len(value) > _LONG and not name.startswith(_CRS) and _is_dense(value)


def encoded(name: str, value: str) -> int:
    """Count the characters of a value that look like encoded data, whatever stands between them.

    Such are long runs of ASCII without white space in which kinds of characters change often:
    base64, base85, hexadecimal digits; no words, GUIDs or addresses, and no tables of Camera Raw.
    """
    if len(value) < 32 or _TABLES.fullmatch(name):
        return 0
    return sum(
        len(token)
        for token in _TOKEN.findall(value)
        if not _IDENTIFIER.fullmatch(token)
        and (len(token) >= _TOKEN_LONG or len(_TURNS.findall(token)) * 10 >= 3 * len(token))
    )


def is_note_removed(text: str) -> bool:
    """Whether a comment goes: it is data, or longer than a comment (1 KiB) has to be."""
    return len(text) > _NOTE_MOST or is_blob("", text) or any(map(text.count, _SIGNATURES))


def is_protected(name: str) -> bool:
    """Whether names of people stay in this property and all that is in it."""
    return name in _PROTECTED or name in PANORAMA or _PLUS_CREDITS.match(name) is not None


def _has_base64_run(value: str) -> bool:
    run, end = 0, 0
    for found in _BASE64.finditer(value):
        if value[end : found.start()].strip():
            run = 0
        run += len(found[0])
        end = found.end()
        if run > _BASE64_MOST:
            return True
    return False


def _is_dense(value: str) -> bool:
    if not value.isascii():
        return False
    spaces = sum(map(value.count, " \n\t\r"))
    letters = sum(map(str.isalpha, value))
    return spaces * _PROSE < len(value) or letters * 2 < len(value)
