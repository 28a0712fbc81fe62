"""The note: an XMP packet that says what was redacted, and goes without a trace."""

from __future__ import annotations

import io

import numpy as np
import pytest
from lxml import etree
from pictures import pillow_jpeg, segments
from PIL import Image

import jpegredact as jr
from jpegredact.redaction.note import note_packet

NAMES = {"jr": "urn:x-jpegredact:note/1.0/", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#"}
SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
BOXES = [
    jr.Box(10, 20, 50, 60, "face"), jr.Box(90, 80, 120, 110, "plate"), jr.Box(0, 0, 9, 9, "face"),
]  # fmt: skip


def fields_of(packet: bytes) -> dict[str, str]:
    root = etree.fromstring(packet.decode().split("?>", 1)[1].rsplit("<?", 1)[0])
    (description,) = root.iter(f"{{{NAMES['rdf']}}}Description")
    prefix = f"{{{NAMES['jr']}}}"
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


def test_it_holds_nothing_of_the_original(photo: np.ndarray) -> None:
    """Two pictures, the same outside: the same bytes (G2)."""
    other = photo.copy()
    other[24:56, 16:48] = 255 - other[24:56, 16:48]
    box = [jr.Box(8, 16, 56, 64, "face")]
    flat = {"quality": 80, "subsampling": 0}
    a, b = pillow_jpeg(photo, **flat), pillow_jpeg(other, **flat)
    assert a != b
    assert jr.redact(a, box, note=True).jpeg == jr.redact(b, box, note=True).jpeg


def test_a_second_packet_is_refused(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    assert SIGNATURE in data
    with pytest.raises(jr.UnsupportedJpegError) as caught:
        jr.redact(data, BOXES, note=True)
    assert caught.value.code == "jpeg.note"
    assert data[caught.value.offset + 4 :].startswith(SIGNATURE)
    assert SIGNATURE in jr.redact(data, BOXES).jpeg
    noted = jr.redact(pillow_jpeg(photo), BOXES, note=True).jpeg
    with pytest.raises(jr.UnsupportedJpegError):
        jr.redact(noted, BOXES, note=True)


def test_a_noted_file_can_be_redacted_again(photo: np.ndarray) -> None:
    noted = jr.redact(pillow_jpeg(photo), BOXES, note=True).jpeg
    again = jr.redact(noted, [(100, 10, 150, 60)])
    assert packet_in(again.jpeg) == packet_in(noted)
    assert jr.restore(again.jpeg, again.diff) == noted


def test_nothing_redacted_nothing_noted(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    assert jr.redact(data, [], note=True).jpeg == data


def test_labels_that_are_no_plain_words_are_counted_only() -> None:
    labels = [None, "face", "<script>", "x" * 33, "", "a\nb", "naïve", "licence plate"]
    fields = fields_of(note_packet(labels, "fill"))
    assert fields["Regions"] == "8"
    assert fields["Labels"] == "face: 1, licence plate: 1, region: 1, other: 5"


def test_many_labels_fit() -> None:
    fields = fields_of(note_packet([f"label{n}" for n in range(10_000)], "a \"method\""))
    assert len(fields["Labels"].split(", ")) == 33
    assert fields["Labels"].endswith("other: 9968")
    assert fields["Method"] == "other"


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
