"""What `verify` finds of side copies: what is left, put back, or added later."""

from __future__ import annotations

import exif_maker as maker
import numpy as np
import pytest
from container_files import segment, with_segments, xmp
from pictures import pillow_jpeg
from referee import planted

import jpegredact as jr

BOX = planted.BOX


def original() -> tuple[bytes, object]:
    picture = planted.picture()
    return pillow_jpeg(picture, quality=90), planted.small(np.asarray(picture))


def with_thumbnail(jpeg: bytes, small: object) -> bytes:
    """Return a JPEG with an Exif thumbnail, tags and all."""
    made = maker.tiff(
        {
            "ifd0": [(0x0112, 3, 1)],
            "ifd1": [(0x0103, 3, 6), (0x0201, 4, maker.Ref("thumbnail")),
                     (0x0202, 4, maker.Size("thumbnail"))],
            "thumbnail": planted.saved(small, quality=85),
        },
        links={"ifd0": "ifd1"},
    )  # fmt: skip
    return with_segments(jpeg, segment(0xE1, b"Exif\0\0" + made.data))


def problems(before: bytes, after: bytes) -> tuple[str, ...]:
    return jr.verify(before, after, boxes=[BOX]).problems


@pytest.mark.parametrize("plant", [with_thumbnail, planted.exif_rgb, planted.photoshop])
@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_a_thumbnail_made_anew_is_fine(plant, policy: str) -> None:
    jpeg, small = original()
    data = plant(jpeg, small)
    result = jr.redact(data, [BOX], side_copies=policy)
    assert problems(data, result.jpeg) == ()
    assert jr.verify(data, result.jpeg, result.diff).ok


@pytest.mark.parametrize("changed", [0, 1])
def test_the_original_thumbnail_put_back(changed: int) -> None:
    """With a byte of it changed too: it is looked at, not compared."""
    jpeg, small = original()
    data = with_thumbnail(jpeg, small)
    result = jr.redact(data, [BOX])
    (copy,) = (c for c in jr.audit(result.jpeg) if c.kind == "exif-thumbnail")
    old = bytearray(data[copy.offset : copy.offset + copy.length])
    old[-3] ^= changed
    back = result.jpeg[: copy.offset] + bytes(old) + result.jpeg[copy.offset + copy.length :]
    found = jr.verify(data, back, boxes=[BOX])
    assert not found.ok
    assert [c.kind for c in found.side_copies] == ["exif-thumbnail"]


def test_the_original_behind_the_redacted_file() -> None:
    jpeg, _ = original()
    result = jr.redact(jpeg, [BOX])
    found = jr.verify(jpeg, result.jpeg + jpeg, boxes=[BOX])
    assert [c.kind for c in found.side_copies] == ["trailer-jpeg"]
    assert "still there" in found.problems[0]


def test_a_picture_in_a_segment_that_the_original_lacks() -> None:
    jpeg, _ = original()
    result = jr.redact(jpeg, [BOX])
    found = problems(jpeg, with_segments(result.jpeg, segment(0xE7, jpeg[:60_000])))
    assert any("still there" in problem for problem in found)


def with_face(jpeg: bytes, share: float) -> bytes:
    """Return a JPEG with a named face in the middle, so much of each side large."""
    region = (
        '<mwg-rs:Regions xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
        'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" rdf:parseType="Resource">'
        '<mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<mwg-rs:Name>Anna Example</mwg-rs:Name>"
        f'<mwg-rs:Area stArea:x="0.5" stArea:y="0.5" stArea:w="{share}" stArea:h="{share}" '
        'stArea:unit="normalized"/></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>'
    )
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="">'
        f"{region}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return with_segments(jpeg, xmp(packet))


def test_names_that_are_still_tied_to_a_region() -> None:
    data = with_face(original()[0], 0.3)
    kept = jr.redact(data, [BOX], side_copies="keep")
    assert any("names" in problem for problem in problems(data, kept.jpeg))
    assert problems(data, jr.redact(data, [BOX]).jpeg) == ()


def test_a_margin_counts_where_names_are_looked_for() -> None:
    """A face that only the margin covers loses its name too."""
    data = with_face(original()[0], 0.1)
    beside = (0, 0, 160, 100)
    assert b"Anna Example" in jr.redact(data, [beside]).jpeg
    assert b"Anna Example" not in jr.redact(data, [beside], margin=80).jpeg


def test_an_odd_thumbnail_is_no_reason_to_doubt() -> None:
    """One that can't be read shows nothing."""
    made = maker.file({"ifd0": [(0x0112, 3, 1)]})
    result = jr.redact(made.data, [(0, 0, 8, 8)])
    assert jr.verify(made.data, result.jpeg, result.diff).ok


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xDB, b"\3" + bytes(range(1, 65))) * 60,  # tables for a slot that nobody uses
        segment(0xE2, b"ICC_PROFILE\0\1\1" + b"no profile" * 300),
    ],
    ids=["DQT", "ICC"],
)
def test_segments_that_go_are_no_problem(extra: bytes) -> None:
    jpeg, _ = original()
    data = with_segments(jpeg, extra)
    result = jr.redact(data, [BOX])
    assert len(result.jpeg) < len(jr.redact(jpeg, [BOX]).jpeg) + len(extra)
    assert jr.verify(data, result.jpeg, result.diff).problems == ()
