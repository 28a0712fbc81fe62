"""What a redaction can't answer for: thermal pictures and stereo pairs in one frame.

A thermal segment holds the same scene as temperatures, in a maker's own coding; a JPS file has
two views side by side in one frame, so a region over one view leaves the other. Such files are
refused unless that is forced. Forced, thermal segments are dropped (under "keep" they stay, with a
warning); the descriptor of a stereo pair stays, since it shows nothing, and whoever forces it
must give regions for both views.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model import Action, Actions, Policy, Request, Segment, SideCopy
from .base import Found, SegmentCarrier, payload

__all__ = ["may_stay", "read_refusals", "refusals"]

_REFUSE = Actions("refuse", "refuse", "refuse")
_JPS = b"_JPSJPS_"
_JPS_MOST = 1024
_DJI_PARAMETERS = b"\xaa\x55\x12\x06"
_LONG = 1024
"""DJI's thermal APP3 segments have no name; they are 64 KiB each but for the last."""


def refusals(data: bytes, segments: Iterable[Segment]) -> list[SideCopy]:
    """Return what a file is refused for; empty for nearly all files."""
    return list(read_refusals(data, segments).copies)


def read_refusals(data: bytes, segments: Iterable[Segment]) -> SegmentCarrier:
    """Look at all segments of a file. Scrubbing with it does what forcing does."""
    segments = tuple(segments)
    contents = [(segment, payload(data, segment)) for segment in segments]
    maker = _thermal_maker(contents)
    thermal = [
        segment for segment, content in contents if maker and _is_thermal(maker, segment, content)
    ]
    found = []
    if thermal:
        length = sum(segment.end - segment.offset for segment in thermal)
        detail = f"{maker} thermal data in {len(thermal)} segments"
        copy = SideCopy("thermal", thermal[0].offset, length, detail, _REFUSE)
        found.append(Found(copy, tuple(thermal), answer=_forced_thermal))
    for segment, content in contents:
        if segment.code == 0xE3 and content.startswith(_JPS):
            detail = "JPS stereo pair: the regions must cover both views"
            length = segment.end - segment.offset
            copy = SideCopy("stereo", segment.offset, length, detail, _REFUSE)
            answer = _forced_stereo if _is_descriptor(copy) else _forced_thermal
            found.append(Found(copy, (segment,), answer=answer))
    return SegmentCarrier(tuple(sorted(found, key=lambda one: one.copy.offset)))


def may_stay(copy: SideCopy, policy: Policy) -> bool:
    """Whether a forced redaction leaves what a file is refused for."""
    return policy == "keep" or (policy == "default" and _is_descriptor(copy))


def _is_descriptor(copy: SideCopy) -> bool:
    return copy.kind == "stereo" and copy.length <= _JPS_MOST


def _forced_thermal(request: Request, action: Action) -> tuple[Action, bytes | None]:
    return ("warn" if request.policy == "keep" else "drop"), None


def _forced_stereo(request: Request, action: Action) -> tuple[Action, bytes | None]:
    return ("drop" if request.policy == "strict" else "warn"), None


def _thermal_maker(contents: Sequence[tuple[Segment, bytes]]) -> str:
    """Return whose thermal segments a file has, by what only such files have."""
    dji, long_app3 = False, False
    for segment, content in contents:
        if segment.code == 0xE1 and content.startswith(b"FLIR\0"):
            return "FLIR"
        if segment.code == 0xE1 and content.startswith((b"PARROT\0II*\0", b"PARROT\0MM\0*")):
            return "Parrot"
        if segment.code == 0xE2 and content[4:10] == b"IJPEG\0":
            return "InfiRay"
        if segment.code == 0xE4 and content.startswith(_DJI_PARAMETERS):
            return "DJI"
        if segment.code == 0xE6 and content.startswith(b"DTAT\0"):
            return "DJI"
        dji = dji or (segment.code == 0xE1 and content[:6] == b"Exif\0\0" and b"DJI\0" in content)
        nameless = not content.startswith((b"Meta", b"META", b"Exif", b"Stim", _JPS, b"\xff\xd8"))
        long_app3 = long_app3 or (segment.code == 0xE3 and len(content) >= _LONG and nameless)
    return "DJI" if dji and long_app3 else ""


def _is_thermal(maker: str, segment: Segment, content: bytes) -> bool:
    """Whether a segment belongs to a maker's thermal data, as the maker's files have them."""
    if maker == "FLIR":
        return segment.code == 0xE1 and content.startswith(b"FLIR\0")
    if maker == "Parrot":
        return segment.code == 0xE1 and content.startswith(b"PARROT\0")
    if maker == "InfiRay":
        return 0xE3 <= segment.code <= 0xE9 or (
            segment.code == 0xE2 and content[4:10] == b"IJPEG\0"
        )
    return 0xE3 <= segment.code <= 0xE6 and not content.startswith((_JPS, b"GoPro\0"))
