"""What must hold for any bytes: functions that raise only where a promise is broken.

`reader`, `redact`, `damaged`, `restore` and `diff` take bytes and return nothing. A
`JpegRedactError` with a code is an answer; whatever else gets out of the package is
raised, and so is `BrokenPromise`: a result that does not restore, more time or
memory than allowed. tests/fuzz/run_atheris.py feeds them; tests/fuzz/mutate.py
makes the same checks on its seeded mutations.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import jpegredact as jr

from . import mutations, seeds

from ahead import everywhere  # isort: skip - on the path since `seeds`

SECONDS = 2.0
"""Of processor time, for one call."""
WAIT = 30.0
"""Seconds by the clock that a call may take on a busy machine."""
MEGABYTES = 100
"""That the peak of a call may lie above what the process held before it, and ..."""
TIMES_THE_INPUT = 20
"""... so many times the input's bytes."""
DONE, REFUSED = (0.3, 20), (0.05, 8)
"""Seconds and megabytes that come on top for each megapixel: arithmetic and progressive
coding can say a large picture in few bytes. What is refused has less of an excuse, ..."""
READ, READ_A_BYTE = 34.0, 43e-6 * jr.Limits().max_density
"""... and only for so many megapixels: what Limits.max_density lets a file of some bytes claim
in arithmetic and progressive coding, in 4:2:0 (2^20 blocks, and so many for each byte)."""
SLACK = float(os.environ.get("JPEGREDACT_FUZZ_SLACK", "1"))
"""Factor for all of these: a build with sanitizers is slow and large."""
SEEDS = 40
"""Choices of boxes and method: a crash is replayed with all of them."""
METHODS = ("inpaint", "fill", "pixelate", "blur")
T = TypeVar("T")
Box = tuple[float, float, float, float]


class BrokenPromise(AssertionError):  # noqa: N818 - it says what it is
    """An answer that is wrong, or that took too much."""


# ---------------------------------------------------------------------------
# What a call costs
# ---------------------------------------------------------------------------


class Meter:
    """Makes calls for an input of some size; raises `BrokenPromise` where one takes too much.

    Keeps the most that one of them took: processor seconds, bytes above what was held.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.megapixels = 0.0
        self.seconds = 0.0
        self.memory = 0

    def __call__(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call a function."""
        name = getattr(function, "__name__", "call")
        before = _start_memory()
        clock, processor = time.perf_counter(), time.process_time()
        megapixels, rates = min(self.megapixels, READ + READ_A_BYTE * self.size), REFUSED
        try:
            result = function(*arguments, **options)
            megapixels, rates = self.megapixels, DONE
            return result
        except jr.LimitExceededError as error:
            if error.code == "limit.redacted":  # all was done by then
                megapixels, rates = self.megapixels, DONE
            raise
        finally:
            processor = time.process_time() - processor
            clock = time.perf_counter() - clock
            memory = max(0, _peak_memory() - before)
            self.seconds = max(self.seconds, min(processor, clock))
            self.memory = max(self.memory, memory)
            seconds = (SECONDS + rates[0] * megapixels) * SLACK
            if min(processor, clock) > seconds or clock > max(WAIT * SLACK, 4 * seconds):
                raise BrokenPromise(f"{name} took {processor:.1f} s of processor time")
            most = (MEGABYTES + rates[1] * megapixels) * (1 << 20) + TIMES_THE_INPUT * self.size
            if memory > most * SLACK:
                raise BrokenPromise(f"{name} took {memory >> 20} MB of memory")


def _start_memory() -> int:
    """Return the bytes that the process holds; where it can, forget its peak so far."""
    if sys.platform == "linux":
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return _peak_memory()
        return memory("VmRSS")
    return _peak_memory()


def _peak_memory() -> int:
    if sys.platform == "linux":
        return memory("VmHWM")
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def memory(field: str) -> int:
    """Return a size in bytes from Linux's own account of this process."""
    text = Path("/proc/self/status").read_bytes()
    at = text.index(field.encode() + b":") + len(field) + 1
    return int(text[at : text.index(b"kB", at)]) << 10


# ---------------------------------------------------------------------------
# The promises; each returns in a word what came out
# ---------------------------------------------------------------------------


def read(meter: Meter, jpeg: bytes) -> str:
    """Read the structure."""
    return meter(jr.inspect, jpeg).frame.process


def some_boxes(jpeg: bytes, seed: int) -> list[Box]:
    """Return boxes for whatever size the file claims: small, large, all of it."""
    rng = random.Random(seed)
    width, height = claimed(jpeg)
    if not height:
        return [(0, 0, 8, 8)]
    found: list[Box] = []
    for _ in range(rng.choice((1, 2, 4))):
        left, top = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
        share = rng.choice((0.1, 0.5, 1.5))
        found.append((left, top, left + share * width, top + share * height))
    return [*found, (0, 0, width, height)] if rng.random() < 0.2 else found


def claimed(jpeg: bytes) -> tuple[int, int]:
    """Return the size that a file claims, zeros where it can't be read."""
    try:
        frame = jr.inspect(jpeg).frame
    except jr.JpegRedactError:
        return 0, 0
    return frame.width, frame.height


def restored(meter: Meter, jpeg: bytes, stored: bytes, **options: Any) -> bytes:
    """Restore what was redacted just now: there is no reason to refuse that.

    But for a part of it, which the file's tables may have no codes for.
    """
    try:
        return meter(jr.restore, jpeg, stored, **options)
    except jr.JpegRedactError as error:
        if options and error.code == "restore.unsayable":
            raise
        raise BrokenPromise(f"restore refuses: {error.code}: {error.message}") from error


def redact_and_restore(meter: Meter, jpeg: bytes, seed: int) -> str:
    """Redact; what comes out restores, at once and in parts, and is the same a second time."""
    seed %= SEEDS
    boxes = some_boxes(jpeg, seed)
    method = METHODS[seed % len(METHODS)]
    meter.megapixels = math.prod(claimed(jpeg)) / 1e6
    result = meter(jr.redact, jpeg, boxes, method=method)
    assert result.diff is not None
    stored = result.diff.to_bytes()
    if restored(meter, result.jpeg, stored) != jpeg:
        raise BrokenPromise("restore gives other bytes than the original")
    part = restored(meter, result.jpeg, stored, regions=[0])
    if restored(meter, part, stored) != jpeg:
        raise BrokenPromise("restore from a part gives other bytes than the original")
    if seed % 8 < 4:
        with everywhere():  # in two threads from two ends, however small it is
            again = jr.redact(jpeg, boxes, method=method)
        if again.jpeg != result.jpeg or again.diff != result.diff:
            raise BrokenPromise("a second call gives other bytes")
    return "done"


def restore_all(meter: Meter, jpeg: bytes, stored: bytes, original: bytes = b"") -> str:
    """Restore from what may be damaged: only bytes that the diff vouches for."""
    meter.megapixels = math.prod(claimed(jpeg)) / 1e6
    back = meter(jr.restore, jpeg, stored)
    if hashlib.sha256(back).digest() != jr.UnblurDiff.from_bytes(stored).document.file.sha256:
        raise BrokenPromise("restore gives bytes that the diff does not promise")
    return "done" if back == original or not original else "another original"


def restore_part(meter: Meter, jpeg: bytes, stored: bytes) -> str:
    """Bring one region back from what may be damaged: a result, which can be read again."""
    part = meter(jr.restore, jpeg, stored, regions=[0])
    try:
        jr.inspect(part)
    except jr.JpegRedactError as error:
        raise BrokenPromise(f"a part that can't be read: {error}") from error
    return "done"


def parse_diff(meter: Meter, stored: bytes) -> str:
    """Parse a diff: each has one form only."""
    if meter(jr.UnblurDiff.from_bytes, stored).document.to_bytes() != stored:
        raise BrokenPromise("a diff that would be written otherwise")
    return "done"


def kept(promise: Callable[..., str], meter: Meter, *given: Any) -> str:
    """Hold a promise; return its answer, or the code of the refusal."""
    try:
        return promise(meter, *given)
    except jr.JpegRedactError as error:
        if not isinstance(error.code, str) or not error.code:
            raise BrokenPromise(f"a refusal without a code: {error!r}") from error
        return error.code


# ---------------------------------------------------------------------------
# The targets
# ---------------------------------------------------------------------------


class Script(random.Random):
    """A generator whose choices are read from bytes, so that a fuzzer can steer mutations.

    Behind the end of the bytes the choices are always the same ones.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self.left = data

    def getrandbits(self, k: int, /) -> int:
        """Take as many bytes as hold ``k`` bits."""
        if not self.left:
            return super().getrandbits(k)
        size = (k + 7) // 8
        taken, self.left = self.left[:size], self.left[size:]
        return int.from_bytes(taken.ljust(size, b"\0")) & ((1 << k) - 1)

    def random(self) -> float:
        """Take a byte."""
        return self.getrandbits(8) / 256 if self.left else super().random()


@dataclass(frozen=True)
class Pair:
    """An original, and a file that its diff brings back to it."""

    original: bytes
    jpeg: bytes
    diff: bytes


def make_pairs(pictures: Sequence[bytes], seed: int = 1) -> list[Pair]:
    """Redact what can be redacted; of each a second pair with one region brought back."""
    found = []
    for jpeg in pictures:
        try:
            result = jr.redact(jpeg, some_boxes(jpeg, seed))
            assert result.diff is not None
            stored = result.diff.to_bytes()
            found.append(Pair(jpeg, result.jpeg, stored))
            found.append(Pair(jpeg, jr.restore(result.jpeg, stored, regions=[0]), stored))
        except jr.JpegRedactError:
            continue
    return found


@cache
def _pairs() -> list[Pair]:
    return make_pairs(seeds.made_pictures())


def reader(data: bytes) -> None:
    """Any bytes as a JPEG to inspect."""
    kept(read, Meter(len(data)), data)


def redact(data: bytes) -> None:
    """Any bytes as a JPEG to redact; the last four choose boxes and method."""
    seed = int.from_bytes(data[-4:])
    kept(redact_and_restore, Meter(len(data)), data, seed)


def damaged(data: bytes) -> None:
    """A script of mutations of a made picture to redact."""
    script = Script(data)
    pictures = seeds.made_pictures()
    seed = script.randrange(1 << 16)
    jpeg = mutations.mutate(script, script.choice(pictures), script.choice(pictures))
    kept(redact_and_restore, Meter(len(jpeg)), jpeg, seed)


def restore(data: bytes) -> None:
    """A script of mutations of a made picture's redacted file, of its diff, or of both."""
    jpeg, stored, original = _restore_input(data)
    meter = Meter(len(jpeg) + len(stored))
    kept(restore_all, meter, jpeg, stored, original)
    kept(restore_part, meter, jpeg, stored)


def _restore_input(data: bytes) -> tuple[bytes, bytes, bytes]:
    script = Script(data)
    pair, other = script.choice(_pairs()), script.choice(_pairs())
    jpeg, stored = pair.jpeg, pair.diff
    what = script.randrange(8)
    if what < 3:
        stored = mutations.mutate_diff(script, stored, other.diff)
    elif what == 3:
        stored = mutations.mutate_bytes(script, stored, other.diff)
    elif what < 6:
        jpeg = mutations.mutate(script, jpeg, other.jpeg)
    elif what == 6:
        jpeg = mutations.mutate(script, jpeg, other.jpeg)
        stored = mutations.mutate_diff(script, stored, other.diff)
    else:  # the bytes themselves, in place of a record's bytes or of the whole diff
        stored = script.left
    return jpeg, stored, pair.original


def diff(data: bytes) -> None:
    """Any bytes as a diff."""
    kept(parse_diff, Meter(len(data)), data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": reader, "redact": redact, "damaged": damaged, "restore": restore, "diff": diff,
}  # fmt: skip


def first_inputs(target: str) -> list[bytes]:
    """Return what a coverage-guided run of a target starts from."""
    if target in ("reader", "redact"):
        return list(seeds.made_pictures())
    if target == "diff":
        return sorted({pair.diff for pair in _pairs()})
    rng = random.Random(target)
    return [rng.randbytes(rng.randrange(8, 100)) for _ in range(200)]
