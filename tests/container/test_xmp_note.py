"""The note in XMP: what it says, what is read of one that is there, and where in a packet it goes.

Packets are read back with lxml.
"""

from __future__ import annotations

import pytest
from carrier_helpers import STANDARD, applied, end_of_picture, jpeg, request, segment, segments
from lxml import etree

from jpegredact._version import VERSION
from jpegredact.container.model import Policy, RedactionNote
from jpegredact.container.xmp.bare import bare_packet, panorama
from jpegredact.container.xmp.carrier import read_xmp
from jpegredact.container.xmp.clean import Packet
from jpegredact.container.xmp.note import describe, joined, make_note
from jpegredact.errors import UnsupportedJpegError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NOTE = make_note(["face", "face", None], "fill")
FIELDS = {"Version": VERSION, "Method": "fill", "Regions": "3", "Labels": "face: 2, region: 1"}
GEOMETRY = {"ProjectionType": "equirectangular", "FullPanoWidthPixels": "8000"}
PADDING = (" " * 99 + "\n") * 20


def packet(inner: str, padding: str | None = PADDING) -> str:
    """Return a packet with these descriptions."""
    body = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f"{inner}</rdf:RDF></x:xmpmeta>"
    )
    if padding is None:
        return body
    return f'<?xpacket begin="\ufeff" id="W5M0Mp"?>{body}{padding}<?xpacket end="w"?>'


TITLED = (
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="x"/>'
)


def fields_of(raw: bytes) -> dict[str, str]:
    """Return the properties of the one note in a packet; {} if there is none."""
    root = etree.fromstring(raw.strip(b"\0"))
    prefix = "{urn:x-jpegredact:note/1.0/}"
    found = [each for each in root.iter(f"{{{RDF}}}Description")
             if any(name.startswith(prefix) for name in each.attrib)]  # fmt: skip
    assert len(found) <= 1
    return {
        name.removeprefix(prefix): value
        for each in found for name, value in each.items() if name.startswith(prefix)
    }  # fmt: skip


def noted(data: bytes, policy: Policy = "default", note: RedactionNote | None = NOTE, **more: object
          ) -> bytes:  # fmt: skip
    """Return a file with a note put in, by the carrier alone."""
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    wanted = request(policy, **more)  # type: ignore[arg-type]
    return applied(data, carrier.scrub(wanted._replace(note=note)).edits)


def packets(data: bytes) -> list[bytes]:
    """Return all standard packets of a file."""
    found = [data[each.offset + 4 : each.end] for each in segments(data) if each.code == 0xE1]
    return [each.removeprefix(STANDARD) for each in found if each.startswith(STANDARD)]


def file(*texts: str | bytes) -> bytes:
    """Return a file with these packets."""
    raw = [text.encode() if isinstance(text, str) else text for text in texts]
    return jpeg(*(segment(0xE1, STANDARD + each) for each in raw))


# ---------------------------------------------------------------------------
# What it says
# ---------------------------------------------------------------------------


def test_labels_that_are_no_plain_words_are_counted_only() -> None:
    labels = [None, "face", "<script>", "x" * 31, "", "a\nb", "naïve", "licence plate", "other"]
    assert make_note(labels, "fill") == RedactionNote(
        VERSION, "fill", (("face", 1), ("licence plate", 1), ("region", 1), ("other", 6))
    )


def test_many_labels_fit() -> None:
    note = make_note([f"label{n}" for n in range(10_000)], 'a "method"')
    assert len(note.labels) == 33
    assert note.labels[-1] == ("other", 9968)
    assert note.method == "other"


def test_no_labels_look_like_data() -> None:
    """What the survey takes for data is dropped, or the gate refuses the file."""
    note = make_note([f"{n:02}aB3dE5-hJ7.kL9_nP1qR3tU5wX7z" for n in range(40)], "fill")
    assert len(note.labels) == 33
    again = Packet.read(bare_packet({}, note), None)
    assert again.note == note
    assert not again.survey.gone


def test_notes_add_up() -> None:
    more = RedactionNote("0.0.1", "blur", (("plate", 5), ("face", 1), ("other", 2)))
    assert joined([NOTE, more], frozenset()) == RedactionNote(
        VERSION, "fill", (("plate", 5), ("face", 3), ("region", 1), ("other", 2))
    )


def test_a_removed_name_is_no_label() -> None:
    note = make_note(["Jane Doe", "face", "other"], "fill")
    assert joined([note], frozenset({"Jane Doe", "Other"})).labels == (("face", 1), ("other", 2))


def read(inner: str) -> RedactionNote | None:
    return Packet.read(packet(inner).encode(), None).note


def test_what_was_written_is_read() -> None:
    assert read(describe(NOTE)) == NOTE
    raw = bare_packet(GEOMETRY, NOTE)
    found = Packet.read(raw, None)
    assert (found.note, panorama(found.document), found.bare) == (NOTE, GEOMETRY, raw)
    elements = "".join(f"<jr:{name}>{value}</jr:{name}>" for name, value in FIELDS.items())
    moved = f'<rdf:Description rdf:about="" xmlns:jr="urn:x-jpegredact:note/1.0/">{elements}'
    assert read(moved + "</rdf:Description>") == NOTE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('Regions="3"', 'Regions="4"'),
        ('Regions="3"', 'Regions="03"'),
        ('jpegredact:Regions="3"', ""),
        ("face: 2", "face: 2000000000"),
        ("face: 2", "face: 0"),
        ("face: 2", "face: -2"),
        ("face: 2", "face: ٢"),
        ("face: 2, region: 1", "region: 1, face: 2"),
        ("face: 2, region: 1", "face: 1, face: 2"),
        ("face: 2", "Jane, face: 2"),
        ("face: 2", f"{'x' * 31}: 2"),
        ("face: 2, region: 1", "other: 2, region: 1"),
        ('Method="fill"', 'Method="&lt;b&gt;"'),
        (f'Version="{VERSION}"', 'Version=""'),
        (f'Version="{VERSION}"', f'Version="{"1" * 65}"'),
        ('Method="fill"', 'Method="fill" jpegredact:More="x"'),
    ],
)
def test_what_could_not_have_been_written_is_not_read(old: str, new: str) -> None:
    text = describe(NOTE)
    assert text.count(old) == 1
    assert read(text.replace(old, new)) is None
    replaced = noted(file(packet(TITLED + text.replace(old, new))))
    assert fields_of(packets(replaced)[0]) == FIELDS


def test_a_note_given_twice_is_not_read() -> None:
    twice = file(packet(describe(NOTE) + describe(NOTE)))
    assert Packet.read(packets(twice)[0], None).note is None
    assert fields_of(packets(noted(twice))[0]) == FIELDS


# ---------------------------------------------------------------------------
# Where it goes
# ---------------------------------------------------------------------------

META = '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
FORMS = {
    "usual": packet(TITLED + "@"),
    "other prefix": packet(TITLED + "@").replace("rdf:", "r:").replace(":rdf=", ":r="),
    "no prefix": f'{META}<RDF xmlns="{RDF}"><Description about="" id="x"/>@</RDF></x:xmpmeta>',
    "prefix rdf for something else": (
        f'<r:RDF xmlns:r="{RDF}" xmlns:rdf="http://a.example/"><r:Description rdf:c="x"/>@</r:RDF>'
    ),
    "self-closing": f'{META}<rdf:RDF xmlns:rdf="{RDF}" /></x:xmpmeta>',
    "self-closing, other prefix": f"<some-rdf:RDF\n xmlns:some-rdf='{RDF}'/>",
    "empty": packet("@", None),
    "blank": packet("\n @", None),
    "outermost": f'<rdf:RDF xmlns:rdf="{RDF}">{TITLED}@</rdf:RDF>',
    "comment at the end": packet(TITLED + "<!-- x -->@"),
}
OPENED = {
    "self-closing": f'{META}<rdf:RDF xmlns:rdf="{RDF}" >@</rdf:RDF></x:xmpmeta>',
    "self-closing, other prefix": f"<some-rdf:RDF\n xmlns:some-rdf='{RDF}'>@</some-rdf:RDF>",
}
"""Forms in which nothing can be put as they are."""


@pytest.mark.parametrize("policy", ["default", "keep"])
@pytest.mark.parametrize("name", FORMS)
def test_it_goes_into_the_packet_and_nothing_else_changes(name: str, policy: Policy) -> None:
    data = file(FORMS[name].replace("@", ""))
    (raw,) = packets(noted(data, policy))
    assert fields_of(raw) == FIELDS
    text = describe(NOTE)
    expected = OPENED.get(name, FORMS[name]).replace("@", text)
    assert raw.decode() == expected.replace(PADDING, PADDING[: -len(text)])
    assert len(raw) == len(packets(data)[0]) or PADDING not in expected


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize("policy", ["default", "keep"])
def test_other_encodings_keep_theirs_and_their_length(codec: str, policy: Policy) -> None:
    data = file(packet(TITLED).encode(codec))
    new = noted(data, policy)
    assert len(new) == len(data)
    (raw,) = packets(new)
    assert fields_of(raw.decode(codec).removeprefix("\ufeff").encode()) == FIELDS
    assert raw.decode(codec).startswith(packet(TITLED)[:100])


@pytest.mark.parametrize("quote", ['"', "'"])
def test_it_is_about_what_the_others_are(quote: str) -> None:
    about = f"about={quote}uuid:1&amp;2{quote}"
    raw = packets(noted(file(packet(TITLED.replace('about=""', about)))))[0].decode()
    assert raw.count(about) == 2
    assert fields_of(raw.encode()) == FIELDS


def test_a_removed_name_is_not_in_what_it_is_about() -> None:
    text = packet(TITLED.replace('about=""', 'about="Jane Doe.jpg"'))
    for policy, count in (("default", 0), ("keep", 2)):
        new = noted(file(text), policy, names=["Jane Doe"])
        assert new.count(b"Jane Doe") == count
        assert fields_of(packets(new)[0]) == FIELDS


def test_it_gives_way_and_adds_up_in_the_same_place() -> None:
    data = file(packet(TITLED))
    new = noted(noted(data), note=make_note(["plate", "face"], "inpaint"))
    assert len(new) == len(data)
    assert fields_of(packets(new)[0]) == {
        "Version": VERSION, "Method": "inpaint", "Regions": "5",
        "Labels": "face: 3, plate: 1, region: 1",
    }  # fmt: skip


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_without_a_packet_it_gets_one_of_its_own(policy: Policy) -> None:
    data = jpeg()
    new = noted(data, policy)
    assert packets(new) == [bare_packet({}, NOTE)]
    again = noted(new, policy, make_note(["plate"], "fill"))
    assert len(packets(again)) == 1
    assert fields_of(packets(again)[0])["Labels"] == "face: 2, plate: 1, region: 1"


def test_strict_leaves_geometry_and_note() -> None:
    geometry = (
        '<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        'GPano:ProjectionType="equirectangular"><GPano:FullPanoWidthPixels>8000'
        "</GPano:FullPanoWidthPixels></rdf:Description>"
    )
    data = file(packet(TITLED), packet(geometry + TITLED))
    new = noted(data, "strict")
    assert packets(new) == [bare_packet(GEOMETRY, NOTE)]
    carrier = read_xmp(new, segments(new), end_of_picture(new))
    assert {copy.actions.strict for copy in carrier.copies} == {"keep"}
    assert noted(new, "strict", None) == new
    spoiled = file(packets(new)[0].replace(b" </rdf:RDF>", b"<!-- Jane --></rdf:RDF>"))
    carrier = read_xmp(spoiled, segments(spoiled), end_of_picture(spoiled))
    assert {copy.actions.strict for copy in carrier.copies} == {"edit", "drop"}
    assert noted(spoiled, "strict", None) == new


def test_strict_takes_names_out_of_an_older_note() -> None:
    data = file(bare_packet({}, make_note(["Jane Doe"], "fill")))
    new = noted(data, "strict", None, names=["Jane Doe"])
    assert fields_of(packets(new)[0])["Labels"] == "other: 1"


def test_of_several_packets_the_first_one_that_can_takes_it() -> None:
    old = describe(make_note(["plate"], "blur"))
    data = file("broken", packet(TITLED), packet(TITLED + old))
    first, second = packets(noted(data))
    assert fields_of(first)["Labels"] == "face: 2, plate: 1, region: 1"
    assert fields_of(second) == {}
    assert "format" in second.decode()


@pytest.mark.parametrize("text", ["broken", "<a>", "<!DOCTYPE a><a/>"])
def test_a_broken_packet_that_is_kept_takes_none(text: str) -> None:
    with pytest.raises(UnsupportedJpegError) as caught:
        noted(file(text), "keep")
    assert (caught.value.code, caught.value.offset) == ("jpeg.note", 2)
    assert caught.value.hint
    for policy in ("default", "strict"):
        assert packets(noted(file(text), policy)) == [bare_packet({}, NOTE)]


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
        f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="" xmlns:a="b" a:c="d"/>',
        packet(
            TITLED
            + "".join(f'<a:b xmlns:a="{n:0250}"/>' for n in range(32))
            + f'<a:b xmlns:a="{0:085}"/>'
        ),
    ],
    ids=["no XMP", "no RDF", "description alone", "namespaces up to the limit"],
)
@pytest.mark.parametrize("policy", ["default", "keep"])
def test_a_packet_that_can_take_none_is_not_given_up(text: str, policy: Policy) -> None:
    data = file(text)
    assert noted(data, policy, None) == data
    with pytest.raises(UnsupportedJpegError) as caught:
        noted(data, policy)
    assert (caught.value.code, caught.value.offset) == ("jpeg.note", 2)


def test_room_in_the_segment() -> None:
    """The last byte counts, and padding gives way."""
    growth = len(noted(file(packet(TITLED, None)))) - len(file(packet(TITLED, None)))
    most = 0xFFFF - 2 - len(STANDARD)

    def filled(length: int, padding: str | None) -> str:
        caption = '<rdf:Description xmlns:a="b" a:c="{}"/>'
        rest = length - len(packet(caption.format(""), padding).encode())
        return packet(caption.format(("some words " * 6000)[:rest]), padding)

    fits = file(filled(most - growth, None))
    assert fields_of(packets(noted(fits, "keep"))[0]) == FIELDS
    full = file(filled(most - growth + 1, None))
    with pytest.raises(UnsupportedJpegError, match="room") as caught:
        noted(full, "keep")
    assert (caught.value.code, caught.value.offset) == ("jpeg.note", 2)
    padded = file(filled(most, PADDING))
    new = noted(padded, "keep")
    assert len(new) == len(padded)
    assert fields_of(packets(new)[0]) == FIELDS
