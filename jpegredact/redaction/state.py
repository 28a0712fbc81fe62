"""What a diff, or a part of one, finds in a file: which picture it is, and what is revealed in it.

A file under a diff is the redacted one, or it says in a note what is revealed and how to hide
that again. Hidden again, it must be the redacted file, bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..background import Beside
from ..codec.huffman import HuffmanTable
from ..codec.markers import COM
from ..codec.model import JpegData, Segment
from ..codec.reader import read_jpeg, require_supported
from ..codec.scan import MissingCategory
from ..diff import Document, Fill, Revealed
from ..diff.parts import held_groups
from ..errors import (
    DiffMismatchError,
    InvalidDiffError,
    InvalidJpegError,
    LimitExceededError,
    VerificationError,
)
from ..limits import Limits
from .changed import changed
from .diffplan import Outline, diff_plan, mismatch
from .opening import open_picture
from .picture import FileEdit, Picture, assemble, fill_digest
from .plan import Plan, check_blocks

__all__ = ["State", "fill_of", "note_edits", "read_parsed", "read_state", "without_notes"]


class State(NamedTuple):
    """A file as a diff finds it.

    Attributes
    ----------
    picture
        With the blocks of all groups that the diff holds or the note names; None where there
        are none.
    tables
        The redacted file's Huffman tables, by their order.
    note
        The segments that say what is revealed.
    revealed
        What they say.
    places
        Where each group is in the picture's plan.
    """

    data: bytes
    jpeg: JpegData
    picture: Picture | None
    tables: Mapping[int, HuffmanTable]
    note: tuple[Segment, ...]
    revealed: Revealed
    places: Mapping[int, int]


def read_parsed(data: bytes, document: Document, limits: Limits) -> JpegData:
    """Read a file's structure; it must be of the diff's size, and of a kind that is redacted."""
    jpeg = read_jpeg(data, limits)
    require_supported(jpeg, limits)
    size = document.public.size
    if (jpeg.frame.width, jpeg.frame.height) != size:
        raise mismatch(
            f"the diff is of a picture of {size[0]} × {size[1]} pixels, this one "
            f"has {jpeg.frame.width} × {jpeg.frame.height}: another one, or cropped or turned",
            "diff.pixels",
        )
    return jpeg


def read_state(data: bytes, document: Document, limits: Limits, beside: Beside) -> State:
    """Find out whether this is the diff's file, and what is revealed in it.

    Raises
    ------
    DiffMismatchError
        It is another picture, or was changed since.
    InvalidJpegError, UnsupportedJpegError, InvalidDiffError, LimitExceededError
    """
    sha256 = beside.begin(lambda: hashlib.sha256(data).digest())
    jpeg = read_parsed(data, document, limits)
    note, revealed = _find_note(data, jpeg, document, limits)
    held = held_groups(document)
    known: dict[int, Outline] = {fill.group: fill for fill in revealed.fills}
    for number, group in held.items():
        fill = known.setdefault(number, group)
        if (fill.windows, fill.shape) != (group.windows, group.shape):
            raise _other_note()
    order = sorted(known)
    counts = [group.tables for group in held.values()]
    counts += [revealed.tables] * bool(note)
    tables = _redacted_tables(jpeg, counts)
    if tables is None:
        raise changed(data, jpeg, document, "its Huffman tables are not those of the diff")
    picture = None
    if order:
        plan = _known_plan(jpeg, document, [known[number] for number in order], bool(note))
        check_blocks(plan, jpeg, limits)
        try:
            picture = open_picture(data, jpeg, plan, ring=False, beside=beside)
        except InvalidJpegError as error:
            raise changed(
                data, jpeg, document, f"the coded data does not fit the diff: {error.message}"
            ) from error
        if len(order) < len(document.public.fills):
            _require_sound(picture)
    places = {group: place for place, group in enumerate(order)}
    state = State(data, jpeg, picture, tables, note, revealed, places)
    if not note:
        if sha256.result() != document.public.redacted:
            raise changed(data, jpeg, document)
        return state
    hidden, fills = _hidden(state)
    if hashlib.sha256(hidden).digest() != document.public.redacted:
        raise changed(hidden, read_jpeg(hidden, limits), document)
    if fills != [document.public.fills[fill.group] for fill in revealed.fills]:
        raise _other_note()  # it calls blocks a group that belong to another one, or to none
    assert picture is not None or not revealed.fills  # noqa: S101
    for number in sorted(held.keys() & {fill.group for fill in revealed.fills}):
        group = held[number]
        assert picture is not None  # noqa: S101
        if picture.pack(places[number]) != group.blocks:
            raise mismatch(
                f"the blocks of regions {list(group.regions)} were changed", "diff.pixels"
            )
    return state


def _require_sound(picture: Picture) -> None:
    """Refuse damaged AC scans to who does not know all groups.

    Where such an interval ends is told from the last stretch in it, which may be another one's.
    """
    frame = picture.jpeg.frame
    if frame.progressive and any(i.broken is not None for i in picture.touched_intervals()):
        raise VerificationError(
            "the picture is damaged behind these regions, and a part of a diff can't bring them "
            "back there",
            code="restore.part-damaged",
            hint="use the whole diff",
        )


def fill_of(state: State, group: int, outline: Outline) -> Fill:
    """Return what a group shows now, to be put back later."""
    assert state.picture is not None  # noqa: S101
    packed = [
        state.picture.pack_portion(portion)
        for portion in state.picture.portions(state.places[group])
    ]
    odd = tuple(item for _, residue in packed for item in residue)
    blocks = tuple(data for data, _ in packed)
    return Fill(group, outline.windows, outline.shape, blocks, odd)


def note_edits(state: State, revealed: Revealed, redacted: bytes) -> list[FileEdit]:
    """Return the edits that put a note in place of the file's own."""
    edits: list[FileEdit] = [(segment.offset, segment.end, b"") for segment in state.note]
    at = state.jpeg.scans[0].header.offset
    payloads = revealed.payloads(redacted)
    new = b"".join(
        bytes([0xFF, COM]) + (len(payload) + 2).to_bytes(2) + payload for payload in payloads
    )
    return [*edits, (at, at, new)] if new else edits


def _known_plan(
    jpeg: JpegData, document: Document, outlines: Sequence[Outline], noted: bool
) -> Plan:
    """Return the plan of the groups that the diff holds or the note names."""
    try:
        return diff_plan(jpeg, outlines)
    except (InvalidDiffError, DiffMismatchError) as error:
        if not noted:
            raise
        diff_plan(jpeg, list(held_groups(document).values()))
        raise _other_note() from error  # since it is not the diff's fault


def _redacted_tables(
    jpeg: JpegData, counts: Sequence[tuple[int, ...]]
) -> dict[int, HuffmanTable] | None:
    """Return the tables as the fully redacted file had them: a partial state may have more.

    None if they are others.
    """
    wanted = counts[0] if counts else tuple(len(table.symbols) for table in jpeg.tables)
    if any(each != wanted for each in counts) or len(wanted) != len(jpeg.tables):
        return None
    tables = {}
    for table, count in zip(jpeg.tables, wanted, strict=True):
        if len(table.symbols) < count:
            return None
        tables[table.order] = table.shortened(count)
    return tables


def _hidden(state: State) -> tuple[bytes, list[bytes]]:
    """Return the file with everything hidden again that its note names, and without the note.

    And the digests of these fills.
    """
    changes = note_edits(state, Revealed(), b"")
    if state.picture is None or not state.revealed.fills:
        return assemble(state.data, changes), []
    places = [state.places[fill.group] for fill in state.revealed.fills]
    edits = state.picture.edits()
    try:
        for place, fill in zip(places, state.revealed.fills, strict=True):
            edits.put_blocks(state.picture, place, fill.blocks, fill.odd)
        hidden = state.picture.rewrite(edits, state.tables)
        changes += hidden.changes(state.tables)
    except (MissingCategory, InvalidJpegError, InvalidDiffError) as error:
        raise _other_note() from error
    digests = [fill_digest(hidden.pack_real(place)) for place in places]
    return assemble(state.data, changes), digests


def without_notes(data: bytes, jpeg: JpegData, document: Document) -> bytes:
    """Return a file without notes of this diff, wherever they stand: they hold no longer."""
    return assemble(
        data,
        [
            (segment.offset, segment.end, b"")
            for segment in jpeg.segments
            if segment.code == COM
            and Revealed.is_payload(
                data[segment.offset + 4 : segment.end], document.public.redacted
            )
        ],
    )


def _find_note(
    data: bytes, jpeg: JpegData, document: Document, limits: Limits
) -> tuple[tuple[Segment, ...], Revealed]:
    """Return the note in front of the first scan, and its segments."""
    found: list[Segment] = []
    at = jpeg.scans[0].header.offset
    for segment in reversed(jpeg.segments):
        if segment.end == at and segment.code == COM:
            content = data[segment.offset + 4 : segment.end]
            if not Revealed.is_payload(content, document.public.redacted):
                break
            found.insert(0, segment)
            at = segment.offset
    if not found:
        return (), Revealed()
    payloads = [data[segment.offset + 4 : segment.end] for segment in found]
    try:
        revealed = Revealed.from_payloads(payloads, limits)
    except (InvalidDiffError, LimitExceededError) as error:
        raise _other_note() from error
    if revealed.fills and revealed.fills[-1].group >= len(document.public.fills):
        raise _other_note()
    asked = set(revealed.regions)
    shown = {fill.group for fill in revealed.fills}
    if revealed.regions[-1] >= len(document.regions):
        raise _other_note()
    for number, group in held_groups(document).items():
        # Whoever can ask for a region has what lies under it alone, too. So a request without that
        # is nobody's: it would make the next holder reveal what they did not mean to.
        alone = len(group.regions) == 1
        known = asked.issuperset(group.regions)
        if known < (number in shown) or (alone and known and number not in shown):
            raise _other_note()
    return tuple(found), revealed


def _other_note() -> DiffMismatchError:
    return mismatch("the file's note of what is revealed in it was changed", "diff.metadata")
