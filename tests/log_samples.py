"""Logs for tests: by hypothesis, by hand; and the published schemas as referees."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree

from jpegredact.log import Failure, Log, LogEntry, Options, Sighting, with_ids

DESIGN = Path(__file__).parents[1] / "docs" / "design"
JSON_SCHEMA = json.loads((DESIGN / "log.schema.json").read_text())
LINE = Draft202012Validator(JSON_SCHEMA)
XSD = etree.XMLSchema(etree.parse(DESIGN / "log.xsd"))

DIGEST = "0123456789abcdef" * 4
FACE = Sighting(
    (10, 20.5, 50, 60), "face", 0.875, source="detector", model=f"centerface@{DIGEST}",
    threshold=0.35, snapped=(0, 16, 56, 64), blocks=(42, 12, 12),
)  # fmt: skip
SIGN = Sighting((200, 100, 260, 170), "plate", 0.4, decision="keep", source="detector")
ADDED = Sighting((1, 2, 3, 4), "face")
ENTRY = LogEntry(
    "street/a.jpg", DIGEST, (400, 300), 6, (f"centerface@{DIGEST}",),
    Options(("face", "plate"), "normal", 0.35, "inpaint", "10%", "default"),
    with_ids([FACE, SIGN, ADDED]), DIGEST[::-1], None, "0.1.0",
)  # fmt: skip

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=["\r", "\ufffe", "\uffff"],
                  min_codepoint=32)
    | st.sampled_from("\t\n"),
    max_size=12,
)  # fmt: skip
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6, allow_nan=False).map(
    lambda value: int(value) if value.is_integer() else value
)
WHOLE = st.integers(0, 10**9)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


def has_area(corners: tuple[tuple[float, float], ...]) -> bool:
    return all(len(set(side)) > 1 for side in zip(*corners, strict=True))


@st.composite
def sightings(draw: st.DrawFn) -> Sighting:
    sides = st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1]).map(sorted)
    (left, right), (top, bottom) = draw(sides), draw(sides)
    shape = draw(st.sampled_from(["box", "polygon", "mask", "boxes"]))
    boxes = st.tuples(sides, sides).map(lambda s: (s[0][0], s[1][0], s[0][1], s[1][1]))
    points = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=5).map(tuple)
    corners = draw(points.filter(has_area)) if shape == "polygon" else ()
    parts = draw(st.lists(boxes, min_size=1, max_size=2).map(tuple)) if shape == "boxes" else ()
    if corners or parts:
        xs = [x for each in corners or parts for x in each[::2]]
        ys = [y for each in corners or parts for y in each[1::2]]
        left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    return Sighting(
        box=(left, top, right, bottom),
        label=draw(st.none() | TEXT),
        score=draw(st.none() | NUMBERS),
        decision=draw(st.sampled_from(["redact", "keep"])),
        source=draw(st.sampled_from(["detector", "person", "log", "again"])),
        id=draw(TEXT),
        model=draw(st.none() | TEXT),
        threshold=draw(st.none() | NUMBERS),
        shape=shape,
        points=corners,
        parts=parts,
        snapped=draw(st.none() | st.tuples(WHOLE, WHOLE, WHOLE, WHOLE)),
        blocks=draw(st.lists(WHOLE, max_size=4).map(tuple)),
    )


def unique(found: list[Sighting]) -> tuple[Sighting, ...]:
    seen: dict[str, Sighting] = {}
    for each in with_ids(found):
        seen.setdefault(each.id, each)
    return tuple(seen.values())


OPTIONS = st.builds(
    Options,
    labels=st.lists(TEXT, max_size=3).map(tuple),
    effort=st.none() | TEXT,
    threshold=st.none() | NUMBERS,
    method=st.none() | TEXT,
    margin=TEXT.filter(bool),
    side_copies=st.none() | TEXT,
)
ENTRIES = st.builds(
    LogEntry,
    file=TEXT,
    sha256=HEX,
    size=st.none() | st.tuples(WHOLE, WHOLE),
    orientation=st.none() | st.integers(1, 8),
    detectors=st.lists(st.builds("{}@{}".format, TEXT, HEX) | TEXT.filter(
        lambda name: "@" not in name), max_size=3).map(tuple),
    options=OPTIONS,
    detections=st.lists(sightings(), max_size=4).map(unique),
    redacted=st.none() | HEX,
    diff=st.none() | HEX,
    error=st.none() | st.builds(Failure, code=TEXT, message=TEXT),
    version=TEXT.filter(bool),
    warnings=st.lists(TEXT, max_size=3).map(tuple),
)  # fmt: skip
LOGS = st.lists(ENTRIES, min_size=1, max_size=3).map(lambda entries: Log(tuple(entries)))


def xml_of(data: bytes) -> etree._Element:
    """Parse with lxml, and hold it against the schema."""
    root = etree.fromstring(data)
    XSD.assertValid(root)
    return root


def line(**changes: object) -> str:
    """Return the least line that a log can have, with changes; ... takes a field out."""
    value: dict[str, object] = {
        "record": "file", "schema": 1, "file": "a.jpg", "sha256": DIGEST,
        "detections": [{"box": [1, 2, 30, 40]}],
    }  # fmt: skip
    value.update(changes)
    return json.dumps({name: part for name, part in value.items() if part is not ...})


def words(text: str) -> set[str]:
    """Return the runs of letters and digits in a text."""
    return set(re.findall(r"\w+", text))
