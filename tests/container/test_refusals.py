"""Thermal pictures and stereo pairs are refused; forced, their segments go or stay as said."""

from __future__ import annotations

import struct
from pathlib import Path

import container_files as files
import pytest

from jpegredact.container import jpegwalk
from jpegredact.container.model import POLICIES, Policy
from jpegredact.container.segments.refusals import read_refusals, refusals

PLAIN = files.picture(16, 16)
DJI_EXIF = files.segment(0xE1, b"Exif\0\0II*\0" + struct.pack("<IHI", 8, 0, 0) + b"DJI\0")
THERMAL = {
    "FLIR": [files.segment(0xE1, b"FLIR\0\1\0\2" + files.noise(900))] * 3,
    "Parrot": [files.segment(0xE1, b"PARROT\0II*\0" + files.noise(900))],
    "DJI": [
        files.segment(0xE3, files.noise(4000)),
        files.segment(0xE4, b"\xaa\x55\x12\x06" + bytes(60)),
        files.segment(0xE5, files.noise(300)),
    ],
    "InfiRay": [
        files.segment(0xE2, b"\1\0\0\0IJPEG\0" + bytes(40)),
        files.segment(0xE3, files.noise(4000)),
        files.segment(0xE9, files.noise(300)),
    ],
}
JPS = files.segment(0xE3, b"_JPSJPS_" + struct.pack(">HIH", 4, 1, 0))


@pytest.mark.parametrize("name", THERMAL)
@pytest.mark.parametrize("policy", POLICIES)
def test_thermal(name: str, policy: Policy) -> None:
    data = files.with_segments(PLAIN, *THERMAL[name])
    segments = files.segments_of(data)
    (copy,) = refusals(data, segments)
    assert (copy.kind, copy.actions) == ("thermal", ("refuse", "refuse", "refuse"))
    assert name in copy.detail
    assert copy.length == len(data) - len(PLAIN)
    (found,) = read_refusals(data, segments).found
    assert len(found.segments) == len(THERMAL[name])
    # what forcing does
    answer = read_refusals(data, segments).scrub(files.request(policy))
    assert files.applied(data, answer.edits) == (data if policy == "keep" else PLAIN)
    assert answer.outcomes[0][1] == ("warn" if policy == "keep" else "drop")


def test_nameless_thermal_segments_of_dji() -> None:
    segment = files.segment(0xE3, files.noise(4000))
    data = files.with_segments(PLAIN, DJI_EXIF, segment)
    assert files.kinds(refusals(data, files.segments_of(data))) == ["thermal"]
    for others in ((segment,), (DJI_EXIF,), (DJI_EXIF, files.segment(0xE3, b"Meta\0\0" * 400))):
        data = files.with_segments(PLAIN, *others)
        assert refusals(data, files.segments_of(data)) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_stereo(policy: Policy) -> None:
    data = files.with_segments(PLAIN, JPS)
    (copy,) = refusals(data, files.segments_of(data))
    assert (copy.kind, copy.actions) == ("stereo", ("refuse", "refuse", "refuse"))
    assert "both views" in copy.detail
    answer = read_refusals(data, files.segments_of(data)).scrub(files.request(policy))
    assert files.applied(data, answer.edits) == (PLAIN if policy == "strict" else data)


def test_a_long_descriptor_goes() -> None:
    data = files.with_segments(PLAIN, files.segment(0xE3, b"_JPSJPS_" + files.noise(4000)))
    answer = read_refusals(data, files.segments_of(data)).scrub(files.request())
    assert files.applied(data, answer.edits) == PLAIN


def test_the_corpus(corpus: Path) -> None:
    refused = set()
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.header(data, 0, len(data))
        segments = [files.Segment(*one) for one in (shape.segments if shape else ())]
        if refusals(data, segments):
            refused.add(path.name)
    assert refused == {"2bd7ac42_SampleFLIR.jpg"}
