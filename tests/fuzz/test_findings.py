"""Damaged logs, descriptions of networks and ONNX files; and every one that ever got through."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from . import findings

KEPT = sorted(
    path for target in findings.TARGETS for path in findings.CRASHES.glob(f"*.{target}")
)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_it_is_answered_now(path: Path) -> None:
    _, wrong = findings.check(findings.PROMISES[path.suffix[1:]], path.read_bytes())
    assert not wrong


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("target", findings.TARGETS)
def test_only_answers_come_out(target: str, count: int) -> None:
    for number in range(count):
        _, wrong = findings.check(findings.PROMISES[target], findings.damaged(target, 1, number))
        assert not wrong, (target, number)


@pytest.mark.parametrize("target", findings.TARGETS)
def test_targets_keep_their_promises(target: str) -> None:
    for number, data in enumerate(findings.first_inputs(target)):
        done, wrong = findings.check(findings.PROMISES[target], data)
        assert (done in ("done", "log.size"), wrong) == (True, "")  # COCO needs sizes
        for given in (data, random.Random(number).randbytes(50)):
            findings.TARGETS[target](given)


def test_the_same_seed_gives_the_same_inputs() -> None:
    for target in findings.TARGETS:
        assert findings.damaged(target, 3, 5) == findings.damaged(target, 3, 5)
