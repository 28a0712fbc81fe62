"""A seeded mutator of JPEGs and diffs, and the check that nothing but an answer comes out.

    python -m tests.fuzz.mutate --count 10000 --seed 1 [FILES]

prints how many inputs were redacted, how many were refused and with what code,
the slowest call, and every escape: another exception than `JpegRedactError`, a
result that does not restore, or a call of more than two seconds. Each escape is
written to tests/fuzz/crashes, which tests/fuzz/test_crashes.py replays; those made of
FILES, which may be other people's pictures, to its folder local, which git ignores.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import jpegredact as jr

CRASHES = Path(__file__).parent / "crashes"
SECONDS = 2.0
METHODS = ("inpaint", "fill", "pixelate", "blur")
_MARKERS = bytes.fromhex("c0c1c2c4d0d7d8d9dadbdcdde1fe")


# ---------------------------------------------------------------------------
# Mutations: (generator, data, another input) -> damaged data
# ---------------------------------------------------------------------------


def flip_bits(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Flip a few bits anywhere."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flip_header_bits(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Flip a few bits in the first 700 bytes, where the headers mostly are."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 3))):
        out[rng.randrange(min(len(out), 700))] ^= 1 << rng.randrange(8)
    return bytes(out)


def set_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Set a few bytes to values that tend to matter."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        out[rng.randrange(len(out))] = rng.choice((0, 1, 0x11, 0x7F, 0x80, 0xFE, 0xFF))
    return bytes(out)


def truncate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data))]


def delete_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Take a stretch out."""
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 1, 2, 16, 200)) :]


def insert_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put random bytes in."""
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 1, 2, 16, 200))) + data[at:]


def repeat_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say a stretch twice."""
    at = rng.randrange(len(data))
    end = at + rng.choice((2, 20, 300))
    return data[:end] + data[at:end] + data[end:]


def insert_marker(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a marker somewhere, with or without a length."""
    at = rng.randrange(len(data))
    length = rng.choice((b"", b"\0\2", b"\0\0", b"\xff\xff", b"\0\x11" + rng.randbytes(15)))
    return data[:at] + b"\xff" + bytes([rng.choice(_MARKERS)]) + length + data[at:]


def splice_segments(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a stretch of another file, from marker to marker, between two markers of this one."""
    here, there = _marker_places(data), _marker_places(other)
    if len(here) < 2 or len(there) < 2:
        return flip_bits(rng, data, other)
    at = rng.choice(here)
    start, end = sorted(rng.sample(there, 2))
    return data[:at] + other[start:end] + data[rng.choice((at, rng.choice(here))) :]


def edit_segment(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a byte of a segment's length, or one of the first bytes behind it."""
    places = _marker_places(data)
    if not places:
        return flip_bits(rng, data, other)
    out = bytearray(data)
    at = min(rng.choice(places) + rng.choice((2, 3, 3, 4, 5, 6, 7, 8, 9)), len(out) - 1)
    out[at] = rng.choice((0, 1, 2, out[at] ^ 1, (out[at] + 1) & 255, 0xFF, rng.randrange(256)))
    return bytes(out)


def drop_segment(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Take a segment out."""
    places = _marker_places(data)
    if len(places) < 3:
        return truncate(rng, data, other)
    number = rng.randrange(len(places) - 1)
    return data[: places[number]] + data[places[number + 1] :]


def extreme_field(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Set a field of a header to a value at its end: sizes, factors, steps, counts, intervals."""
    out = bytearray(data)
    places = [at for at in _marker_places(data) if at + 30 < len(data)]
    wanted = rng.choice((0xC0, 0xC0, 0xC4, 0xDA, 0xDB, 0xDD))
    places = [at for at in places if data[at + 1] & 0xFE == wanted & 0xFE]
    if not places:
        if wanted == 0xDD:  # a restart interval where there was none
            frame = data.find(b"\xff\xc0")
            return data[:frame] + b"\xff\xdd\0\4" + rng.choice((b"\0\1", b"\0\2")) + data[frame:]
        return flip_bits(rng, data, other)
    at = rng.choice(places)
    if data[at + 1] in (0xC0, 0xC1):
        if rng.random() < 0.6:  # height or width
            side = at + rng.choice((5, 7))
            out[side : side + 2] = rng.choice((0, 1, 8, 9, 4000, 20000, 65535)).to_bytes(2)
        else:
            out[at + rng.choice((11, 14, 17))] = rng.choice((0x11, 0x44, 0x14, 0x41, 0x31, 0x22))
    elif wanted == 0xDB:
        out[at + rng.choice((5, 5, 6, 60))] = rng.choice((0, 0, 1, 255))
    elif wanted == 0xC4:
        out[at + rng.randrange(4, 25)] = rng.choice((0, 1, 2, 0x10, 255))
    else:
        out[at + rng.randrange(4, 12)] = rng.choice((0, 1, 2, 3, 4, 0x11, 0x3F))
    return bytes(out)


def _marker_places(data: bytes) -> list[int]:
    return [
        at for at in range(2, len(data) - 1) if data[at] == 0xFF and data[at + 1] not in (0, 0xFF)
    ]  # fmt: skip


Mutation = Callable[[random.Random, bytes, bytes], bytes]
MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_bits, flip_header_bits, flip_header_bits, set_bytes, truncate, delete_bytes,
    insert_bytes, repeat_bytes, insert_marker, splice_segments, edit_segment, edit_segment,
    drop_segment, extreme_field, extreme_field,
)  # fmt: skip


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage data once, now and then twice or thrice."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if data:
            data = rng.choice(MUTATIONS)(rng, data, other)
    return data


def mutate_diff(rng: random.Random, diff: bytes, other: bytes) -> bytes:
    """Damage one field of a diff and write it in its canonical form again, so that it parses."""
    document = jr.UnblurDiff.from_bytes(diff).document
    stranger = jr.UnblurDiff.from_bytes(other).document
    number = rng.randrange(len(document.groups))
    group, theirs = document.groups[number], rng.choice(stranger.groups)
    window = group.windows[rng.randrange(len(group.windows))]
    field_name = rng.choice(("row", "column", "rows", "columns", "component"))
    change = rng.choice((-1, 1, 1, 5, 1000))
    moved = max(getattr(window, field_name) + change, field_name in ("rows", "columns"))
    moved = min(moved, 3 if field_name == "component" else 16000)
    odd = ((rng.randrange(9), 9, rng.randbytes(2)),)
    patch = (rng.randrange(2 * document.file.length), rng.randrange(9), rng.randbytes(3))
    choices: list[dict[str, object]] = [
        {"blocks": _damaged(rng, group.blocks)},
        {"shape": _damaged(rng, group.shape)},
        {"blocks": theirs.blocks},
        {"shape": theirs.shape},
        {"windows": theirs.windows},
        {"windows": tuple(
            replace(w, **{field_name: moved}) if w is window else w for w in group.windows
        )},
        {"odd": odd},
        {"odd": theirs.odd},
        {"tables": tuple(max(0, n + rng.choice((-1, 0, 1))) for n in group.tables)},
        {"tables": group.tables[1:]},
        {"regions": theirs.regions},
        {"regions": (len(document.regions) - 1,)},
    ]  # fmt: skip
    if rng.random() < 0.75:
        groups = list(document.groups)
        groups[number] = replace(group, **rng.choice(choices))  # type: ignore[arg-type]
        document = replace(document, groups=tuple(groups))
    else:
        document = rng.choice((
            replace(document, file=replace(document.file, patches=(patch,))),
            replace(document, file=replace(document.file, length=rng.randrange(1 << 40))),
            replace(document, fills=document.fills[1:] + document.fills[:1]),
            replace(document, groups=document.groups[::-1]),
            replace(document, regions=document.regions[::-1]),
            replace(document, outside=stranger.outside),
        ))  # fmt: skip
    return document.to_bytes()


def _damaged(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return rng.randbytes(2)
    return rng.choice((flip_bits, truncate, insert_bytes, delete_bytes))(rng, data, data)


# ---------------------------------------------------------------------------
# The check
# ---------------------------------------------------------------------------


@dataclass
class Tally:
    """What came out."""

    outcomes: Counter[str] = field(default_factory=Counter)
    escapes: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    """What happened, the JPEG, the diff (or nothing)."""
    slowest: float = 0.0

    def guard(self, what: str, jpeg: bytes, diff: bytes, call: Callable[[], str]) -> str | None:
        """Run a call; count its answer or its refusal, and note anything else as an escape."""
        start = time.perf_counter()
        try:
            answer: str | None = call()
        except jr.JpegRedactError as error:
            answer = error.code if isinstance(error.code, str) and error.code else None
        except Exception as error:
            answer = None
            self.escapes.append((f"{what}: {error!r}", jpeg, diff))
        took = time.perf_counter() - start
        self.slowest = max(self.slowest, took)
        if took > SECONDS:
            self.escapes.append((f"{what}: {took:.1f} s", jpeg, diff))
        self.outcomes[f"{what}: {answer}"] += 1
        return answer


def some_boxes(jpeg: bytes, seed: int) -> list[tuple[float, float, float, float]]:
    """Return boxes for whatever size the file claims: small, large, all of it."""
    rng = random.Random(seed)
    try:
        frame = jr.inspect(jpeg).frame
    except jr.JpegRedactError:
        return [(0, 0, 8, 8)]
    if not frame.height:
        return [(0, 0, 8, 8)]
    found: list[tuple[float, float, float, float]] = []
    for _ in range(rng.choice((1, 2, 4))):
        left, top = rng.uniform(0, frame.width - 1), rng.uniform(0, frame.height - 1)
        share = rng.choice((0.1, 0.5, 1.5))
        found.append((left, top, left + share * frame.width, top + share * frame.height))
    return [*found, (0, 0, frame.width, frame.height)] if rng.random() < 0.2 else found


def check_redact(jpeg: bytes, seed: int, tally: Tally) -> None:
    """Redact a damaged JPEG: it restores, in parts too, or it is refused."""

    def call() -> str:
        boxes = some_boxes(jpeg, seed)
        result = jr.redact(jpeg, boxes, method=METHODS[seed % 4])
        assert result.diff is not None
        stored = result.diff.to_bytes()
        if jr.restore(result.jpeg, stored) != jpeg:
            raise AssertionError("restore gives other bytes than the original")
        part = jr.restore(result.jpeg, stored, regions=[0])
        if jr.restore(part, stored) != jpeg:
            raise AssertionError("restore from a part gives other bytes than the original")
        return "done"

    tally.guard("redact", jpeg, b"", call)
    tally.guard("inspect", jpeg, b"", lambda: jr.inspect(jpeg).frame.process)


def check_restore(jpeg: bytes, diff: bytes, original: bytes, tally: Tally) -> None:
    """Restore from a damaged file or diff: the original, or a refusal; a part, or a refusal."""

    def whole() -> str:
        back = jr.restore(jpeg, diff)
        if hashlib.sha256(back).digest() != jr.UnblurDiff.from_bytes(diff).document.file.sha256:
            raise AssertionError("restore gives bytes that the diff does not promise")
        return "done" if back == original else "another original"

    def part() -> str:
        jr.restore(jpeg, diff, regions=[0])
        return "done"

    tally.guard("restore", jpeg, diff, whole)
    tally.guard("restore a part", jpeg, diff, part)


# ---------------------------------------------------------------------------
# Inputs
# ---------------------------------------------------------------------------


def made_pictures() -> list[bytes]:
    """Return small pictures of several kinds, made by Pillow."""
    from PIL import Image

    found = []
    for seed, (mode, options) in enumerate(
        [
            ("RGB", {"quality": 75}),
            ("RGB", {"quality": 95, "subsampling": 0, "restart_marker_blocks": 3}),
            ("RGB", {"quality": 40, "subsampling": 1, "optimize": True}),
            ("L", {"quality": 60, "optimize": True, "restart_marker_rows": 1}),
            ("CMYK", {"quality": 80}),
            ("RGB", {"quality": 50, "progressive": True}),
        ]
    ):
        rng = random.Random(seed)
        size = (rng.randrange(20, 90), rng.randrange(20, 90))
        coarse = Image.frombytes("RGB", (9, 9), rng.randbytes(243))
        out = io.BytesIO()
        coarse.resize(size, Image.Resampling.BICUBIC).convert(mode).save(out, "JPEG", **options)
        found.append(out.getvalue())
    return found


def run(inputs: Sequence[bytes], seed: int, count: int) -> Iterator[Tally]:
    """Check ``count`` mutations: of ten, seven of JPEGs, two of diffs, one of redacted files.

    Yields the tally after each.
    """
    tally = Tally()
    pairs = []
    for jpeg in inputs:
        try:
            result = jr.redact(jpeg, some_boxes(jpeg, seed))
        except jr.JpegRedactError:
            continue
        assert result.diff is not None
        pairs.append((jpeg, result.jpeg, result.diff.to_bytes()))
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        if number % 10 < 7 or not pairs:
            check_redact(mutate(rng, rng.choice(inputs), rng.choice(inputs)), number, tally)
        else:
            original, jpeg, diff = rng.choice(pairs)
            if number % 10 < 9:
                damage = rng.choice((mutate, mutate_diff))
                diff = damage(rng, diff, rng.choice(pairs)[2])
            else:
                jpeg = mutate(rng, jpeg, original)
            check_restore(jpeg, diff, original, tally)
        yield tally


def save(escape: tuple[str, bytes, bytes], folder: Path) -> Path:
    """Write an escape to a folder."""
    what, jpeg, diff = escape
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{hashlib.sha256(jpeg + diff).hexdigest()[:16]}.jpg"
    name.write_bytes(jpeg)
    name.with_suffix(".txt").write_text(what + "\n")
    if diff:
        name.with_suffix(".jrdiff").write_bytes(diff)
    return name


def main() -> int:
    """Run the command; exit with 1 if anything escaped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="JPEGs to start from")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    inputs = [path.read_bytes() for path in arguments.files] + made_pictures()
    folder = CRASHES / "local" if arguments.files else CRASHES
    tally, known = Tally(), 0
    for tally in run(inputs, arguments.seed, arguments.count):
        for escape in tally.escapes[known:]:
            print("ESCAPE", escape[0], save(escape, folder), flush=True)
        known = len(tally.escapes)
    for outcome, times in tally.outcomes.most_common():
        print(f"{times:7} {outcome}")
    print(f"{arguments.count} mutations of {len(inputs)} files, {known} escapes")
    print(f"slowest call {tally.slowest:.2f} s")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
