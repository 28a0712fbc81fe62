"""The note of a partly revealed file: round trips, strict parsing, damage, forgery.

Whatever stands in it: the right picture or an error, never another picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import small_files
from guarantees import helpers, structure
from hypothesis import given, settings
from hypothesis import strategies as st
from jpegmaker import segment
from small_files import NOTE, made

import jpegredact as jr
from jpegredact.diff import Fill, Revealed, Window
from jpegredact.diff.cbor import decode, encode
from jpegredact.errors import InvalidDiffError, LimitExceededError
from jpegredact.limits import DEFAULT_LIMITS, Limits

DIGEST = bytes(range(32))
BOXES = [(8, 8, 32, 32), (16, 16, 44, 40), (0, 44, 12, 48)]
HEAD = len(NOTE) + 8

windows = st.builds(
    Window, st.just(0), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99),
    st.integers(1, 99),
)  # fmt: skip


@st.composite
def fills(draw: st.DrawFn, group: int) -> Fill:
    components = sorted(draw(st.sets(st.integers(0, 3), min_size=1)))
    return Fill(
        group,
        tuple(draw(windows)._replace(component=k) for k in components),
        draw(st.binary(max_size=9)),
        tuple(draw(st.lists(st.binary(max_size=40), max_size=3))),
        tuple((n, 9, b"\1\2") for n in sorted(draw(st.sets(st.integers(0, 99), max_size=3)))),
    )


@st.composite
def notes(draw: st.DrawFn) -> Revealed:
    groups = sorted(draw(st.sets(st.integers(0, 2000), max_size=4)))
    return Revealed(
        tuple(sorted(draw(st.sets(st.integers(0, 9999), min_size=1, max_size=5)))),
        tuple(draw(fills(group)) for group in groups),
        tuple(draw(st.lists(st.integers(0, 256), max_size=8))),
    )


@given(notes())
@settings(max_examples=150)
def test_round_trip(note) -> None:
    payloads = note.payloads(DIGEST)
    assert all(Revealed.is_payload(payload, DIGEST) for payload in payloads)
    assert not any(Revealed.is_payload(payload, bytes(32)) for payload in payloads)
    again = Revealed.from_payloads(payloads, DEFAULT_LIMITS)
    assert again == note
    assert again.payloads(DIGEST) == payloads


@given(notes(), st.data())
@settings(max_examples=200)
def test_any_damage_is_refused_or_another_note(note, data) -> None:
    """There is one form for each note: what is read would be written like that."""
    content = bytearray(b"".join(p[HEAD:] for p in note.payloads(DIGEST)))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    payload = NOTE + DIGEST[:8] + bytes(content)
    try:
        found = Revealed.from_payloads([payload], DEFAULT_LIMITS)
    except (InvalidDiffError, LimitExceededError):
        return
    assert found.payloads(DIGEST) == [payload]


def test_nothing_revealed_is_no_note() -> None:
    assert Revealed().payloads(DIGEST) == []


def test_several_segments() -> None:
    fill = Fill(0, (Window(0, 0, 0, 1, 1),), b"", (bytes(100_000), bytes(50_000)), ())
    note = Revealed((0,), (fill,), (1,))
    payloads = note.payloads(DIGEST)
    assert [len(payload) for payload in payloads[:2]] == [65533, 65533]
    assert len(payloads) == 3
    assert Revealed.from_payloads(payloads, DEFAULT_LIMITS) == note
    for wrong in (payloads[:2], payloads[1:], payloads[::-1], [*payloads, payloads[0]]):
        with pytest.raises(InvalidDiffError):
            Revealed.from_payloads(wrong, DEFAULT_LIMITS)


FILL = {"group": 0, "windows": [[0, 0, 0, 1, 1]], "shape": b"", "blocks": [b""], "odd": []}
GOOD = {"regions": [0], "tables": [12], "fills": [FILL]}


def parsed(value: object, limits: Limits = DEFAULT_LIMITS) -> Revealed:
    return Revealed.from_payloads([NOTE + DIGEST[:8] + encode(value)], limits)


def test_a_good_one() -> None:
    assert parsed(GOOD).fills[0].windows == (Window(0, 0, 0, 1, 1),)


@pytest.mark.parametrize(
    "changes",
    [
        {"regions": []}, {"regions": [1, 0]}, {"regions": [0, 0]}, {"regions": [-1]},
        {"regions": ["0"]}, {"regions": [1 << 32]}, {"regions": None}, {"regions": [True]},
        {"tables": [257]}, {"tables": [-1]}, {"tables": b""}, {"tables": [1.5]},
        {"fills": [5]}, {"fills": None}, {"fills": {}}, {"fills": [FILL, FILL]}, {"more": 1},
        {"fills": [{**FILL, "group": 1}, FILL]}, {"fills": [{**FILL, "group": -1}]},
        {"fills": [{**FILL, "group": True}]}, {"fills": [{**FILL, "more": 1}]},
        {"fills": [{**FILL, "windows": []}]}, {"fills": [{**FILL, "windows": [[0, 0, 0, 1]]}]},
        {"fills": [{**FILL, "windows": [[4, 0, 0, 1, 1]]}]},
        {"fills": [{**FILL, "windows": [[0, 0, 0, 0, 1]]}]},
        {"fills": [{**FILL, "windows": [[0, -1, 0, 1, 1]]}]},
        {"fills": [{**FILL, "windows": [[0, 0, 0, 1 << 15, 1]]}]},
        {"fills": [{**FILL, "windows": [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]}]},
        {"fills": [{**FILL, "windows": [[1, 0, 0, 1, 1], [0, 0, 0, 1, 1]]}]},
        {"fills": [{**FILL, "shape": "x"}]}, {"fills": [{**FILL, "blocks": [None]}]},
        {"fills": [{**FILL, "blocks": b""}]}, {"fills": [{**FILL, "odd": [[0, 9, b"x"]]}]},
        {"fills": [{**FILL, "odd": [[0, 0, b""]]}]}, {"fills": [{**FILL, "odd": [[0, 8]]}]},
        {"fills": [{**FILL, "odd": [[1, 8, b"x"], [0, 8, b"x"]]}]},
        {"fills": [{**FILL, "odd": [[-1, 8, b"x"]]}]},
        {"fills": [{**FILL, "odd": [[0, 1 << 20, bytes(1 << 17)]]}]},
    ],
)  # fmt: skip
def test_fields(changes) -> None:
    with pytest.raises(InvalidDiffError):
        parsed({**GOOD, **changes})


@pytest.mark.parametrize("missing", GOOD)
def test_missing_fields(missing) -> None:
    with pytest.raises(InvalidDiffError):
        parsed({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize("missing", FILL)
def test_missing_fields_of_a_fill(missing) -> None:
    fill = {name: value for name, value in FILL.items() if name != missing}
    with pytest.raises(InvalidDiffError):
        parsed({**GOOD, "fills": [fill]})


@pytest.mark.parametrize("value", [None, [], 5, b"x", "x", True, 1.5])
def test_no_map(value) -> None:
    with pytest.raises(InvalidDiffError):
        parsed(value)


def test_limits() -> None:
    large = [[k, 0, 0, 16384, 16384] for k in range(4)]
    for value in (
        {**GOOD, "regions": [10_001]},
        {**GOOD, "fills": [{**FILL, "group": k} for k in range(2049)]},
        {**GOOD, "fills": [{**FILL, "windows": large}]},
        {**GOOD, "tables": [0] * (1 << 22)},
    ):
        with pytest.raises(LimitExceededError):
            parsed(value)
    with pytest.raises(LimitExceededError):
        parsed(GOOD, Limits(max_items=10))


# ---------------------------------------------------------------------------
# In a file
# ---------------------------------------------------------------------------


class Part:
    """A partly revealed file, taken apart at its note."""

    def __init__(self, name: str) -> None:
        self.original = made(name)
        self.result = jr.redact(self.original, BOXES)
        self.diff = self.result.diff
        self.data = jr.restore(self.result.jpeg, self.diff, regions=[0, 2])
        scan = next(s for s in structure.read(self.data).segments if s[0] == 0xDA)
        at = self.data.index(b"\xff\xfe", 0, scan[1])
        assert self.data[at + 4 :].startswith(NOTE)
        self.before, self.behind = self.data[:at], self.data[scan[1] :]
        self.head = self.data[at + 4 : at + 4 + HEAD]
        self.content = decode(self.data[at + 4 + HEAD : scan[1]])

    def noted(self, content: object, head: bytes | None = None, cut: int = 65533) -> bytes:
        """Return the file with another note, in segments of so many bytes."""
        head = self.head if head is None else head
        coded = content if isinstance(content, bytes) else encode(content)
        room = cut - len(head)
        pieces = [coded[at : at + room] for at in range(0, len(coded), room)]
        note = b"".join(segment(0xFE, head + piece) for piece in pieces)
        return self.before + note + self.behind

    def check(self, jpeg: bytes) -> bool:
        """Whether the owner refuses a file; assert that no wrong picture comes of it for anyone.

        Who holds a part may take it, where the diff's other groups are concerned.
        """
        for regions, groups in ((None, None), ([0], {1, 4}), ([1], {1, 2, 4})):
            diff = self.diff if regions is None else self.diff.extract(regions)
            try:
                now = jr.restore(jpeg, diff)
            except jr.DiffMismatchError:
                continue
            if groups is None:
                assert now == self.original
                return False
            cover = small_files.covers(structure.read(self.original), BOXES)
            small_files.assert_shows(self.original, self.result.jpeg, now, cover, groups)
        now = jr.restore(jpeg, self.diff, allow_modified=True)
        for one, two in zip(*map(helpers.coefficients, (now, self.original)), strict=True):
            assert np.array_equal(one, two)
        return True


@pytest.fixture(scope="module", params=["restarts", "optimised", "progressive", "arithmetic"])
def part(request) -> Part:
    return Part(request.param)


def test_as_it_is(part) -> None:
    assert part.noted(part.content) == part.data
    assert not part.check(part.data)


def test_it_tells_nothing_of_the_original(part) -> None:
    """Its fills are what the redacted file shows."""
    again = {fill["group"]: fill["blocks"] for fill in part.content["fills"]}
    other = jr.redact(part.result.jpeg, BOXES)  # whose original is that redacted file
    for group, blocks in again.items():
        assert tuple(blocks) == other.diff.document.groups[group].blocks


def test_in_several_segments(part) -> None:
    """Any cut is as good; the restored states are written with the first one."""
    for cut in (HEAD + 1, HEAD + 40, 300):
        jpeg = part.noted(part.content, cut=cut)
        assert jr.restore(jpeg, part.diff) == part.original
        assert jr.restore(jpeg, part.diff, regions=[]) == part.data
        scattered = jpeg[: -len(part.behind)] + segment(0xE7, b"x") + part.behind
        assert part.check(scattered)


def changed_fill(**changes: object) -> Callable[[dict], dict]:
    def change(content: dict) -> dict:
        first, *rest = content["fills"]
        new = {name: (value(first[name]) if callable(value) else value)
               for name, value in changes.items()}  # fmt: skip
        return {**content, "fills": [{**first, **new}, *rest]}

    return change


def flipped(data: list[bytes]) -> list[bytes]:
    first, *rest = data
    return [first[:-1] + bytes([first[-1] ^ 0x10]), *rest]


def moved(windows: list[list[int]]) -> list[list[int]]:
    (component, row, *others), *rest = windows
    return [[component, row + 1, *others], *rest]


FORGED: dict[str, Callable[[dict], object]] = {
    "no fill": lambda c: {**c, "fills": []},
    "a fill less": lambda c: {**c, "fills": c["fills"][1:]},
    "another group's fill": lambda c: {
        **c, "fills": [{**c["fills"][0], "group": c["fills"][1]["group"]}]
    },
    "fills swapped": lambda c: {
        **c,
        "fills": [
            {**a, "blocks": b["blocks"]} for a, b in zip(c["fills"], c["fills"][::-1], strict=True)
        ],
    },
    "other blocks": changed_fill(blocks=flipped),
    "no blocks": changed_fill(blocks=[]),
    "empty blocks": changed_fill(blocks=[b""]),
    "more blocks": changed_fill(blocks=lambda blocks: [*blocks, b""]),
    "a window elsewhere": changed_fill(windows=moved),
    "a huge window": changed_fill(windows=[[0, 0, 0, 16384, 16384]]),
    "a window outside": changed_fill(windows=[[0, 16000, 16000, 1, 1]]),
    "another component": changed_fill(windows=[[3, 0, 0, 1, 1]]),
    "another shape": changed_fill(shape=lambda shape: shape + b"\0"),
    "no shape": changed_fill(shape=b""),
    "odd codes": changed_fill(odd=[[0, 8, b"\x00"]]),
    "odd codes of no block": changed_fill(odd=[[1 << 40, 8, b"\x00"]]),
    "a group too many": changed_fill(group=99),
    "a huge group": changed_fill(group=(1 << 64) - 1),
    "fewer symbols": lambda c: {**c, "tables": [max(0, n - 1) for n in c["tables"]] or [1]},
    "more symbols": lambda c: {**c, "tables": [n + 1 for n in c["tables"]] or [1]},
    "tables too many": lambda c: {**c, "tables": [*c["tables"], 1]},
    "all of them": lambda c: {
        **c, "fills": [{**c["fills"][0], "group": k} for k in range(4)]
    },
    "no map": lambda c: [c],
    "empty": lambda c: b"",
    "cut short": lambda c: encode(c)[:-1],
    "a byte more": lambda c: encode(c) + b"\0",
    "not canonical": lambda c: encode(c).replace(b"\x67regions", b"\x78\x07regions"),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGED)
def test_forged(part, how) -> None:
    content = FORGED[how](part.content)
    if content == b"":
        jpeg = part.before + segment(0xFE, part.head) + part.behind
    else:
        jpeg = part.noted(content)
    assert jpeg != part.data
    assert part.check(jpeg)


def test_forged_regions(part) -> None:
    """A forger can't ask for a region in the name of who holds what lies under it alone.

    Others can't tell, and need not: they have nothing that it would show.
    """
    for regions in ([0], [1], [9999], [0, 2, 3], [0, 1, 2]):
        jpeg = part.noted({**part.content, "regions": regions})
        for wanted in (None, [2]):
            with pytest.raises(jr.DiffMismatchError) as caught:
                jr.restore(jpeg, part.diff, regions=wanted)
            assert caught.value.code == "diff.metadata"
    now = jr.restore(jpeg, part.diff.extract([2]))
    cover = small_files.covers(structure.read(part.original), BOXES)
    small_files.assert_shows(part.original, part.result.jpeg, now, cover, {1, 4})


def test_no_note_or_of_another_file(part) -> None:
    assert part.check(part.before + part.behind)
    assert part.check(part.noted(part.content, NOTE + bytes(8)))
    assert part.check(part.noted(part.content, NOTE[:-1] + part.head[-8:]))
    other = jr.redact(part.original, BOXES, method="fill")
    theirs = jr.restore(other.jpeg, other.diff, regions=[0, 2])
    for diff in (part.diff, part.diff.extract([1])):
        with pytest.raises(jr.DiffMismatchError):
            jr.restore(theirs, diff, allow_modified=True)


def test_a_note_in_the_redacted_file(part) -> None:
    """It names groups that are not revealed: hidden again, they are what they were."""
    scan = next(s for s in structure.read(part.result.jpeg).segments if s[0] == 0xDA)[1]
    note = part.data[len(part.before) : len(part.data) - len(part.behind)]
    jpeg = part.result.jpeg[:scan] + note + part.result.jpeg[scan:]
    for diff in (part.diff, part.diff.extract([0])):  # these groups are theirs
        with pytest.raises(jr.DiffMismatchError) as caught:
            jr.restore(jpeg, diff)
        assert caught.value.code == "diff.pixels"
    now = jr.restore(jpeg, part.diff.extract([1]))
    cover = small_files.covers(structure.read(part.original), BOXES)
    small_files.assert_shows(part.original, part.result.jpeg, now, cover, {2})


@given(st.data())
@settings(max_examples=120)
def test_any_byte(data) -> None:
    part = PARTS.setdefault("one", Part("restarts"))
    begin, end = len(part.before), len(part.data) - len(part.behind)
    jpeg = bytearray(part.data)
    for _ in range(data.draw(st.integers(1, 2))):
        jpeg[data.draw(st.integers(begin, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        now = jr.restore(bytes(jpeg), part.diff)
    except jr.JpegRedactError:
        return
    assert now == part.original


PARTS: dict[str, Part] = {}
