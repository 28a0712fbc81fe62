"""The note: an XMP packet that says what was redacted, and goes without a trace."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from lxml import etree
from pictures import pillow_jpeg, segments
from PIL import Image

import jpegredact as jr

NAMES = {"jr": "urn:x-jpegredact:note/1.0/", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#"}
SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
BOXES = [
    jr.Box(10, 20, 50, 60, "face"), jr.Box(90, 80, 120, 110, "plate"), jr.Box(0, 0, 9, 9, "face"),
]  # fmt: skip


def fields_of(packet: bytes) -> dict[str, str]:
    prefix = f"{{{NAMES['jr']}}}"
    (description,) = (
        each for each in etree.fromstring(packet).iter(f"{{{NAMES['rdf']}}}Description")
        if any(name.startswith(prefix) for name in each.attrib)
    )  # fmt: skip
    return {
        name.removeprefix(prefix): value
        for name, value in description.attrib.items()
        if name.startswith(prefix)
    }


def packet_in(jpeg: bytes) -> bytes:
    found = [
        jpeg[at + 4 : at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])]
        for code, at in segments(jpeg)
        if code == 0xE1
    ]
    (packet,) = [p.removeprefix(SIGNATURE) for p in found if p.startswith(SIGNATURE)]
    return packet


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
def test_there_and_back(photo: np.ndarray, options: dict[str, object], policy: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data = pillow_jpeg(photo, exif=exif, **options)
    plain = jr.redact(data, BOXES, side_copies=policy)
    noted = jr.redact(data, BOXES, side_copies=policy, note=True)
    packet = packet_in(noted.jpeg)
    assert fields_of(packet) == {
        "Version": jr.__version__, "Method": "inpaint", "Regions": "3",
        "Labels": "face: 2, plate: 1",
    }  # fmt: skip
    assert len(noted.jpeg) == len(plain.jpeg) + len(packet) + len(SIGNATURE) + 4
    assert noted.jpeg.replace(packet, b"", 1)[-200:] == plain.jpeg[-200:]
    assert jr.restore(noted.jpeg, noted.diff) == data
    assert jr.verify(data, noted.jpeg, noted.diff).ok
    first = jr.restore(noted.jpeg, noted.diff, regions=[0])
    assert packet in first
    assert jr.restore(first, noted.diff, regions=[1, 2]) == data
    assert Image.open(io.BytesIO(noted.jpeg)).size == (208, 160)
    assert noted.report.header_changes != plain.report.header_changes


def test_it_stands_behind_jfif_and_exif(photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data = pillow_jpeg(photo, exif=exif)
    before = [code for code, _ in segments(data)]
    after = [code for code, _ in segments(jr.redact(data, BOXES, note=True).jpeg)]
    front = 1 + max(n for n, code in enumerate(before[:2]) if code in (0xE0, 0xE1))
    assert after == [*before[:front], 0xE1, *before[front:]]


def test_without_application_segments_it_comes_first(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    (app0,) = [at for code, at in segments(data) if code == 0xE0]
    bare = data[:app0] + data[app0 + 2 + int.from_bytes(data[app0 + 2 : app0 + 4]) :]
    noted = jr.redact(bare, BOXES, note=True)
    assert noted.jpeg[2:4] == b"\xff\xe1"
    assert jr.restore(noted.jpeg, noted.diff) == bare


@pytest.mark.parametrize("xmp", [None, "there is one"])
def test_it_holds_nothing_of_the_original(photo: np.ndarray, xmp: str | None) -> None:
    """Two pictures, the same outside: the same bytes (G2)."""
    other = photo.copy()
    other[24:56, 16:48] = 255 - other[24:56, 16:48]
    box = [jr.Box(8, 16, 56, 64, "face")]
    flat: dict[str, object] = {"quality": 80, "subsampling": 0}
    if xmp:
        flat["xmp"] = (GPANO % ("", "", PADDED)).encode()
    a, b = pillow_jpeg(photo, **flat), pillow_jpeg(other, **flat)
    assert a != b
    assert jr.redact(a, box, note=True).jpeg == jr.redact(b, box, note=True).jpeg


GPANO = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 GPano:ProjectionType="equirectangular"%s><dc:description>Jane Doe at the lake</dc:description>%s
</rdf:Description></rdf:RDF></x:xmpmeta>%s<?xpacket end="w"?>"""
FACE = """<mwg-rs:Regions xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" rdf:parseType="Resource"><mwg-rs:RegionList>
<rdf:Bag><rdf:li rdf:parseType="Resource"><mwg-rs:Name>Jane Doe</mwg-rs:Name><mwg-rs:Area
 stArea:x="0.15" stArea:y="0.25" stArea:w="0.1" stArea:h="0.1" stArea:unit="normalized"/></rdf:li>
</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"""
PADDED = (" " * 99 + "\n") * 20


def check(data: bytes, policy: str, **options: object) -> bytes:
    """Redact with a note, and check what holds for every file; return the redacted file."""
    noted = jr.redact(data, BOXES, side_copies=policy, note=True, **options)
    assert jr.restore(noted.jpeg, noted.diff) == data
    part = jr.restore(noted.jpeg, noted.diff, regions=[1])
    assert jr.restore(part, noted.diff) == data
    assert fields_of(packet_in(noted.jpeg))["Labels"] == "face: 2, plate: 1"
    assert packet_in(part) == packet_in(noted.jpeg)
    if policy != "keep":
        assert jr.verify(data, noted.jpeg, noted.diff).ok
    return noted.jpeg


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
@pytest.mark.parametrize("padding", ["", PADDED])
def test_a_panorama_stays_one(photo: np.ndarray, policy: str, padding: str) -> None:
    data = pillow_jpeg(photo, xmp=(GPANO % ("", "", padding)).encode())
    noted = check(data, policy)
    packet = packet_in(noted)
    assert b'GPano:ProjectionType="equirectangular"' in packet
    assert (b"Jane Doe" in packet) == (policy != "strict")
    if policy != "strict":
        plain = jr.redact(data, BOXES, side_copies=policy).jpeg
        assert (len(noted) == len(plain)) == bool(padding)


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_names_go_from_the_packet_that_gets_the_note(photo: np.ndarray, policy: str) -> None:
    data = pillow_jpeg(photo, xmp=(GPANO % ("", FACE, PADDED)).encode())
    noted = check(data, policy)
    assert (b"Jane Doe" in packet_in(noted)) == (policy == "keep")
    assert (b"at the lake" in packet_in(noted)) == (policy != "strict")
    named = jr.redact(data, [jr.Box(10, 20, 50, 60, "Jane Doe")], side_copies=policy, note=True)
    assert fields_of(packet_in(named.jpeg))["Labels"] == "other: 1"


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_extended_xmp(photo: np.ndarray, policy: str) -> None:
    """The note is in the packet that names the extended one, which stays as it is."""
    more = (GPANO % ("", "", "")).replace("Jane Doe", "Somebody").encode()
    guid = hashlib.md5(more).hexdigest().upper()
    naming = f' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid}"'
    data = pillow_jpeg(photo, xmp=(GPANO % (naming, "", "")).encode())
    share = guid.encode() + len(more).to_bytes(4) + bytes(4) + more
    share = b"http://ns.adobe.com/xmp/extension/\0" + share
    at = data.index(b"\xff\xdb")
    data = data[:at] + b"\xff\xe1" + (len(share) + 2).to_bytes(2) + share + data[at:]
    noted = check(data, policy)
    assert (share in noted) == (guid.encode() in packet_in(noted)) == (policy != "strict")


def test_what_a_kept_packet_has_no_room_for(photo: np.ndarray) -> None:
    """Nothing is lost: the caller has to choose."""
    full = GPANO % (' dc:format="%s"' % ("some words " * 5000), "", "")
    full += " " * (0xFFFF - 2 - len(SIGNATURE) - len(full.encode()))
    for xmp in (full.encode(), b"broken"):
        data = pillow_jpeg(photo, xmp=xmp)
        with pytest.raises(jr.UnsupportedJpegError) as caught:
            jr.redact(data, BOXES, side_copies="keep", note=True)
        assert caught.value.code == "jpeg.note"
        assert data[caught.value.offset + 4 :].startswith(SIGNATURE)
        assert packet_in(jr.redact(data, BOXES, side_copies="keep").jpeg) == xmp
        check(data, "strict")


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
@pytest.mark.parametrize("xmp", [b"", (GPANO % ("", "", PADDED)).encode()])
def test_a_note_on_a_noted_file_counts_both(photo: np.ndarray, policy: str, xmp: bytes) -> None:
    first = check(pillow_jpeg(photo, **({"xmp": xmp} if xmp else {})), policy)
    more = [jr.Box(100, 10, 150, 60, "plate"), jr.Box(160, 10, 180, 60)]
    second = jr.redact(first, more, method="fill", side_copies=policy, note=True)
    assert jr.restore(second.jpeg, second.diff) == first
    assert fields_of(packet_in(second.jpeg)) == {
        "Version": jr.__version__, "Method": "fill", "Regions": "5",
        "Labels": "face: 2, plate: 2, region: 1",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(which("exiftool") is None, reason="exiftool is not here")
@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_every_file_with_xmp(corpus: Path, tmp_path: Path, policy: str) -> None:
    """They come back, and exiftool reads the note and complains of nothing new."""
    refused: list[bool] = []
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        if SIGNATURE not in data:
            continue
        try:
            noted = jr.redact(data, [(8, 8, 24, 24)], side_copies=policy, force=True, note=True)
        except jr.JpegRedactError as error:
            if error.code == "jpeg.note":
                refused.append("xmp-broken" in {copy.kind for copy in jr.audit(data)})
            continue
        assert jr.restore(noted.jpeg, noted.diff) == data, path.name
        (tmp_path / path.name).write_bytes(noted.jpeg)
    assert all(refused)
    assert policy == "keep" or not refused
    after = exiftool(list(tmp_path.iterdir()))
    assert len(after) > 100
    before = exiftool([corpus / name for name in after])
    for name, (said, complaints) in after.items():
        assert said == {
            "Version": jr.__version__, "Method": "inpaint", "Regions": "1", "Labels": "region: 1",
        }, name  # fmt: skip
        assert complaints <= before[name][1], name


def exiftool(paths: list[Path]) -> dict[str, tuple[dict[str, str], set[str]]]:
    """Return what exiftool says of files: the note, and its complaints.

    Which segment stray bytes follow is no news: the one before them may be gone.
    """
    run = ["exiftool", "-json", "-a", "-G1:4", "-validate", "-Error", "-Warning", "-XMP:all"]
    out = subprocess.run([*run, *map(str, paths)], capture_output=True, check=False).stdout
    found = {}
    for tags in json.loads(out):
        said = {
            tag.rpartition(":")[2]: str(value)
            for tag, value in tags.items() if tag.startswith("XMP-jpegredact:")
        }  # fmt: skip
        complaints = {
            str(value) for tag, value in tags.items()
            if tag.rpartition(":")[2] in ("Warning", "Error") and "Skipped" not in str(value)
        }  # fmt: skip
        found[Path(tags["SourceFile"]).name] = said, complaints
    return found


def test_a_noted_file_can_be_redacted_again(photo: np.ndarray) -> None:
    noted = jr.redact(pillow_jpeg(photo), BOXES, note=True).jpeg
    again = jr.redact(noted, [(100, 10, 150, 60)])
    assert packet_in(again.jpeg) == packet_in(noted)
    assert jr.restore(again.jpeg, again.diff) == noted


def test_nothing_redacted_nothing_noted(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    assert jr.redact(data, [], note=True).jpeg == data


def test_a_gain_map_s_index_counts_it(photo: np.ndarray) -> None:
    """MPF says how long the first picture is, and where the others lie."""
    out = io.BytesIO()
    pictures = [Image.fromarray(photo), Image.fromarray(photo[::2, ::2])]
    pictures[0].save(out, "MPO", save_all=True, append_images=pictures[1:])
    data = out.getvalue()
    plain = jr.redact(data, BOXES, side_copies="keep")
    noted = jr.redact(data, BOXES, side_copies="keep", note=True)
    assert jr.restore(noted.jpeg, noted.diff) == data
    for done in (plain, noted):
        with Image.open(io.BytesIO(done.jpeg)) as image:
            assert image.n_frames == 2
            first = image.mpinfo[0xB002][0]["Size"]
            assert done.jpeg[first - 2 : first + 2] == b"\xff\xd9\xff\xd8"
            image.seek(1)
            assert image.size == (104, 80)
            image.load()
