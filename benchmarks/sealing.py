"""What sealing costs: time for 200 records, size on the corpus, and the passphrase of a run.

Usage: ``python benchmarks/sealing.py [CORPUS]``. The corpus (a folder of JPEG files) defaults to
``JPEGREDACT_CORPUS``, or ``../shared/corpus``; without it, no sizes. A passphrase takes seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jpegredact as jr
from jpegredact.diff.keys import Recipient, generate_identity
from jpegredact.diff.padding import padded_size
from jpegredact.diff.passphrase import Passphrase, RunKey
from jpegredact.diff.sealed import Sealed, open_sealed, seal_records, subset
from jpegredact.diff.stored import SealedDiff

RECORDS = 200
PUBLIC = b"a public part"
RECORD, OWNER, DIFF = 1500, 100, 1024
"""Bytes that sealing may add: a record, an owner and record, a diff; to twice the plain diff."""


def best(work: Callable[[], object], rounds: int = 9) -> float:
    """Return the least time in milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def seal(records: Sequence[bytes], to: Sequence[Recipient], run: RunKey | None = None) -> Sealed:
    """Seal records to owners."""
    opened = seal_records(records)
    return subset(opened, opened.indices, PUBLIC, to, run)


def speed() -> None:
    """Seal and open 200 records of 900 bytes, of which each is padded to 1 KiB."""
    owner = generate_identity()
    to = [Recipient.of(owner)]
    records = [bytes([n]) * 900 for n in range(RECORDS)]
    sealed = seal(records, to)

    def opened() -> list[bytes]:
        found = open_sealed(PUBLIC, sealed, [owner])
        return [found.record(n) for n in range(RECORDS)]

    assert opened() == records
    times = [
        best(work)
        for work in (
            lambda: seal(records, to), opened,
            lambda: open_sealed(PUBLIC, sealed, [owner]),
        )
    ]  # fmt: skip
    print(
        f"{RECORDS} records: sealed in {times[0]:.1f} ms, opened in {times[1]:.1f} ms; the "
        f"manifest alone in {times[2]:.1f} ms"
    )
    added = [len(part or b"") - padded_size(900) for part in sealed.records]
    print(f"age adds {min(added)} to {max(added)} bytes to a record, ", end="")
    print(f"an envelope takes {len(sealed.envelopes[0]) / RECORDS:.0f} bytes a record")


def passphrases() -> None:
    """Seal 20 diffs of a run to one passphrase, and open them."""
    words = Passphrase("the words of a benchmark")
    start = time.perf_counter()
    run = RunKey.create(words)
    made = time.perf_counter()
    diffs = [seal([b"x"], [], run) for _ in range(20)]
    sealed = time.perf_counter()
    open_sealed(PUBLIC, diffs[0], passphrase=words)
    first = time.perf_counter()
    for diff in diffs[1:]:
        open_sealed(PUBLIC, diff, passphrase=words)
    rest = time.perf_counter()
    print(
        f"a passphrase: {made - start:.2f} s to make the run key, {1000 * (sealed - made):.1f} ms "
        f"to seal 20 diffs to it; {first - sealed:.2f} s to open the first, "
        f"{1000 * (rest - first):.1f} ms for the other 19"
    )


def sizes(corpus: Path, owners: int) -> None:
    """Compare sealed diffs with plain ones: three overlapping boxes in each file."""
    to = [Recipient.of(generate_identity()) for _ in range(owners)]
    plain_bytes = sealed_bytes = records = files = 0
    worst, over = 0.0, 0
    for path in sorted(corpus.glob("*")):
        data = path.read_bytes()
        try:
            w, h = jr.inspect(data).size
            boxes = [
                (w // 8, h // 8, w // 3, h // 3), (w // 4, h // 4, w // 2, h // 2),
                (w * 3 // 4, h * 3 // 4, w, h),
            ]  # fmt: skip
            result = jr.redact(data, boxes, force=True)
        except jr.JpegRedactError:
            continue
        assert result.diff is not None
        diff = result.diff.seal(to)
        assert isinstance(diff.stored, SealedDiff)
        count = len(diff.stored.sealed.records)
        plain, now = len(result.diff.to_bytes()), len(diff.to_bytes())
        allowed = 2 * plain + RECORD * count + DIFF + OWNER * owners * count
        worst, over = max(worst, now / allowed), over + (now > allowed)
        files, records = files + 1, records + count
        plain_bytes, sealed_bytes = plain_bytes + plain, sealed_bytes + now
    print(
        f"{owners} owner{'s' * (owners > 1)}: {files} files, {records} records, plain "
        f"{plain_bytes:,} bytes, sealed {sealed_bytes:,} ({sealed_bytes / plain_bytes:.3f} times); "
        f"at most {worst:.2f} of what they may take, {over} above"
    )


def main() -> None:
    """Print all of it."""
    default = os.environ.get("JPEGREDACT_CORPUS", Path(__file__).parents[2] / "shared" / "corpus")
    corpus = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    speed()
    passphrases()
    folder = corpus / "files" if (corpus / "files").is_dir() else corpus
    if folder.is_dir():
        for owners in (1, 5):
            sizes(folder, owners)


if __name__ == "__main__":
    main()
