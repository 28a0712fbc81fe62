"""The directory of what lies behind the first picture, put right.

Google's Ultra HDR 1.1, Motion Photo 1.0 and Dynamic Depth 1.0 specifications: the first item is
the primary picture; the others lie behind its EOI one after another, in the directory's order,
each with ``Length`` bytes and ``Padding`` behind it.
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from ..model import Kept
from .packet import Attribute, Element, fields, items, texts

__all__ = ["Update", "put_right"]


class Update(NamedTuple):
    """Nodes to take out, and new values of others."""

    gone: set[int]
    values: dict[int, str]


class _Item(NamedTuple):
    entry: Element
    start: int
    mime: str
    length: Attribute | Element | None
    padding: Attribute | Element | None


def put_right(
    directory: Element,
    images: tuple[Kept, ...],
    end_of_picture: int,
    gone: Set[int] = frozenset(),
    *,
    only_lengths: bool = False,
) -> Update:
    """Return what makes a directory say which pictures are behind the first one now.

    They are taken to follow each other with nothing between. With ``only_lengths`` all else
    stays where it is, and no item is taken out. Items in ``gone`` go anyway and stand for nothing.
    """
    update = Update(set(), {})
    listed = [_read(entry) for entry in items(directory)]
    paired = {
        number: kept
        for number, kept in _paired(listed, images, end_of_picture).items()
        if not {listed[number].entry.start, listed[number].start} & gone
    }
    for number, item in enumerate(listed):
        kept = paired.get(number)
        if kept is not None and item.length is not None and _number(item.length) != len(kept.new):
            update.values[item.length.start] = str(len(kept.new))
        if only_lengths:
            continue
        if kept is None and number > 0:
            update.gone.add(item.entry.start)
        elif item.padding is not None and _number(item.padding) != 0:
            update.values[item.padding.start] = "0"
    if not only_lengths and not paired:
        update.gone.add(directory.start)
    return update


def _paired(listed: list[_Item], images: tuple[Kept, ...], end_of_picture: int) -> dict[int, Kept]:
    """Tell which item is which kept picture: by where it lies, or else by being the only one."""
    paired: dict[int, Kept] = {}
    left = {image.offset: image for image in images}
    at = end_of_picture + (_number(listed[0].padding) if listed else 0)
    for number, item in enumerate(listed[1:], 1):
        length = _number(item.length)
        if at in left:
            paired[number] = left.pop(at)
        at += length + _number(item.padding)
    for offset, image in sorted(left.items()):
        open_items = [
            number
            for number, item in enumerate(listed)
            if number > 0 and number not in paired and item.mime.startswith("image/")
        ]
        same = [number for number in open_items if _number(listed[number].length) == image.length]
        chosen = same or (open_items if len(open_items) == len(left) == 1 else [])
        if chosen:
            paired[chosen[0]] = left[offset]
    return paired


def _read(entry: Element) -> _Item:
    known = {node.name.rpartition(" ")[2]: node for node in fields(entry)}
    inner = known.get("Item")
    if isinstance(inner, Element):
        known = {node.name.rpartition(" ")[2]: node for node in fields(inner)}
    start = inner.start if isinstance(inner, Element) else entry.start
    return _Item(
        entry, start, _text(known.get("Mime")),
        known.get("Length"), known.get("Padding"),
    )  # fmt: skip


def _text(node: Attribute | Element | None) -> str:
    return "" if node is None else next(texts(node), "").strip()


def _number(node: Attribute | Element | None) -> int:
    text = _text(node)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
