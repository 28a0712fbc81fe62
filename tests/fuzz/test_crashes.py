"""Replay every damaged input that ever got through: tests/fuzz/crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import mutate

CRASHES = sorted(mutate.CRASHES.rglob("*.jpg"))


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: path.stem)
def test_it_is_answered_now(path: Path) -> None:
    jpeg = path.read_bytes()
    diff = path.with_suffix(".jrdiff")
    tally = mutate.Tally()
    if diff.exists():
        mutate.check_restore(jpeg, diff.read_bytes(), b"", tally)
    else:
        for seed in range(40):  # each method with several boxes
            mutate.check_redact(jpeg, seed, tally)
    assert not tally.escapes, tally.escapes[0][0]


def test_an_escape_is_noticed() -> None:
    tally = mutate.Tally()
    tally.guard("call", b"", b"", lambda: str(1 // 0))
    assert "ZeroDivisionError" in tally.escapes[0][0]


def test_mutations_are_the_same_for_the_same_seed() -> None:
    inputs = mutate.made_pictures()
    first, second = (list(mutate.run(inputs, 3, 30))[-1].outcomes for _ in range(2))
    assert first == second
