"""`restore_bytes`: bring regions back from a diff or a part of one, some of them or all.

A file under a diff is in one of many states: any set of groups may have been revealed. The
result is a function of what was asked for in all alone, so that the order in which regions come
back does not matter (G4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from ..background import Beside
from ..diff import Document, Revealed
from ..diff.parts import held_regions, regions_named
from ..errors import DiffMismatchError, InvalidDiffError
from ..limits import Limits
from .diffplan import mismatch
from .embedding import take_out
from .picture import FileEdit, apply_patches, assemble
from .recoded import restore_modified
from .rewriting import rewrite
from .state import State, fill_of, note_edits, read_state

__all__ = ["Restored", "restore_bytes"]


class Restored(NamedTuple):
    """A file in which regions were brought back.

    Attributes
    ----------
    data
        The file.
    original
        Whether it is the original, byte for byte.
    modified
        What was changed in the file before: why it can't become the original; "" if nothing was.
    besides
        Regions that were not asked for now, but before, as the file says: what lies under them,
        and under what was asked for now, is back too.
    """

    data: bytes
    original: bool
    modified: str = ""
    besides: tuple[int, ...] = ()


def restore_bytes(
    data: bytes,
    document: Document,
    regions: Iterable[int] | None,
    limits: Limits,
    allow_modified: bool = False,
) -> Restored:
    """Bring back the regions with these indices, or all that the diff has.

    A diff in the file that is of the same redacted one stays there, unless the original is back.

    Raises
    ------
    DiffMismatchError
        The diff is of another picture, or this one was changed since.
    InvalidDiffError, InvalidJpegError, UnsupportedJpegError, LimitExceededError,
    InvalidRegionError, VerificationError
    """
    asked = held_regions(document) if regions is None else regions_named(document, regions)
    bare = take_out(data, document.public.redacted, limits)
    done = _restored(bare.data, document, asked, limits, allow_modified, regions is not None)
    if done.original:
        return done
    return done._replace(data=bare.put_back(done.data, limits))


def _restored(
    data: bytes, document: Document, asked: frozenset[int], limits: Limits, allow_modified: bool,
    named: bool,
) -> Restored:  # fmt: skip
    if _is_original(data, document):
        return Restored(data, True)
    try:
        with Beside(len(data)) as beside:
            state = read_state(data, document, limits, beside)
    except DiffMismatchError as error:
        if not allow_modified:
            raise
        found = restore_modified(data, document, asked, limits, named)
        return Restored(found, False, error.message)
    return _revealed(state, document, asked)


def _is_original(data: bytes, document: Document) -> bool:
    file = document.file
    return (
        file is not None
        and len(data) == file.length
        and hashlib.sha256(data).digest() == file.sha256
    )


def _revealed(state: State, document: Document, asked: frozenset[int]) -> Restored:
    """Reveal what was asked for now or before, as far as the diff has it."""
    besides = tuple(number for number in state.revealed.regions if number not in asked)
    asked = asked.union(besides)
    fills = {fill.group: fill for fill in state.revealed.fills}
    new = {
        number: group
        for number, group in enumerate(document.groups)
        if group is not None and number not in fills and set(group.regions) <= asked
    }
    file = document.file
    whole = file is not None and all(
        group is not None and (number in fills or number in new)
        for number, group in enumerate(document.groups)
    )
    changes: list[FileEdit] = []
    tables = dict(state.tables)
    if state.picture is not None:
        edits = state.picture.edits()
        for number, group in new.items():
            edits.put_blocks(state.picture, state.places[number], group.blocks, group.odd)
        raw: dict[int, dict[int, tuple[int, bytes]]] = {}
        for scan, number, bits, piece in file.stretches if file is not None and whole else ():
            raw.setdefault(scan, {})[number] = bits, piece
        tables, rewritten = rewrite(state.picture, edits, state.tables, raw)
        for number, group in new.items():
            if rewritten.pack(state.places[number]) != group.blocks:
                raise InvalidDiffError("a group's blocks were damaged", code="diff.damaged")
        changes = rewritten.changes(tables)
    removed = note_edits(state, Revealed(), b"")
    if file is not None and whole:
        if any(tables[order] != table for order, table in state.tables.items()):
            raise mismatch("the original's coefficients need codes that its own tables lack")
        return _original(assemble(state.data, [*changes, *removed]), document, besides)
    plain = assemble(state.data, [*changes, *removed])
    if _is_original(plain, document):
        # what is still hidden looked like its fill from the beginning
        return Restored(plain, True, besides=besides)
    for number, group in new.items():
        fills[number] = fill_of(state, number, group)
    counts = tuple(len(state.tables[table.order].symbols) for table in state.jpeg.tables)
    revealed = Revealed(tuple(sorted(asked)), tuple(fills[n] for n in sorted(fills)), counts)
    noted = note_edits(state, revealed, document.public.redacted)
    return Restored(assemble(state.data, [*changes, *noted]), False, besides=besides)


def _original(revealed: bytes, document: Document, besides: tuple[int, ...]) -> Restored:
    """Turn the fully revealed file into the original."""
    file = document.file
    assert file is not None  # noqa: S101
    try:
        whole = apply_patches(revealed, file.patches)
    except ValueError:
        raise InvalidDiffError("a patch lies outside the file", code="diff.patch") from None
    if hashlib.sha256(whole).digest() != file.sha256:
        raise mismatch("what came back is not the original: the diff or the file was damaged")
    return Restored(whole, True, besides=besides)
