"""MakerNotes of each maker: previews and faces go, settings stay, whatever offsets count from."""

import io

import exif_maker as maker
import pytest
from exif_maker import ASCII, BYTE, LONG, RATIONAL, SHORT, UNDEFINED, Raw, Ref, Size
from PIL import Image
from test_exif import check, kinds, read, request

from jpegredact.container.exif.makernote import LONG_VALUE
from jpegredact.container.exif.makernote_tags import MAKERS, SIGNATURES
from jpegredact.container.model import Area

MAKER_NOTE, MAKE, EXIF_IFD = 0x927C, 0x010F, 0x8769
NOTE_AT = 8 + (2 + 12 * 2 + 4 + 20) + (2 + 12 * 3 + 4)
"""Where `camera` puts the MakerNote, from the TIFF header."""


def camera(make, note, order="little", behind=b"", moved=0):
    """A file by this camera; ``moved``: how far a program moved the note without knowing it."""
    make = make.ljust(19)
    parts = {
        "ifd0": [(MAKE, ASCII, make), (EXIF_IFD, LONG, Ref("exif"))],
        "exif": [
            (MAKER_NOTE, UNDEFINED, Raw(len(note), NOTE_AT + moved)),
            (0xA002, SHORT, 640),
            (0xA003, SHORT, 480),
        ],
        **({"pushed": bytes(moved)} if moved else {}),
        "note": note,
        **({"behind": behind} if behind else {}),
    }
    file = maker.file(parts, order)
    assert file.made.places["note"] == NOTE_AT + moved
    return file


def inner(parts, order="little", *, prefix=b"", base="tiff"):
    """A MakerNote: its bytes, and where its parts and values are, from its first byte.

    ``base``: offsets count from the TIFF header ("tiff"), or from this many bytes into the note.
    """
    shift = NOTE_AT if base == "tiff" else -base
    made = maker.tiff(parts, order, header=len(prefix), base=shift)
    return made, prefix + made.data[len(prefix) :]


def spot(file, made, where, tag=None):
    at, length = (made.places[where], made.sizes[where]) if tag is None else made.values[where, tag]
    start = file.at("note") + at
    return start, start + length


def scrub(file, policy="default", **kwargs):
    return check(file.data, file.segments, request(policy, **kwargs))


def assert_only_zeroed(file, out, *spans):
    expected = bytearray(file.data)
    for start, end in spans:
        assert any(expected[start:end])
        expected[start:end] = bytes(end - start)
    assert out == expected


# make, prefix, base of its offsets
STYLES = {
    "Apple": ("Apple", b"Apple iOS\0\0\x01MM", 0, "big"),
    "Canon": ("Canon", b"", "tiff", "little"),
    "Casio": ("CASIO", b"QVC\0\0\0", "tiff", "big"),
    "Fujifilm": ("FUJIFILM", b"FUJIFILM\x0c\0\0\0", 0, "little"),
    "GE": ("GE", b"GENIC\0".ljust(18, b"\0"), "tiff", "little"),
    "JVC": ("JVC", b"JVC ", "tiff", "little"),
    "Kyocera": ("KYOCERA", b"KYOCERA".ljust(22, b"\0"), 24, "big"),
    "Leica": ("Leica Camera AG", b"LEICA\0\x01\0", 0, "little"),
    "Leica M8": ("Leica Camera AG", b"LEICA\0\0\0", 8, "little"),
    "Minolta": ("Minolta Co.", b"", "tiff", "big"),
    "Motorola": ("Motorola", b"MOT\0\0\0\0\0", 0, "big"),
    "Nikon": ("NIKON", b"Nikon\0\x02\x10\0\0MM\0*\0\0\0\x08", 10, "big"),
    "Nikon 1": ("NIKON", b"Nikon\0\x01\0", "tiff", "little"),
    "Olympus": ("OLYMPUS", b"OLYMPUS\0II\x03\0", 0, "little"),
    "Olympus 1": ("OLYMPUS", b"OLYMP\0\x01\0", "tiff", "big"),
    "OM": ("OM Digital", b"OM SYSTEM\0\0\0II\x04\0", 0, "little"),
    "Panasonic": ("Panasonic", b"Panasonic\0\0\0", "tiff", "little"),
    "Pentax": ("PENTAX", b"AOC\0MM", "tiff", "big"),
    "Pentax 5": ("PENTAX", b"PENTAX \0MM", 0, "big"),
    "Ricoh": ("RICOH", b"Ricoh\0\0\0", "tiff", "big"),
    "Samsung": ("SAMSUNG", b"", 0, "little"),
    "Sanyo": ("SANYO", b"SANYO\0\x01\0", "tiff", "little"),
    "Sigma": ("SIGMA", b"SIGMA\0\0\0\x01\0", "tiff", "little"),
    "Sony": ("SONY", b"SONY DSC \0\0\0", "tiff", "little"),
    "Sony Ericsson": ("Sony Ericsson", b"SEMC MS\0".ljust(20, b"\0"), 12, "big"),
    "nobody": ("Nobody", b"NOBODY\0\0\0\0\0\0", 0, "big"),
}


@pytest.mark.parametrize("style", STYLES)
def test_settings_stay_and_pictures_go(style):
    make, prefix, base, order = STYLES[style]
    hidden = maker.jpeg(24, 16)
    made, note = inner(
        {
            "ifd": [
                (0x7001, SHORT, 5),
                (0x7002, ASCII, "settings of a camera"),
                (0x7003, UNDEFINED, maker.settings(LONG_VALUE)),
                (0x7004, UNDEFINED, maker.noise(LONG_VALUE + 100)),
                (0x7005, UNDEFINED, maker.settings(30) + hidden[:300]),
            ],
            "hidden": hidden,
        },
        order,
        prefix=prefix,
        base=base,
    )
    file = camera(make, note, order)
    copies = read(file.data, file.segments).copies
    vendor = style.split()[0].replace("OM", "Olympus").replace("nobody", "unknown")
    vendor = "Sony Ericsson" if style == "Sony Ericsson" else vendor
    assert [copy.detail for copy in copies if copy.kind == "makernote"] == [f"MakerNote ({vendor})"]
    out, outcomes = scrub(file)
    assert sorted(kinds(outcomes)) == [
        ("makernote-preview", "zero"), ("makernote-preview", "zero"), ("makernote-value", "zero"),
    ]  # fmt: skip
    assert_only_zeroed(
        file, out, spot(file, made, "ifd", 0x7004), spot(file, made, "ifd", 0x7005),
        spot(file, made, "hidden"),
    )  # fmt: skip


PAIRS = [
    ("Casio", 0x0004, 0x0003, None),
    ("Pentax", 0x0004, 0x0003, None),
    ("Minolta", 0x0088, 0x0089, None),
    ("Olympus 1", 0x0088, 0x0089, None),
    ("Olympus", 0x1036, 0x1037, None),
    ("Olympus", 0x0101, 0x0102, 0x2020),
    ("Nikon", 0x0201, 0x0202, 0x0011),
    ("Samsung", 0x0201, 0x0202, 0x0035),
    ("Sigma", 0x001C, 0x001D, None),
    ("Sony Ericsson", 0x0201, 0x0202, None),
]


@pytest.mark.parametrize(("style", "start", "length", "pointer"), PAIRS)
def test_previews_that_two_tags_point_to(style, start, length, pointer):
    make, prefix, base, order = STYLES[style]
    pair = sorted([(start, LONG, Ref("preview")), (length, LONG, Size("preview"))])
    parts = {
        "ifd": [(0x0002, SHORT, 5), *([(pointer, LONG, Ref("sub"))] if pointer else pair)],
        **({"sub": pair} if pointer else {}),
        "preview": maker.jpeg(40, 30),
    }
    made, note = inner(parts, order, prefix=prefix, base=base)
    file = camera(make, note, order)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-preview", "zero")]
    found = next(copy for copy, action in outcomes if action == "zero")
    assert (found.size, found.encoding) == ((40, 30), "jpeg")
    assert found.pieces == (spot(file, made, "preview"),)
    assert_only_zeroed(file, out, spot(file, made, "preview"))
    out, outcomes = scrub(file, "keep")
    assert kinds(outcomes) == [("makernote-preview", "regenerate")]
    picture = Image.open(io.BytesIO(out[slice(*spot(file, made, "preview"))]))
    assert picture.convert("RGB").getpixel((20, 15)) == (128, 128, 128)


def test_a_preview_behind_the_note_is_found():
    _made, note = inner(
        {"ifd": [(0x0003, LONG, 1200), (0x0004, LONG, Ref("end")), (0x0005, SHORT, 1)], "end": b""},
        "big",
        prefix=b"AOC\0MM",
    )
    preview = maker.jpeg(40, 30)
    file = camera("PENTAX", note, "big", preview)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-preview", "zero")]
    assert_only_zeroed(file, out, file.span("behind"))


def test_a_preview_behind_the_picture_is_no_longer_pointed_to():
    made, note = inner(
        {"ifd": [(0x0081, SHORT, 1), (0x0088, LONG, 500000), (0x0089, LONG, 9000)]}, "big"
    )
    file = camera("Minolta", note, "big")
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-preview", "edit")]
    start, length = spot(file, made, "ifd", 0x0088), spot(file, made, "ifd", 0x0089)
    assert out[slice(*start)] == bytes(4)
    assert out[slice(*length)] == b"\0\0\0\1"
    rest = bytearray(out)
    rest[length[1] - 1] = 0
    assert_only_zeroed(file, bytes(rest), start, length)
    assert scrub(file, "keep")[0] == out


VALUES = [
    ("Casio", 0x2000), ("Minolta", 0x0081), ("Olympus 1", 0x0100), ("Panasonic", 0x0300),
    ("Leica", 0x0300), ("Sony", 0x2001), ("Sanyo", 0x0100),
]  # fmt: skip


@pytest.mark.parametrize(("style", "tag"), VALUES)
@pytest.mark.parametrize("head", [b"", b"\0" * 32], ids=["plain", "behind-a-header"])
def test_previews_that_are_values(style, tag, head):
    make, prefix, base, order = STYLES[style]
    preview = head + (b"\0" if head else b"\xff") + maker.jpeg(40, 30)[1:]
    made, note = inner(
        {"ifd": [(tag, UNDEFINED, preview), (0xF001, SHORT, 5)]}, order, prefix=prefix, base=base
    )
    file = camera(make, note, order)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-preview", "zero")]
    assert_only_zeroed(file, out, spot(file, made, "ifd", tag))


FACES = [
    ("Canon", "", 0x0024, 2), ("Canon", "", 0x0025, 0), ("Canon", "", 0x002F, 2),
    ("Casio", "", 0x2089, 0), ("Fujifilm", "", 0x4103, 0), ("Fujifilm", "", 0x4282, 0),
    ("Nikon", "", 0x0021, 6), ("Olympus", "2040", 0x1201, 0), ("Panasonic", "", 0x004E, 0),
    ("Panasonic", "", 0x0066, 0), ("Panasonic", "", 0x8010, 0), ("Pentax 5", "", 0x0227, 0),
    ("Ricoh", "2001", 0x001A, 0), ("Samsung", "", 0x0123, 0), ("Sanyo", "", 0x0223, 0),
    ("Sony", "", 0x3000, 0x48), ("Sony", "", 0x900B, 0),
]  # fmt: skip


@pytest.mark.parametrize(("style", "group", "tag", "kept"), FACES)
def test_faces_go(style, group, tag, kept):
    make, prefix, base, order = STYLES[style]
    entry = (tag, UNDEFINED, maker.noise(120))
    if group == "2040":
        parts = {"ifd": [(0x0002, SHORT, 5), (0x2040, LONG, Ref("sub"))], "sub": [entry]}
    elif group:
        return nested_faces(entry)
    else:
        parts = {"sub": [entry, (0xF001, SHORT, 5)]}
    made, note = inner(parts, order, prefix=prefix, base=base)
    file = camera(make, note, order)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-faces", "zero")]
    start, end = spot(file, made, "sub", tag)
    assert_only_zeroed(file, out, (start + kept, end))
    return None


def nested_faces(entry):
    """Ricoh's 0x2001 is a directory behind a header of 20 bytes."""
    header = b"[Ricoh Camera Info]\0"
    prefix = b"Ricoh\0\0\0"
    outside = len(prefix) + 2 + 12 * 2 + 4
    block = maker.tiff({"sub": [entry]}, "big", header=len(header), base=NOTE_AT + outside)
    made, note = inner(
        {"ifd": [(0x0002, SHORT, 5), (0x2001, UNDEFINED, header + block.data[len(header) :])]},
        "big",
        prefix=prefix,
    )
    file = camera("RICOH", note, "big")
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-faces", "zero")]
    start = spot(file, made, "ifd", 0x2001)[0]
    at, length = block.values["sub", entry[0]]
    assert_only_zeroed(file, out, (start + at, start + at + length))


def test_no_age_is_no_face():
    _made, note = inner(
        {"ifd": [(0x0033, ASCII, "9999:99:99 00:00:00"), (0x0034, SHORT, 1)]},
        prefix=b"Panasonic\0\0\0",
    )
    file = camera("Panasonic", note)
    assert scrub(file)[0] == file.data


def test_faces_in_the_entry_itself():
    made, note = inner(
        {"ifd": [(0x0034, SHORT, 1), (0x0063, UNDEFINED, b"\1\0\0\0")]}, prefix=b"Panasonic\0\0\0"
    )
    file = camera("Panasonic", note)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-faces", "zero")]
    assert_only_zeroed(file, out, spot(file, made, "ifd", 0x0063))


def panasonic(order="little"):
    def face(name, *place):
        return name.encode().ljust(20, b"\0") + b"".join(
            one.to_bytes(2, order) for one in place
        ) + b"0031:07:15 00:00:00\0"  # fmt: skip

    people = (2).to_bytes(2, order) + bytes(2)
    people += face("Ada", 80, 60, 40, 40) + face("Bob", 240, 180, 40, 40)
    made, note = inner(
        {"ifd": [(0x0061, UNDEFINED, people), (0x0065, UNDEFINED, b"Ada's party\0")]},
        order,
        prefix=b"Panasonic\0\0\0",
    )
    return made, camera("Panasonic", note, order)


@pytest.mark.parametrize("order", ["little", "big"])
def test_panasonic_names_its_people(order):
    made, file = panasonic(order)
    carrier = read(file.data, file.segments)
    assert carrier.names([Area(0.2, 0.2, 0.3, 0.3)], 1) == {"Ada"}
    assert carrier.names([Area(0.7, 0.7, 0.9, 0.9)], 1) == {"Bob"}
    assert carrier.names([Area(0, 0, 1, 1)], 1) == {"Ada", "Bob"}
    assert carrier.names([Area(0.4, 0.1, 0.6, 0.9)], 1) == frozenset()
    out, outcomes = scrub(file, names=["Ada"])
    assert sorted(kinds(outcomes)) == [("exif-name", "edit"), ("makernote-faces", "zero")]
    assert b"Ada" not in out
    assert out[slice(*spot(file, made, "ifd", 0x0065))] == b"   's party\0"


KEPT = [
    ("Canon", 0x000D),
    ("Canon", 0x4001),
    ("Nikon", 0x0091),
    ("Nikon", 0x0097),
    ("Sony", 0x9400),
]


@pytest.mark.parametrize(("style", "tag"), KEPT)
def test_long_settings_stay(style, tag):
    make, prefix, base, order = STYLES[style]
    _made, note = inner(
        {"ifd": [(tag, UNDEFINED, maker.noise(6000)), (0xF001, SHORT, 5)]},
        order, prefix=prefix, base=base,
    )  # fmt: skip
    file = camera(make, note, order)
    assert scrub(file)[0] == file.data
    _made, note = inner(
        {"ifd": [(tag, UNDEFINED, maker.settings(3000) + maker.jpeg(16, 16)), (0xF001, SHORT, 5)]},
        order, prefix=prefix, base=base,
    )  # fmt: skip
    file = camera(make, note, order)
    assert kinds(scrub(file)[1]) == [("makernote-preview", "zero")]


def test_a_signature_by_chance_costs_no_long_settings():
    value = maker.noise(3000) + b"\x12\xd8\xff\xe2\xee\x12" + maker.noise(3000)
    for tag, stays in ((0x4001, True), (0x4EEE, False)):
        _, note = inner({"ifd": [(tag, UNDEFINED, value), (0xF001, SHORT, 5)]})
        file = camera("Canon", note)
        assert (scrub(file)[0] == file.data) == stays


@pytest.mark.parametrize(
    ("gap", "zeroed"),
    [
        (maker.noise(2000), False),
        (maker.settings(2100), True),
        (bytes(4000), False),
        (b"\xff" * 4000, False),
        (b"a picture: /9j/" + b"4AAQSkZJRg" * 30, True),
    ],
    ids=["short", "long", "zeros", "flash", "base64"],
)
def test_gaps(gap, zeroed):
    made, note = inner({"ifd": [(1, SHORT, 5), (2, ASCII, "settings")], "gap": gap})
    file = camera("Canon", note)
    out, outcomes = scrub(file)
    assert bool(kinds(outcomes)) == zeroed
    assert_only_zeroed(file, out, *([spot(file, made, "gap")] if zeroed else []))


def test_a_picture_that_begins_in_a_value_goes_whole():
    picture = maker.settings(40) + maker.jpeg(24, 16)
    made, note = inner(
        {
            "ifd": [(0x0024, UNDEFINED, Raw(300, NOTE_AT + 2 + 12 * 2 + 4)), (0xF001, SHORT, 5)],
            "picture": picture,
        }
    )
    file = camera("Canon", note)
    out, outcomes = scrub(file)
    assert sorted(kinds(outcomes)) == [("makernote-faces", "zero"), ("makernote-preview", "zero")]
    start, end = spot(file, made, "picture")
    assert_only_zeroed(file, out, (start + 2, end))


def test_what_a_longer_preview_left_behind_goes():
    made, note = inner(
        {
            "ifd": [(0x0003, LONG, Size("preview")), (0x0004, LONG, Ref("preview"))],
            "preview": maker.jpeg(40, 30),
            "rest": maker.settings(100),
        },
        "big",
        prefix=b"QVC\0\0\0",
    )
    file = camera("CASIO", note, "big")
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-preview", "zero"), ("makernote-gap", "zero")]
    assert_only_zeroed(file, out, spot(file, made, "preview"), spot(file, made, "rest"))


# ---------------------------------------------------------------------------
# Offsets that went wrong
# ---------------------------------------------------------------------------


def settings_and_preview(order="big"):
    return inner(
        {
            "ifd": [
                (0x0002, SHORT, (320, 240)),
                (0x0016, UNDEFINED, maker.settings(40)),
                (0x0017, ASCII, "of a camera"),
                (0x2000, UNDEFINED, maker.jpeg(40, 30)),
                (0x2001, ASCII, "2007:05:12"),
                (0x2002, UNDEFINED, maker.settings(60)),
            ]
        },
        order,
        prefix=b"QVC\0\0\0",
    )


@pytest.mark.parametrize("moved", [2, 24, 66, 4000])
def test_a_note_that_was_moved_is_read_where_it_is(moved):
    made, note = settings_and_preview()
    file = camera("CASIO", note, "big", moved=moved)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-preview", "zero")]
    assert_only_zeroed(file, out, spot(file, made, "ifd", 0x2000))


def test_a_canon_footer_says_where_it_was():
    made, note = inner(
        {
            "ifd": [(0x0001, SHORT, (1, 2, 3, 4)), (0x0024, UNDEFINED, maker.noise(60))],
            "footer": b"II*\0" + NOTE_AT.to_bytes(4, "little"),
        }
    )
    file = camera("Canon", note, moved=30)
    out, _ = scrub(file)
    start, end = spot(file, made, "ifd", 0x0024)
    assert_only_zeroed(file, out, (start + 2, end))


def test_a_note_whose_values_lie_over_the_block_is_not_believed():
    entries = [(0x0001 + index, UNDEFINED, Raw(3000, 8 + 2 * index)) for index in range(6)]
    _made, note = inner({"ifd": entries, "rest": maker.noise(3000)})
    file = camera("Canon", note)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote", "zero")]
    assert_only_zeroed(file, out, file.span("note"))


def test_a_note_under_another_value_goes():
    _, note = inner({"ifd": [(1, SHORT, 5), (2, ASCII, "settings")]})
    parts = {
        "ifd0": [(MAKE, ASCII, "Canon".ljust(19)), (EXIF_IFD, LONG, Ref("exif"))],
        "exif": [
            (MAKER_NOTE, UNDEFINED, Raw(len(note), NOTE_AT)),
            (0xFDE8, UNDEFINED, Raw(1500, NOTE_AT + 10)),
            (0xA003, SHORT, 480),
        ],
        "note": note,
        "rest": maker.noise(1600),
    }
    file = maker.file(parts)
    out, outcomes = scrub(file)
    assert sorted(kinds(outcomes))[-1] == ("makernote", "zero")
    assert not any(out[slice(*file.span("note"))])


# ---------------------------------------------------------------------------
# No directory
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        (b"plain settings" + bytes(20), None),
        (b"\x99" + maker.noise(2000), None),
        (b"\x99" + maker.noise(2100), "makernote"),
        (b"\x99" + bytes(3000), None),
        (b"\x99" + maker.settings(50) + maker.jpeg(16, 16), "makernote-preview"),
        (b"KDK INFO" + maker.noise(2900), None),
    ],
    ids=["text", "short", "long", "zeros", "jpeg", "kodak"],
)
def test_notes_without_a_directory(note, kind):
    file = camera("Nobody", note)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == ([(kind, "zero")] if kind else [])
    assert_only_zeroed(file, out, *([file.span("note")] if kind else []))


def test_long_kodak_notes_keep_their_settings():
    file = camera("EASTMAN KODAK", b"KDK INFO" + maker.noise(5000))
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote", "zero")]
    start, end = file.span("note")
    assert_only_zeroed(file, out, (start + 1024, end))


def test_drones_keep_their_short_records():
    records = [
        b"[ae_dbg_info:" + maker.noise(256) + b"]",
        b"[awb_dbg_info:" + maker.noise(4096) + b"]",
        b"[FlightDegree:-174,-41,-23]",
    ]
    file = camera("DJI", b"".join(records))
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote-value", "zero")]
    start = file.at("note") + len(records[0]) + len(b"[awb_dbg_info:")
    assert_only_zeroed(file, out, (start, start + 4096))


def test_private_data_of_dng_is_a_note():
    file = maker.file({"ifd0": [(0xC634, BYTE, b"\x99" + maker.noise(3000)), (0xC635, SHORT, 1)]})
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("makernote", "zero")]
    assert_only_zeroed(file, out, file.value("ifd0", 0xC634))


# ---------------------------------------------------------------------------
# The tables themselves
# ---------------------------------------------------------------------------


def test_signatures_hide_no_other():
    """The first that fits is taken: what fits more must come later."""
    for index, later in enumerate(SIGNATURES):
        for earlier in SIGNATURES[:index]:
            hides = later.prefix.startswith(earlier.prefix) and later.make.startswith(earlier.make)
            assert not hides, (earlier, later)


def test_no_tag_is_kept_and_taken_out():
    for maker_ in MAKERS.values():
        taken = set(maker_.previews) | set(maker_.faces)
        assert not taken & set(maker_.keep)
        for group, first, second in maker_.pairs:
            assert not {(group, first), (group, second)} & (taken | set(maker_.keep))


def test_rationals_are_no_offsets():
    """Sigma has settings, not a preview, where these tags are no LONG."""
    _made, note = inner(
        {
            "ifd": [
                (0x001A, RATIONAL, (5000, 1)),
                (0x001B, RATIONAL, (600, 1)),
                (0x001C, SHORT, (3, 4)),
            ]
        },
        prefix=b"SIGMA\0\0\0\x01\0",
    )
    file = camera("SIGMA", note)
    assert scrub(file)[0] == file.data


@pytest.mark.parametrize("into", [0, 60])
def test_a_note_that_is_not_read_ends_where_a_thumbnail_begins(into):
    """Its stated length goes over the thumbnail, which looks otherwise once it is made anew."""
    thumbnail = maker.jpeg(32, 24)
    thumbnail = thumbnail[:2] + thumbnail[20:]
    frame = thumbnail.index(b"\xff\xc0")
    thumbnail = (
        b"\xff\xd8" + thumbnail[frame : frame + 19] + thumbnail[2:frame] + (thumbnail[frame + 19 :])
    )  # no hit: its first segment is none that pictures begin with
    parts = {
        "ifd0": [(MAKE, ASCII, "Somebody"), (EXIF_IFD, LONG, Ref("exif"))],
        "exif": [(MAKER_NOTE, UNDEFINED, Raw(200, 150))],
        "ifd1": [(0x0201, LONG, Ref("thumbnail")), (0x0202, LONG, Size("thumbnail"))],
        "note": b"\x01" * 40,
        "thumbnail": thumbnail + bytes(900),
    }
    made = maker.tiff(parts, "little", {"ifd0": "ifd1"})
    at = made.places["note" if not into else "thumbnail"] + into
    parts["exif"] = [(MAKER_NOTE, UNDEFINED, Raw(200, at))]
    file = maker.wrapped(maker.tiff(parts, "little", {"ifd0": "ifd1"}))
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-thumbnail", "regenerate")]
    assert thumbnail[30:] not in out
    note = [copy for copy, _ in outcomes if copy.kind == "makernote"]
    assert [copy.length for copy in note] == ([40] if not into else [])
