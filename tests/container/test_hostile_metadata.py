"""Any bytes in XMP and Photoshop segments: an answer, in bounded time, and never an exception."""

from __future__ import annotations

import hashlib
import struct
import time

import pytest
from carrier_helpers import EXTENSION, STANDARD, jpeg, request, scrubbed, segment, segments
from hypothesis import given, settings
from hypothesis import strategies as st
from test_iptc import data_set
from test_photoshop import HEADER, app13, resource, thumbnail
from test_xmp import GAIN_MAP, PRIMARY, TITLE, VIDEO, directory, extended, file, packet
from test_xmp_people import DECLARED, JANE, acdsee, iptc, microsoft, mwg

from jpegredact.container.model import POLICIES, Kept
from jpegredact.container.photoshop.carrier import read_photoshop
from jpegredact.container.xmp.carrier import read_xmp

SECONDS = 3.0  # for what real files take a thousandth of
FULL = packet(
    TITLE + mwg(JANE) + microsoft(JANE) + acdsee(JANE) + iptc(JANE)
    + directory(PRIMARY, GAIN_MAP.format(9), VIDEO)
    + f"<GImage:Data>{'/9j/' * 99}</GImage:Data><!-- Jane Doe --><dc:title>Jane Doe</dc:title>",
    DECLARED + ' hdrgm:Version="1.0" photoshop:LegacyIPTCDigest="00"',
    padding=" " * 40,
)  # fmt: skip


def check(data: bytes) -> None:
    """Read, and scrub by every policy; the result must hold and be clean."""
    start = time.process_time()
    listed = segments(data)
    for policy in POLICIES:
        wanted = request(policy, names=["Jane Doe"], images=(Kept(3, 9, b"x" * 99),), orientation=6)
        for read, code in ((read_xmp(data, listed, 3), 0xE1), (read_photoshop(data, listed), 0xED)):
            read.names(wanted.areas, 6)
            new = scrubbed(data, read, wanted, {code})
            after = segments(new)
            again = (read_xmp(new, after, 3) if code == 0xE1 else read_photoshop(new, after)).scrub(
                wanted
            )
            assert again.edits == []
    assert time.process_time() - start < SECONDS


PIECES = [
    b"<", b">", b"</rdf:li>", b"<rdf:li>", b"&#x0;", b"]]>", b"<![CDATA[", b"<!--", b'"', b"\0",
    b"\xff\xff\xff\xff", b"8BIM", b"\x1c\2\x19", b"<?x", b"<rdf:Bag/>",
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Cut stretches out, double them, or overwrite them with other bytes."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 60)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            new = b""
        elif kind == 1:
            new = data[at:end] * 2
        elif kind == 2:
            new = draw(st.binary(max_size=8))
        else:
            new = draw(st.sampled_from(PIECES))
        data = data[:at] + new + data[end:]
    return data


@settings(max_examples=150)
@given(spoiled(FULL.encode()))
def test_spoiled_xmp(text: bytes) -> None:
    check(jpeg(segment(0xE1, STANDARD + text)))


@settings(max_examples=40)
@given(spoiled(FULL.encode("utf-16-le")))
def test_spoiled_utf_16(text: bytes) -> None:
    check(jpeg(segment(0xE1, STANDARD + text)))


@settings(max_examples=60)
@given(st.data())
def test_spoiled_chunks(data: st.DataObject) -> None:
    guid, chunks = extended(FULL, sizes=2000)
    spoilt = [data.draw(spoiled(chunk[4 + len(EXTENSION) :])) for chunk in chunks[:1]]
    first = segment(0xE1, EXTENSION + spoilt[0])
    check(file(packet(TITLE, f'xmpNote:HasExtendedXMP="{guid}"'), "utf-8", first, *chunks[1:]))


@settings(max_examples=150)
@given(st.data(), st.sampled_from([65000, 300, 7]))
def test_spoiled_resources(data: st.DataObject, share: int) -> None:
    block = data_set(2, 120, b"Jane Doe here") + data_set(2, 202, b"\xff\xd8\xff\xe0abc")
    whole = resource(0x0404, block) + resource(0x040C, thumbnail(8, 8, extra=200))
    whole += resource(0x0424, packet(mwg(JANE), DECLARED, padding=None).encode())
    whole += resource(0x0425, b"\1" * 16) + resource(0x07D0, b"path", b"Path 1")
    check(jpeg(app13(data.draw(spoiled(whole)), share=share)))


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    for code, header in ((0xE1, STANDARD), (0xE1, EXTENSION), (0xED, HEADER), (0xED, b"")):
        check(jpeg(segment(code, header + content)))
    check(jpeg(segment(0xED, b"Adobe_Photoshop2.5:" + content)))


NAMES = "".join(f"<dc:title>Jane Doe {n}</dc:title>" for n in range(1200))
LARGE = {
    "regions": mwg(*[(f"Name {n}", 0.5, 0.5, 0.1, 0.1) for n in range(250)]) + NAMES[:9000],
    "attributes": "<acme:a " + " ".join(f'acme:b{n}="Jane Doe"' for n in range(2000)) + "/>",
    "elements": "<acme:a/>" * 6000,
    "arrays": "<acme:a>" + "<rdf:Bag><rdf:li>" * 28 + "Jane Doe" + "</rdf:li></rdf:Bag>" * 28
    + "</acme:a>",
    "white space": "<acme:a>" + " " * 60000 + "</acme:a>",
    "equals": "=" * 60000,
    "base64 in short runs": ("A" * 31 + " ") * 1800,
    "references": "<acme:a>" + "&#65;" * 12000 + "</acme:a>",
    "items": directory(*[GAIN_MAP.format(n) for n in range(400)]),
    "names": NAMES,
    "comments": "<!---->" * 8000,
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_large_packets_take_no_long_time(name: str) -> None:
    check(file(packet(LARGE[name], DECLARED, padding=None)))


def test_a_large_extended_packet_takes_no_long_time() -> None:
    text = packet("<acme:a>" + "x <acme:b>Jane Doe</acme:b>" * 20000 + "</acme:a>", padding=None)
    raw = text.encode()
    guid = hashlib.md5(raw, usedforsecurity=False).hexdigest().upper().encode()
    chunks = [
        segment(0xE1, EXTENSION + guid + struct.pack(">II", len(raw), at) + raw[at : at + 60000])
        for at in range(0, len(raw), 60000)
    ]
    check(file(packet(TITLE, f'xmpNote:HasExtendedXMP="{guid.decode()}"'), "utf-8", *chunks))


def test_many_resources_and_data_sets_take_no_long_time() -> None:
    check(jpeg(app13(resource(0x1234, b"Jane Doe") * 4000)))
    check(jpeg(app13(resource(0x0404, data_set(2, 25, b"Jane \xe9") * 20000))))
    check(jpeg(app13(resource(0x040C, thumbnail(8, 8, extra=0)) * 200)))
