"""Walk over a whole file: every byte outside the picture's scans belongs to a carrier.

Joins the carriers: which segments each answers for, and in what order they are cleaned.
Knows marker codes and signatures; what they hold is the carriers' business.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .markers import FRAMES
from .model import Action, Area, Carrier, FileEdit, Kept, Request, Scrubbed, Segment, SideCopy
from .segments.jfif import read_jfif
from .segments.refusals import read_refusals
from .segments.strays import read_strays
from .segments.tables import read_tables

if TYPE_CHECKING:
    from .images.carrier import Images

__all__ = ["Contents", "areas_of", "new_offsets", "walk"]

_APP0, _APP1, _APP2, _APP4, _APP11, _APP13, _APP15 = 0xE0, 0xE1, 0xE2, 0xE4, 0xEB, 0xED, 0xEF
_COM = 0xFE
_SIGNATURES = (
    (_APP0, b"JFIF\0", "jfif"),
    (_APP0, b"JFXX\0", "jfif"),
    (_APP1, b"Exif\0", "exif"),
    (_APP1, b"http://ns.adobe.com/xap/1.0/\0", "xmp"),
    (_APP1, b"http://ns.adobe.com/xmp/extension/\0", "xmp"),
    (_APP2, b"MPF\0", "images"),
    (_APP2, b"urn:iso:std:iso:ts:21496:-1\0", "images"),
    (_APP2, b"FPXR\0", "flashpix"),
    (_APP4, b"FPXR\0", "flashpix"),
    (_APP11, b"JP", "jumbf"),
    (_APP13, b"Photoshop 3.0\0", "photoshop"),
    (_APP13, b"Adobe_Photoshop2.5:", "photoshop"),
)
_DNL = 0xDC
_NO_MARKERS = range(0x02, 0xC0)
"""Reserved (T.81, table B.1), but for SOF0 and what follows; decoders stop at one, or pass it."""
_RESERVED = range(0xF0, 0xFE)
"""JPGn (T.81 B.1.1.3): libjpeg takes none of them; what stands in one is anybody's."""


_Behind = tuple[tuple[Segment, ...], tuple[int, int]]


class Contents(NamedTuple):
    """What a file holds beside the picture's own scans and tables.

    Attributes
    ----------
    images
        What lies behind the first EOI, and the index of it; None where there is neither.
    carriers
        All others.
    refused
        Side copies for which the whole file is refused, unless that is forced.
    xmp
        Segments of XMP, which may say how long a gain map is.
    behind_scans
        Segments behind coded data, and bytes behind these that belong to none.
    """

    images: Images | None
    carriers: tuple[Carrier, ...]
    refused: tuple[SideCopy, ...]
    xmp: tuple[Segment, ...] = ()
    behind_scans: tuple[_Behind, ...] = ()

    @property
    def copies(self) -> tuple[SideCopy, ...]:
        """All side copies in the order of the file."""
        found: list[SideCopy] = []
        for carrier in self._all():
            found.extend(carrier.copies)
        return tuple(sorted(found, key=lambda copy: (copy.offset, copy.kind)))

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return the names that any carrier gives to people in these areas."""
        wanted = tuple(areas)
        found: set[str] = set()
        for carrier in self._all():
            found |= carrier.names(wanted, orientation)
        return frozenset(found)

    def _all(self) -> tuple[Carrier, ...]:
        return self.carriers if self.images is None else (self.images, *self.carriers)

    def scrub(
        self, request: Request, picture: Callable[[], Sequence[tuple[int, int, Sized]]]
    ) -> Scrubbed:
        """Return all that is to be changed; ``picture`` gives the changes of the scans and tables.

        Images come first, since XMP says how long they are; then names are gathered, since
        each carrier takes out what others call people; then the index of the images, since
        it says where they lie in the end.
        """
        request = request._replace(names=self.names(request.areas, request.orientation))
        (edits, outcomes), kept = self._decided(request)
        if self.images is not None and request.policy != "keep":
            hint = _gain_map_hint(_edited(self.images.data, self.xmp, edits))
            if self.images.unsaid(kept, hint):  # XMP was broken, or speaks of another one
                (edits, outcomes), kept = self._decided(request, hinted=False)
        edits = self._apart(edits)
        edits = sorted([edit for edit in edits if edit[0] != edit[1] or edit[2]])
        if self.images is not None:
            place = new_offsets([*edits, *picture()])
            edits.extend(self.images.index_edits(kept, place))
        return Scrubbed(sorted(edits), sorted(outcomes, key=_place))

    def _apart(self, edits: list[FileEdit]) -> list[FileEdit]:
        """Take out bytes too that would else come to stand behind coded data.

        There a reader takes them for part of it, fill bytes as well.
        """
        for segments, (start, end) in self.behind_scans:
            gone = all(
                any(a <= each.offset and each.end <= b and not new for a, b, new in edits)
                for each in segments
            )
            if gone:
                others = [edit for edit in edits if edit[1] <= start or end <= edit[0]]
                edits = [*others, (start, end, b"")]
        return edits

    def _decided(
        self, request: Request, *, hinted: bool = True
    ) -> tuple[Scrubbed, tuple[Kept, ...]]:
        """Return what all carriers change, and the images that stay."""
        edits, outcomes = Scrubbed([], [])
        kept: tuple[Kept, ...] = ()
        if self.images is not None:
            (edits, outcomes), kept = self.images.decide(request, hinted=hinted)
            request = request._replace(images=kept)
        for carrier in self.carriers:
            scrubbed = carrier.scrub(request)
            edits = [*edits, *scrubbed.edits]
            outcomes = [*outcomes, *scrubbed.outcomes]
        return Scrubbed(edits, outcomes), kept


def walk(
    data: bytes,
    segments: Iterable[tuple[int, int, int]],
    end_of_picture: int,
    coded: Sequence[tuple[int, int]],
    sealed_diff: Callable[[bytes], str] | None = None,
    *,
    note: bool = False,
) -> Contents:
    """Find out what a file holds.

    Parameters
    ----------
    segments
        Marker code, offset and end of all segments up to the first EOI.
    end_of_picture
        Offset behind that EOI; the file's length where there is none.
    coded
        Where the scans' coded data lies.
    sealed_diff
        Says what sealed diff the content of a box is, "" where it is none; by default, none is.
    note
        Whether a note will be put in: then there is a carrier of XMP, if only for that.
    """
    named: dict[str, list[Segment]] = {name: [] for _, _, name in _SIGNATURES}
    unknown: list[Segment] = []
    never: list[Segment] = []
    everything = [Segment(*segment) for segment in segments]
    refusals = read_refusals(data, everything)
    refused = {segment for one in refusals.found for segment in one.segments}
    for segment in everything:
        if segment in refused:
            continue
        name = _carrier_of(data, segment)
        if name is not None:
            named[name].append(segment)
        elif segment.code in _NO_MARKERS or _says_too_much(data, segment, everything):
            never.append(segment)
        elif _APP0 <= segment.code <= _APP15 or segment.code == _COM or segment.code in _RESERVED:
            unknown.append(segment)
    carriers: list[Carrier] = [
        refusals,
        read_jfif(data, named["jfif"]),
        read_strays(data, everything, end_of_picture, coded),
        read_tables(data, everything),
    ]
    # Most files have few of these kinds, and each takes a while to import.
    if named["exif"]:
        from .exif.carrier import read_exif

        carriers.append(read_exif(data, named["exif"]))
    if named["xmp"] or note:
        from .xmp.carrier import read_xmp

        carriers.append(read_xmp(data, everything, end_of_picture))
    if named["photoshop"]:
        from .photoshop.carrier import read_photoshop

        carriers.append(read_photoshop(data, everything))
    if named["flashpix"]:
        from .segments.flashpix import read_flashpix

        carriers.append(read_flashpix(data, named["flashpix"]))
    if named["jumbf"]:
        from .segments.jumbf import no_diff, read_jumbf

        carriers.append(read_jumbf(data, named["jumbf"], sealed_diff or no_diff))
    if unknown or never:
        from .segments.unknown import read_unknown

        carriers.append(read_unknown(data, unknown, never))
    images = None
    if named["images"] or end_of_picture < len(data):
        from .images.carrier import read_images

        hint = _gain_map_hint(_edited(data, named["xmp"], ()))
        images = read_images(
            data, named["images"], end_of_picture, hint, _pixels(data, everything)
        )
    behind_scans = tuple(_behind_scans(data, everything, end_of_picture, coded))
    return Contents(images, tuple(carriers), refusals.copies, tuple(named["xmp"]), behind_scans)


def _pixels(data: bytes, segments: Sequence[Segment]) -> int | None:
    """Return how many pixels the picture has; None where its frame header does not say."""
    height = 0
    for segment in segments:
        if segment.code in FRAMES and segment.end - segment.offset >= 9:
            at = segment.offset + 5
            height = height or int.from_bytes(data[at : at + 2], "big")
            width = int.from_bytes(data[at + 2 : at + 4], "big")
            return width * height if height else None
    return None


def _says_too_much(data: bytes, segment: Segment, segments: Sequence[Segment]) -> bool:
    """Whether it is a DNL segment with more in it than the height, which is known without it.

    Where the frame header leaves the height to it, it must be as it should be.
    """
    if segment.code != _DNL or segment.end - segment.offset == 6:
        return False
    frame = next((each for each in segments if each.code in FRAMES), None)
    return frame is not None and any(data[frame.offset + 5 : frame.offset + 7])


def _behind_scans(
    data: bytes, segments: Sequence[Segment], end_of_picture: int, coded: Sequence[tuple[int, int]]
) -> Iterator[_Behind]:
    """Yield bytes that belong to no segment, and the segments between them and coded data."""
    ends = dict(coded)
    between: list[Segment] = []
    at = len(data)  # behind no scan yet
    stop = end_of_picture - 2 * data.startswith(b"\xff\xd9", end_of_picture - 2)
    for segment in (*segments, Segment(0xD9, stop, end_of_picture)):
        if between and at < segment.offset:
            yield tuple(between), (at, segment.offset)
        if segment.end in ends:
            between, at = [], ends[segment.end]
        elif segment.offset >= at:
            between.append(segment)
            at = segment.end


def _gain_map_hint(packets: Iterable[bytes]) -> int | None:
    """Return the length that XMP gives a gain map."""
    from .images.gainmap import length_in_directory

    for packet in packets:
        found = length_in_directory(packet)
        if found is not None:
            return found
    return None


def _edited(data: bytes, segments: Iterable[Segment], edits: Iterable[FileEdit]) -> Iterator[bytes]:
    """Yield what segments hold once edits are made."""
    ordered = sorted(edits, key=lambda edit: edit[:2])
    for segment in segments:
        pieces, at = [], segment.offset
        for start, end, new in ordered:
            if segment.offset <= start and end <= segment.end:
                pieces += [data[at:start], new]
                at = end
        yield b"".join([*pieces, data[at : segment.end]])[4:]


def _carrier_of(data: bytes, segment: Segment) -> str | None:
    start = segment.offset + 4
    for code, signature, name in _SIGNATURES:
        if segment.code == code and data.startswith(signature, start, segment.end):
            return name
    return None


def new_offsets(edits: Iterable[tuple[int, int, Sized]]) -> Callable[[int], int]:
    """Return what maps an offset in the old file to the new one; inside an edit, to its start."""
    ordered = sorted(edits, key=lambda edit: edit[:2])
    ends = [end for _, end, _ in ordered]
    shifts = [0, *accumulate(len(new) - (end - start) for start, end, new in ordered)]

    def place(offset: int) -> int:
        done = bisect_right(ends, offset)
        if done < len(ordered) and ordered[done][0] < offset:
            offset = ordered[done][0]
        return offset + shifts[done]

    return place


def _place(outcome: tuple[SideCopy, Action]) -> int:
    return outcome[0].offset


def areas_of(
    bounds: Iterable[tuple[float, float, float, float]], width: int, height: int
) -> tuple[Area, ...]:
    """Return bounds in pixels of the stored picture as areas."""
    return tuple(
        Area(left / width, top / height, right / width, bottom / height)
        for left, top, right, bottom in bounds
    )
