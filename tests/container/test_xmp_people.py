"""Regions that overlap go whole, and the names they give leave free text, but not credits."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from carrier_helpers import (
    MIDDLE,
    STANDARD,
    end_of_picture,
    jpeg,
    request,
    scrubbed,
    segment,
    segments,
)
from test_xmp import TITLE, clean, file, packet, xmp

from jpegredact.container.model import Area
from jpegredact.container.xmp.carrier import read_xmp
from jpegredact.container.xmp.packet import parse

MORE = {
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "acdsee-rs": "http://ns.acdsee.com/regions/",
    "acdsee-stArea": "http://ns.acdsee.com/sType/Area#",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in MORE.items())


def mwg(*entries: tuple[str, float, float, float, float]) -> str:
    return (
        '<mwg-rs:Regions rdf:parseType="Resource">'
        '<mwg-rs:AppliedToDimensions stDim:w="200" stDim:h="100" stDim:unit="pixel"/>'
        "<mwg-rs:RegionList><rdf:Bag>"
        + "".join(
            f'<rdf:li><rdf:Description mwg-rs:Name="{name}" mwg-rs:Type="Face"><mwg-rs:Area '
            f'stArea:x="{x}" stArea:y="{y}" stArea:w="{w}" stArea:h="{h}"/>'
            "</rdf:Description></rdf:li>"
            for name, x, y, w, h in entries
        )
        + "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    )


def microsoft(*entries: tuple[str, float, float, float, float]) -> str:
    return (
        '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>'
        + "".join(
            f'<rdf:li MPReg:Rectangle="{x - w / 2}, {y - h / 2}, {w}, {h}" '
            f'MPReg:PersonDisplayName="{name}" MPReg:PersonEmailDigest="AB12"/>'
            for name, x, y, w, h in entries
        )
        + "</rdf:Bag></MPRI:Regions></MP:RegionInfo>"
    )


def acdsee(*entries: tuple[str, float, float, float, float]) -> str:
    return (
        '<acdsee-rs:Regions rdf:parseType="Resource"><acdsee-rs:RegionList><rdf:Bag>'
        + "".join(
            '<rdf:li rdf:parseType="Resource"><acdsee-rs:Type>Face</acdsee-rs:Type>'
            f"<acdsee-rs:Name>{name}</acdsee-rs:Name><acdsee-rs:DLYArea "
            f'acdsee-stArea:x="{x}" acdsee-stArea:y="{y}" acdsee-stArea:w="{w}" '
            f'acdsee-stArea:h="{h}"/></rdf:li>'
            for name, x, y, w, h in entries
        )
        + "</rdf:Bag></acdsee-rs:RegionList></acdsee-rs:Regions>"
    )


def iptc(*entries: tuple[str, float, float, float, float]) -> str:
    return (
        "<Iptc4xmpExt:ImageRegion><rdf:Bag>"
        + "".join(
            '<rdf:li rdf:parseType="Resource"><Iptc4xmpExt:Name><rdf:Alt><rdf:li xml:lang="en">'
            f"{name}</rdf:li></rdf:Alt></Iptc4xmpExt:Name>"
            '<Iptc4xmpExt:RegionBoundary rdf:parseType="Resource">'
            "<Iptc4xmpExt:rbShape>rectangle</Iptc4xmpExt:rbShape>"
            f"<Iptc4xmpExt:rbUnit>relative</Iptc4xmpExt:rbUnit><Iptc4xmpExt:rbX>{x - w / 2}"
            f"</Iptc4xmpExt:rbX><Iptc4xmpExt:rbY>{y - h / 2}</Iptc4xmpExt:rbY><Iptc4xmpExt:rbW>{w}"
            f"</Iptc4xmpExt:rbW><Iptc4xmpExt:rbH>{h}</Iptc4xmpExt:rbH>"
            "</Iptc4xmpExt:RegionBoundary></rdf:li>"
            for name, x, y, w, h in entries
        )
        + "</rdf:Bag></Iptc4xmpExt:ImageRegion>"
    )


FORMS = {"mwg": mwg, "microsoft": microsoft, "acdsee": acdsee, "iptc": iptc}
JANE = ("Jane Doe", 0.5, 0.5, 0.1, 0.1)
JOHN = ("John Roe", 0.1, 0.1, 0.1, 0.1)


def people(inner: str, attributes: str = "") -> bytes:
    return file(packet(inner, f"{DECLARED} {attributes}", padding=None))


def names(data: bytes, *areas: Area, orientation: int = 1) -> frozenset[str]:
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    return carrier.names(areas or (MIDDLE,), orientation)


def without(data: bytes, wanted: Iterable[str] = ("Jane Doe",)) -> bytes:
    return clean(data, names=frozenset(wanted))


@pytest.mark.parametrize("form", FORMS)
def test_an_overlapping_region_goes_whole(form: str) -> None:
    data = people(TITLE + FORMS[form](JOHN, JANE))
    assert names(data) == {"Jane Doe"}
    assert clean(data) == people(TITLE + FORMS[form](JOHN))


@pytest.mark.parametrize("form", FORMS)
def test_the_last_region_takes_its_structure_with_it(form: str) -> None:
    assert clean(people(TITLE + FORMS[form](JANE))) == people(TITLE)
    assert clean(people(TITLE + FORMS[form](JOHN))) == people(TITLE + FORMS[form](JOHN))


@pytest.mark.parametrize("form", FORMS)
def test_keep_warns_of_what_overlaps(form: str) -> None:
    data = people(TITLE + FORMS[form](JANE, JOHN))
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    result = carrier.scrub(request("keep", names=["Jane Doe"]))
    assert result.edits == []
    assert [action for copy, action in result.outcomes if copy.kind == "xmp-region"] == [
        "warn", "keep",
    ]  # fmt: skip
    assert {copy.kind: action for copy, action in result.outcomes}["xmp-name"] == "warn"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_counts_in_the_stored_and_in_the_upright_reading(orientation: int) -> None:
    """Turn a corner of the stored picture as a viewer does; the region there must be found."""
    x, y = 0.1, 0.2
    shown = {
        1: (x, y), 2: (1 - x, y), 3: (1 - x, 1 - y), 4: (x, 1 - y),
        5: (y, x), 6: (1 - y, x), 7: (1 - y, 1 - x), 8: (y, 1 - x),
    }[orientation]  # fmt: skip
    stored = Area(0.05, 0.15, 0.15, 0.25)
    elsewhere = Area(0.45, 0.45, 0.55, 0.55)
    for place in (shown, (x, y)):
        data = people(mwg(("Jane Doe", *place, 0.02, 0.02)))
        assert names(data, stored, orientation=orientation) == {"Jane Doe"}
        assert names(data, elsewhere, orientation=orientation) == frozenset()


@pytest.mark.parametrize(
    "boundary",
    [
        "<Iptc4xmpExt:rbUnit>pixel</Iptc4xmpExt:rbUnit><Iptc4xmpExt:rbX>95</Iptc4xmpExt:rbX>"
        "<Iptc4xmpExt:rbY>45</Iptc4xmpExt:rbY><Iptc4xmpExt:rbW>9</Iptc4xmpExt:rbW>"
        "<Iptc4xmpExt:rbH>9</Iptc4xmpExt:rbH>",
        "<Iptc4xmpExt:rbX>0.5</Iptc4xmpExt:rbX><Iptc4xmpExt:rbY>0.8</Iptc4xmpExt:rbY>"
        "<Iptc4xmpExt:rbRx>0.06</Iptc4xmpExt:rbRx>",
        "<Iptc4xmpExt:rbVertices><rdf:Seq>"
        + "".join(
            f'<rdf:li Iptc4xmpExt:rbX="{x}" Iptc4xmpExt:rbY="{y}"/>'
            for x, y in [(0.1, 0.1), (0.5, 0.1), (0.5, 0.5)]
        )
        + "</rdf:Seq></Iptc4xmpExt:rbVertices>",
        "<Iptc4xmpExt:rbX>here</Iptc4xmpExt:rbX>",
        "<Iptc4xmpExt:rbX>NaN</Iptc4xmpExt:rbX><Iptc4xmpExt:rbY>0</Iptc4xmpExt:rbY>"
        "<Iptc4xmpExt:rbW>1</Iptc4xmpExt:rbW><Iptc4xmpExt:rbH>1</Iptc4xmpExt:rbH>",
        "",
    ],
)
def test_other_shapes_and_what_cannot_be_read(boundary: str) -> None:
    region = (
        '<Iptc4xmpExt:ImageRegion><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<Iptc4xmpExt:PersonInImage>Jane Doe</Iptc4xmpExt:PersonInImage>"
        f'<Iptc4xmpExt:RegionBoundary rdf:parseType="Resource">{boundary}'
        "</Iptc4xmpExt:RegionBoundary></rdf:li></rdf:Bag></Iptc4xmpExt:ImageRegion>"
    )
    data = people(TITLE + region)
    assert names(data) == {"Jane Doe"}
    assert clean(data) == people(TITLE)


def test_where_the_camera_focussed_stays() -> None:
    focus = mwg(("", 0.5, 0.5, 0.1, 0.1)).replace('"Face"', '"Focus"')
    assert clean(people(focus)) == people(focus)
    assert names(people(focus.replace('Name=""', 'Name="Jane Doe"'))) == {"Jane Doe"}


@pytest.mark.parametrize("name", ["", "Unknown", "face", "x" * 300])
def test_what_is_no_name_is_not_given(name: str) -> None:
    assert names(people(mwg((name, 0.5, 0.5, 0.1, 0.1)))) == frozenset()


FREE = [
    "<dc:title>{}</dc:title>",
    "<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>{}</rdf:li></rdf:Alt></dc:description>",
    "<dc:subject><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></dc:subject>",
    "<photoshop:Headline>{}</photoshop:Headline>",
    "<Iptc4xmpCore:AltTextAccessibility>{}</Iptc4xmpCore:AltTextAccessibility>",
    "<exif:UserComment><rdf:Alt><rdf:li>{}</rdf:li></rdf:Alt></exif:UserComment>",
    "<tiff:ImageDescription>{}</tiff:ImageDescription>",
    "<xmp:Label>{}</xmp:Label>",
    "<acdsee:caption>{}</acdsee:caption>",
    "<acme:any><rdf:Seq><rdf:li acme:deep='{}'/></rdf:Seq></acme:any>",
    "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>",
    "<mediapro:People><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></mediapro:People>",
    "<lr:hierarchicalSubject><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></lr:hierarchicalSubject>",
    "<!-- {} -->",
]
PROTECTED = [
    "<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>",
    "<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>{}</rdf:li></rdf:Alt></dc:rights>",
    "<photoshop:Credit>{}</photoshop:Credit>",
    "<photoshop:City>{}</photoshop:City>",
    "<xmpRights:UsageTerms>{}</xmpRights:UsageTerms>",
    "<plus:Licensor><rdf:Seq><rdf:li plus:LicensorName='{}'/></rdf:Seq></plus:Licensor>",
    "<Iptc4xmpCore:CreatorContactInfo Iptc4xmpCore:CiAdrCity='{}'/>",
    "<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li Iptc4xmpExt:City='{}'/></rdf:Bag>"
    "</Iptc4xmpExt:LocationShown>",
    "<tiff:Artist>{}</tiff:Artist>",
    "<tiff:Make>{}</tiff:Make>",
]


@pytest.mark.parametrize("form", FREE)
@pytest.mark.parametrize("written", ["Jane Doe", "jane&#x20;doe", "Jane\n Doe"])
def test_a_text_that_is_the_name_goes(form: str, written: str) -> None:
    if form.startswith("<!--") and "&" in written:
        pytest.skip("references are not read in comments")
    assert without(people(TITLE + form.format(written))) == people(TITLE)


@pytest.mark.parametrize("form", FREE[:10])
def test_a_text_with_the_name_loses_it(form: str) -> None:
    data = people(form.format("Jane Doe &amp; &lt;dog&gt; &#x27;&quot;"))
    found = xmp(without(data))
    assert found is not None
    texts = "".join(parse(found).source.decode())
    assert "Jane" not in texts
    assert "&amp; &lt;dog&gt; " in texts
    assert without(people(form.format("Janet Doe"))) == people(form.format("Janet Doe"))


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_value_keeps_its_line_breaks_and_quotes(quote: str) -> None:
    other = {"'": '"', '"': "'"}[quote]
    value = f"a&#xA;b {{}}c&#x9;d {other} &amp; &lt;{'&apos;' if quote == chr(39) else '&quot;'}"
    before, after = (
        people(f"<acme:a acme:b={quote}{value.format(name)}{quote}/>") for name in ("Jane Doe ", "")
    )
    assert without(before) == after


@pytest.mark.parametrize("form", PROTECTED)
def test_credits_rights_and_places_keep_the_name(form: str) -> None:
    data = people(form.format("Jane Doe"))
    assert without(data) == data


def test_a_keyword_keeps_its_other_steps() -> None:
    form = "<digiKam:TagsList><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></digiKam:TagsList>"
    for before, after in {
        "People/Family/Jane Doe": "People/Family",
        "People|Jane Doe|2010": "People|2010",
        "Jane Doe/2010": "2010",
        "People/Jane Doe as a child": "People/as a child",
    }.items():
        assert without(people(form.format(before))) == people(form.format(after))


def test_people_with_details_and_other_regions_of_the_same_name_go() -> None:
    details = (
        "<Iptc4xmpExt:PersonInImageWDetails><rdf:Bag>"
        "<rdf:li rdf:parseType='Resource'><Iptc4xmpExt:PersonName><rdf:Alt>"
        "<rdf:li>Jane Doe</rdf:li></rdf:Alt></Iptc4xmpExt:PersonName>"
        "<Iptc4xmpExt:PersonId>7</Iptc4xmpExt:PersonId></rdf:li>"
        "</rdf:Bag></Iptc4xmpExt:PersonInImageWDetails>"
    )
    again = ("Jane Doe", 0.9, 0.1, 0.1, 0.1)
    data = people(TITLE + mwg(JANE, again, JOHN) + details)
    assert without(data, names(data)) == people(TITLE + mwg(JOHN))


def test_what_the_packet_is_about_may_hold_a_name() -> None:
    text = packet(TITLE, padding=None)
    data = file(text.replace('about=""', 'about="file:///Jane Doe.jpg"'))
    assert without(data) == file(text)


def test_more_names_than_can_be_looked_for_are_a_broken_packet() -> None:
    crowd = [(f"Person {n}", 0.5, 0.5, 0.1, 0.1) for n in range(300)]
    assert len(names(people(mwg(*crowd[:256])))) == 256
    assert clean(people(TITLE + mwg(*crowd))) == people_without_packet()
    long = ("Jane " + "x" * 200, 0.1, 0.1, 0.1, 0.1)
    assert clean(people(TITLE + mwg(long))) == people_without_packet()


def test_names_of_all_packets_are_counted() -> None:
    def one(start: int) -> bytes:
        crowd = [(f"Person {start + n}", 0.5, 0.5, 0.1, 0.1) for n in range(200)]
        return segment(0xE1, STANDARD + packet(mwg(*crowd), DECLARED).encode())

    assert len(names(jpeg(one(0), one(0)))) == 200
    assert len(names(jpeg(one(0), one(200)))) == 200
    listed = read_xmp(data := jpeg(one(0), one(200)), segments(data), end_of_picture(data)).copies
    assert [copy.kind for copy in listed].count("xmp-broken") == 1


def test_persons_with_details_give_their_names() -> None:
    details = (
        "<Iptc4xmpExt:PersonInImageWDetails><rdf:Bag><rdf:li rdf:parseType='Resource'>"
        "<Iptc4xmpExt:PersonName><rdf:Alt><rdf:li xml:lang='x-default'>Jane Doe</rdf:li></rdf:Alt>"
        "</Iptc4xmpExt:PersonName></rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImageWDetails>"
        "<Iptc4xmpExt:rCtype><rdf:Bag><rdf:li rdf:parseType='Resource'>"
        "<Iptc4xmpExt:Name>human</Iptc4xmpExt:Name></rdf:li></rdf:Bag></Iptc4xmpExt:rCtype>"
    )
    region = iptc(JANE).replace("Jane Doe", "")
    region = region.replace("<Iptc4xmpExt:RegionBoundary", details + "<Iptc4xmpExt:RegionBoundary")
    assert names(people(region)) == {"Jane Doe"}


def _placed(area: str, dimensions: str = "") -> str:
    return (
        f'<mwg-rs:Regions rdf:parseType="Resource">{dimensions}<mwg-rs:RegionList><rdf:Bag><rdf:li>'
        f'<rdf:Description mwg-rs:Name="Jane Doe"><mwg-rs:Area {area}/></rdf:Description></rdf:li>'
        "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    )


def _area(x: float, y: float, size: float, unit: str = "") -> str:
    unit = f' stArea:unit="{unit}"' if unit else ""
    return f'stArea:x="{x}" stArea:y="{y}" stArea:w="{size}" stArea:h="{size}"{unit}'


LARGER = '<mwg-rs:AppliedToDimensions stDim:w="4000" stDim:h="2000" stDim:unit="pixel"/>'
CROPPED = LARGER.replace("4000", "3000")


@pytest.mark.parametrize(
    ("area", "dimensions", "found"),
    [
        (_area(100, 50, 10), "", True),  # pixels without a unit
        (_area(10, 5, 4), "", True),
        (_area(100, 50, 10, "Pixels"), "", True),
        (_area(10, 5, 4, "px"), "", False),
        (_area(50, 50, 10, "percent"), "", True),
        (_area(10, 10, 10, "%"), "", False),
        (_area(0.1, 0.1, 0.1, "furlongs"), "", True),
        (_area(2000, 1000, 40, "pixel"), LARGER, True),
        (_area(200, 100, 40, "pixel"), LARGER, False),
        (_area(0.1, 0.1, 0.1, "normalized"), LARGER, False),
        (_area(0.1, 0.1, 0.1, "normalized"), CROPPED, True),
        (_area(0.05, 0.05, 0.2), "", False),  # a little outside is no other unit
    ],
)
def test_areas_in_other_units(area: str, dimensions: str, found: bool) -> None:
    data = people(_placed(area, dimensions))
    assert (names(data) == {"Jane Doe"}) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rdf:li>", "rdf:_1>"),
        ("<rdf:Bag><rdf:li>", ""),
        ("rdf:Description ", "mwg-rs:RegionStruct "),
    ],
)
def test_lists_in_other_forms(old: str, new: str) -> None:
    text = _placed(_area(0.5, 0.5, 0.1)).replace(old, new)
    if not new:
        text = text.replace("</rdf:li></rdf:Bag>", "")
    if "Struct" in new:
        text = text.replace("</rdf:Description>", "</mwg-rs:RegionStruct>")
    assert names(people(text)) == {"Jane Doe"}
    assert clean(people(TITLE + text)) == people(TITLE)


def test_people_tags_in_pixels_overlap_whatever_is_redacted() -> None:
    assert names(people(microsoft(("Jane Doe", 20, 20, 10, 10)))) == {"Jane Doe"}


def people_without_packet() -> bytes:
    return jpeg()
def test_utf_16_loses_names_too() -> None:
    text = packet(TITLE + mwg(JANE) + "<xmp:Label>Jane Doe</xmp:Label>", DECLARED)
    data = file(text, "utf-16-be")
    carrier = read_xmp(data, segments(data), end_of_picture(data))
    wanted = request(names=carrier.names([MIDDLE], 1))
    new = scrubbed(data, carrier, wanted, {0xE1})
    assert len(new) == len(data)
    assert "Jane".encode("utf-16-be") not in new


def test_regions_that_all_go_by_name_take_their_structure_with_them() -> None:
    elsewhere = ("Jane Doe", 0.1, 0.1, 0.1, 0.1)
    data = people(TITLE + mwg(elsewhere, elsewhere))
    assert without(data) == people(TITLE)


@pytest.mark.parametrize(
    "form",
    [
        "<pdf:Keywords>{}</pdf:Keywords>",
        "<plus:FileNameAsDelivered>{}</plus:FileNameAsDelivered>",
        "<plus:OtherImageInfo>{}</plus:OtherImageInfo>",
        "<crs:RawFileName>{}</crs:RawFileName>",
        "<exifEX:ImageTitle>{}</exifEX:ImageTitle>",
    ],
)
def test_namespaces_of_credits_and_settings_have_free_text_too(form: str) -> None:
    more = 'xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:exifEX="http://cipa.jp/exif/1.0/"'
    assert without(people(TITLE + form.format("Jane Doe"), more)) == people(TITLE, more)
    named = people(TITLE + form.format("Jane Doe.dng"), more)
    assert without(named) == people(TITLE + form.format(".dng"), more)


@pytest.mark.parametrize("attribute", ["xml:lang", "rdf:ID", "rdf:nodeID", "rdf:datatype"])
def test_other_attributes_lose_a_name(attribute: str) -> None:
    text = people("<dc:title {}>x</dc:title>")
    assert without(text.replace(b"{}", f'{attribute}="Jane Doe"'.encode())).count(b"Jane") == 0


def test_a_name_in_percent_encoding_is_found() -> None:
    text = packet(TITLE, padding=None)
    data = file(text.replace('about=""', 'about="file:///Jane%20Doe.jpg"'))
    assert without(data) == file(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [('id="W5M0Mp"', 'id="Jane Doe"'), ('end="w"', 'end="w" Jane Doe'), ('x:xmptk="T"', "{}")],
)
def test_the_wrapper_holds_no_name(old: str, new: str) -> None:
    text = packet(TITLE).replace(old, new.replace("{}", 'x:xmptk="Jane Doe"'))
    found = xmp(without(file(text)))
    assert found is not None
    assert b"Jane" not in found
    assert TITLE.encode() in found


def test_a_digest_of_exif_goes_only_with_a_name_in_exif() -> None:
    text = packet(TITLE + "<exif:NativeDigest>36864,1;ABC</exif:NativeDigest>", padding=None)
    plain = segment(0xE1, b"Exif\0\0MM\0*Janet Doe")
    named = segment(0xE1, b"Exif\0\0MM\0*by Jane Doe")
    assert without(file(text, "utf-8", plain)) == file(text, "utf-8", plain)
    left = packet(TITLE, padding=None)
    assert without(file(text, "utf-8", named)) == file(left, "utf-8", named)
