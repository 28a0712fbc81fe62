"""Make a small input with the same trouble, holding as little of the original picture as can be.

    python -m tests.fuzz.reduce CRASH.jpg [...]

For what tests/fuzz/crashes/local holds: inputs made of other people's pictures, which
can't be kept as they are. Takes segments, scans and stretches of bytes away and sets
what is left to zero, as long as the same kind of escape stays; writes the result to
tests/fuzz/crashes. Look at it before it is committed: a picture that can still be
recognised has no place there.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import re
import sys
from collections.abc import Callable
from dataclasses import astuple
from multiprocessing.connection import Connection
from pathlib import Path

from . import mutate, structure, targets

Kind = str | None
"""What escaped, without its numbers; None for an answer."""


def escape(jpeg: bytes, diff: bytes, seed: int, beside: str = "") -> Kind:
    """Check one input in a process of its own."""
    context = mp.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(jpeg, diff, seed, beside, theirs))
    process.start()
    theirs.close()
    try:
        found: Kind = ours.recv() if ours.poll(2 * targets.WAIT) else "hung"
    except EOFError:
        found = "died"
    process.kill()
    process.join()
    return found


def _check(jpeg: bytes, diff: bytes, seed: int, beside: str, connection: Connection) -> None:
    tally = mutate.Input(jpeg, diff, beside=beside).check(seed)
    what = tally.escapes[0].what if tally.escapes else None
    connection.send(what and re.sub(r"\d+(\.\d+)?", "N", what))


def reduced(data: bytes, bad: Callable[[bytes], bool]) -> bytes:
    """Return as little of the data as is still bad, with zeros where anything does."""
    parts = structure.pieces(data)
    at = 0
    while at < len(parts):
        fewer = [*parts[:at], *parts[at + 1 :]]
        if bad(structure.together(fewer)):
            parts = fewer
        else:
            at += 1
    data = structure.together(parts)
    for blank in (False, True):
        size = len(data) // 2
        while size:
            at = 0
            while at < len(data):
                new = bytes(len(data[at : at + size])) if blank else b""
                less = data[:at] + new + data[at + size :]
                if less != data and bad(less):
                    data = less
                    at += len(new)
                else:
                    at += size
            size //= 2
    return data


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.reduce",
                                     description=__doc__.splitlines()[0])  # fmt: skip
    parser.add_argument("files", nargs="+", type=Path)
    for path in parser.parse_args().files:
        jpeg, diff, _, _, beside = astuple(mutate.Input.read(path))
        found = ((seed, escape(jpeg, diff, seed, beside)) for seed in range(targets.SEEDS))
        seed, kind = next(((s, k) for s, k in found if k), (0, None))
        if kind is None:
            print(f"{path}: nothing escapes any more")
            continue
        jpeg = reduced(jpeg, lambda less: escape(less, diff, seed, beside) == kind)  # noqa: B023
        if diff:
            diff = reduced(diff, lambda less: escape(jpeg, less, seed) == kind)  # noqa: B023
        print(mutate.Escape(kind, jpeg, diff).save(mutate.CRASHES), len(jpeg), "bytes:", kind)
    return 0


if __name__ == "__main__":
    sys.exit(main())
