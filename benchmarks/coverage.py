"""Which JPEGs of a folder can be redacted, what holds of them, and what their diffs weigh.

Usage: ``python benchmarks/coverage.py DIR [--boxes N] [--jobs N] [--csv FILE] [--djpeg PATH]
[--timeout SECONDS]``

A row a file, then a summary with targets; exit status 1 if one is missed. Each
file is looked at in a process of its own, so that none can stop the run. Boxes
have sides of 1/20 to 1/6 of the picture's, and follow from the file's SHA-256
and size alone.

djpeg
    "clean" if it decodes the file without a word. Of 12-bit files, and without a
    djpeg, jpegio's reader (another libjpeg-turbo) says the word instead.
G1
    Coefficients outside the boxes, read by jpegio, are the same; `verify` finds nothing.
G3
    `restore` gives the original, byte for byte.
G4
    Two boxes brought back one by one, in both orders, are like both at once.
ratio
    Group records and raw stretches of the diff, less 512 bytes a group, to the
    bits that the touched blocks have in the original. In Huffman coding those are
    counted from coefficients and tables (benchmarks/original_bits.py; hidden
    padding blocks left out, EOB runs shared out evenly). In arithmetic coding
    single blocks have no bits of their own: what the file loses by redaction stands
    for them, which is too little by what the fill takes. Compact: 1.10 at most.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from multiprocessing.connection import Connection, wait
from pathlib import Path

import cbor2
import jpegio
import numpy as np
from original_bits import Layout, count_bits, cover, read_layout, to_blocks

import jpegredact

Box = tuple[int, int, int, int]
SLOW = 60.0
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".jps", ".thm", ".bin"}


@dataclass
class Row:
    """What was found out about a file. An empty answer: the question did not come up."""

    file: str
    bytes: int = 0
    process: str = "?"
    width: int = 0
    height: int = 0
    components: int = 0
    scans: int = 0
    reader: str = ""
    word: str = ""
    dct_based: bool = False
    result: str = ""
    error: str = ""
    g1: str = ""
    g3: str = ""
    g4: str = ""
    groups: int = 0
    blocks: int = 0
    original_bits: float = 0.0
    records: int = 0
    raw: int = 0
    diff: int = 0
    ratio: str = ""
    compact: str = ""
    warnings: str = ""
    redact_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def counts(self) -> bool:
        """Return whether it must be accepted: DCT-based, and decoded without a warning."""
        return self.dct_based and self.word == "clean"

    def line(self) -> str:
        """Return the row for people."""
        size = f"{self.width}x{self.height}x{self.components}"
        head = (
            f"{self.file[-44:]:44} {self.process:13} {size:13} {self.scans:3} scans  "
            f"{self.reader}: {self.word[:40]:7} "
        )
        if self.result != "redacted":
            return f"{head} {self.result}: {self.error[:90]}  {self.seconds:.2f} s"
        checks = f"G1 {self.g1[:60]}  G3 {self.g3[:60]}  G4 {self.g4[:60]}"
        compact = {"yes": "compact", "no": "NOT COMPACT"}.get(self.compact, "")
        return (
            f"{head} redacted  {checks}  {self.ratio} {compact} (diff {self.diff}, raw {self.raw})"
            f"  {self.redact_seconds:.3f} s"
        )


# ---------------------------------------------------------------------------
# One file
# ---------------------------------------------------------------------------


def examine(path: Path, name: str, count: int, djpeg: str | None) -> Row:
    """Find out everything about a file."""
    start = time.perf_counter()
    data = path.read_bytes()
    row = Row(name, len(data))
    layout = read_layout(data)
    if layout is not None:
        row.process, row.dct_based = layout.process, layout.dct_based
        row.width, row.height = layout.width, layout.height
        row.components, row.scans = len(layout.factors), len(layout.scans)
    row.reader, row.word = word_of_another(path, row, layout, djpeg)
    boxes = boxes_of(data, max(row.width, 1), max(row.height, 1), count)
    begin = time.perf_counter()
    try:
        result = jpegredact.redact(data, boxes)
    except jpegredact.JpegRedactError as error:
        row.result = "refused"
        row.error = f"{type(error).__name__} {error.code}: {error}"
    except Exception as error:  # what must not happen is counted
        row.result = "CRASHED"
        row.error = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    else:
        row.redact_seconds = time.perf_counter() - begin
        row.result = "redacted"
        check(row, data, layout, boxes, result)
    row.seconds = time.perf_counter() - start
    return row


def boxes_of(data: bytes, width: int, height: int, count: int) -> list[Box]:
    """Return boxes that follow from the file and its size alone, in whole pixels."""
    found = []
    for n in range(count):
        seed = hashlib.sha256(hashlib.sha256(data).digest() + n.to_bytes(4)).digest()
        parts = [int.from_bytes(seed[k : k + 4]) / (1 << 32) for k in range(0, 16, 4)]
        wide = max(1, round(width * (1 / 20 + parts[0] * (1 / 6 - 1 / 20))))
        high = max(1, round(height * (1 / 20 + parts[1] * (1 / 6 - 1 / 20))))
        left, top = round(parts[2] * (width - wide)), round(parts[3] * (height - high))
        found.append((left, top, left + wide, top + high))
    return found


def word_of_another(
    path: Path, row: Row, layout: Layout | None, djpeg: str | None
) -> tuple[str, str]:
    """Return who was asked, and "clean", or what they said."""
    if row.width * row.height > 400_000_000:
        return "djpeg", "not asked: over 400 megapixels"
    if djpeg is None or (layout is not None and layout.dct_based and layout.precision == 12):
        with words_of_c() as words:
            try:
                planes = jpegio.read(str(path)).coef_arrays
            except Exception as error:  # any word will do
                return "jpegio", f"error: {error}"
            del planes
        return "jpegio", f"warning: {words[0]}" if words[0] else "clean"
    try:
        done = subprocess.run(
            [djpeg, "-outfile", os.devnull, path], capture_output=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        return "djpeg", "error: no answer in 120 s"
    said = " / ".join(done.stderr.decode(errors="replace").split("\n")).strip(" /")
    if done.returncode not in (0, 2):
        return "djpeg", f"error: {said}"
    return "djpeg", f"warning: {said}" if said or done.returncode else "clean"


@contextlib.contextmanager
def words_of_c() -> Iterator[list[str]]:
    """Catch what a C library prints to stderr: libjpeg's warnings come that way."""
    found = [""]
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield found
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            found[0] = file.read().decode(errors="replace").strip().replace("\n", " / ")


def check(
    row: Row, data: bytes, layout: Layout | None, boxes: Sequence[Box],
    result: jpegredact.Redaction,
) -> None:  # fmt: skip
    """Fill in what holds of a redacted file."""
    report, stored = result.report, result.diff.to_bytes()
    row.warnings = " ".join(notice.code for notice in report.warnings)
    row.blocks, row.groups = sum(report.blocks), report.groups
    row.raw, row.diff = report.raw_bytes, len(stored)
    row.g3 = answer(lambda: restored(data, result.jpeg, stored))
    row.g4 = answer(lambda: parts_agree(data, result.jpeg, stored)) if len(boxes) > 1 else ""
    row.g1 = "no layout" if layout is None else answer(
        lambda: untouched(row, data, layout, boxes, result)
    )
    parts = cbor2.loads(stored)
    parts = getattr(parts, "value", parts)  # still tagged, with some versions
    row.records = sum(len(record) for record in parts["records"][: row.groups])
    if row.original_bits:
        ratio = (row.records + row.raw - 512 * row.groups) / (row.original_bits / 8)
        row.ratio = f"{max(ratio, 0):.2f}x"
        row.compact = "yes" if ratio <= 1.10 else "no"


def answer(question: Callable[[], str]) -> str:
    """Return "ok", or what is wrong."""
    try:
        return question() or "ok"
    except Exception as error:  # every failure is an answer
        return f"FAILED {type(error).__name__}: {error}"


def restored(data: bytes, redacted: bytes, stored: bytes) -> str:
    """Bring everything back."""
    return "" if jpegredact.restore(redacted, stored) == data else "FAILED: other bytes"


def parts_agree(data: bytes, redacted: bytes, stored: bytes) -> str:
    """Bring two regions back one by one, then the rest."""
    both = jpegredact.restore(redacted, stored, regions=[0, 1])
    for first, second in ((0, 1), (1, 0)):
        part = jpegredact.restore(redacted, stored, regions=[first])
        if jpegredact.restore(part, stored, regions=[second]) != both:
            return f"FAILED: {first} and then {second} is not both"
    return "" if jpegredact.restore(both, stored) == data else "FAILED: the rest did not come back"


def untouched(
    row: Row, data: bytes, layout: Layout, boxes: Sequence[Box], result: jpegredact.Redaction
) -> str:
    """Compare by jpegio; count the touched blocks' bits on the way."""
    masks = cover(layout, boxes)
    try:
        before = planes_of(data)
    except (RuntimeError, OSError, ValueError) as error:
        return f"not checked, jpegio can't open the original: {error}"
    row.original_bits = (
        8.0 * max(len(data) - len(result.jpeg), 1)
        if layout.code in (0xC9, 0xCA)
        else count_bits(layout, before, masks)
    )
    after = planes_of(result.jpeg)
    outside = detailed = 0
    for old, new, mask in zip(before, after, masks, strict=True):
        same = (old == new).all(axis=2)
        outside += int((~same & ~mask).sum())
        detailed += int((same & mask & old[:, :, 3:].any(axis=2)).sum())
    del before, after
    if outside:
        return f"FAILED: {outside} blocks outside changed"
    if detailed:
        return f"FAILED: {detailed} blocks inside still show detail"
    with words_of_c():
        verification = jpegredact.verify(data, result.jpeg, result.diff)
    return "" if verification.ok else "FAILED verify: " + "; ".join(verification.problems)


def planes_of(data: bytes) -> list[np.ndarray]:
    """Read coefficients by jpegio."""
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(data)
        file.flush()
        with words_of_c():
            return [to_blocks(plane) for plane in jpegio.read(file.name).coef_arrays]


# ---------------------------------------------------------------------------
# All files
# ---------------------------------------------------------------------------


def find(folder: Path) -> list[Path]:
    """Return the JPEGs of a folder: files that look like one by name or by their first bytes."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                start = file.read(3)
            if path.suffix.lower() in SUFFIXES or start == b"\xff\xd8\xff":
                found.append(path)
    return found


def warm_up() -> None:
    """Load all that `redact` loads: processes forked later have it."""
    frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0"
    scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x2b"
    tiny = b"\xff\xd8\xff\xdb\0\x43\0" + b"\x08" * 64 + frame + scan + b"\xff\xd9"
    with contextlib.suppress(jpegredact.JpegRedactError):
        jpegredact.redact(tiny, [(0, 0, 8, 8)])


def work(
    connection: Connection, path: Path, name: str, count: int, djpeg: str | None
) -> None:
    """Examine one file in a process of its own."""
    connection.send(examine(path, name, count, djpeg))
    connection.close()


def run(
    paths: Sequence[Path], folder: Path, count: int, jobs: int, djpeg: str | None, timeout: float
) -> Iterator[Row]:
    """Yield a row for each file in order, whatever becomes of its process."""
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    waiting = list(enumerate(paths))[::-1]
    running: dict[int, tuple[multiprocessing.process.BaseProcess, Connection, float]] = {}
    done: dict[int, Row] = {}
    shown = 0
    while shown < len(paths):
        while waiting and len(running) < jobs:
            number, path = waiting.pop()
            reader, writer = context.Pipe(duplex=False)
            name = str(path.relative_to(folder))
            process = context.Process(target=work, args=(writer, path, name, count, djpeg))
            process.start()
            writer.close()
            running[number] = process, reader, time.monotonic()
        wait([reader for _, reader, _ in running.values()], timeout=1)
        for number, (process, reader, start) in list(running.items()):
            seconds = time.monotonic() - start
            row = _collect(process, reader, seconds > timeout)
            if row is None:
                continue
            if not row.file:
                row.file, row.seconds = str(paths[number].relative_to(folder)), seconds
                row.bytes = paths[number].stat().st_size
            done[number] = row
            del running[number]
        while shown in done:
            yield done.pop(shown)
            shown += 1


def _collect(
    process: multiprocessing.process.BaseProcess, reader: Connection, late: bool
) -> Row | None:
    """Return what a process sent, or what became of it; None while it works."""
    row: Row | None = None
    if reader.poll():
        try:
            row = reader.recv()
        except EOFError:
            process.join()
            row = Row("", result="CRASHED", error=f"the process ended with {process.exitcode}")
    elif late:
        process.kill()
        row = Row("", result="HUNG", error="killed after the time limit")
    if row is not None:
        process.join()
        reader.close()
    return row


def summary(rows: Sequence[Row], djpeg: str | None) -> tuple[list[str], bool]:
    """Return the summary's lines, and whether all targets are met."""
    counted = [row for row in rows if row.counts]
    accepted = [row for row in counted if row.result == "redacted"]
    compact = [row for row in accepted if row.compact == "yes"]
    every = [row for row in rows if row.result == "redacted"]
    refused = [row for row in rows if row.result == "refused"]
    lost = [row for row in rows if row.result in ("CRASHED", "HUNG")]
    asked = "djpeg (jpegio for 12 bits)" if djpeg else "jpegio (there is no djpeg)"
    lines = [
        "",
        f"{len(rows)} files; {len(counted)} are DCT-based and clean for {asked}",
        f"processes, all / clean / accepted of those: {_by_process(rows)}",
        f"redacted: {len(every)}, of them {len(every) - len(accepted)} that are not clean; "
        f"refused: {len(refused)}",
    ]
    codes = Counter(row.error.split(":")[0] for row in refused)
    lines += [f"    {n:5}  {code}" for code, n in codes.most_common()]
    slow = [row for row in rows if row.seconds > SLOW]
    lines += [f"slow: {row.file} took {row.seconds:.0f} s" for row in slow]
    raw = sum(row.raw > 0 for row in accepted)
    lines.append(
        f"raw stretches: {raw} of {len(accepted)}, {sum(r.raw for r in accepted)} bytes; all "
        f"records and raw bytes: {sum(r.records + r.raw for r in accepted)} for "
        f"{sum(r.original_bits for r in accepted) / 8:.0f} bytes of blocks"
    )
    good = {
        "G1": [row for row in every if row.g1 == "ok"],
        "G4": [row for row in every if row.g4 in ("ok", "")],
    }
    back = [row for row in every if row.g3 == "ok"]
    unseen = [row for row in every if row.g1.startswith("not checked") and not row.counts]
    lines += [f"G1 {row.g1}: {row.file}" for row in unseen]
    targets = [
        ("accepted, of DCT-based and clean", len(accepted), len(counted), 1.0),
        ("restored byte for byte, of accepted", len(back), len(every), 1.0),
        ("compact, of accepted and clean", len(compact), len(accepted), 0.99),
        ("outside untouched (G1), of those", len(good["G1"]), len(every) - len(unseen), 1.0),
        ("part by part (G4), of accepted", len(good["G4"]), len(every), 1.0),
        ("a result or a clear refusal (G7)", len(rows) - len(lost), len(rows), 1.0),
    ]
    met = True
    for name, n, of, share in targets:
        passed = n >= share * of
        met &= passed
        percent = 100 * n / of if of else 100
        lines.append(
            f"{'PASS' if passed else 'FAIL'}  {name}: {n}/{of} ({percent:.2f} %, "
            f"target {share:.0%})"
        )
    for row in rows:
        bad = [f"G{n} {text}" for n, text in ((1, row.g1), (3, row.g3), (4, row.g4))
               if text not in ("", "ok") and row not in unseen]  # fmt: skip
        if row in lost or (row.counts and row.result != "redacted"):
            bad.append(f"{row.result}: {row.error}")
        if row.counts and row.compact == "no":
            bad.append(f"{row.ratio} of its blocks' bits ({row.records} + {row.raw} bytes)")
        lines += [f"    {row.file} [{row.process}]: {text}" for text in bad]
    return lines, met


def _by_process(rows: Sequence[Row]) -> str:
    found: dict[str, list[int]] = {}
    for row in rows:
        numbers = found.setdefault(row.process, [0, 0, 0])
        numbers[0] += 1
        numbers[1] += row.counts
        numbers[2] += row.counts and row.result == "redacted"
    return ", ".join(
        f"{name} {' / '.join(map(str, numbers))}" for name, numbers in sorted(found.items())
    )


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--boxes", type=int, default=3, metavar="N")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--csv", type=Path, metavar="FILE")
    parser.add_argument("--djpeg", default=shutil.which("djpeg"), metavar="PATH")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    options = parser.parse_args()
    paths = find(options.folder)
    if not paths:
        parser.error(f"no JPEG in {options.folder}")
    djpeg = options.djpeg if options.djpeg and shutil.which(options.djpeg) else None
    start = time.monotonic()
    warm_up()
    rows = []
    for row in run(paths, options.folder, options.boxes, options.jobs, djpeg, options.timeout):
        rows.append(row)
        print(row.line(), flush=True)
    if options.csv:
        with options.csv.open("w", newline="") as file:
            table = csv.DictWriter(file, [field.name for field in fields(Row)])
            table.writeheader()
            table.writerows(asdict(row) for row in rows)
    lines, met = summary(rows, djpeg)
    print("\n".join(lines))
    print(f"{time.monotonic() - start:.0f} s with {options.jobs} processes")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
