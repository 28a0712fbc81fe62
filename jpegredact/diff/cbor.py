"""The deterministic subset of CBOR (RFC 8949 §4.2) that a diff is made of, read strictly.

Integers, byte and text strings, arrays, maps with text keys, floats, booleans and
null. Whatever another encoder might have written otherwise is refused: indefinite
lengths, long heads for short numbers, unsorted or repeated keys, floats that fit
a shorter form, tags. A general library decodes dates, patterns, decimals and
shared references too, all of which a hostile file could aim at; see
docs/decisions/0003-own-cbor-subset.md.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import Any

from ..errors import InvalidDiffError, LimitExceededError

__all__ = ["MAGIC", "Budget", "Value", "decode", "encode"]

Value = Any
"""int, bytes, str, list, dict with str keys, float, bool or None."""

MAGIC = b"\xd9\xd9\xf7"
"""Tag 55799, "self-described CBOR" (RFC 8949 §3.4.6)."""

_MAX_DEPTH = 8


def encode(value: Value) -> bytes:
    """Encode a value, deterministically."""
    out = bytearray()
    _encode(value, out)
    return bytes(out)


@lru_cache(maxsize=64)
def _keys(names: tuple[str, ...]) -> list[tuple[bytes, str]]:
    """Return a map's keys in order, encoded; there are few kinds of map."""
    return sorted([(encode(name), name) for name in names])


def _head(major: int, number: int, out: bytearray) -> None:
    if number < 24:
        out.append(major << 5 | number)
    elif number < 1 << 8:
        out += bytes((major << 5 | 24, number))
    elif number < 1 << 16:
        out += (major << 21 | 25 << 16 | number).to_bytes(3)
    elif number < 1 << 32:
        out += (major << 37 | 26 << 32 | number).to_bytes(5)
    elif number < 1 << 64:
        out += (major << 69 | 27 << 64 | number).to_bytes(9)
    else:
        raise ValueError(f"{number} does not fit 64 bits")


def _encode(value: Value, out: bytearray) -> None:
    kind = type(value)
    if kind is int:  # what there is most of comes first
        _head(0, value, out) if value >= 0 else _head(1, -1 - value, out)
    elif kind is bytes:
        _head(2, len(value), out)
        out += value
    elif kind is list:
        _head(4, len(value), out)
        for item in value:
            if type(item) is int and 0 <= item < 24:
                out.append(item)
            else:
                _encode(item, out)
    elif kind is float:
        out += _float(value)
    elif kind is str:
        data = value.encode()
        _head(3, len(data), out)
        out += data
    elif kind is dict:
        _head(5, len(value), out)
        for key, name in _keys(tuple(value)):
            out += key
            _encode(value[name], out)
    elif value is None or kind is bool:
        out.append(0xF6 if value is None else 0xF5 if value else 0xF4)
    elif isinstance(value, tuple):
        _encode(list(value), out)
    elif isinstance(value, int | float):  # of a kind of their own, such as NumPy's
        _encode(int(value) if isinstance(value, int) else float(value), out)
    else:
        raise TypeError(f"{kind.__name__} has no place in a diff")


def _float(value: float) -> bytes:
    if value != value:
        raise ValueError("NaN has no place in a diff")
    packed = b"\xfb" + struct.pack(">d", value)
    for head, form in ((b"\xfa", ">f"), (b"\xf9", ">e")):
        try:
            shorter = struct.pack(form, value)
        except OverflowError:
            break
        if struct.unpack(form, shorter)[0] != value:
            break
        packed = head + shorter
    return packed


_KNOWN = {
    encode(name): name
    for name in (
        *("size", "fills", "format", "redacted", "records", "version", "kind", "regions"),
        *("windows", "shape", "blocks", "odd", "tables", "box", "points", "label", "id", "score"),
        *("frame", "coding", "around", "lacking", "group", "region", "file"),
    )
}
"""Names that need not be decoded each time. Others may stand there too."""


class Budget:
    """How many values may still be decoded: each takes far more memory than a byte."""

    def __init__(self, items: int) -> None:
        self.limit = self.left = items

    def spend(self, count: int, at: int) -> None:
        """Take so many, or raise `LimitExceededError`."""
        self.left -= count
        if self.left < 0:
            raise LimitExceededError(
                f"a diff of more than {self.limit} values", code="limit.items", offset=at,
                hint="raise it with Limits(max_items=...) if you trust the input",
            )  # fmt: skip


def decode(data: bytes, at: int = 0, budget: Budget | None = None) -> Value:
    """Decode ``data[at:]``, which must be exactly one value in deterministic form.

    Raises
    ------
    InvalidDiffError
        With the byte offset of the trouble.
    LimitExceededError
        The budget does not suffice.
    """
    reader = _Reader(data, at, budget or Budget(1 << 62))
    reader.budget.spend(1, at)
    value = reader.value(0)
    if reader.at != len(data):
        raise InvalidDiffError("bytes behind the end", code="diff.trailing", offset=reader.at)
    return value


class _Reader:
    def __init__(self, data: bytes, at: int, budget: Budget) -> None:
        self.data = data
        self.at = at
        self.budget = budget

    def take(self, count: int) -> bytes:
        at = self.at
        end = at + count
        if end > len(self.data):
            raise InvalidDiffError("the diff is cut short", code="diff.truncated", offset=at)
        self.at = end
        return self.data[at:end]

    def bad(self, what: str, at: int) -> InvalidDiffError:
        return InvalidDiffError(what, code="diff.cbor", offset=at)

    def value(self, depth: int) -> Value:
        data, start = self.data, self.at
        if start == len(data):
            raise InvalidDiffError("the diff is cut short", code="diff.truncated", offset=start)
        first = data[start]
        self.at = start + 1
        major, number = first >> 5, first & 31
        if major == 7:
            return self.simple(first, start)
        if depth > _MAX_DEPTH or number > 27 or major == 6:
            raise self.bad("a kind of value that has no place in a diff", start)
        if number >= 24:
            size = 1 << (number - 24)
            number = int.from_bytes(self.take(size))
            if number < 24 or (size > 1 and number < 1 << 4 * size):
                raise self.bad("a number in a longer form than it needs", start)
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            try:
                return self.take(number).decode()
            except UnicodeDecodeError:
                raise self.bad("text that is not UTF-8", start) from None
        items = 2 * number if major == 5 else number
        if items > len(data) - self.at:  # each takes a byte at least
            raise InvalidDiffError("the diff is cut short", code="diff.truncated", offset=start)
        self.budget.spend(items, start)
        return self.map(number, depth + 1) if major == 5 else self.array(number, depth + 1)

    def array(self, count: int, depth: int) -> list[Value]:
        data, at = self.data, self.at
        found: list[Value] = []
        end = len(data) - 3 if depth <= _MAX_DEPTH else 0
        for _ in range(count):
            first = data[at] if at < end else 0xFF
            if first < 24:  # integers below 65,536 are what there is most of
                found.append(first)
                at += 1
            elif first == 24 and data[at + 1] > 23:
                found.append(data[at + 1])
                at += 2
            elif first == 25 and data[at + 1]:
                found.append(data[at + 1] << 8 | data[at + 2])
                at += 3
            else:
                self.at = at
                found.append(self.value(depth))
                at = self.at
        self.at = at
        return found

    def map(self, count: int, depth: int) -> dict[str, Value]:
        data = self.data
        found: dict[str, Value] = {}
        before = b""
        for _ in range(count):
            begin = self.at
            coded = data[begin : begin + 1 + (data[begin] & 31)] if begin < len(data) else b""
            key = _KNOWN.get(coded) if depth <= _MAX_DEPTH else None
            if key is not None:  # one of a diff's own names
                self.at = begin + len(coded)
            else:
                key = self.value(depth)
                coded = data[begin : self.at]
            if type(key) is not str or coded <= before:
                raise self.bad("map keys that are no text, or not in order", begin)
            before = coded
            found[key] = self.value(depth)
        return found

    def simple(self, first: int, start: int) -> Value:
        if first in (0xF4, 0xF5, 0xF6):
            return {0xF4: False, 0xF5: True, 0xF6: None}[first]
        form = {0xF9: ">e", 0xFA: ">f", 0xFB: ">d"}.get(first)
        if form is None:
            raise self.bad("a kind of value that has no place in a diff", start)
        value: float = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        if math.isnan(value) or _float(value)[0] != first:
            raise self.bad("a float in a longer form than it needs", start)
        return value
