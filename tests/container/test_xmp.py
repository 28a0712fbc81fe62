"""XMP packets are cleaned by cutting: what shows the picture goes, all else stays as it was."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from xml.etree import ElementTree

import pytest
from carrier_helpers import (
    EXTENSION,
    MIDDLE,
    STANDARD,
    end_of_picture,
    jpeg,
    noise,
    request,
    scrubbed,
    segment,
    segments,
)
from PIL import Image

from jpegredact.container.assembly import Assembly, Part, assemble
from jpegredact.container.model import Kept, Policy, Segment
from jpegredact.container.xmp.carrier import read_xmp
from jpegredact.container.xmp.clean import Decision, Packet

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "dcterms": "http://purl.org/dc/terms/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "GImage": "http://ns.google.com/photos/1.0/image/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GAudio": "http://ns.google.com/photos/1.0/audio/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "acme": "http://acme.example/",
}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
TITLE = (
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A  lake &amp; hills</rdf:li></rdf:Alt>"
    "</dc:title>"
)
PADDING = " " * 600 + "\n"


def packet(inner: str = "", attributes: str = "", *, padding: str | None = PADDING) -> str:
    body = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="T"><rdf:RDF {DECLARED}>'
        f'<rdf:Description rdf:about="" {attributes}>{inner}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    )
    if padding is None:
        return body
    return f'<?xpacket begin="\ufeff" id="W5M0Mp"?>{body}{padding}<?xpacket end="w"?>'


def file(text: str, codec: str = "utf-8", *more: bytes) -> bytes:
    return jpeg(segment(0xE1, STANDARD + text.encode(codec)), *more)


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> str:
    out = io.BytesIO()
    noise(*size).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def clean(data: bytes, policy: Policy = "default", **more: object) -> bytes:
    wanted = request(policy, **more)  # type: ignore[arg-type]
    new = scrubbed(data, read_xmp(data, segments(data), end_of_picture(data)), wanted, {0xE1})
    again = read_xmp(new, segments(new), end_of_picture(new)).scrub(wanted)
    assert again.edits == []
    return new


def xmp(data: bytes) -> bytes | None:
    """Return the standard packet, parsed by another parser first."""
    found = [
        data[each.offset + 4 + len(STANDARD) : each.end]
        for each in segments(data)
        if each.code == 0xE1 and data.startswith(STANDARD, each.offset + 4)
    ]
    assert len(found) < 2
    if found:
        ElementTree.fromstring(found[0])
    return found[0] if found else None


def kinds(data: bytes) -> list[str]:
    return [copy.kind for copy in read_xmp(data, segments(data), end_of_picture(data)).copies]


REMOVED = {
    "element": ("<GImage:Data>{}</GImage:Data>", "xmp-image"),
    "attribute": (
        '<acme:s rdf:parseType="Resource"><acme:t GImage:Data="{}"/></acme:s>',
        "xmp-image",
    ),
    "depth": ("<GDepth:Data>{}</GDepth:Data><GDepth:Near>1</GDepth:Near>", "xmp-depth"),
    "audio": ("<GAudio:Data>{}</GAudio:Data>", "xmp-audio"),
    "maker note": ("<GCamera:HdrPlusMakernote>{}</GCamera:HdrPlusMakernote>", "xmp-blob"),
    "vendor": ("<acme:note>{}</acme:note>", "xmp-blob"),
    "vendor list": ("<acme:notes><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></acme:notes>", "xmp-blob"),
    "CDATA": ("<acme:note><![CDATA[{}]]></acme:note>", "xmp-blob"),
    "comment": ("<!-- {} -->", "xmp-blob"),
    "instruction": ("<?acme {}?>", "xmp-blob"),
    "thumbnails": (
        '<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource">'
        "<xmpGImg:width>40</xmpGImg:width><xmpGImg:image>{}</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>",
        "xmp-thumbnail",
    ),
    "mask": (
        "<crs:PaintBasedCorrections><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></crs:PaintBasedCorrections>",
        "xmp-mask",
    ),
    "provenance": (
        "<dcterms:provenance>https://x.example/{}</dcterms:provenance>",
        "xmp-provenance",
    ),
}


@pytest.mark.parametrize("name", REMOVED)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_what_shows_the_picture_goes_and_nothing_moves(name: str, codec: str) -> None:
    form, kind = REMOVED[name]
    data = file(packet(TITLE + form.format(picture()) + "<xmp:Label>x</xmp:Label>"), codec)
    assert kind in kinds(data)
    new = clean(data)
    assert len(new) == len(data)
    left = packet(TITLE + "<xmp:Label>x</xmp:Label>", padding="").encode(codec)
    found = new[segments(new)[0].offset + 33 :]
    start, end = (part.encode(codec) for part in ("</x:xmpmeta>", "<?xpacket end"))
    assert found.startswith(left[: left.index(start)])
    between = found[found.index(start) + len(start) : found.index(end)]
    assert between.decode(codec).strip() == ""


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("wrap", ["", "&#xA;", "\n", "&#10;"])
def test_the_picture_can_be_taken_out_for_a_person(kind: str, wrap: str) -> None:
    text = picture(kind)
    lines = wrap.join(text[at : at + 76] for at in range(0, len(text), 76))
    data = file(packet(f"<xmpGImg:image>{lines}</xmpGImg:image>"))
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    (copy,) = [each for each in carrier.copies if each.kind == "xmp-thumbnail"]
    assert (copy.size, copy.encoding) == ((40, 30), "base64")
    raw = base64.b64decode(b"".join(data[start:end] for start, end in copy.pieces))
    assert Image.open(io.BytesIO(raw)).size == (40, 30)
    assert copy.default_action == "drop"


def test_a_packet_without_a_wrapper_shrinks() -> None:
    data = file(packet(TITLE, f'GImage:Data="{picture()}"', padding=None))
    new = clean(data)
    assert xmp(new) == packet(TITLE, padding=None).replace('"" >', '"">').encode()


def test_a_packet_with_nothing_left_goes_with_its_segment() -> None:
    assert clean(file(packet(f"<GImage:Data>{picture()}</GImage:Data>"))) == jpeg()


@pytest.mark.parametrize(
    "inner",
    [
        TITLE,
        "<dc:description>" + "A long caption made of words. " * 300 + "</dc:description>",
        "<crs:Table>" + "Zx8(k$" * 900 + "</crs:Table>",
        "<acme:hash>" + "0123456789abcdef" * 8 + "</acme:hash>",
        "<acme:list>" + f"sha1 of a file: {'0123456789' * 4}; " * 30 + "</acme:list>",
        "<!-- a comment --><xmp:Label/>",
        "<dc:subject><rdf:Bag><rdf:li/><rdf:li>lake</rdf:li></rdf:Bag></dc:subject>",
    ],
)
def test_what_shows_nothing_stays_byte_for_byte(inner: str) -> None:
    data = file(packet(inner, 'xmp:CreatorTool="T" tiff:Make="M"'))
    assert clean(data) == clean(data, "keep") == data


def test_zero_bytes_behind_and_within_a_packet_do_no_harm() -> None:
    text = packet(TITLE.replace("><", ">\0\0<"), padding=None) + "\0" * 50
    assert "\0<rdf" in text
    data = file(text)
    assert clean(data) == data


def test_bytes_behind_a_packet_are_cut() -> None:
    text = packet(TITLE)
    for junk in ("\xff\xd8\xff picture", "<!-- note -->", "<?more?>"):
        data = file(text + junk)
        assert "xmp-broken" in kinds(data)
        assert clean(data) == file(text)
        assert clean(data, "keep") == data


BROKEN = {
    "no XML": "sample",
    "unclosed": "<a><b></a>",
    "DTD": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "external": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "deep": "<a>" * 70 + "</a>" * 70,
    "unbound": "<a:b/>",
    "empty": "",
    "same attribute": "<a b='1' b='2'/>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_parsed_is_dropped(name: str) -> None:
    data = file(BROKEN[name])
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    assert [(copy.kind, copy.actions) for copy in carrier.copies] == [
        ("xmp-broken", ("drop", "drop", "warn"))
    ]
    assert clean(data) == clean(data, "strict") == jpeg()
    assert clean(data, "keep") == data


def test_latin_1_is_no_xmp() -> None:
    assert clean(file(packet("<dc:title>Z\xfcrich</dc:title>", padding=None), "latin-1")) == jpeg()


def test_strict_keeps_a_panoramas_geometry_only() -> None:
    data = file(
        packet(
            TITLE + "<GPano:CroppedAreaLeftPixels>12</GPano:CroppedAreaLeftPixels>",
            'GPano:ProjectionType="equirectangular" GPano:Note="&lt;x&gt;"',
        )
    )
    found = xmp(clean(data, "strict"))
    assert found is not None
    properties = next(ElementTree.fromstring(found).iter(f"{{{NAMESPACES['rdf']}}}Description"))
    assert dict(properties.items()) == {
        f"{{{NAMESPACES['rdf']}}}about": "",
        f"{{{NAMESPACES['GPano']}}}CroppedAreaLeftPixels": "12",
        f"{{{NAMESPACES['GPano']}}}ProjectionType": "equirectangular",
    }
    assert clean(file(packet(TITLE)), "strict") == jpeg()


def extended(text: str, *, sizes: int = 300, order: int = 1) -> tuple[str, list[bytes]]:
    raw = text.encode()
    guid = hashlib.md5(raw, usedforsecurity=False).hexdigest().upper()
    chunks = [
        segment(
            0xE1,
            EXTENSION + guid.encode() + len(raw).to_bytes(4, "big") + at.to_bytes(4, "big")
            + raw[at : at + sizes],
        )
        for at in range(0, len(raw), sizes)
    ]  # fmt: skip
    return guid, chunks[::order]


def read_extended(data: bytes) -> bytes:
    """Put extended XMP together as the specification says, and check all that is stated."""
    (_, note) = (xmp(data) or b"").split(b"HasExtendedXMP", 1)
    guid = note[2:34]
    shares: dict[int, bytes] = {}
    lengths = set()
    for each in segments(data):
        content = data[each.offset + 4 : each.end]
        if content.startswith(EXTENSION):
            assert content[35:67] == guid
            lengths.add(int.from_bytes(content[67:71], "big"))
            shares[int.from_bytes(content[71:75], "big")] = content[75:]
    whole = b""
    for at, share in sorted(shares.items()):
        assert at == len(whole)
        whole += share
    assert lengths == {len(whole)}
    assert hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() == guid
    return whole


@pytest.mark.parametrize("order", [1, -1])
def test_extended_xmp_is_rebuilt_under_a_new_guid(order: int) -> None:
    text = packet(
        TITLE + f"<GImage:Data>{picture()}</GImage:Data>" + "<xmp:Label>x</xmp:Label>", padding=None
    )
    guid, chunks = extended(text, order=order)
    data = file(packet(TITLE, f'xmpNote:HasExtendedXMP="{guid}"'), "utf-8", *chunks)
    assert read_extended(data) == text.encode()
    new = clean(data)
    assert read_extended(new).decode() == packet(TITLE + "<xmp:Label>x</xmp:Label>", padding=None)
    assert clean(data, "keep") == data
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    (copy,) = [each for each in carrier.copies if each.kind == "xmp-image"]
    pieces = b"".join(data[start:end] for start, end in copy.pieces)
    assert (base64.b64decode(pieces)[:2], copy.size) == (b"\xff\xd8", (40, 30))


def test_clean_extended_xmp_stays() -> None:
    guid, chunks = extended(packet(TITLE, padding=None), sizes=100)
    data = file(packet("", f'xmpNote:HasExtendedXMP="{guid.lower()}"'), "utf-8", *chunks)
    assert clean(data) == data


def test_extended_xmp_with_nothing_left_goes_and_is_not_named() -> None:
    guid, chunks = extended(packet(f"<GDepth:Data>{picture('PNG')}</GDepth:Data>"))
    data = file(packet(TITLE, f'xmpNote:HasExtendedXMP="{guid}"', padding=None), "utf-8", *chunks)
    assert clean(data) == file(packet(TITLE, padding=None).replace('"" >', '"">'))
    assert clean(data, "strict") == jpeg()


def test_extended_xmp_that_is_not_whole_or_not_named_goes() -> None:
    text = packet("<xmp:Label>" + "word " * 200 + "</xmp:Label>", padding=None)
    guid, chunks = extended(text)
    named = packet(TITLE, f'xmpNote:HasExtendedXMP="{guid}"')
    for bad in (chunks[1:], chunks[:-1], [*chunks, chunks[0]], [chunks[0][:-40]]):
        data = file(named, "utf-8", *bad)
        assert "xmp-broken" in kinds(data)
        new = clean(data)
        assert EXTENSION not in new
        assert b"HasExtended" not in new
    assert clean(file(packet(TITLE), "utf-8", *chunks)) == file(packet(TITLE))
    assert clean(jpeg(*chunks)) == jpeg()


def directory(*items: str) -> str:
    return (
        "<Container:Directory><rdf:Seq>"
        + "".join(f'<rdf:li rdf:parseType="Resource"><Container:Item {i}/></rdf:li>' for i in items)
        + "</rdf:Seq></Container:Directory>"
    )


PRIMARY = 'Item:Semantic="Primary" Item:Mime="image/jpeg"'
GAIN_MAP = 'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="{}"'
VIDEO = 'Item:Semantic="MotionPhoto" Item:Mime="video/mp4" Item:Length="900"'


def test_the_directory_follows_what_stays_behind_the_picture() -> None:
    items = directory(PRIMARY + ' Item:Padding="4"', GAIN_MAP.format(800), VIDEO)
    motion = 'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" hdrgm:Version="1.0"'
    data = file(packet(items, motion, padding=None))
    end = end_of_picture(data)
    kept = Kept(end + 4, 800, b"x" * 12345)
    left = directory(PRIMARY + ' Item:Padding="0"', GAIN_MAP.format(12345))
    expected = packet(left, 'hdrgm:Version="1.0"', padding=None)
    assert xmp(clean_with(data, kept)) == expected.replace('""  ', '"" ').encode()
    assert clean(data) == jpeg()


def clean_with(data: bytes, kept: Kept) -> bytes:
    wanted = request(images=(kept,))
    return scrubbed(data, read_xmp(data, segments(data), end_of_picture(data)), wanted, {0xE1})


def test_items_of_the_same_length_are_told_apart_by_where_they_are() -> None:
    items = [GAIN_MAP.format(800), GAIN_MAP.format(800).replace("GainMap", "Other")]
    data = file(packet(directory(PRIMARY + ' Item:Padding="4"', *items), padding=None))
    second = Kept(end_of_picture(data) + 804, 800, b"x" * 70)
    left = directory(PRIMARY + ' Item:Padding="0"', items[1].replace("800", "70"))
    assert clean_with(data, second) == file(packet(left, padding=None))


def test_an_item_that_goes_for_what_is_in_it_stands_for_no_picture() -> None:
    hidden = f"<Container:Item {GAIN_MAP.format(800)}>/9j/<Item:x/></Container:Item>"
    items = directory(PRIMARY, "x").replace("<Container:Item x/>", hidden)
    data = file(packet(TITLE + items, padding=None))
    assert clean_with(data, Kept(end_of_picture(data), 800, b"x")) == file(
        packet(TITLE, padding=None)
    )


def test_text_beside_elements_goes_with_them() -> None:
    for root in ("<a xmlns:x='http://x.example/'>Jane Doe<x:b x:c='1'/></a>", "<a>Jane Doe</a>"):
        assert clean(file(root), names=["Jane Doe"]) == jpeg()


def test_keep_only_puts_lengths_right() -> None:
    data = file(packet(directory(PRIMARY, GAIN_MAP.format(800), VIDEO), padding=None))
    kept = Kept(end_of_picture(data), 800, b"x" * 700)
    wanted = request("keep", images=(kept,))
    new = scrubbed(data, read_xmp(data, segments(data), kept.offset), wanted, {0xE1})
    assert new == data.replace(b'Length="800"', b'Length="700"')


def test_a_gain_map_without_a_directory() -> None:
    primary = file(packet(TITLE, 'hdrgm:Version="1.0"', padding=None))
    assert b"hdrgm:V" not in clean(primary)
    kept = Kept(end_of_picture(primary) + 7, 9, b"x")
    assert clean_with(primary, kept) == primary
    itself = file(packet("", 'hdrgm:Version="1.0" hdrgm:GainMapMax="2"', padding=None))
    assert clean(itself) == itself


def test_a_packet_that_would_not_be_clean_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file(packet(TITLE + f"<GImage:Data>{picture()}</GImage:Data>"))

    def careless(self: Packet, *_: object, **__: object) -> Decision:
        return Decision([(0, 0, b" ")], ["drop"] * len(self.findings), False)

    monkeypatch.setattr(Packet, "decide", careless)
    assert clean(data) == jpeg()


def test_a_packet_that_would_be_too_long_goes() -> None:
    data = jpeg(segment(0xE1, b"x" * 65533))
    assembly = assemble(data, segments(data)[:1], 0)
    assert assembly.edits([(5, 5, b"y")]) is None
    assert assembly.edits([(5, 6, b"y")]) == [(11, 12, b"y")]


def test_areas_that_are_not_given_change_no_region() -> None:
    data = file(packet(TITLE))
    assert clean(data, areas=()) == data
    assert read_xmp(data, segments(data), 0).names([MIDDLE], 1) == frozenset()


def test_changes_of_many_chunks_take_no_longer() -> None:
    count = 4000
    parts = tuple(
        Part(Segment(0xE1, 50 * number, 50 * number + 44), 50 * number + 4, 40 * number, 40)
        for number in range(count)
    )
    assembly = Assembly(bytes(40 * count), parts)
    start = time.perf_counter()
    assert assembly.spans(38, 82) == ((42, 44), (54, 94), (104, 106))
    edits = assembly.edits([(at, at + 44, b"abc") for at in range(2, 40 * count - 50, 80)])
    assert edits is not None
    for at in range(0, 40 * count - 40, 8):
        assembly.spans(at, at + 20)
    assert time.perf_counter() - start < 8


def test_extended_xmp_in_more_chunks_than_there_can_be_is_broken() -> None:
    body = packet("x" * 5000).encode()
    guid = hashlib.md5(body, usedforsecurity=False).hexdigest().upper().encode()
    chunks = b"".join(
        segment(
            0xE1,
            EXTENSION + guid + len(body).to_bytes(4, "big") + at.to_bytes(4, "big")
            + body[at : at + 1],
        )
        for at in range(len(body))
    )  # fmt: skip
    named = packet(f"<xmpNote:HasExtendedXMP>{guid.decode()}</xmpNote:HasExtendedXMP>")
    assert "xmp-broken" in kinds(file(named, "utf-8", chunks))


ENCODED = base64.b64encode(hashlib.shake_256(b"picture").digest(9000)).decode()
BASE85 = base64.b85encode(hashlib.shake_256(b"picture").digest(9000)).decode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _pieces(text: str, size: int) -> list[str]:
    return [_escaped(text[at : at + size]) for at in range(0, len(text), size)]


@pytest.mark.parametrize(
    "inner",
    [
        "<dc:subject><rdf:Bag>"
        + "".join(f"<rdf:li>{each}</rdf:li>" for each in _pieces(ENCODED, 500))
        + "</rdf:Bag></dc:subject>",
        "".join(f"<acme:a{n}>{each}</acme:a{n}>" for n, each in enumerate(_pieces(ENCODED, 60))),
        "".join(f"<acme:a{n}>{each}</acme:a{n}>" for n, each in enumerate(_pieces(BASE85, 400))),
        "<acme:a>é " + _escaped(BASE85) + "</acme:a>",
        "<acme:a>" + "ffd8e0" * 400 + "</acme:a>",
        "".join(f"<!--{each}-->" for each in _pieces(ENCODED, 500)),
        "<acme:a>" + "".join(f"<![CDATA[{e}]]>." for e in _pieces(ENCODED, 500)) + "é</acme:a>",
        "<acme:a>" + ".".join(_pieces(ENCODED, 500)) + "</acme:a>",
    ],
)  # fmt: skip
def test_encoded_data_goes_in_whatever_pieces_it_is(inner: str) -> None:
    data = file(packet(TITLE + inner))
    assert "xmp-blob" in kinds(data)
    found = xmp(clean(data))
    assert found is not None
    assert TITLE.encode() in found
    assert len(found.replace(b" ", b"")) < len(packet(TITLE))


def test_identifiers_and_short_codes_stay() -> None:
    identifiers = "".join(
        f"<rdf:li>xmp.did:{hashlib.md5(bytes([n]), usedforsecurity=False).hexdigest()}</rdf:li>"
        for n in range(200)
    )
    inner = (
        f"<photoshop:DocumentAncestors><rdf:Bag>{identifiers}</rdf:Bag>"
        "</photoshop:DocumentAncestors><acme:a>" + ENCODED[:400] + "</acme:a>"
    )
    data = file(packet(TITLE + inner))
    assert clean(data) == data


@pytest.mark.parametrize(
    "inner",
    [
        f'<dc:title xmlns:zz="{ENCODED}" zz:a="b">x</dc:title>',
        f'<dc:title xmlns:{"z" * 99}="uri">x</dc:title>',
        f"<acme:{'z' * 129}>x</acme:{'z' * 129}>",
        f'<dc:title acme:{"z" * 129}="x"/>',
        f'<dc:title xml:lang="{"z" * 65}">x</dc:title>',
        "".join(f'<acme:a xml:lang="{each}">x</acme:a>' for each in _pieces(ENCODED, 60)),
        "".join(
            f"<acme:z{each}>x</acme:z{each}>"
            for each in _pieces(ENCODED * 2, 100)
            if each.isalnum()
        )
        + "".join(f"<acme:{'z' * 90}{n}>x</acme:{'z' * 90}{n}>" for n in range(180)),
        "".join(f'<acme:a xmlns:z="{each}">x</acme:a>' for each in _pieces(ENCODED, 200)),
    ],
)
def test_names_and_languages_that_hold_too_much_are_a_broken_packet(inner: str) -> None:
    data = file(packet(TITLE + inner))
    assert kinds(data) == ["xmp-broken"]
    assert clean(data) == jpeg()
