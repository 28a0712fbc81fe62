"""What is known of each maker's private tags: numbers only, no code that reads them.

Makers publish nothing. Tag numbers and what they hold were looked up in the tables of ExifTool
(Phil Harvey, https://exiftool.org/TagNames/), which gathers two decades of reverse engineering,
and checked against real files. A tag that is named nowhere here is kept while it is small.

Groups name a directory: "" is a MakerNote's own, others are the tag that points to it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["MAKERS", "SIGNATURES", "Maker", "Signature", "Vendor"]

Vendor = Literal[
    "Apple", "Canon", "Casio", "DJI", "FLIR", "Fujifilm", "GE", "JVC", "Kodak", "Kyocera",
    "Leica", "Minolta", "Motorola", "Nikon", "Nintendo", "Olympus", "Panasonic", "Pentax",
    "Ricoh", "Samsung", "Sanyo", "Sigma", "Sony", "Sony Ericsson", "unknown",
]  # fmt: skip


class Signature(NamedTuple):
    """How a MakerNote begins, and where its directory then is.

    Attributes
    ----------
    prefix
        Its first bytes; "" where only the camera's Make tells.
    make
        How the Make begins, in lower case; "" for any.
    skip
        From its first byte to the directory.
    base
        What offsets count from: the Exif block's TIFF header, the MakerNote's first byte, or a
        TIFF header of its own at this distance from its first byte.
    """

    prefix: bytes
    make: str
    vendor: Vendor
    skip: int
    base: Literal["tiff", "note"] | int


SIGNATURES = (
    Signature(b"Apple iOS\0", "", "Apple", 14, "note"),
    Signature(b"Nikon\0\x02", "", "Nikon", 18, 10),
    Signature(b"Nikon\0\x01", "", "Nikon", 8, "tiff"),
    Signature(b"QVC\0", "", "Casio", 6, "tiff"),
    Signature(b"DCI\0", "", "Casio", 6, "tiff"),
    Signature(b"FUJIFILM", "", "Fujifilm", 12, "note"),
    Signature(b"GENERALE", "", "Fujifilm", 12, "note"),
    Signature(b"GE\x0c\0\0\0\x16\0\0\0", "", "Fujifilm", 12, 6),
    Signature(b"GE\0\0", "", "GE", 18, "tiff"),
    Signature(b"GENIC\0", "", "GE", 18, "tiff"),
    Signature(b"JVC ", "", "JVC", 4, "tiff"),
    Signature(b"KYOCERA", "", "Kyocera", 22, 24),
    Signature(b"MINOL\0", "", "Olympus", 8, "tiff"),
    Signature(b"CAMER\0", "", "Olympus", 8, "tiff"),
    Signature(b"MOT\0", "", "Motorola", 8, "note"),
    Signature(b"OLYMPUS\0", "", "Olympus", 12, "note"),
    Signature(b"OM SYSTEM\0", "", "Olympus", 16, "note"),
    Signature(b"OLYMP\0", "", "Olympus", 8, "tiff"),
    Signature(b"EPSON\0", "", "Olympus", 8, "tiff"),
    Signature(b"SONY PI\0", "", "Olympus", 12, "tiff"),
    Signature(b"PREMI\0", "", "Olympus", 8, "tiff"),
    Signature(b"LEICA CAMERA AG\0", "", "Panasonic", 18, "tiff"),
    Signature(b"LEICA\0\0\0", "leica camera ag", "Leica", 8, 8),
    Signature(b"LEICA\0\0\0", "", "Panasonic", 8, "tiff"),
    Signature(b"LEICA", "", "Leica", 8, "note"),
    Signature(b"Panasonic\0", "", "Panasonic", 12, "tiff"),
    Signature(b"AOC\0", "", "Pentax", 6, "tiff"),
    Signature(b"PENTAX \0", "", "Pentax", 10, "note"),
    Signature(b"S1\0\0\0\0\0\0\x0c\0\0\0", "", "Pentax", 12, "note"),
    Signature(b"RICOH\0", "", "Pentax", 8, "note"),
    Signature(b"Ricoh", "", "Ricoh", 8, "tiff"),
    Signature(b"RICOH", "", "Ricoh", 8, "tiff"),
    Signature(b"SANYO\0", "", "Sanyo", 8, "tiff"),
    Signature(b"SIGMA\0", "", "Sigma", 10, "tiff"),
    Signature(b"FOVEON\0", "", "Sigma", 10, "tiff"),
    Signature(b"SONY DSC", "", "Sony", 12, "tiff"),
    Signature(b"SONY CAM", "", "Sony", 12, "tiff"),
    Signature(b"SONY MOBILE", "", "Sony", 12, "tiff"),
    Signature(b"\0\0SONY PIC\0", "", "Sony", 12, "tiff"),
    Signature(b"VHAB     \0", "", "Sony", 12, "tiff"),
    Signature(b"SEMC MS\0", "", "Sony Ericsson", 20, 12),
    Signature(b"KDK", "", "unknown", -1, "tiff"),
    Signature(b"", "canon", "Canon", 0, "tiff"),
    Signature(b"", "casio", "Casio", 0, "tiff"),
    Signature(b"", "dji", "DJI", 0, "tiff"),
    Signature(b"", "flir", "FLIR", 0, "tiff"),
    Signature(b"", "konica minolta", "Minolta", 0, "tiff"),
    Signature(b"", "minolta", "Minolta", 0, "tiff"),
    Signature(b"", "nikon", "Nikon", 0, "tiff"),
    Signature(b"", "nintendo", "Nintendo", 0, "tiff"),
    Signature(b"", "asahi", "Pentax", 0, "tiff"),
    Signature(b"", "samsung", "Samsung", 0, "note"),
    Signature(b"", "sony", "Sony", 0, "tiff"),
    Signature(b"II*\0\x08\0\0\0", "", "unknown", 8, "note"),
    Signature(b"MM\0*\0\0\0\x08", "", "unknown", 8, "note"),
)


class Maker(NamedTuple):
    """What is known of one maker's tags, each keyed by ``(group, tag)``.

    Attributes
    ----------
    previews
        Values that are pictures.
    pairs
        An offset and, at another tag of the same directory, its length.
    faces
        Where faces are, and what is said of them: names, birthdays, ages; and how many bytes
        of the value, in front, say something else.
    texts
        Free text that a person wrote.
    keep
        Values that may be longer than 2 KiB, and why they show nothing.
    directories
        Tags that hold, or point to, a directory: the bytes of their value before it.
    """

    previews: frozenset[tuple[str, int]] = frozenset()
    pairs: tuple[tuple[str, int, int], ...] = ()
    faces: dict[tuple[str, int], int] = {}  # noqa: RUF012 (never changed)
    texts: frozenset[tuple[str, int]] = frozenset()
    keep: dict[tuple[str, int], str] = {}  # noqa: RUF012
    directories: dict[int, int] = {}  # noqa: RUF012


def _tags(*tags: int, group: str = "") -> frozenset[tuple[str, int]]:
    return frozenset((group, tag) for tag in tags)


def _whole(*tags: int, group: str = "") -> dict[tuple[str, int], int]:
    return {(group, tag): 0 for tag in tags}


def _kept(**reasons: tuple[int, ...]) -> dict[tuple[str, int], str]:
    return {("", tag): reason.replace("_", " ") for reason, tags in reasons.items() for tag in tags}


_OLYMPUS_DIRECTORIES = dict.fromkeys(
    (0x2010, 0x2020, 0x2030, 0x2031, 0x2040, 0x2050, 0x2100, 0x2200, 0x2300, 0x2400, 0x2500,
     0x2600, 0x2700, 0x2800, 0x2900, 0x3000, 0x4000, 0x5000), 0
)  # fmt: skip

MAKERS: dict[Vendor, Maker] = {
    "Canon": Maker(
        faces={**_whole(0x0025), ("", 0x0024): 2, ("", 0x002F): 2},  # behind their own length
        keep=_kept(
            camera_settings=(0x0001, 0x0004, 0x000D, 0x0093),
            custom_functions=(0x000F, 0x0090, 0x0091, 0x0092, 0x0099),
            focus_points=(0x0012, 0x0026, 0x003C),
            dust_delete_data=(0x0097,),
            colour_calibration=(0x4001,),
            lens_correction=(0x4015, 0x4019),
        ),
    ),
    "Casio": Maker(
        previews=_tags(0x2000),
        pairs=(("", 0x0004, 0x0003),),
        faces=_whole(0x2089, 0x208A),  # 0x208A begins as 0x2089 does, with the frame's size
    ),
    "Fujifilm": Maker(faces=_whole(0x4103, 0x4201, 0x4203, 0x4282)),
    "Leica": Maker(previews=_tags(0x0300)),
    "Minolta": Maker(
        previews=_tags(0x0081),
        pairs=(("", 0x0088, 0x0089),),
    ),
    "Nikon": Maker(
        pairs=(("0011", 0x0201, 0x0202), ("", 0x0201, 0x0202)),
        faces={("", 0x0021): 6},  # behind the frame's size
        keep=_kept(
            camera_settings=(0x0091, 0x00BB),
            lens_data=(0x0098,),
            colour_calibration=(0x0014, 0x008C, 0x0096, 0x0097, 0x0E1D),
            focus_points=(0x00B7,),
        ),
        directories={0x0011: 0, 0x0E10: 0},
    ),
    "Olympus": Maker(
        previews=_tags(0x0081, 0x0100, 0x0280),
        pairs=(
            ("", 0x0088, 0x0089),
            ("", 0x1036, 0x1037),
            ("", 0x0F04, 0x0F05),
            ("2020", 0x0101, 0x0102),
        ),
        faces=_whole(0x1201, group="2040"),
        directories=_OLYMPUS_DIRECTORIES,
    ),
    "Panasonic": Maker(
        previews=_tags(0x0300),
        faces=_whole(0x004E, 0x0061, 0x0063, 0x0066, 0x0033, 0x8010),
        texts=_tags(0x0065),
    ),
    "Pentax": Maker(
        previews=_tags(0x2000),
        pairs=(("", 0x0004, 0x0003),),
        faces=_whole(0x0060, 0x0227, 0x0228),
    ),
    "Ricoh": Maker(
        faces=_whole(0x001A, group="2001"),
        directories={0x2001: 20},
    ),
    "Samsung": Maker(
        pairs=(("0035", 0x0201, 0x0202),),
        faces=_whole(0x0123),
        directories={0x0035: 0},
    ),
    "Sanyo": Maker(
        previews=_tags(0x0100, 0x00F1, 0x00F2),
        faces=_whole(0x0223),
    ),
    "Sigma": Maker(pairs=(("", 0x001A, 0x001B), ("", 0x001C, 0x001D))),
    "Sony": Maker(
        previews=_tags(0x2001),
        # 0x3000 begins with the date and the picture's size. 0x0020 of the Alphas holds faces
        # or a metering picture, 0x2010 and 0x940E the metering cells: longer than 2 KiB all.
        faces={("", 0x3000): 0x48, ("", 0x900B): 0},
        keep=_kept(
            camera_settings=(0x0010, 0x0114, 0x0116, 0x9050, 0x9400, 0x9402, 0x9403, 0x9404),
            lens_correction=(0x9405, 0x9406, 0x9416),
        ),
    ),
    "Sony Ericsson": Maker(pairs=(("", 0x0201, 0x0202),), previews=_tags(0x2000)),
}
