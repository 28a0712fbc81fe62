"""What detection and correction read besides pictures: logs, descriptions of networks, ONNX files.

    python -m tests.fuzz.findings --count 20000 --seed 1 [TARGET...]

damages made ones, in ways that know their tokens or fields, and holds them to what `TARGETS`
promise. The same seed gives the same inputs. Each escape is written to tests/fuzz/crashes, where
test_findings.py replays it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import jpegredact as jr
from jpegredact.detection.onnxfile import fields, prepared, wrapped
from jpegredact.detection.yolo import describe
from jpegredact.log import Log

from . import mutations
from .targets import BrokenPromise, Meter, kept

import log_samples  # isort: skip - on the path since `seeds`
import tinynet  # isort: skip

CRASHES = Path(__file__).parent / "crashes"
TIMES_LONGER = 2
"""How much longer than it was a file may become by being prepared, and ..."""
LONGER = 1000
"""... so many bytes more."""

# ---------------------------------------------------------------------------
# The promises
# ---------------------------------------------------------------------------


def read_log(meter: Meter, data: bytes) -> str:
    """Read a log; what was understood is written and read as the same."""
    log: Log = meter(jr.read_log, data)
    if jr.read_log(log.to_json_lines()) != log:
        raise BrokenPromise("read from JSON Lines, it is another log")
    again = jr.read_log(log.to_xml())  # in which some characters can't be said
    if len(again.entries) != len(log.entries):
        raise BrokenPromise("read from XML, it is another log")
    for ours, theirs in zip(log.entries, again.entries, strict=True):
        if [each.region.bounds for each in ours.to_redact] != [
            each.region.bounds for each in theirs.to_redact
        ]:
            raise BrokenPromise("read from XML, it hides something else")
    meter(log.to_coco)
    return "done"


def describe_network(meter: Meter, data: bytes) -> str:
    """Read the description of a network."""
    found = meter(describe, data, "a.toml")
    if len(found.labels) != len(found.thresholds):
        raise BrokenPromise("labels without a threshold")
    return "done"


def prepare_network(meter: Meter, data: bytes) -> str:
    """Edit an ONNX file: it does not grow, and what comes out can be edited again."""
    edited = meter(prepared, data)
    if len(edited) > TIMES_LONGER * len(data) + LONGER:
        raise BrokenPromise(f"{len(data)} bytes became {len(edited)}")
    meter(prepared, edited)
    return "done"


def log(data: bytes) -> None:
    """Any bytes as a log."""
    kept(read_log, Meter(len(data)), data)


def description(data: bytes) -> None:
    """Any bytes as a TOML file."""
    kept(describe_network, Meter(len(data)), data)


def onnx(data: bytes) -> None:
    """Any bytes as a network."""
    kept(prepare_network, Meter(len(data)), data)


TARGETS = {"log": log, "description": description, "onnx": onnx}
Promise = Callable[[Meter, bytes], str]
PROMISES: dict[str, Promise] = {
    "log": read_log, "description": describe_network, "onnx": prepare_network,
}  # fmt: skip

_TOML = """
model = "signs.onnx"
labels = ["person", "sign"]
layout = "cxcywh+classes"
threshold = { person = 0.3, sign = 0.5 }
sha256 = "0123"
name = "signs"
overlap = 0.45
size = 640
mean = 0.0
scale = 0.00392156862
order = "bgr"
"""


@cache
def first_inputs(target: str) -> list[bytes]:
    """Return what a run of a target starts from."""
    if target == "description":
        return [_TOML.encode(), _TOML.replace("{ person = 0.3, sign = 0.5 }", "0.5").encode()]
    if target == "onnx":
        return [tinynet.colour_finder(), tinynet.colour_finder(batch="B"), tinynet.scaler()]
    boxes = {"box": [0, 2, 400, 4], "shape": "boxes", "parts": [[390, 2, 400, 4], [0, 2, 9, 4]]}
    corners = {"box": [0, 0, 9, 8], "shape": "polygon", "points": [[0, 0], [9, 0], [4.5, 8]]}
    logs = [
        Log((log_samples.ENTRY,)),
        Log((log_samples.ENTRY, jr.LogEntry.failed("b.jpg", b"", OSError(2, "no such file")))),
        jr.read_log(log_samples.line(detections=[boxes, corners]).encode()),
    ]
    return [form for each in logs for form in (each.to_json_lines(), each.to_xml())]


# ---------------------------------------------------------------------------
# The mutations
# ---------------------------------------------------------------------------

_TOKEN = re.compile(rb'"[^"]*"|-?[0-9][0-9.eE+-]*|\w+|[^\s\w]')
_NASTY = (
    b"null", b"true", b"-1", b"0", b"1e309", b"NaN", b"-Infinity", b"9" * 5000, b"1e-400", b"-0.0",
    b'""', b'"\\ud800"', b'"\\u0000"', b'"\xc3\xa9\xff"', b'"' + b"x" * 5000 + b'"', b"[]", b"{}",
    b"[" * 900, b"[" * 960 + b"]" * 960, b"[" * 100_000, b'{"a":' * 970, b"<a>" * 5000, b"</a>",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#xd800;", b"<![CDATA[x]]>",
    b"<!-- x -->", b"<?x y?>", b"]]>", b'xmlns="u"', b"'keep'", b'"keep"', b"6.0", b"1_000",
    b"0x10", b"inf",
    b"2020-01-01", b"a.b.c", b"[[a]]", b"a." * 3000 + b"b = 1\n", b"\xef\xbb\xbf",
    b"\0", b"\r", b"\n",
)  # fmt: skip


def change_tokens(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Replace, drop, repeat or exchange a few tokens; some for what readers stumble over."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        tokens = list(_TOKEN.finditer(data))
        if not tokens:
            return data
        start, end = rng.choice(tokens).span()
        there = rng.choice(list(_TOKEN.finditer(other)) or tokens)
        new = rng.choice(
            (rng.choice(_NASTY), rng.choice(_NASTY), there[0], b"", 2 * data[start:end],
             data[start:end] + b" " + there[0], rng.choice(tokens)[0])
        )  # fmt: skip
        data = data[:start] + new + data[end:]
    return data


_WORDS: tuple[Any, ...] = (
    None, True, -1, 0, 1, 6.0, 7, 1e300, -1e-300, 2**53 + 1, "", "keep", "redact", "polygon",
    "boxes", "mask", "log", "x" * 4096, "x" * 4097, "\ud800", "\0\r\n\t", "\x85\u2028", "0" * 64,
    "<&>\"'", "1", "NaN", [], {}, [1, 2, 3, 4], [[1, 2], [3, 4], [5, 2]], [1, 2], [0.1] * 101,
    {"box": [0, 0, 1, 1]}, 10**400,
)  # fmt: skip
"""Values that are no syntax error."""


def change_values(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a few values of a log, or of a description, that stays JSON, XML or TOML."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        if data[:1] == b"{":
            data = _in_json(rng, data)
        elif data[:1] == b"<":
            data = _in_xml(rng, data, other)
        else:
            data = _in_toml(rng, data)
    return data


def _in_json(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    number = rng.randrange(len(lines))
    try:
        place = root = json.loads(lines[number])
    except (ValueError, RecursionError):
        return data
    while isinstance(place, dict | list) and place:
        at: Any = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if rng.random() < 0.3 or not isinstance(place[at], dict | list) or not place[at]:
            match rng.randrange(5 if isinstance(place, list) else 4):
                case 0:
                    del place[at]
                case 1 if isinstance(place, dict):
                    place[rng.choice(("comment", "box", "points", "parts"))] = rng.choice(_WORDS)
                case 4:
                    place.append(place[at])
                case _:
                    place[at] = rng.choice(_WORDS)
            break
        place = place[at]
    try:
        lines[number] = json.dumps(root).encode()
    except RecursionError:
        return data
    return b"\n".join(lines)


_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_ELEMENT = re.compile(rb"<(\w+)[^<>]*/>|<(label|blocks|error)[^<>]*>[^<>]*</(label|blocks|error)>")


def _in_xml(rng: random.Random, data: bytes, other: bytes) -> bytes:
    what = rng.choice((_ATTRIBUTE, _ATTRIBUTE, _ELEMENT))
    found = list(what.finditer(data))
    if not found:
        return data
    match = rng.choice(found)
    new = rng.choice((b"", 2 * match[0], rng.choice(found)[0]))
    if what is _ATTRIBUTE and rng.random() < 0.7:
        word = rng.choice(_WORDS)
        text = word if isinstance(word, str) else json.dumps(word)
        new = b"%s=%s" % (match[1], quoteattr(text).encode("utf-8", "surrogatepass"))
    return data[: match.start()] + new + data[match.end() :]


def _in_toml(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    number = rng.randrange(len(lines))
    name = rng.choice((lines[number].partition(b" =")[0], lines[number].partition(b" =")[0], b"x"))
    word = json.dumps(rng.choice(_WORDS), ensure_ascii=rng.random() < 0.5)
    line = name + b" = " + word.encode("utf-8", "surrogatepass")
    lines[number] = rng.choice((line, line, line, b"", lines[number] + b"\n" + lines[number]))
    return b"\n".join(lines)


def repeat_much(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say a stretch from token to token some thousand times."""
    tokens = list(_TOKEN.finditer(data))
    if not tokens:
        return data
    first = rng.randrange(len(tokens))
    last = min(first + rng.choice((1, 4, 8, 40)), len(tokens) - 1)
    start, end = tokens[first].start(), tokens[last].end()
    times = min(rng.choice((3, 300, 12_000)), 1_000_000 // (end - start + 1))
    return data[:start] + times * (data[start:end] + rng.choice((b"", b","))) + data[end:]


_DEPTHS = ((), (7,), (7, 11), (7, 12), (7, 11, 2), (7, 11, 2, 1), (7, 11, 2, 1, 2), (7, 5))


def change_fields(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Drop, repeat, enlarge or exchange a field at some depth of an ONNX file."""
    return _changed(rng, data, rng.choice(_DEPTHS))


def _changed(rng: random.Random, message: bytes, path: tuple[int, ...]) -> bytes:
    try:
        parts = list(fields(message))
    except jr.DetectorError:
        return message
    if not parts:
        return message
    at = rng.randrange(len(parts))
    raws = [raw for _, raw, _ in parts]
    inner = [n for n, (number, _, _) in enumerate(parts) if path and number == path[0]]
    if inner:
        at = rng.choice(inner)
        number, _, content = parts[at]
        raws[at] = wrapped(number, _changed(rng, content, path[1:]))
        return b"".join(raws)
    number = rng.choice((parts[at][0], rng.randrange(1, 20)))
    raws[at] = rng.choice(
        (b"", 2 * raws[at], raws[at] + 2000 * wrapped(number, b""), wrapped(number, parts[at][2]),
         wrapped(number, rng.randbytes(20_000)), wrapped(number, parts[at][1]),
         rng.choice(raws) + raws[at])
    )  # fmt: skip
    return b"".join(raws)


MUTATIONS: dict[str, tuple[mutations.Mutation, ...]] = {
    "log": (*6 * (change_values,), change_tokens, repeat_much, mutations.mutate_bytes),
    "description": (*6 * (change_values,), change_tokens, repeat_much, mutations.mutate_bytes),
    "onnx": (change_fields, change_fields, change_fields, mutations.mutate_bytes),
}


def damaged(target: str, seed: int, number: int) -> bytes:
    """Return an input of a run."""
    rng = random.Random(f"{target} {seed} {number}")
    first = first_inputs(target)
    data = rng.choice(first)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if data:
            data = rng.choice(MUTATIONS[target])(rng, data, rng.choice(first))
    return data


def check(promise: Promise, data: bytes, meter: Meter | None = None) -> tuple[str, str]:
    """Hold a promise; return what came out, and what was wrong if anything was."""
    try:
        return kept(promise, meter or Meter(len(data)), data), ""
    except Exception as error:
        return "escape", str(error) if isinstance(error, BrokenPromise) else repr(error)


def main(
    name: str, about: str | None, promises: Mapping[str, Promise],
    damage: Callable[[str, int, int], bytes],
) -> int:  # fmt: skip
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}", description=(about or "").splitlines()[0]
    )
    parser.add_argument("targets", nargs="*", choices=[[], *promises])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    escapes = 0
    for target in arguments.targets or promises:
        start, slowest, most, outcomes = time.monotonic(), 0.0, 0, Counter[str]()
        for number in range(arguments.count):
            data = damage(target, arguments.seed, number)
            meter = Meter(len(data))
            outcome, wrong = check(promises[target], data, meter)
            outcomes[outcome] += 1
            slowest, most = max(slowest, meter.seconds), max(most, meter.memory)
            if wrong:
                escapes += 1
                path = CRASHES / f"{hashlib.sha256(data).hexdigest()[:16]}.{target}"
                path.write_bytes(data)
                print(f"ESCAPE {target} {number}: {wrong[:200]}: {path}", flush=True)
        print(f"{target}: {arguments.count} inputs, seed {arguments.seed}, "
              f"{time.monotonic() - start:.0f} s, slowest {slowest:.2f} s, "
              f"most {most >> 20} MB: {dict(outcomes.most_common())}", flush=True)  # fmt: skip
    return 1 if escapes else 0


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.exit(main("tests.fuzz.findings", __doc__, PROMISES, damaged))
