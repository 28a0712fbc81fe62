"""Damaged sealed diffs, notes, boxes and keys; and every input that ever got through."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import jpegredact as jr
from jpegredact.pipeline import bring_back

from . import findings, mutations, sealed
from .targets import BrokenPromise, Meter

KEPT = sorted(path for target in sealed.PROMISES for path in findings.CRASHES.glob(f"*.{target}"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_it_is_answered_now(path: Path) -> None:
    _, wrong = findings.check(sealed.PROMISES[path.suffix[1:]], path.read_bytes())
    assert not wrong


@pytest.mark.parametrize("count", [100, pytest.param(8000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("target", sealed.PROMISES)
def test_only_answers_come_out(target: str, count: int) -> None:
    for number in range(count):
        _, wrong = findings.check(sealed.PROMISES[target], sealed.damaged(target, 1, number))
        assert not wrong, (target, number)


@pytest.mark.parametrize("target", sealed.TARGETS)
def test_targets_keep_their_promises(target: str) -> None:
    for number, data in enumerate(sealed.first_inputs(target)):
        done, wrong = findings.check(sealed.PROMISES[target], data)
        assert not wrong
        assert done in ("done", "identities", "recipients")
        for given in (data, random.Random(number).randbytes(50), b""):
            sealed.TARGETS[target](given)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("record", "diff.record"), ("record bytes", "diff.damaged"), ("padding", "diff.padding"),
        ("order", "diff.record"), ("public", "diff.version"), ("manifest", "diff.manifest"),
        ("manifest bytes", "diff.manifest"), ("envelopes", "diff.manifest"),
        ("run", "decrypt.run"), ("run bytes", "decrypt.wrong-passphrase"), ("map", "diff.magic"),
        ("bytes", "diff.cbor"),
    ],
)  # fmt: skip
def test_damage_is_read(damage: str, code: str) -> None:
    """What is sealed again gets as far as it is meant to."""
    assert damage in sealed.DAMAGE
    found = set()
    for seed in range(60):
        at = seed % len(sealed.samples())
        plan = sealed.plan_of(sealed.samples()[at], None, damage.startswith("run"))
        data = sealed.sealed(random.Random(seed), plan, damage)
        if damage == "bytes":
            data = mutations.mutate_bytes(random.Random(seed), data, data)
        found.add(findings.check(sealed.use_sealed, bytes([at]) + data)[0])
    assert code in found


def test_regions_that_nobody_asked_for_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = sealed.samples()[0]
    whole = jr.UnblurDiff(sample.document)

    def more(jpeg: bytes, diff: jr.UnblurDiff, regions: list[int]) -> object:
        return bring_back(jpeg, diff, regions=[*regions, 1])

    monkeypatch.setattr(sealed, "bring_back", more)
    with pytest.raises(BrokenPromise, match="other regions"):
        sealed.use_noted(Meter(1000), b"\0" + sample.state(frozenset((2,))))
    monkeypatch.undo()
    assert sealed.use_noted(Meter(1000), b"\0" + sample.state(frozenset((2,)))) == "done"
    assert whole.document.is_whole
