"""Take a person's name out of free text, as a whole token."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["blanked", "contains_name", "without_names"]

_LEAST = 2
"""Characters that a name must have: a single letter would hit anything."""


def without_names(text: str, names: Iterable[str]) -> str:
    """Return text without these names; what is left of doubled spaces closes up.

    Upper and lower case, composed and decomposed letters, and white space of any kind between
    the words of a name count as the same.
    """
    pattern = _pattern(names)
    if pattern is None or not pattern.search(text):
        return text
    return re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", pattern.sub("", text)).strip(" \t")


def blanked(text: str, names: Iterable[str]) -> str:
    """Return text with these names replaced by as many spaces: for fields that must not move."""
    pattern = _pattern(names)
    return text if pattern is None else pattern.sub(lambda found: " " * len(found.group()), text)


def contains_name(text: str, names: Iterable[str]) -> bool:
    """Whether one of these names stands in the text as a whole token."""
    pattern = _pattern(names)
    return pattern is not None and pattern.search(text) is not None


def _pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    forms = {
        unicodedata.normalize(form, " ".join(name.split()))
        for name in names
        for form in ("NFC", "NFD")
    }
    wanted = sorted((form for form in forms if len(form) >= _LEAST), key=len, reverse=True)
    if not wanted:
        return None
    either = "|".join(r"\s+".join(re.escape(word) for word in name.split()) for name in wanted)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
