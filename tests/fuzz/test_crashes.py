"""Replay every damaged input that ever got through: tests/fuzz/crashes."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

import pytest

import jpegredact as jr

from . import mutate, mutations, seeds, structure, targets
from .reduce import escape, reduced
from .workers import Workers

CRASHES = sorted(mutate.CRASHES.rglob("*.jpg"))


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: path.stem)
def test_it_is_answered_now(path: Path) -> None:
    kept = mutate.Input.read(path)
    tally = mutate.Tally()
    for seed in range(1 if kept.diff else targets.SEEDS):  # each method with several boxes
        tally.add(kept.check(seed))
    assert not tally.escapes, tally.escapes[0].what


@pytest.mark.parametrize("name", targets.TARGETS)
def test_targets_keep_their_promises(name: str) -> None:
    """What the coverage-guided runs start from, as it is, and damaged in two ways."""
    first = targets.first_inputs(name)[:40]
    for number, data in enumerate(first):
        rng = random.Random(number)
        for given in (data, mutations.mutate(rng, data, first[0]), rng.randbytes(50)):
            targets.TARGETS[name](given)


@pytest.mark.parametrize(
    "size",
    [(65535, 6000), (20000, 20000), (6000, 0), pytest.param((65535, 512), marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("fill", [b"\0", b"\xaa", b""], ids=["zeros", "ones and zeros", "again"])
def test_small_files_that_claim_to_be_huge(size: tuple[int, int], fill: bytes) -> None:
    """Of each process a few kilobytes, and some hundred: no more time and memory than it may."""
    first: dict[tuple[int, int], list[bytes]] = {}
    for jpeg in seeds.made_pictures():
        first.setdefault(structure.process_of(jpeg), []).append(jpeg)
    for process, (jpeg, *_) in first.items():
        for length in (0, 100_000):
            huge = structure.claiming(jpeg, *size, fill, length)
            for seed in (0, 4):
                tally = mutate.Tally()
                mutate.check_redact(huge, seed, tally)
                assert [e.what for e in tally.escapes] == [], (process, length, seed)


# ---------------------------------------------------------------------------
# The tools themselves
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["ZeroDivisionError", "s of processor", "MB of memory", "code"])
def test_an_escape_is_noticed(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SECONDS", 0.05)
    monkeypatch.setattr(targets, "MEGABYTES", 20)

    def call() -> str:
        if what == "s of processor":
            until = time.process_time() + 0.06
            while time.process_time() < until:
                pass
        elif what == "MB of memory":
            return str(len(bytearray(b"x") * (60 << 20)))
        elif what == "code":
            error = jr.InvalidJpegError("no code")
            error.code = ""
            raise error
        return str(1 // (what != "ZeroDivisionError"))

    tally = mutate.Tally()
    tally.guard("call", b"", b"", lambda meter: meter(call))
    assert what in tally.escapes[0].what


def test_mutations_are_the_same_for_the_same_seed() -> None:
    inputs = mutate.made_pictures()
    first, second = (list(mutate.run(inputs, 3, 30))[-1].outcomes for _ in range(2))
    assert first == second


def test_every_process_has_its_turn() -> None:
    made = mutate.made_pictures()
    kinds = {structure.process_of(jpeg) for jpeg in made}
    assert kinds >= {(0xC0, 8), (0xC1, 8), (0xC1, 12), (0xC2, 8), (0xC2, 12)}
    source = mutate.Source(made, 1, len(made))
    chosen = {structure.process_of(source.shelf.choose(random.Random(k))[0]) for k in range(300)}
    assert chosen == kinds


def test_pieces_are_the_whole_file() -> None:
    made = seeds.made_pictures()
    for number in range(300):
        rng = random.Random(number)
        data = mutations.mutate(rng, rng.choice(made), rng.choice(made))
        assert structure.together(structure.pieces(data)) == data


class Bad:
    """A source whose third input kills the process, and whose fifth never ends."""

    def input(self, number: int) -> Bad:
        return self

    def check(self, number: int) -> int:
        if number == 3:
            os._exit(7)
        while number == 5:
            time.sleep(1)
        return -number


def test_a_process_that_dies_or_hangs_is_told_of_and_replaced() -> None:
    results = dict(Workers(Bad(), 2, 1.5).results(iter(range(40))))
    assert results.pop(3) == "it died, status 7"
    assert results.pop(5) == "it hung for 2 s"
    assert results == {number: -number for number in range(40) if number not in (3, 5)}


def test_reduction_leaves_what_is_bad() -> None:
    jpeg = seeds.made_pictures()[0]
    assert reduced(jpeg, lambda data: b"\xff\xdb" in data) == b"\xff\xdb"
    assert reduced(b"abcdefgh", lambda data: len(data) > 3) == bytes(4)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_harmless_input_has_nothing_to_reduce() -> None:
    assert escape(seeds.made_pictures()[0], b"", 0) is None
