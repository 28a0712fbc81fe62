"""The referee is put to the test itself: what was planted is found and judged right."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from . import planted
from .carver import Finding, carve
from .decode import any_jpeg, small_grey
from .exiftool import needs_exiftool, shared
from .judge import Judgement, Pictures, judge, shows_original
from .streams import main_picture, streams


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    pixels = planted.picture()
    return pixels, planted.redacted(pixels)


@pytest.fixture(scope="module")
def both(pair: tuple[np.ndarray, np.ndarray]) -> Pictures:
    first, second = (planted.saved(Image.fromarray(p), quality=92) for p in pair)
    found = Pictures.of(first, second, planted.BOX)
    assert found is not None
    return found


def judged(data: bytes, both: Pictures) -> list[tuple[Finding, Judgement]]:
    return [(finding, judge(finding, both)) for finding in carve(data, both.original)]


@pytest.mark.parametrize("kind", planted.KINDS)
def test_a_copy_of_the_original_is_found(kind: str, pair, both: Pictures) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    data = planted.KINDS[kind](jpeg, planted.small(pair[0]))
    found = judged(data, both)
    assert any(shows_original(judgement) for _, judgement in found), found


@pytest.mark.parametrize("kind", [k for k in planted.KINDS if k != "detail alone"])
def test_a_copy_of_the_redacted_picture_is_no_finding(kind: str, pair, both: Pictures) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    data = planted.KINDS[kind](jpeg, planted.small(pair[1]))
    found = judged(data, both)
    assert found, "the copy itself must be seen"
    for finding, judgement in found:
        # Put together with a header left in, a stream decodes to garbage from there on.
        garbled = judgement.verdict == "doubtful" and "0 bytes off each" in finding.place
        assert garbled or not shows_original(judgement), (finding.place, finding.kind, judgement)


def test_a_file_without_copies_has_no_findings(pair) -> None:
    jpeg = planted.saved(Image.fromarray(pair[0]), quality=92)
    assert carve(jpeg, small_grey(jpeg)[0]) == []


def test_another_picture_is_unrelated(pair, both: Pictures) -> None:
    other = planted.saved(planted.small(planted.picture(seed=8)), quality=90)
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    verdicts = [judgement.verdict for _, judgement in judged(jpeg + other, both)]
    assert verdicts == ["unrelated"]


def test_a_flat_region_is_said_to_be_no_evidence(pair) -> None:
    pixels = pair[0].copy()
    left, top, right, bottom = planted.BOX
    pixels[top - 16 : bottom + 16, left - 16 : right + 16] = 128
    jpeg = planted.saved(Image.fromarray(pixels), quality=92)
    both = Pictures.of(jpeg, jpeg, planted.BOX)
    assert both is not None
    data = planted.exif_jpeg(jpeg, planted.small(pixels))
    assert [j.verdict for _, j in judged(data, both)] == ["no detail"]


def test_half_a_thumbnail_is_decoded_as_far_as_it_goes(pair, both: Pictures) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    whole = planted.exif_jpeg(jpeg, planted.small(pair[0]))
    size = len(planted.saved(planted.small(pair[0]), quality=85))
    at = whole.index(b"\xff\xd8", 2)
    cut = whole[: at + 2 * size // 3] + bytes(size - 2 * size // 3) + whole[at + size :]
    assert any(shows_original(j) for _, j in judged(cut, both))


def test_what_can_not_be_decoded_counts_as_showing(pair, both: Pictures) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    header = planted.saved(planted.small(pair[0]), "PNG")[:33]
    (only,) = judged(jpeg + header + b"junk" * 50, both)
    assert only[1].verdict == "undecoded"
    assert shows_original(only[1])


def test_video_counts_as_showing(both: Pictures, pair) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    box = (24).to_bytes(4) + b"ftypmp42" + bytes(4) + b"mp42isom"
    film = box + (200).to_bytes(4) + b"mdat" + bytes(range(192))
    (only,) = judged(jpeg + film, both)
    assert only[1].verdict == "video"
    assert shows_original(only[1])


def test_a_gain_map_is_judged_by_its_edges(pair, both: Pictures) -> None:
    """No linear view of the picture, neither brighter nor darker where that is."""
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)

    def gain_map(pixels: np.ndarray) -> bytes:
        grey = np.asarray(planted.small(pixels, (240, 160)).convert("L"), dtype=float)
        bent = np.abs(grey - np.median(grey)) * 2
        return planted.saved(Image.fromarray(np.clip(bent, 0, 255).astype(np.uint8)), quality=90)

    (shown,) = judged(jpeg + gain_map(pair[0]), both)
    (clean,) = judged(jpeg + gain_map(pair[1]), both)
    assert shows_original(shown[1])
    assert not shows_original(clean[1])
    assert clean[1].verdict in ("clean", "unrelated")


def test_streams_cover_every_byte_but_the_scans(pair) -> None:
    image = planted.small(pair[0])
    for name, plant in planted.KINDS.items():
        data = plant(planted.saved(Image.fromarray(pair[0])), image)
        seen = np.zeros(len(data), bool)
        for stream in streams(data):
            if "joined" not in stream.place:
                start = stream.offset(0)
                seen[start : start + len(stream.data)] = True
        layout = main_picture(data)
        for start, end in layout.scans:
            seen[start:end] = True
        for segment in layout.segments:
            seen[segment.start : segment.start + 4] = True  # marker and length
        seen[:2] = seen[layout.end - 2 : layout.end] = True
        assert seen.all(), f"{name}: {np.flatnonzero(~seen)[:5]}"


def test_offsets_lead_back_to_the_file(pair, both: Pictures) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    image = planted.small(pair[0])
    for kind in ("exif jpeg", "trailer", "jfxx"):
        data = planted.KINDS[kind](jpeg, image)
        (finding,) = carve(data)
        assert data[finding.offset : finding.offset + 3] == b"\xff\xd8\xff"


def test_progressive_and_arithmetic_pictures_are_decoded(pair) -> None:
    for options in ({"progressive": True}, {"quality": 95}):
        out = io.BytesIO()
        Image.fromarray(pair[0]).save(out, "JPEG", **options)
        grey, size = any_jpeg(out.getvalue())
        assert size == (planted.WIDTH, planted.HEIGHT)
        assert grey.shape == (256, 384)


@needs_exiftool
@pytest.mark.parametrize("kind", ["exif jpeg", "photoshop", "jfxx", "xmp base64"])
def test_exiftool_finds_it_too(kind: str, pair, both: Pictures) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    for pixels, shown in ((pair[0], True), (pair[1], False)):
        data = planted.KINDS[kind](jpeg, planted.small(pixels))
        found = shared().pictures(data)
        if kind == "xmp base64":
            continue  # it knows the tag by its name space, which this packet does not declare
        assert found
        assert any(shows_original(judge(f, both)) for f in found) is shown


@needs_exiftool
def test_exiftool_complaints_are_counted(pair) -> None:
    jpeg = planted.saved(Image.fromarray(pair[1]), quality=92)
    good = planted.exif_jpeg(jpeg, planted.small(pair[0]))
    bad = good.replace(b"II\x2a\0\x08\0", b"II\x2a\0\xff\0")
    assert shared().complaints(bad) != shared().complaints(good)
    assert isinstance(shared().complaints(good), Counter)
