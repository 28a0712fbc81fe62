"""The seeded mutation run: damaged JPEGs and diffs, and the check that only answers come out.

    python -m tests.fuzz.mutate --count 10000 --seed 1 --jobs 2 [FILES AND FOLDERS]

prints how many inputs were redacted, how many were refused and with what code, of
which coding process, the slowest call and the largest, and every escape: another
exception than `JpegRedactError`, a result that does not restore, a call of more than
two seconds or too much memory, a process that died or hung. It starts from the made
pictures and from the FILES; where none are named, from the corpus if it is there.

The same seed gives the same inputs, whatever the number of jobs. Each escape is
written to tests/fuzz/crashes, which tests/fuzz/test_crashes.py replays; those made of
FILES, which may be other people's pictures, and large ones to its folder local, which git ignores
(`python -m tests.fuzz.reduce` makes small ones of them, without other people's data).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jpegredact as jr

from . import rich, seeds, side_copies, structure, targets
from .mutations import mutate, mutate_bytes, mutate_diff
from .workers import Workers

CRASHES = Path(__file__).parent / "crashes"
KEPT = 20_000
"""Bytes of an escape that may be committed."""
TURNS = {
    (0xC0, 8): 3, (0xC1, 8): 1, (0xC1, 12): 2, (0xC2, 8): 4, (0xC2, 12): 1, (0xC9, 8): 2,
    (0xC9, 12): 1, (0xCA, 8): 2, (0xCA, 12): 1, (0, 0): 1,
}  # fmt: skip
"""How often each coding process has its turn; the last one is all others."""


BESIDE = "side copies"
HOW = {"scrub": side_copies.scrub, "redact": side_copies.redact}
"""How what stands beside the picture is checked."""


def made_pictures() -> list[bytes]:
    """Return small pictures of every coding process."""
    return list(seeds.made_pictures())


# ---------------------------------------------------------------------------
# The check
# ---------------------------------------------------------------------------


class Escape(NamedTuple):
    """What happened, with which JPEG and diff (or nothing), and whether they are ours to keep."""

    what: str
    jpeg: bytes
    diff: bytes = b""
    ours: bool = True
    number: int = -1

    def save(self, folder: Path) -> Path:
        """Write it to a folder; to its folder local what is not to be committed."""
        small = len(self.jpeg) + len(self.diff) <= KEPT
        folder = folder if self.ours and small else folder / "local"
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / f"{hashlib.sha256(self.jpeg + self.diff).hexdigest()[:16]}.jpg"
        name.write_bytes(self.jpeg)
        name.with_suffix(".txt").write_text(self.what + "\n")
        if self.diff:
            name.with_suffix(".jrdiff").write_bytes(self.diff)
        return name


@dataclass
class Tally:
    """What came out."""

    outcomes: Counter[str] = field(default_factory=Counter)
    processes: Counter[str] = field(default_factory=Counter)
    """Coding process that the damaged file claims, and whether it was redacted."""
    escapes: list[Escape] = field(default_factory=list)
    inputs: int = 0
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")
    number: int = -1
    ours: bool = True

    def guard(
        self, what: str, jpeg: bytes, diff: bytes, promise: Callable[..., str], *given: Any
    ) -> str | None:
        """Hold a promise; count its answer or refusal, and note anything else as an escape."""
        answer, meter = None, targets.Meter(len(jpeg) + len(diff))
        try:
            answer = targets.kept(promise, meter, *given)
        except Exception as error:
            text = str(error) if isinstance(error, targets.BrokenPromise) else repr(error)
            self.escapes.append(Escape(f"{what}: {text}", jpeg, diff, self.ours, self.number))
        self.outcomes[f"{what}: {answer}"] += 1
        about = f"{what}, input {self.number}"
        self.slowest = max(self.slowest, (meter.seconds, about))
        self.largest = max(self.largest, (meter.memory, about))
        return answer

    def add(self, other: Tally) -> None:
        """Count another tally's inputs too."""
        self.outcomes += other.outcomes
        self.processes += other.processes
        self.escapes += other.escapes
        self.inputs += other.inputs
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)

    def summary(self) -> Iterator[str]:
        """Yield lines for people."""
        for outcome, times in self.outcomes.most_common():
            yield f"{times:8} {outcome}"
        yield "by coding process of the damaged file:"
        for process in sorted({name.split(":")[0] for name in self.processes}):
            done = self.processes[f"{process}: done"]
            yield f"{done + self.processes[f'{process}: refused']:8} {process}, {done} redacted"
        yield f"slowest call: {self.slowest[0]:.2f} s ({self.slowest[1]})"
        yield f"largest call: {self.largest[0] / (1 << 20):.0f} MB ({self.largest[1]})"


def check_redact(jpeg: bytes, seed: int, tally: Tally) -> None:
    """Redact a damaged JPEG: it restores, in parts too, or it is refused."""
    done = tally.guard("redact", jpeg, b"", targets.redact_and_restore, jpeg, seed)
    tally.guard("inspect", jpeg, b"", targets.read, jpeg)
    code, precision = structure.process_of(jpeg)
    process = f"SOF{code - 0xC0}, {precision} bits" if code else "no frame header"
    tally.processes[f"{process}: {'done' if done == 'done' else 'refused'}"] += 1


def check_restore(jpeg: bytes, diff: bytes, original: bytes, tally: Tally) -> None:
    """Restore from a damaged file or diff: the original, or a refusal; a part, or a refusal."""
    tally.guard("restore", jpeg, diff, targets.restore_all, jpeg, diff, original)
    tally.guard("restore a part", jpeg, diff, targets.restore_part, jpeg, diff)


def check_beside(jpeg: bytes, seed: int, tally: Tally, how: str) -> None:
    """Clean what stands beside the picture; or redact, so that the picture is changed too."""
    tally.guard(f"{BESIDE}, {how}", jpeg, b"", HOW[how], jpeg, seed)


# ---------------------------------------------------------------------------
# The run
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """One damaged input: a JPEG to redact, or one with a diff to restore from."""

    jpeg: bytes
    diff: bytes = b""
    original: bytes = b""
    ours: bool = True
    beside: str = ""
    """One of `HOW` where it is damaged beside the picture."""

    @classmethod
    def read(cls, path: Path) -> Input:
        """Return what an escape was kept as."""
        note, diff = path.with_suffix(".txt"), path.with_suffix(".jrdiff")
        what = note.read_text() if note.exists() else ""
        return cls(
            path.read_bytes(), diff.read_bytes() if diff.exists() else b"",
            beside=next((how for how in HOW if what.startswith(f"{BESIDE}, {how}")), ""),
        )  # fmt: skip

    def check(self, number: int) -> Tally:
        """Make the checks."""
        tally = Tally(number=number, ours=self.ours, inputs=1)
        if self.beside:
            check_beside(self.jpeg, number, tally, self.beside)
        elif self.diff:
            check_restore(self.jpeg, self.diff, self.original, tally)
        else:
            check_redact(self.jpeg, number, tally)
        return tally


class Shelf:
    """Things by the coding process of a picture, to choose from so that each process has its turn.

    What is made of our own pictures only is kept apart from what is made of others.
    """

    def __init__(self, items: Iterable[tuple[bytes, Any, bool]]) -> None:
        self.boxes: dict[tuple[int, int], list[Any]] = defaultdict(list)
        self.own: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for jpeg, item, ours in items:
            process = structure.process_of(jpeg)
            process = process if process in TURNS else (0, 0)
            self.boxes[process].append((item, ours))
            if ours:
                self.own[process].append((item, ours))

    def __bool__(self) -> bool:
        return bool(self.boxes)

    def choose(self, rng: random.Random, own: bool = False) -> tuple[Any, bool]:
        """Return one thing, and whether it is ours."""
        boxes = self.own if own else self.boxes
        process = rng.choices(list(boxes), [TURNS[process] for process in boxes])[0]
        return rng.choice(boxes[process])  # type: ignore[no-any-return]

    def two(self, rng: random.Random) -> tuple[Any, Any, bool]:
        """Return two things; where the first is ours, so is the second."""
        first, ours = self.choose(rng)
        return first, self.choose(rng, ours)[0], ours


class Source:
    """Where inputs come from: of ten, seven are damaged JPEGs, two diffs, one a redacted file.

    Of the pictures the first ``made`` are our own. With ``undamaged``, each picture is
    given as it is, four times: once a method.
    """

    def __init__(
        self, pictures: Sequence[bytes], seed: int, made: int = 0, undamaged: bool = False
    ) -> None:
        self.pictures, self.seed, self.made, self.undamaged = pictures, seed, made, undamaged
        own = set(pictures[:made])
        pairs = [] if undamaged else targets.make_pairs(pictures, seed)
        self.shelf = Shelf((jpeg, jpeg, jpeg in own) for jpeg in pictures)
        self.pairs = Shelf((pair.original, pair, pair.original in own) for pair in pairs)

    def input(self, number: int) -> Input:
        """Return an input, always the same for the same number."""
        if self.undamaged:
            place = number // len(targets.METHODS)
            return Input(self.pictures[place], ours=place < self.made)
        rng = random.Random(f"{self.seed}/{number}")
        kind = number % 10
        if kind < 7 or not self.pairs:
            jpeg, other, ours = self.shelf.two(rng)
            return Input(mutate(rng, jpeg, other), ours=ours)
        pair, stranger, ours = self.pairs.two(rng)
        jpeg, diff = pair.jpeg, pair.diff
        if kind < 9:
            damage = rng.choice((mutate_bytes, mutate_diff, mutate_diff, mutate_diff))
            diff = damage(rng, diff, stranger.diff)
        else:
            jpeg = mutate(rng, jpeg, stranger.jpeg)
        return Input(jpeg, diff, pair.original, ours)


class Beside:
    """Where inputs come from that are damaged beside the picture: one of ten is redacted.

    The first ``made`` of the files are our own; a third of the inputs are made of those only.
    Half of what is redacted of these are pictures of every coding process, with what others have.
    """

    def __init__(self, files: Sequence[bytes], seed: int, made: int) -> None:
        self.files, self.seed, self.made = files, seed, made

    def input(self, number: int) -> Input:
        """Return an input, always the same for the same number."""
        rng = random.Random(f"beside {self.seed}/{number}")
        ours = rng.random() < 0.33 or self.made == len(self.files)
        some = self.files[: self.made] if ours else self.files
        whole = rng.random() < 0.1
        plain = whole and ours and rng.random() < 0.5
        start = rng.choice(seeds.made_pictures() if plain else some)
        jpeg = side_copies.mutate(rng, start, rng.choice(some))
        whole = whole and len(jpeg) < 120_000
        return Input(jpeg, ours=ours, beside="redact" if whole else "scrub")


def run(inputs: Sequence[bytes], seed: int, count: int) -> Iterator[Tally]:
    """Check ``count`` mutations in this process; yield the tally after each."""
    source, tally = Source(inputs, seed, len(inputs)), Tally()
    for number in range(count):
        tally.add(source.input(number).check(number))
        yield tally


def run_jobs(
    source: Source | Beside, numbers: range, jobs: int, patience: float
) -> Iterator[Tally]:
    """Check the inputs with these numbers in processes; yield a tally of each.

    A process that dies, or works on an input for more than ``patience`` seconds,
    is an escape, and another takes its place.
    """
    for number, result in Workers(source, jobs, patience).results(iter(numbers)):
        if isinstance(result, Tally):
            yield result
        else:
            bad = source.input(number)
            yield Tally(
                Counter({result: 1}), inputs=1,
                escapes=[Escape(result, bad.jpeg, bad.diff, bad.ours, number)],
            )  # fmt: skip


def collect(paths: Iterable[Path]) -> list[bytes]:
    """Read files; of folders, the small files of every process."""
    found = []
    for path in paths:
        found += seeds.of_every_process(path) if path.is_dir() else [path.read_bytes()]
    return found


def collect_beside(paths: Iterable[Path]) -> list[bytes]:
    """Read files that have something beside the picture, put on small pictures."""
    found = []
    for path in paths:
        found += rich.of_folder(path) if path.is_dir() else [rich.graft(path.read_bytes())]
    return found


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.mutate", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("files", nargs="*", type=Path, help="JPEGs to start from, or folders")
    add("--count", type=int, default=1000)
    add("--first", type=int, default=0, metavar="N", help="number of the first input")
    add("--seed", type=int, default=1)
    add("--jobs", type=int, default=1)
    add("--made-only", action="store_true", help="not from the corpus")
    add("--undamaged", action="store_true", help="instead: all files as they are, by each method")
    add("--side-copies", action="store_true", help="instead: damage what is beside the picture")
    add("--crashes", type=Path, default=CRASHES, help="folder for escapes")
    return parser.parse_args()


def main() -> int:
    """Run the command; exit with 1 if anything escaped."""
    arguments = parsed()
    paths = arguments.files or [p for p in [seeds.CORPUS] if p.is_dir() and not arguments.made_only]
    made = made_pictures()
    source: Source | Beside
    if arguments.side_copies:
        made = list(rich.made_files())
        pictures = made + collect_beside(paths)
        numbers = range(arguments.first, arguments.first + arguments.count)
    elif arguments.undamaged:
        files = [f for p in paths for f in (sorted(p.iterdir()) if p.is_dir() else [p])]
        pictures = made + [path.read_bytes() for path in files if path.is_file()]
        numbers = range(len(targets.METHODS) * len(pictures))
    else:
        pictures = made + collect(paths)
        numbers = range(arguments.first, arguments.first + arguments.count)
    if arguments.side_copies:
        source = Beside(pictures, arguments.seed, len(made))
    else:
        source = Source(pictures, arguments.seed, len(made), arguments.undamaged)
    start = told = time.monotonic()
    total = Tally()
    for tally in run_jobs(source, numbers, arguments.jobs, 2 * targets.WAIT * targets.SLACK):
        total.add(tally)
        for escape in tally.escapes:
            kept = escape.save(arguments.crashes)
            print(f"ESCAPE input {escape.number}: {escape.what}: {kept}", flush=True)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{told - start:.0f} s: {total.inputs} of {len(numbers)}", file=sys.stderr)
    for line in total.summary():
        print(line)
    what = "inputs as they are" if arguments.undamaged else f"mutations, seed {arguments.seed}"
    print(
        f"{total.inputs} {what}, of {len(pictures)} files ({len(made)} made here), "
        f"{time.monotonic() - start:.0f} s with {arguments.jobs} jobs, "
        f"jpegredact {jr.__version__}: {len(total.escapes)} escapes"
    )
    return 1 if total.escapes else 0


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.exit(main())
