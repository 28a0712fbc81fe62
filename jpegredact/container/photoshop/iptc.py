"""IPTC-IIM (Information Interchange Model 4.2): data sets, and what leaves them.

A data set is 0x1C, a record number, a number, a length of two bytes (with the first bit set: of
that many more bytes) and the content. Data sets are cut out or get another text; the bytes of
the others stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from ..embedded import picture_size
from ..many_texts import closed_up, with_blanks
from ..model import Action, Actions, FileEdit, Request
from ..names import blanked_bytes
from ..xmp.rules import is_blob

__all__ = ["DataSet", "Finding", "clean", "findings", "outcomes", "read"]

_MARK = 0x1C
_MOST = 10_000
"""Data sets; real blocks have some dozens."""
_SHORT_MOST = 0x7FFF
_LARGE = 1024
_DOUBLED = re.compile(rb"(?<=\S)[ \t]{2,}(?=\S)")
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8", b"BM", b"RIFF")

_REMOVED = {
    **dict.fromkeys([(2, number) for number in (200, 201, 202)], "iptc-preview"),
    **dict.fromkeys([(2, number) for number in (150, 151, 152, 153, 154)], "iptc-audio"),
    (2, 125): "iptc-blob",  # a caption, rasterised: a picture of what names are taken out of
    (8, 10): "iptc-blob",  # the object itself
}
_APPLICATION = 2
"""The first record that is not the envelope."""
_PROTECTED = frozenset(
    (_APPLICATION, number)
    for number in (
        80, 85,  # by-line and its title
        90, 92, 95, 100, 101, 26, 27,  # places
        110, 115, 116, 118, 122,  # credit, source, copyright, contact, writer of the caption
        65, 70, 130, 131, 135,  # program, its version, image type, orientation, language
    )
)  # fmt: skip
"""Data sets in which a name stays."""

_DROPPED = Actions("drop", "drop", "warn")
_NAMED = Actions("edit", "drop", "warn")


class DataSet(NamedTuple):
    """A data set: ``block[start:end]``, its content from ``content`` on."""

    record: int
    number: int
    start: int
    content: int
    end: int


class Finding(NamedTuple):
    """A side copy in the block; ``dropped``: whatever the regions are."""

    kind: str
    start: int
    end: int
    detail: str
    actions: Actions
    dropped: bool
    picture: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    encoding: str = "other"


def read(block: bytes) -> tuple[list[DataSet], int]:
    """Return the data sets, and where they end; zeros behind them belong to them."""
    found: list[DataSet] = []
    at = 0
    while at + 5 <= len(block) and block[at] == _MARK and len(found) < _MOST:
        length = int.from_bytes(block[at + 3 : at + 5], "big")
        content = at + 5
        if length & 0x8000:
            content += length & 0x7FFF
            length = int.from_bytes(block[at + 5 : content][-8:], "big")
        if content + length > len(block):
            break
        found.append(DataSet(block[at + 1], block[at + 2], at, content, content + length))
        at = content + length
    return found, len(block) if not block[at:].strip(b"\0") else at


def findings(block: bytes) -> list[Finding]:
    """Return what in a block shows a picture, may name people, or can't be read."""
    listed, end = read(block)
    found: list[Finding] = []
    texts = 0
    for each in listed:
        content = block[each.content : each.end]
        kind = _removed_kind(each, content)
        if kind is not None:
            detail = f"data set {each.record}:{each.number:02d}, {len(content)} bytes"
            is_picture = content.startswith(_BEGINNINGS)
            encoding = {b"\xff\xd8": "jpeg", b"\x89P": "png"}.get(content[:2], "other")
            span = (each.content, each.end) if is_picture else None
            found.append(
                Finding(
                    kind, each.start, each.end, detail, _DROPPED, True, span,
                    picture_size(content), encoding,
                )
            )  # fmt: skip
        elif _is_text(each, content) and content.strip(b"\0"):
            texts += 1
    if texts:
        detail = f"IPTC: {texts} texts that may name people"
        found.append(Finding("iptc-name", 0, end, detail, _NAMED, False))
    if end < len(block):
        detail = "IPTC that can't be read"
        found.append(Finding("iptc-broken", end, len(block), detail, _DROPPED, True))
    return found


def clean(block: bytes, names: Set[str]) -> list[FileEdit]:
    """Return the changes of a block that the default policy makes; [] for none."""
    changes: list[FileEdit] = [
        (each.start, each.end, b"") for each in findings(block) if each.dropped
    ]
    if names:
        changes += _without_names(block, names)
    return sorted(changes)


def outcomes(listed: list[Finding], block: bytes, request: Request) -> list[Action]:
    """Return what is done with each finding."""
    done: list[Action] = []
    for finding in listed:
        action = finding.actions.of(request.policy)
        if finding.kind == "iptc-name" and request.policy != "strict":
            named = request.names and any(True for _ in _without_names(block, request.names))
            action = action if named else "keep"
        done.append(action)
    return done


def _removed_kind(each: DataSet, content: bytes) -> str | None:
    kind = _REMOVED.get((each.record, each.number))
    if kind is not None:
        return kind
    if content.startswith(_BEGINNINGS[:5]):
        return "iptc-blob"
    binary = any(byte < 0x20 and byte not in b"\t\n\r" for byte in content)
    if len(content) > _LARGE and binary:
        return "iptc-blob"
    return "iptc-blob" if not binary and is_blob("", content.decode("latin-1")) else None


def _without_names(block: bytes, names: Set[str]) -> Iterator[FileEdit]:
    """Give the edits that take names out of texts, in whichever encoding they are in.

    A text is UTF-8 if it can be, whatever 1:90 says, unless it has ISO 2022's escapes.
    """
    listed = [each for each in read(block)[0] if _is_text(each, block[each.content : each.end])]
    texts: dict[int, str] = {}
    others: dict[int, bytes] = {}
    for number, each in enumerate(listed):
        content = block[each.content : each.end]
        try:
            texts[number] = content.decode()
        except UnicodeDecodeError:
            others[number] = content
        else:
            if b"\x1b" in content or b"\0" in content:
                others[number] = content
    numbers = list(texts)
    for at, blank in with_blanks(list(texts.values()), names).items():
        others.pop(numbers[at], None)
        yield _edit(listed[numbers[at]], closed_up(blank).encode())
    whole = b"\0\0".join(others.values())
    blanks = blanked_bytes(whole, names)
    start = 0
    for number, content in others.items() if blanks != whole else ():
        left = blanks[start : start + len(content)]
        start += len(content) + 2
        if left != content:
            yield _edit(listed[number], _DOUBLED.sub(b" ", left).strip(b" \t"))


def _is_text(each: DataSet, content: bytes) -> bool:
    return (
        each.record >= _APPLICATION
        and (each.record, each.number) not in _PROTECTED
        and each.number > 0
        and _removed_kind(each, content) is None
    )


def _edit(each: DataSet, content: bytes) -> FileEdit:
    return each.start, each.end, _written(each, content) if content.strip() else b""


def _written(each: DataSet, content: bytes) -> bytes:
    length = len(content).to_bytes(2, "big")
    if len(content) > _SHORT_MOST:
        length = b"\x80\x04" + len(content).to_bytes(4, "big")
    return bytes((_MARK, each.record, each.number)) + length + content
