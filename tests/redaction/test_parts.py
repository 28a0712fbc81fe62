"""Parts of a diff, sealed and plain: exactly the allowed blocks come back, whoever holds what.

A model of the words of the design (a block comes back with all its regions, and only out of a
diff that has its group) is held against what jpegio reads in the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pytest
import small_files
from guarantees import helpers, structure
from guarantees.helpers import Box, quick
from hypothesis import given
from hypothesis import strategies as st
from small_files import MADE, bits, covers, made

import jpegredact as jr
from jpegredact.diff.keys import Identity, generate_identity

OWNERS = tuple(generate_identity() for _ in range(3))
FILES = [
    pytest.param(path, id=path.name) for path in sorted((helpers.CORPUS / "files").glob("*"))
] or [pytest.param(None, marks=pytest.mark.skip(reason="the corpus is not there"))]


class Held(NamedTuple):
    """A diff that somebody holds, and what the model says that it brings back."""

    data: bytes
    owner: Identity | None
    regions: frozenset[int]
    groups: frozenset[int]
    """As the bits of their regions."""
    whole: bool

    def open(self) -> jr.UnblurDiff:
        diff = jr.UnblurDiff.from_bytes(self.data)
        assert diff.is_sealed == (self.owner is not None)
        for other in OWNERS:
            if self.owner is not None and other != self.owner:
                with pytest.raises(jr.DecryptionError):
                    diff.open([other])
        return diff.open([self.owner] if self.owner else [])


@dataclass
class File:
    """A file, what the model says that it shows, and what was asked for so far."""

    data: bytes
    shown: frozenset[int] = frozenset()
    asked: frozenset[int] = frozenset()


class Case:
    """A redacted picture, the diffs and the files that were made from it."""

    def __init__(self, original: bytes, boxes: list[Box], method: str) -> None:
        self.original = original
        self.result = jr.redact(original, boxes, method=method)
        self.cover = covers(structure.read(original), boxes)
        every = frozenset(range(len(boxes)))
        groups = frozenset(int(n) for plane in self.cover for n in np.unique(plane) if n)
        self.diffs = [Held(self.result.diff.to_bytes(), None, every, groups, True)]
        self.files = [File(self.result.jpeg)]
        self.states: dict[tuple[frozenset[int], frozenset[int]], bytes] = {}

    def restore(self, held: Held, file: File, wanted: frozenset[int] | None) -> None:
        """Reveal, and hold the result against the model."""
        diff = held.open()
        named = held.regions if wanted is None else wanted
        if file.data == self.original and not held.whole:
            return  # only who holds the file record knows the original
        data = jr.restore(file.data, diff, regions=wanted)
        asked = file.asked | named
        if not named and not file.asked:
            assert data == file.data
            return
        shown = file.shown | {group for group in held.groups if not group & ~bits(asked)}
        new = File(data, shown, asked)
        if data != self.original:  # then what was asked for is no more said there
            known = self.states.setdefault((asked, shown), data)
            assert known == data
            small_files.assert_rest_untouched(self.result.jpeg, data, self.cover, set(shown))
            self.files.append(new)
        small_files.assert_shows(
            self.original, self.result.jpeg, data, self.cover, set(shown)
        )
        if held.whole and shown >= held.groups:
            assert data == self.original
        assert jr.restore(data, self.diffs[0].data) == self.original

    def extract(self, held: Held, regions: frozenset[int], to: Identity | None) -> None:
        diff = held.open()
        whole = diff if to or not held.owner else diff.unsealed()
        part = whole.extract(regions, recipients=[to.recipient] if to else [])
        self.diffs.append(
            Held(
                part.to_bytes(), to, regions,
                frozenset(group for group in held.groups if not group & ~bits(regions)),
                held.whole and regions == held.regions,
            )
        )

    def drop(self, held: Held, regions: frozenset[int]) -> None:
        left = held.open().drop(regions)
        self.diffs.append(
            Held(
                left.to_bytes(), held.owner, held.regions - regions,
                frozenset(group for group in held.groups if not group & bits(regions)), False,
            )
        )

    def rekey(self, held: Held, to: Identity, fresh: bool) -> None:
        diff = held.open()
        new = (
            diff.rekey([to.recipient], fresh=fresh) if held.owner else diff.seal([to.recipient])
        )
        if held.owner and not fresh:
            assert new.stored.sealed.records == diff.stored.sealed.records
        self.diffs.append(held._replace(data=new.to_bytes(), owner=to))


@given(st.data())
@quick(70)
def test_any_sequence(data: st.DataObject) -> None:
    original = made(data.draw(st.sampled_from(sorted(MADE))))
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(original), most=4))
    boxes += data.draw(st.lists(st.sampled_from(boxes), max_size=1))
    case = Case(original, boxes, data.draw(st.sampled_from(("inpaint", "fill", "pixelate"))))
    owners = st.sampled_from(OWNERS)
    for _ in range(data.draw(st.integers(3, 9))):
        held = data.draw(st.sampled_from(case.diffs))
        some = st.sets(st.sampled_from(sorted(held.regions)), min_size=1).map(frozenset) if (
            held.regions
        ) else st.just(frozenset())
        step = data.draw(st.sampled_from(("restore", "restore", "extract", "rekey", "drop")))
        if step == "restore":
            file = data.draw(st.sampled_from(case.files))
            case.restore(held, file, data.draw(st.none() | some))
        elif step == "extract" and held.regions:
            case.extract(held, data.draw(some), data.draw(st.none() | owners))
        elif step == "drop" and held.regions:
            case.drop(held, data.draw(some))
        elif step == "rekey":
            case.rekey(held, data.draw(owners), data.draw(st.booleans()))
    for file in case.files:
        assert jr.restore(file.data, case.diffs[0].data) == original


OVERLAPPING = [(8, 8, 32, 32), (16, 16, 44, 40), (0, 36, 12, 40)]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_parts_of_every_process(name: str, sealed: bool) -> None:
    """Two parts do not add up to an overlap; both extracted at once do. In any order."""
    original = made(name)
    case = Case(original, OVERLAPPING, "inpaint")
    both = bits((0, 1))
    assert any((plane == both).any() for plane in case.cover)
    if sealed:
        case.rekey(case.diffs[0], OWNERS[0], False)
    owner = case.diffs[-1]
    for regions in ((0,), (1,), (2,), (0, 1), (0, 1, 2)):
        case.extract(owner, frozenset(regions), OWNERS[1] if sealed else None)
    a, b, c, ab, abc = case.diffs[-5:]
    for order in permutations((a, b, c)):
        file = case.files[0]
        for held in order:
            case.restore(held, file, None)
            file = case.files[-1]
            assert both not in file.shown
        case.restore(ab, file, None)
        assert case.files[-1].data != file.data
        assert jr.restore(file.data, abc.open()) == original
    assert ab.open().document.file is None


@pytest.mark.parametrize("name", MADE)
def test_a_part_is_the_same_whatever_others_hide(name: str) -> None:
    """Two originals that differ under another region only: the same parts, the same states."""
    original = made(name)
    width, height = helpers.size_of(original)
    boxes = [
        ((8, 8, 24, 24), (24, 8, 40, 24)), ((8, 8, 32, 32), (20, 20, 40, 36)),
        ((8, 8, 24, 24), (0, 0, width, height)), ((0, 0, 16, 16), (16, 17, 40, 32)),
    ]  # fmt: skip
    compared = 0
    for mine, theirs in boxes:
        other = jr.redact(original, [theirs], method="fill").jpeg
        one, two = (jr.redact(data, [mine, theirs]) for data in (original, other))
        if one.jpeg != two.jpeg:
            continue  # the fill needed symbols: tables are outside, and theirs are longer
        assert one.diff != two.diff
        part = one.diff.extract([0])
        assert part == two.diff.extract([0])
        assert jr.restore(one.jpeg, part) == jr.restore(two.jpeg, one.diff.extract([0]))
        compared += 1
    assert compared


def test_what_others_asked_for_counts() -> None:
    """Who holds both regions, and asks for one where the other was revealed, sees the overlap."""
    case = Case(made("restarts"), OVERLAPPING, "inpaint")
    case.extract(case.diffs[0], frozenset((0,)), None)
    case.extract(case.diffs[0], frozenset((0, 1)), None)
    zero, both = case.diffs[1:]
    case.restore(zero, case.files[0], None)
    case.restore(both, case.files[-1], frozenset((1,)))
    assert bits((0, 1)) in case.files[-1].shown
    assert case.files[-1].data == jr.restore(case.result.jpeg, both.data)


def test_a_part_that_shows_nothing_yet() -> None:
    """A region that lies under another one wholly: asked for, nothing to see, not forgotten."""
    boxes = [(16, 16, 32, 32), (8, 8, 48, 40)]
    case = Case(made("grey"), boxes, "inpaint")
    inner, outer = (case.result.diff.extract([n]) for n in (0, 1))
    assert [group for group in inner.document.groups if group] == []
    asked = jr.restore(case.result.jpeg, inner)
    assert asked != case.result.jpeg
    assert small_files.without_note(asked) == case.result.jpeg
    assert jr.restore(asked, inner) == asked
    part = jr.restore(asked, outer)
    small_files.assert_shows(
        case.original, case.result.jpeg, part, case.cover, {bits((1,))}
    )
    assert jr.restore(part, case.result.diff) == case.original
    assert jr.restore(asked, case.result.diff, regions=[1]) == case.original


@pytest.mark.parametrize("name", MADE)
def test_a_holder_of_another_part_knows_the_file(name: str) -> None:
    """Where others revealed theirs, and where something was changed besides.

    What others revealed they can't vouch for, since no part has a digest of the original; the
    owner can.
    """
    case = Case(made(name), OVERLAPPING, "fill")
    zero, two = (case.result.diff.extract([n]) for n in (0, 2))
    mine = jr.restore(case.result.jpeg, zero)
    both = jr.restore(case.result.jpeg, case.result.diff, regions=[0, 2])
    assert jr.restore(mine, two) == both
    expected = helpers.coefficients(both)
    scan = structure.read(mine).scans[-1]
    refused = 0
    places = range(scan.start, scan.end, max(1, (scan.end - scan.start) // 40))
    for at, mask in ((at, mask) for at in places for mask in (0x01, 0x40)):
        damaged = mine[:at] + bytes([mine[at] ^ mask]) + mine[at + 1 :]
        try:
            now = helpers.coefficients(jr.restore(damaged, two))
        except jr.JpegRedactError:
            refused += 1
        else:
            for plane, wanted, over in zip(now, expected, case.cover, strict=True):
                assert (plane == wanted).all(axis=2)[over != bits((0,))].all()
        try:
            assert jr.restore(damaged, case.result.diff) == case.original
        except jr.JpegRedactError:
            continue
    assert refused > len(places)


def test_dropped_regions_never_come_back() -> None:
    case = Case(made("progressive, steps"), OVERLAPPING, "inpaint")
    left = case.result.diff.drop([1])
    back = jr.restore(case.result.jpeg, left)
    shown = {bits((0,)), bits((2,)), bits((0, 2))}
    small_files.assert_shows(case.original, case.result.jpeg, back, case.cover, shown)
    assert left.document.file is None
    with pytest.raises(jr.InvalidRegionError):
        jr.restore(case.result.jpeg, left, regions=[1])
    with pytest.raises(jr.InvalidRegionError):
        left.extract([1])
    assert jr.restore(case.result.jpeg, left.drop([0, 2])) == case.result.jpeg


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES)
def test_every_file(path) -> None:
    original = path.read_bytes()
    try:
        width, height = helpers.size_of(original)
        w, h = max(width, 8), max(height, 8)
        boxes = [
            (w // 8, h // 8, w // 3, h // 3), (w // 4, h // 4, w // 2, h // 2),
            (w * 3 // 4, h * 3 // 4, w, h),
        ]  # fmt: skip
        result = jr.redact(original, boxes, force=True)
    except (jr.JpegRedactError, AssertionError):
        pytest.skip("can't be redacted")
    diff = result.diff
    parts = {n: diff.extract([n]) for n in range(3)}
    together = diff.extract([0, 1])
    states = {}
    for order in permutations(range(3)):
        file, asked = result.jpeg, frozenset()
        for n in order:
            file, asked = jr.restore(file, parts[n]), asked | {n}
            assert states.setdefault(asked, file) == file
        assert jr.restore(file, diff) == original
    for n in range(3):
        owners = jr.restore(result.jpeg, diff, regions=[n])
        assert owners in (states[frozenset((n,))], original)
    assert jr.restore(states[frozenset((0,))], together) == jr.restore(result.jpeg, together)
    owners = jr.restore(result.jpeg, diff, regions=[0, 1])
    assert owners in (jr.restore(result.jpeg, together), original)
    whole = diff.extract([0, 1, 2])
    assert whole.to_bytes() == diff.to_bytes()
    try:
        cover = covers(structure.read(original), boxes)
        before, hidden = (helpers.coefficients(data) for data in (original, result.jpeg))
    except (RuntimeError, ValueError, AssertionError, IndexError, KeyError):
        return  # one of the malformed files: jpegio can't judge it
    for asked, groups in (((0,), {1}), ((0, 1), {1, 2}), ((0, 1, 2), {1, 2, 4})):
        after = helpers.coefficients(states[frozenset(asked)])
        for old, fill, new, over in zip(before, hidden, after, cover, strict=True):
            shown = np.isin(over, sorted(groups))[:, :, None]
            assert (new == np.where(shown, old, fill)).all()
