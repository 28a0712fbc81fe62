"""Take names out of many texts at once: their pattern is made once, however many texts there are.

What is looked for is `names`' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .names import blanked

__all__ = ["closed_up", "with_blanks"]

_BETWEEN = "\0"
"""No letter and no white space: no name reaches over it, and each ends at it."""
_DOUBLED = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


def with_blanks(texts: Sequence[str], names: Iterable[str]) -> dict[int, str]:
    """Return, by their numbers, the texts that hold a name, with blanks in its place."""
    whole = _BETWEEN.join(texts)
    blank = blanked(whole, names)
    found: dict[int, str] = {}
    at = 0
    for number, text in enumerate(texts) if blank != whole else ():
        end = at + len(text)
        if blank[at:end] != text:
            found[number] = blank[at:end]
        at = end + len(_BETWEEN)
    return found


def closed_up(text: str) -> str:
    """Return a text whose names are blanks without those blanks."""
    return _DOUBLED.sub(" ", text).strip(" \t")
