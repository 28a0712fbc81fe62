"""The last gate: what must not stand in a redacted file, wherever it got in."""

from __future__ import annotations

import io

import pytest
from container_files import HDRGM, gain_map, multi_picture, picture, segment, with_segments, xmp
from PIL import Image

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.container.gate import require_clean
from jpegredact.container.model import Request, Scrubbed
from jpegredact.container.segments import unknown
from jpegredact.redaction.side_copies import read_contents


def check(data: bytes, policy: str = "default") -> None:
    jpeg = read_jpeg(data)
    cuts = [(scan.start, 0) for scan in jpeg.scans]
    require_clean(data, jpeg.segments, read_contents(data, jpeg), policy, cuts)  # type: ignore


def embedded() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((48, 32), 50).save(out, "JPEG")
    return out.getvalue()


def test_what_is_clean_passes() -> None:
    check(picture())
    check(with_segments(picture(), segment(0xFE, b"a comment")))


def test_what_should_be_gone_is_an_error() -> None:
    data = picture() + embedded()
    with pytest.raises(jr.SideCopyError) as caught:
        check(data)
    assert caught.value.code == "side-copy.left"
    assert caught.value.offset == len(picture())
    check(data, "keep")  # it is said aloud there


class Careless:
    """A carrier that calls nothing a side copy."""

    copies = ()

    def names(self, areas: object, orientation: int) -> frozenset[str]:
        return frozenset()

    def scrub(self, request: Request) -> Scrubbed:
        return Scrubbed([], [])


def test_carving_finds_what_a_carrier_overlooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown, "read_unknown", lambda *_: Careless())
    data = with_segments(picture(), segment(0xE7, b"maker" + embedded()))
    with pytest.raises(jr.SideCopyError) as caught:
        jr.redact(data, [(0, 0, 16, 16)])
    assert caught.value.code == "side-copy.carved"
    redacted_header = jr.redact(picture(), [(0, 0, 16, 16)]).jpeg.index(b"\xff\xdb")
    assert caught.value.offset == redacted_header + 4 + len(b"maker")


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
@pytest.mark.parametrize("length", [16, 3000])
def test_a_forced_stereo_pair_passes(policy: str, length: int) -> None:
    """Its descriptor shows nothing and stays by default; one that is too long does not."""
    descriptor = segment(0xE3, b"_JPSJPS_" + b"\1" * length)
    data = with_segments(picture(), descriptor)
    with pytest.raises(jr.UnsupportedJpegError):
        jr.redact(data, [(0, 0, 16, 16)], side_copies=policy)
    result = jr.redact(data, [(0, 0, 16, 16)], side_copies=policy, force=True)
    stays_by_default = length == 16
    stays = policy == "keep" or (policy == "default" and stays_by_default)
    assert (descriptor in result.jpeg) is stays
    assert jr.verify(data, result.jpeg, result.diff).ok is (policy != "keep" or stays_by_default)
    assert jr.restore(result.jpeg, result.diff) == data


def test_a_signature_alone_is_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown, "read_unknown", lambda *_: Careless())
    data = with_segments(picture(), segment(0xE7, b"maker\xff\xd8\xff\xe0" + bytes(40)))
    result = jr.redact(data, [(0, 0, 16, 16)])
    assert jr.restore(result.jpeg, result.diff) == data


def test_another_soi_in_front_is_the_picture_itself() -> None:
    data = b"\xff\xd8" + picture()
    result = jr.redact(data, [(0, 0, 16, 16)])
    assert jr.restore(result.jpeg, result.diff) == data


def test_offsets_are_those_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coded data is left out of what the gate reads, but counts."""
    from jpegredact.container.images.carrier import Images

    monkeypatch.setattr(Images, "copies", ())
    monkeypatch.setattr(Images, "decide", lambda self, request, hinted: (Scrubbed([], []), ()))
    plain = with_segments(picture(), segment(0xFE, b"c"))  # so that there is something to do
    data = plain + b"\0" * 5 + embedded()
    with pytest.raises(jr.SideCopyError) as caught:
        jr.redact(data, [(0, 0, 8, 8)])
    where = caught.value.offset
    assert where is not None
    redacted = jr.redact(plain, [(0, 0, 8, 8)]).jpeg
    assert where == len(redacted) + 5


def test_a_picture_cut_into_two_segments_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown, "read_unknown", lambda *_: Careless())
    inner = embedded()
    data = with_segments(picture(), segment(0xE7, b"x" + inner[:12]), segment(0xE8, inner[12:]))
    with pytest.raises(jr.SideCopyError) as caught:
        check(data)
    assert caught.value.code == "side-copy.carved"
    assert caught.value.offset == data.index(inner[:12], 20)
    assert "strict" in str(caught.value)
    with pytest.raises(jr.SideCopyError) as caught:
        check(data, "strict")
    assert "strict" not in str(caught.value)


def test_gain_maps_of_one_length_are_told_apart_in_the_index() -> None:
    first = gain_map(xmp(HDRGM), width=48, height=32)
    second = first.replace(b'GainMapMax="2.3"', b'GainMapMax="2.4"')
    data = multi_picture(picture(192, 128), [(0, b"", first), (0, b"", second)])
    result = jr.redact(data, [(0, 0, 16, 16)])
    assert {item.kind: item.action for item in result.report.side_copies} == {
        "mpf-index": "edit", "gain-map": "redact",
    }  # fmt: skip
    assert jr.restore(result.jpeg, result.diff) == data


def test_the_gate_keeps_to_the_callers_limits() -> None:
    """What the caller lets pass, the second reading lets pass too."""
    count = jr.Limits().max_segments
    data = with_segments(picture(), segment(0xFE, b"a") * (count + 1))
    limits = jr.Limits(max_segments=2 * count)
    result = jr.redact(data, [(0, 0, 16, 16)], side_copies="keep", limits=limits)
    assert jr.restore(result.jpeg, result.diff, limits=limits) == data
    assert jr.verify(data, result.jpeg, result.diff, limits=limits).outside_changed == 0
