"""Clear every other place in the file that shows the same: joins `container` and the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from ..codec.markers import APP1
from ..codec.model import JpegData
from ..codec.reader import read_jpeg
from ..codec.sketch import Drawing, Sketch
from ..container.exif.orientation import read_orientation
from ..container.gate import require_clean
from ..container.model import POLICIES, Policy, RedactionNote, Request, Scrubbed
from ..container.walk import Contents, areas_of, new_offsets, walk
from ..errors import InvalidRegionError, SideCopyError, UnsupportedJpegError
from ..geometry import Region, margin_of
from ..limits import DEFAULT_LIMITS, Limits
from . import picture as pictures
from .embedding import sealed_detail
from .thumbnails import PictureRenderer, decoder_pieces, drawing_for

__all__ = [
    "PROVENANCE",
    "Handling",
    "Side",
    "app1_contents",
    "grown_bounds",
    "orientation_of",
    "read_contents",
    "require_clean_file",
]


PROVENANCE = frozenset({"jumbf-c2pa", "xmp-provenance"})
"""Kinds of side copies that vouch for the file's bytes."""


class Handling(NamedTuple):
    """How side copies are to be handled."""

    policy: Policy = "default"
    force: bool = False
    """Go on where the file would be refused (thermal pictures, stereo pairs)."""
    refuse_provenance: bool = False
    """Refuse a file with signed provenance, which redaction breaks."""
    depth: int = 0
    """How many files this one is in."""
    note: bool = False
    """Put a note into the file: see `container.xmp.note`."""

    @classmethod
    def parse(
        cls, policy: str, force: bool, provenance: str, note: bool = False
    ) -> Handling:
        """Check what a caller gave.

        Raises
        ------
        InvalidRegionError
        """
        for value, known, what in (
            (policy, POLICIES, "side_copies"),
            (provenance, ("drop", "refuse"), "provenance"),
        ):
            if value not in known:
                raise InvalidRegionError(
                    f"{what} is one of {', '.join(known)}, not {value!r}", code="region.side-copies"
                )
        return cls(
            policy, force, provenance == "refuse", note=note  # type: ignore[arg-type]
        )


class Side:
    """The side copies of one file: found before the picture is redacted, cleaned with it.

    Parameters
    ----------
    redact
        Redacts regions of another JPEG (a gain map), and returns it; with True, its side
        copies too.
    method
        What a note says how it was redacted.

    Raises
    ------
    UnsupportedJpegError, SideCopyError
        The file is not to be redacted.
    """

    def __init__(
        self,
        data: bytes,
        jpeg: JpegData,
        handling: Handling,
        regions: Sequence[Region],
        orientation: int,
        redact: Callable[[bytes, Sequence[Region], bool], bytes],
        limits: Limits,
        method: str = "",
    ) -> None:
        self.contents = read_contents(data, jpeg, limits, note=handling.note)
        _require_allowed(self.contents, handling)
        self._data = data
        self._jpeg = jpeg
        self._handling = handling
        self._regions = regions
        self._orientation = orientation
        self._redact = redact
        self._limits = limits
        self._method = method

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be changed outside the scans."""
        return not self.contents.copies and not self._handling.note

    def drawing(self) -> Drawing | None:
        """Return what to draw of the redacted picture for its thumbnails.

        None where there is none for which that is enough. One whose size is not known may be of
        any.
        """
        policy = self._handling.policy
        found = None
        for copy in self.contents.copies:
            if copy.actions.of(policy) == "regenerate":
                fine = drawing_for(self._jpeg, copy.size)
                found = max((found, fine), key=lambda each: 0 if each is None else sum(each.units))
        return found

    def scrub(
        self,
        picture: Callable[[], Sequence[pictures.FileEdit]],
        sketch: Callable[[], Sketch | None],
    ) -> Scrubbed:
        """Return what is to be changed outside the scans.

        ``picture`` gives the changes that redact the picture itself, ``sketch`` how it looks then.
        """
        if self.quiet:
            return Scrubbed([], [])
        data, jpeg = self._data, self._jpeg
        renderer = PictureRenderer(
            jpeg, lambda: decoder_pieces(data, jpeg, picture()), sketch, self._orientation,
            self._regions, self._redact, self._limits,
        )  # fmt: skip
        request = Request(
            self._handling.policy,
            areas_of((region.bounds for region in self._regions), *jpeg.size),
            self._orientation,
            renderer,
            note=self._note(),
        )
        return self.contents.scrub(request, picture)

    def _note(self) -> RedactionNote | None:
        if not self._handling.note:
            return None
        from ..container.xmp.note import make_note

        return make_note((region.label for region in self._regions), self._method)

    def require_clean(self, redacted: bytes, changes: Sequence[pictures.FileEdit]) -> None:
        """Read what stands beside the scans of the redacted file, and look for what had to go.

        ``changes`` made it out of the original.

        Raises
        ------
        SideCopyError
        """
        place = new_offsets(changes)
        ranges = [(place(scan.start), place(scan.end)) for scan in self._jpeg.scans]
        require_clean_file(redacted, ranges, self._handling.policy, self._limits)


def require_clean_file(
    redacted: bytes, coded: Sequence[tuple[int, int]], policy: Policy, limits: Limits
) -> None:
    """Read what stands beside a redacted file's scans, and look for what had to go.

    The coded data itself (``coded`` says where it is) is left out: that the reader found no marker
    in it holds of the redacted file too, which is the same there but for what was written, with
    stuffing.

    Raises
    ------
    SideCopyError
    """
    view = memoryview(redacted)
    pieces, cuts, length, at = [], [], 0, 0
    for start, end in coded:
        pieces.append(view[at:start])
        length += start - at
        cuts.append((length, end - start))
        at = end
    rest = b"".join([*pieces, view[at:]])
    jpeg = read_jpeg(rest, limits)
    require_clean(rest, jpeg.segments, read_contents(rest, jpeg, limits), policy, cuts)


def grown_bounds(
    region: Region, margin: tuple[float, bool]
) -> tuple[float, float, float, float]:
    """Return a region's bounds with its margin."""
    left, top, right, bottom = region.bounds
    across, down = margin_of(region, margin)
    return left - across, top - down, right + across, bottom + down


def app1_contents(data: bytes, jpeg: JpegData) -> Iterator[bytes]:
    """Yield what the APP1 segments hold."""
    for segment in jpeg.segments:
        if segment.code == APP1:
            yield data[segment.offset + 4 : segment.end]


def orientation_of(data: bytes, jpeg: JpegData) -> int:
    """Return the orientation that the first Exif segment states, or 1."""
    return read_orientation(app1_contents(data, jpeg))


def read_contents(
    data: bytes, jpeg: JpegData, limits: Limits = DEFAULT_LIMITS, *, note: bool = False
) -> Contents:
    """Find out what a file holds beside the picture, into which a ``note`` is to be put or not."""
    end = jpeg.length if jpeg.eoi is None else jpeg.eoi + 2
    coded = [(scan.start, scan.end) for scan in jpeg.scans]
    tell = partial(sealed_detail, limits=limits)
    return walk(data, jpeg.segments, end, coded, tell, note=note)


def _require_allowed(contents: Contents, handling: Handling) -> None:
    if contents.refused and not handling.force:
        first = contents.refused[0]
        raise UnsupportedJpegError(
            f"the file holds {first.detail}", code=f"jpeg.{first.kind}", offset=first.offset,
            hint="force goes on: see side copies in the documentation",
        )  # fmt: skip
    if handling.refuse_provenance:
        for copy in contents.copies:
            if copy.kind in PROVENANCE:
                raise SideCopyError(
                    "redaction would break the file's signed provenance",
                    code="side-copy.provenance", offset=copy.offset,
                )  # fmt: skip
