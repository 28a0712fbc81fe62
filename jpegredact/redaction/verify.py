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
from ..codec.markers import DHT
from ..codec.model import JpegData
from ..codec.reader import read_jpeg, require_supported
from ..diff import Document
from ..errors import InvalidJpegError, JpegRedactError, UnsupportedJpegError
from ..geometry import Region
from ..limits import Limits
from .opening import open_picture
from .picture import Picture
from .plan import Plan, make_plan, no_plan
from .restore import diff_plan, restore_bytes
from .second_reader import read_coefficients, with_height, with_whole_mcus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Verification", "verify_bytes"]


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
    problems
        What is wrong, in sentences.
    """

    outside_changed: int
    inside_changed: int
    inside_unchanged: int
    restored: bool | None
    padding_seen: bool
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
    jpeg = read_jpeg(original, limits)
    other = read_jpeg(redacted, limits)
    problems = _header_problems(original, jpeg, redacted, other)
    if _structure(jpeg) != _structure(other):
        problems.append("the pictures differ in size, components, scans or restart intervals")
        return Verification(0, 0, 0, None, False, tuple(problems))
    plan: Plan
    if document is not None:
        plan = diff_plan(other, document)
    else:
        for number, region in enumerate(regions):
            region.check(jpeg.frame.width, jpeg.frame.height, f"region {number}")
        plan = make_plan(other, regions, margin, limits) if regions else no_plan(other)
    picture = _opened(redacted, other, plan)
    cleaned = picture.cleaned() if picture is not None else []
    gaps = zip(
        _between(original, jpeg, cleaned), _between(redacted, other, []), strict=True
    )
    if any(old != new for old, new in gaps):
        problems.append("bytes between or behind the segments changed")
    if picture is not None:
        problems.extend(_coded_problems(original, jpeg, redacted, other, picture))
    lost = _lost(picture)
    outside = changed = unchanged = detailed = 0
    views = list(_views(original, jpeg, redacted, other))
    for before, after, hidden_only in views:
        for component, (a, b) in enumerate(zip(before, after, strict=True)):
            differs, detail = _compare(a, b)
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
            restored = restore_bytes(redacted, document, None, limits) == original
        except JpegRedactError as error:
            restored = False
            problems.append(f"the diff does not restore the original: {error}")
        else:
            if not restored:
                problems.append("the diff restores another file than this original")
    return Verification(
        outside, changed, unchanged, restored, with_whole_mcus(original, jpeg) is not None,
        tuple(problems),
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


def _compare(
    a: NDArray[np.int32], b: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which blocks differ, and which of ``a`` hold more detail than a slope."""
    rows, columns = a.shape[0] // 8, a.shape[1] // 8
    view = (rows, 8, columns, 8)
    differs = (a != b).reshape(view).any(axis=(1, 3))
    detail = (a != 0).reshape(view).sum(axis=(1, 3))
    for down, across in ((0, 0), (0, 1), (1, 0)):
        detail -= a[down::8, across::8] != 0
    return differs, detail > 0


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
    original: bytes, jpeg: JpegData, redacted: bytes, other: JpegData
) -> list[str]:
    """Compare all that is not coded data: byte for byte, but for appended Huffman symbols."""
    problems = []
    if [s.code for s in jpeg.segments] != [s.code for s in other.segments]:
        problems.append("the marker segments are not the same ones")
        return problems
    tables = iter(other.tables)
    for a, b in zip(jpeg.segments, other.segments, strict=True):
        old, new = original[a.offset : a.end], redacted[b.offset : b.end]
        if a.code == DHT and old != new:
            for table in (t for t in jpeg.tables if a.offset < t.offset < a.end):
                longer = next((t for t in tables if t.order == table.order), None)
                if longer is None or longer.shortened(len(table.symbols)).codes != table.codes:
                    problems.append(f"the Huffman table at byte {table.offset} changed")
        elif old != new:
            problems.append(f"the {a.name} segment at byte {a.offset} changed")
    return problems


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


def _between(data: bytes, jpeg: JpegData, cleaned: Sequence[int]) -> Iterator[bytes]:
    """Yield the bytes between segments, coded data left out, and those from EOI on.

    Without what is to go behind the ``cleaned`` scans.
    """
    coded = {scan.start: scan.end for scan in jpeg.scans}
    gone = [place for number in cleaned for place in strays(data, jpeg, jpeg.scans[number])]
    at = 0
    for start, end in [*((s.offset, s.end) for s in jpeg.segments), (len(data), len(data))]:
        piece = b""
        for left, right in gone:
            if at <= left and right <= start:
                piece += data[at:left]
                at = right
        yield piece + data[at:start]
        at = coded.get(end, end)
