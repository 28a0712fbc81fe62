"""Writes a picture anew, with what its Huffman tables lack appended to them."""

from __future__ import annotations

from collections.abc import Mapping

from ..codec.huffman import HuffmanTable
from ..codec.scan import MissingCategory
from ..errors import InvalidJpegError, VerificationError
from .picture import Edits, Picture, Raw, missing_symbols

__all__ = ["UNSAYABLE", "rewrite", "unsayable"]

UNSAYABLE = "restore.unsayable"


def rewrite(
    picture: Picture, edits: Edits, tables: Mapping[int, HuffmanTable], raw: Mapping[int, Raw]
) -> tuple[dict[int, HuffmanTable], Picture]:
    """Return the new tables and the picture with the edits made.

    Symbols are appended where a DC difference between fill and original needs one, or an EOB run.

    Raises
    ------
    VerificationError
        It can't be said.
    """
    more: dict[int, HuffmanTable] | None
    try:
        return dict(tables), picture.rewrite(edits, dict(tables), raw)
    except MissingCategory as lack:
        more = missing_symbols(lack, tables)
    except InvalidJpegError as error:
        raise VerificationError(
            f"these regions can't be shown without the others: {error.message}",
            code=UNSAYABLE,
            offset=error.offset,
            hint="restore all regions at once",
        ) from error
    if more is None:
        raise unsayable()
    return more, picture.rewrite(edits, more, raw)


def unsayable() -> VerificationError:
    """Return the error for a state that the file's tables have no room for."""
    return VerificationError(
        "these regions can't be shown without the others: the file's Huffman tables have no "
        "room for the differences between them",
        code=UNSAYABLE,
        hint="restore all regions at once",
    )
