"""Logs are read strictly: a typing error in a corrected one must not change what is hidden.

Both forms, JSON Lines and XML, come as the same dictionaries to `_entry`.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from ._version import VERSION
from .errors import InvalidLogError
from .files import Source, read_source
from .limits import Limits, checked
from .log import (
    DECISIONS,
    SCHEMA,
    SHAPES,
    SOURCES,
    Failure,
    Log,
    LogEntry,
    Options,
    Sighting,
    join_model,
    with_ids,
)

__all__ = ["read_log"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_TEXT = 4096
_MOST_DETECTORS = 100
_MOST_NUMBERS = 100
_MOST_WARNINGS = 100
_MOST_VALUES = 1 << 22
"""In a line, or elements in XML: before they are parsed, for what is parsed takes memory."""
_FAR = 1e9
_OF_A_RUN = ("run", "skipped")
"""Records of `jpegredact batch` that say nothing of a picture: what it was told, and what is no
JPEG."""
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def read_log(source: Source, *, limits: Limits | None = None) -> Log:
    """Read a log, in JSON Lines or XML, as it was written or corrected by a person.

    Of a detection, only ``box`` is needed: the decision is then "redact", the source "log",
    and the id is made up. A field that the schema does not know is an error.

    Raises
    ------
    InvalidLogError
        With the line or the element, and the field.
    LimitExceededError
    OSError
        A path that can't be read.
    """
    limits = checked(limits)
    data = read_source(source, limits).removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidLogError(
            "the log is no UTF-8 text", code="log.syntax", offset=error.start
        ) from None
    if text.lstrip().startswith("<"):
        from .log_xml import xml_values

        if text.count("<") > 2 * _MOST_VALUES:
            raise _wrong("the elements", f"more than {_MOST_VALUES}")
        values = xml_values(text)
    else:
        values = _lines(text)
    entries: list[LogEntry] = []
    for where, value in values:
        if isinstance(value, dict) and value.get("record") in _OF_A_RUN:
            continue
        limits.check("max_items", len(entries) + 1, "entries in a log")
        entries.append(_entry(_Fields(value, where), limits))
    if not entries:
        raise InvalidLogError("the log is empty", code="log.empty")
    return Log(tuple(entries))


def _lines(text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if line.count(",") > _MOST_VALUES:
            raise _wrong(f"line {number}", f"more than {_MOST_VALUES} values")
        try:
            value = json.loads(
                line, object_pairs_hook=_no_duplicates, parse_constant=_no_constant
            )
        except (ValueError, RecursionError) as error:
            raise InvalidLogError(
                f"line {number} of the log is no JSON: {error}", code="log.syntax"
            ) from None
        yield f"line {number}", value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{_shown(twice)} stands there twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


class _Fields:
    """The fields of one object, each taken once; what is left over in the end is an error."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise _wrong(where, f"{_shown(value)} is no object")
        self._left = dict(value)
        self._where = where

    def fail(self, name: str, message: str) -> NoReturn:
        """Raise an error about a field."""
        raise _wrong(f"{self._where}, {name}", message)

    def inner(self, name: str, value: Any) -> _Fields:
        """Return the fields of an object within this one."""
        return _Fields(value, f"{self._where}, {name}")

    def take(self, name: str, *, needed: bool = False) -> Any:
        """Return a field; None where there is none."""
        if needed and name not in self._left:
            self.fail(name, "is missing")
        return self._left.pop(name, None)

    def end(self) -> None:
        """Refuse what nobody asked for."""
        for name in self._left:
            self.fail(_shown(name), "no such field")

    def text(self, name: str, *, needed: bool = False) -> str | None:
        """Return a field that is text."""
        value = self.take(name, needed=needed)
        if value is None and not needed:
            return None
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            self.fail(name, f"{_shown(value)} is no text of at most {_LONGEST_TEXT} characters")
        if any(0xD800 <= ord(c) < 0xE000 for c in value):
            self.fail(name, f"{_shown(value)} holds half a character")
        return value

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """Return a field that is a list of texts; () where there is none."""
        values = self.list(name, most)
        each = self.inner(name, {str(number): value for number, value in enumerate(values)})
        return tuple(each.text(str(number), needed=True) or "" for number in range(len(values)))

    def choice(self, name: str, among: Iterable[Any], default: Any) -> Any:
        """Return a field that is one of a few values."""
        value = self.take(name)
        if value is None:
            return default
        known = list(among)
        if isinstance(value, bool) or value not in known:
            self.fail(name, f"{_shown(value)} is none of {', '.join(map(str, known))}")
        return known[known.index(value)]  # 6, where a log says 6.0

    def digest(self, name: str) -> str | None:
        """Return a field that is a SHA-256 in lower-case hexadecimal digits."""
        value = self.take(name)
        if value is not None and not (isinstance(value, str) and _DIGEST.fullmatch(value)):
            self.fail(name, f"{_shown(value)} is no SHA-256 in 64 lower-case hexadecimal digits")
        found: str | None = value
        return found

    def number(self, name: str) -> float | None:
        """Return a field that is a finite number."""
        value = self.take(name)
        return None if value is None else _number(value, lambda m: self.fail(name, m))

    def numbers(self, name: str, count: int | None) -> tuple[float, ...]:
        """Return a field that is a list of numbers; () where there is none."""
        value = self.take(name)
        if value is None:
            return ()
        return _numbers(value, count, lambda m: self.fail(name, m))

    def whole(self, name: str, count: int | None) -> tuple[int, ...]:
        """Return a field that is a list of whole numbers from 0 on."""
        found = []
        for value in self.numbers(name, count):
            if not isinstance(value, int) or value < 0:
                self.fail(name, f"{_shown(value)} is no whole number")
            found.append(value)
        return tuple(found)

    def list(self, name: str, most: int) -> list[Any]:
        """Return a field that is a list; [] where there is none."""
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self.fail(name, f"{_shown(value)} is no list of at most {most}")
        found: list[Any] = value
        return found


def _entry(fields: _Fields, limits: Limits) -> LogEntry:
    record = fields.choice("record", ("file", "public"), None)
    if record != "file":
        fields.fail(
            "record", "is missing" if record is None
            else "a public log says what was redacted, but not where",
        )  # fmt: skip
    schema = fields.take("schema", needed=True)
    if schema != SCHEMA or isinstance(schema, bool):
        raise InvalidLogError(
            f"a log of schema {_shown(schema)}; this version reads {SCHEMA}", code="log.schema"
        )
    size = fields.whole("size", 2)
    listed = fields.list("detections", limits.max_regions)
    detections = with_ids(
        _detection(fields.inner(f"detections[{number}]", value), limits)
        for number, value in enumerate(listed)
    )
    ids = {each.id for each in detections}
    if len(ids) != len(detections):
        fields.fail("detections", "two of them have the same id")
    failure, options = fields.take("error"), fields.take("options")
    entry = LogEntry(
        file=fields.text("file", needed=True) or "",
        sha256=fields.digest("sha256"),
        size=(size[0], size[1]) if size else None,
        orientation=fields.choice("orientation", range(1, 9), None),
        detectors=tuple(
            _detector(fields.inner(f"detectors[{number}]", value))
            for number, value in enumerate(fields.list("detectors", _MOST_DETECTORS))
        ),
        options=Options() if options is None else _options(fields.inner("options", options)),
        detections=detections,
        redacted=fields.digest("redacted"),
        diff=fields.digest("diff"),
        error=None if failure is None else _failure(fields.inner("error", failure)),
        version=fields.text("version") or VERSION,
        warnings=fields.texts("warnings", _MOST_WARNINGS),
    )
    if entry.sha256 is None and entry.error is None:
        fields.fail("sha256", "is missing: it says which picture is meant")
    fields.end()
    return entry


def _detection(fields: _Fields, limits: Limits) -> Sighting:
    shape = fields.choice("shape", SHAPES, "box")
    points = tuple(
        _pair(point, lambda m: fields.fail("points", m))
        for point in fields.list("points", limits.max_points)
    )
    if len(points) < 3 if shape == "polygon" else points:
        fields.fail("points", "a polygon has three corners or more, other shapes have none")
    parts = tuple(
        _box(part, lambda m: fields.fail("parts", m))
        for part in fields.list("parts", limits.max_points)
    )
    if bool(parts) != (shape == "boxes"):
        fields.fail("parts", "what consists of boxes has one or more, other shapes have none")
    box = _box(fields.take("box", needed=True), lambda m: fields.fail("box", m))
    if (points or parts) and box != _bounds(points or parts):
        fields.fail("box", "it is not what its points or parts span: correct both, or neither")
    snapped = fields.whole("snapped", 4)
    found = Sighting(
        box=box,
        label=fields.text("label"),
        score=fields.number("score"),
        decision=fields.choice("decision", DECISIONS, "redact"),
        source=fields.choice("source", SOURCES, "log"),
        id=fields.text("id") or "",
        model=fields.text("model"),
        threshold=fields.number("threshold"),
        shape=shape,
        points=points,
        parts=parts,
        snapped=(snapped[0], snapped[1], snapped[2], snapped[3]) if snapped else None,
        blocks=fields.whole("blocks", None),
    )
    fields.end()
    return found


def _detector(fields: _Fields) -> str:
    found = join_model(fields.text("name", needed=True) or "", fields.text("digest"))
    fields.end()
    return found


def _options(fields: _Fields) -> Options:
    labels = []
    for number, label in enumerate(fields.list("labels", _MOST_DETECTORS)):
        if not isinstance(label, str):
            fields.fail(f"labels[{number}]", f"{_shown(label)} is no text")
        labels.append(label)
    found = Options(
        labels=tuple(labels),
        effort=fields.text("effort"),
        threshold=fields.number("threshold"),
        method=fields.text("method"),
        margin=fields.text("margin") or "0",
        side_copies=fields.text("side_copies"),
    )
    fields.end()
    return found


def _failure(fields: _Fields) -> Failure:
    found = Failure(
        fields.text("code", needed=True) or "", fields.text("message", needed=True) or ""
    )
    fields.end()
    return found


def _bounds(places: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    """Return what corners, or boxes, span."""
    xs = [x for each in places for x in each[::2]]
    ys = [y for each in places for y in each[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def _box(
    value: Any, fail: Callable[[str], NoReturn]
) -> tuple[float, float, float, float]:
    left, top, right, bottom = _numbers(value, 4, fail)
    if left >= right or top >= bottom:
        fail(f"the box {left, top, right, bottom} is inverted or has no area")
    return left, top, right, bottom


def _pair(value: Any, fail: Callable[[str], NoReturn]) -> tuple[float, float]:
    x, y = _numbers(value, 2, fail)
    return x, y


def _numbers(
    value: Any, count: int | None, fail: Callable[[str], NoReturn]
) -> tuple[float, ...]:
    if not isinstance(value, list) or (count is not None and len(value) != count):
        fail(f"{_shown(value)} is no list of {'' if count is None else f'{count} '}numbers")
    if len(value) > _MOST_NUMBERS:
        fail(f"more than {_MOST_NUMBERS} numbers")
    return tuple(_number(each, fail) for each in value)


def _number(value: Any, fail: Callable[[str], NoReturn]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(f"{_shown(value)} is no number")
    if not -_FAR <= value <= _FAR:
        fail(f"{_shown(value)} is no number that makes sense here")
    return int(value) if value == int(value) else value


def _shown(value: Any) -> str:
    text = _SHORT.repr(value)  # never all of it: it may be as long, or as deep, as the file
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong(where: str, message: str) -> InvalidLogError:
    return InvalidLogError(f"{where} of the log: {message}", code="log.field")
