"""`verify_bytes`: an independent reader says what changed between two files.

Coefficients are read by jpegio (libjpeg-turbo), never by our own decoder; ours
only says where segments begin and which blocks a region touches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..codec.intervals import strays
from ..codec.layout import scan_layout
from ..codec.markers import APP0, APP15, COM, DHT
from ..codec.model import JpegData, Segment
from ..codec.reader import read_jpeg, require_supported
from ..container.model import SideCopy
from ..container.walk import Contents, areas_of
from ..diff import Document
from ..diff.parts import held_groups
from ..errors import (
    InvalidDiffError,
    InvalidJpegError,
    JpegRedactError,
    UnsupportedJpegError,
)
from ..geometry import Region
from ..limits import Limits
from .diffplan import diff_plan
from .opening import open_picture
from .picture import Picture
from .plan import Plan, make_plan, no_plan
from .restore import restore_bytes
from .second_reader import detailed_blocks, read_coefficients, with_height, with_whole_mcus
from .side_copies import grown_bounds, orientation_of, read_contents
from .verify_copies import copies_left

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Verification", "verify_bytes"]

_RESERVED = range(0xF0, 0xFE)
_SHOWN = (b"Adobe\0", b"ICC_PROFILE\0")


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found.

    Attributes
    ----------
    ok
        No problem was found.
    outside_changed
        Blocks outside the regions whose coefficients differ. Where coded data is cut
        short or damaged, blocks behind that are left out in the restart intervals that
        were rewritten (what readers show there is a guess); their bits are compared.
    inside_changed, inside_unchanged
        Blocks inside the regions that differ, and that do not. A few unchanged
        ones are no problem where they hold no detail: a smooth fill may meet a
        smooth original.
    restored
        Whether the diff brought the original back byte for byte; None without a diff.
    padding_seen
        Whether hidden padding blocks could be compared too.
    side_copies
        What the redacted file holds that the default policy clears, and thumbnails and gain
        maps that show more than the redacted picture; offsets are those of the redacted file.
    problems
        What is wrong, in sentences.
    """

    outside_changed: int
    inside_changed: int
    inside_unchanged: int
    restored: bool | None
    padding_seen: bool
    side_copies: tuple[SideCopy, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """No problem was found."""
        return not self.problems


def verify_bytes(
    original: bytes,
    redacted: bytes,
    document: Document | None,
    regions: Sequence[Region],
    margin: tuple[float, bool],
    limits: Limits,
) -> Verification:
    """Compare an original with its redacted form; regions come from the diff or from boxes."""
    if document is not None and not document.is_whole:
        raise InvalidDiffError(
            "this is a part of a diff, and only a whole one can be verified", code="diff.part"
        )
    jpeg = read_jpeg(original, limits)
    other = read_jpeg(redacted, limits)
    contents = read_contents(original, jpeg, limits)
    problems = _header_problems(original, jpeg, contents, redacted, other)
    bounds = [region.bounds for region in regions] if document is None else [
        region.box for region in document.regions if region is not None
    ]  # fmt: skip
    if document is None:
        bounds = [grown_bounds(region, margin) for region in regions]
    areas = areas_of(bounds, *jpeg.size)
    copies, wrong = copies_left(
        contents, original, redacted, other, areas, orientation_of(original, jpeg), limits
    )
    problems.extend(wrong)
    left = tuple(copies)
    if _structure(jpeg) != _structure(other):
        problems.append("the pictures differ in size, components, scans or restart intervals")
        return Verification(0, 0, 0, None, False, left, tuple(problems))
    plan: Plan
    if document is not None:
        plan = diff_plan(other, list(held_groups(document).values()))
    else:
        for number, region in enumerate(regions):
            region.check(jpeg.frame.width, jpeg.frame.height, f"region {number}")
        plan = make_plan(other, regions, margin, limits) if regions else no_plan(other)
    picture = _opened(redacted, other, plan)
    cleaned = picture.cleaned() if picture is not None else []
    gone = [place for number in cleaned for place in strays(original, jpeg, jpeg.scans[number])]
    dropped = [
        (c.offset, c.offset + c.length) for c in contents.copies if c.kind == "stray-bytes"
    ]
    now = _between(redacted, other, [])
    away = frozenset(
        c.offset for c in contents.copies
        if c.default_action == "drop" and c.kind in ("unknown-segment", "unused-tables")
    )  # fmt: skip
    if now not in [
        _between(original, jpeg, sorted(spans), segments)
        for spans in (gone, [*gone, *dropped])
        for segments in (frozenset[int](), away)
    ]:
        problems.append("bytes between the segments changed")
    if picture is not None:
        problems.extend(_coded_problems(original, jpeg, redacted, other, picture))
    lost = _lost(picture)
    outside = changed = unchanged = detailed = 0
    views = list(_views(original, jpeg, redacted, other))
    for before, after, hidden_only in views:
        for component, (a, b) in enumerate(zip(before, after, strict=True)):
            same, detail = detailed_blocks(a, b)
            differs = ~same
            asked = ~_blocks_of(lost, other, component, differs.shape)
            if hidden_only:
                rows, columns = other.frame.blocks(component)
                asked[:rows, :columns] = False
            inside = _inside(plan, component, differs.shape) & asked
            outside += int((differs & ~inside & asked).sum())
            changed += int((differs & inside).sum())
            unchanged += int((~differs & inside).sum())
            detailed += int((~differs & inside & detail).sum())
    if outside:
        problems.append(f"{outside} blocks outside the regions changed")
    if detailed:
        problems.append(f"{detailed} blocks inside the regions still show the original's detail")
    restored = None
    if document is not None:
        try:
            restored = restore_bytes(redacted, document, None, limits).data == original
        except JpegRedactError as error:
            restored = False
            problems.append(f"the diff does not restore the original: {error}")
        else:
            if not restored:
                problems.append("the diff restores another file than this original")
    return Verification(
        outside, changed, unchanged, restored, with_whole_mcus(original, jpeg) is not None,
        left, tuple(problems),
    )  # fmt: skip


def _views(
    original: bytes, jpeg: JpegData, redacted: bytes, other: JpegData
) -> Iterator[tuple[list[NDArray[np.int32]], list[NDArray[np.int32]], bool]]:
    """Yield the coefficients before and after, and whether only hidden blocks are meant."""
    padded = with_whole_mcus(original, jpeg), with_whole_mcus(redacted, other)
    if padded[0] is None or padded[1] is None or padded[0][1]:
        before = read_coefficients(with_height(original, jpeg))
        yield before, read_coefficients(with_height(redacted, other)), False
    if padded[0] is not None and padded[1] is not None:
        yield read_coefficients(padded[0][0]), read_coefficients(padded[1][0]), padded[0][1]


def _opened(redacted: bytes, other: JpegData, plan: Plan) -> Picture | None:
    try:
        require_supported(other)
    except UnsupportedJpegError:
        return None  # then it can't be ours: the coefficients alone tell
    return open_picture(redacted, other, plan, ring=False)


def _structure(jpeg: JpegData) -> tuple[object, ...]:
    frame = jpeg.frame
    return (
        frame.code, frame.precision, frame.width, frame.height, frame.components,
        tuple(
            (tuple(c.index for c in scan.components), scan.restart_interval, len(scan.restarts))
            for scan in jpeg.scans
        ),
    )  # fmt: skip


def _inside(plan: Plan, component: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    import numpy as np

    inside = np.zeros(shape, bool)
    cover = plan.covers[component]
    if cover is not None:
        cells = np.frombuffer(cover.cells, np.uint16).reshape(cover.rows, cover.columns) > 0
        part = inside[
            cover.row : cover.row + cover.rows, cover.column : cover.column + cover.columns
        ]
        part[:] = cells[: part.shape[0], : part.shape[1]]
    return inside


def _header_problems(
    original: bytes, jpeg: JpegData, contents: Contents, redacted: bytes, other: JpegData
) -> list[str]:
    """Compare the segments that a decoder needs: byte for byte, but for appended Huffman symbols.

    What applications and comments hold may be cleaned.
    """
    problems = []
    after = _needed(redacted, other)
    before = _needed(original, jpeg)
    dropped = [c for c in contents.copies if c.default_action == "drop"]
    gone = {c.offset for c in dropped}
    profiles = any(c.kind == "icc-profile" for c in dropped)  # of several segments, perhaps
    if dropped:
        kept = {redacted[s.offset : s.end] for s in after}
        before = [
            s
            for s in before
            if (s.offset not in gone and not (profiles and s.code == APP0 + 2))
            or original[s.offset : s.end] in kept
        ]
    if [s.code for s in before] != [s.code for s in after]:
        problems.append("the marker segments are not the same ones")
        return problems
    tables = iter(other.tables)
    for a, b in zip(before, after, strict=True):
        old, new = original[a.offset : a.end], redacted[b.offset : b.end]
        if a.code == DHT and old != new:
            for table in (t for t in jpeg.tables if a.offset < t.offset < a.end):
                longer = next((t for t in tables if t.order == table.order), None)
                if longer is None or longer.shortened(len(table.symbols)).codes != table.codes:
                    problems.append(f"the Huffman table at byte {table.offset} changed")
        elif old != new:
            problems.append(f"the {a.name} segment at byte {a.offset} changed")
    return problems


def _needed(data: bytes, jpeg: JpegData) -> list[Segment]:
    """Return the segments that say how the picture is shown: all that nobody may change."""
    return [
        s
        for s in jpeg.segments
        if not (APP0 <= s.code <= APP15 or s.code == COM or s.code in _RESERVED)
        or data.startswith(_SHOWN, s.offset + 4, s.end)
    ]


def _coded_problems(
    original: bytes, jpeg: JpegData, redacted: bytes, other: JpegData, picture: Picture
) -> Iterator[str]:
    """Compare the coded data of what no region touches, and look behind the last blocks.

    Other readers skip what stands there; something could hide in it.
    """
    touched = {interval.raw_start for interval in picture.touched_intervals()}
    for start, end in picture.strays():
        yield f"{end - start} bytes behind a scan's last block, from byte {start}"
    for interval in picture.unclean():
        yield f"the coded data before byte {interval.raw_end} does not end as it should"
    if any(interval.broken is not None for interval in picture.touched_intervals()):
        yield from _broken_problems(original, jpeg, picture)
    cleaned = picture.cleaned()
    for number, (a, b) in enumerate(zip(jpeg.scans, other.scans, strict=True)):
        starts, ends = [b.start, *(at + 2 for at in b.restarts)], [*b.restarts, b.end]
        before = zip([a.start, *(at + 2 for at in a.restarts)], [*a.restarts, a.end], strict=True)
        layout = scan_layout(other, b)
        count = layout.intervals if number in cleaned else None
        for start, end, (old_start, old_end) in [*zip(starts, ends, before, strict=True)][:count]:
            if start not in touched and redacted[start:end] != original[old_start:old_end]:
                yield f"coded data outside the regions changed, from byte {start}"


def _broken_problems(original: bytes, jpeg: JpegData, picture: Picture) -> Iterator[str]:
    """Compare the bits of broken intervals: nobody can say what blocks stand in their last part."""
    try:
        before = open_picture(original, jpeg, picture.plan, ring=False)
    except InvalidJpegError:
        yield "the original's coded data can't be decoded where the regions are"
        return
    for (interval, new), (_, old) in zip(picture.outside(), before.outside(), strict=True):
        if interval.broken is None:
            continue
        if new[0] != old[0] or b"".join(new[1]) != b"".join(old[1]):
            yield f"coded data changed that can't be decoded, before byte {interval.raw_end}"


def _lost(picture: Picture | None) -> list[tuple[int, range]]:
    """Return the MCUs of broken intervals that no region touches, but no reader can decode.

    Each as where its scan's coded data begins, and the MCUs.
    """
    if picture is None:
        return []
    starts = [scan.start for scan in picture.jpeg.scans]
    return [
        (starts[bisect_right(starts, interval.raw_start) - 1], interval.lost)
        for interval in picture.touched_intervals()
        if interval.lost
    ]


def _blocks_of(
    lost: list[tuple[int, range]], jpeg: JpegData, component: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return which blocks of a component belong to lost MCUs."""
    import numpy as np

    found = np.zeros(shape, bool)
    for start, mcus in lost:
        layout = scan_layout(jpeg, next(scan for scan in jpeg.scans if scan.start == start))
        for grid in layout.grids:
            if grid.component == component:
                order = np.zeros(layout.mcus, bool)
                order[mcus.start : mcus.stop] = True
                cells = order.reshape(layout.mcus_down, layout.mcus_across)
                cells = cells.repeat(grid.down, 0).repeat(grid.across, 1)
                cells = cells[: shape[0], : shape[1]]
                found[: cells.shape[0], : cells.shape[1]] |= cells
    return found


def _between(
    data: bytes, jpeg: JpegData, gone: Sequence[tuple[int, int]],
    segments_gone: frozenset[int] = frozenset(),
) -> list[bytes]:
    """Return the bytes between the segments that a decoder needs, coded data left out, up to EOI.

    Without what is to go.
    """
    coded = {scan.start: scan.end for scan in jpeg.scans}
    needed = {
        s for s in _needed(data, jpeg)
        if not APP0 <= s.code <= APP15 and s.offset not in segments_gone
    }  # fmt: skip
    pieces = [b""]
    at = 0
    stop = jpeg.length if jpeg.eoi is None else jpeg.eoi + 2
    for segment in (*jpeg.segments, Segment(0, stop, stop)):
        for left, right in gone:
            if at <= left and right <= segment.offset:
                pieces[-1] += data[at:left]
                at = right
        pieces[-1] += data[at : segment.offset]
        at = coded.get(segment.end, segment.end)
        if segment in needed:
            pieces.append(b"")
    return pieces
