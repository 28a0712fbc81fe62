"""`redact` and `restore` beside their peers, on real photos, in one run.

Usage: ``python benchmarks/bench_redact.py [--corpus DIR] [--files N] [--rounds N] [--write FILE]``

Peers, on the same files and boxes: ``jpegtran -copy all -wipe`` (a process, one
box: it takes no more), and ``jpegio.read`` + ``jpegio.write`` in process. All
run in turn (A B C D A B C D ...); the table shows medians and ratios. Each
photo also gets the peak memory of `redact` beyond import, in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jpegio

import jpegredact

_MEMORY = """
import sys
import jpegredact
from jpegredact import redact, limits
import jpegredact.pipeline
import jpegredact.redaction._inpaint_cy
def peak():
    status = open("/proc/self/status").read()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
before = peak()
boxes = eval(sys.argv[2])
redact(sys.argv[1], boxes)
print(peak() - before)
"""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", type=Path, help="also put the table into this Markdown file")
    options = parser.parse_args()
    if shutil.which("jpegtran") is None:
        sys.exit("jpegtran is missing: apt-get install libjpeg-turbo-progs")
    photos = choose(options.corpus, options.files)
    rows = [measure(path, options.rounds) for path in photos]
    text = table(rows)
    print(text)
    if options.write:
        put(options.write, text)


def choose(corpus: Path, count: int) -> list[Path]:
    """Return the largest camera photos of 3 MP and more that are baseline and whole."""
    with (corpus / "manifest.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["sof_name"] == "baseline"
            and row["precision"] == "8"
            and row["djpeg_rc"] == "0"
            and row["truncated"] == "0"
            and row["ent_status"] in ("ok", "extra-rst-data")
            and int(row["width"]) * int(row["height"]) >= 3_000_000
            and not readable(corpus / "files" / row["file"])
        ]
    rows.sort(key=lambda row: (row["category"] != "camera-exif", -int(row["size"])))
    return [corpus / "files" / row["file"] for row in rows[:count]]


def readable(path: Path) -> str:
    """Return what djpeg has to say about a file; nothing is good."""
    done = subprocess.run(["djpeg", "-outfile", os.devnull, path], capture_output=True, text=True)
    return done.stderr


def measure(path: Path, rounds: int) -> dict[str, float | str]:
    """Time all of them in turn on one photo."""
    data = path.read_bytes()
    frame = jpegredact.inspect(data)
    width, height = frame.frame.width, frame.frame.height
    generator = random.Random(path.name)
    boxes = []
    for _ in range(3):
        x, y = generator.uniform(0, width * 0.95), generator.uniform(0, height * 0.95)
        boxes.append((x, y, x + width / 20, y + height / 20))
    done = jpegredact.redact(data, boxes)
    wipe = f"{width // 20}x{height // 20}+{int(boxes[0][0])}+{int(boxes[0][1])}"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jpg"
        work: dict[str, Callable[[], object]] = {
            "redact": lambda: jpegredact.redact(data, boxes),
            "restore": lambda: jpegredact.restore(done.jpeg, done.diff),
            "jpegtran": lambda: subprocess.run(
                ["jpegtran", "-copy", "all", "-wipe", wipe, "-outfile", out, path], check=True
            ),
            "jpegio": lambda: jpegio.write(jpegio.read(str(path)), str(out)),
        }
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(rounds):
            for name, call in work.items():
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
    peak = int(
        subprocess.run(
            [sys.executable, "-c", _MEMORY, path, repr(boxes)],
            capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    restarts = sum(len(scan.restarts) for scan in frame.scans)
    return {
        "file": path.name[:8],
        "megapixels": width * height / 1e6,
        "megabytes": len(data) / 1e6,
        "restarts": restarts,
        "peak": peak / len(data),
        "peak_bytes": peak,
        "size": len(data),
        **{name: statistics.median(values) for name, values in times.items()},
    }


def table(rows: list[dict[str, float | str]]) -> str:
    """Return the results as Markdown."""
    lines = [
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"jpegredact {jpegredact.__version__}. Times in ms, medians; ratios are peer / ours, "
        "above 1 is faster than the peer.",
        "",
        "| photo | MP | MB | RST | redact | restore | jpegtran -wipe | jpegio r+w "
        "| jpegtran / redact | jpegio / redact | redact / restore | peak memory / file |",
        "| --- " * 12 + "|",
    ]
    ratios: list[list[float]] = [[], [], [], []]
    for row in rows:
        redact, restore, tran, io = (
            float(row[name]) for name in ("redact", "restore", "jpegtran", "jpegio")
        )
        values = [tran / redact, io / redact, redact / restore, float(row["peak"])]
        for sums, value in zip(ratios, values, strict=True):
            sums.append(value)
        lines.append(
            f"| {row['file']} | {row['megapixels']:.1f} | {row['megabytes']:.2f} "
            f"| {row['restarts']} "
            f"| {redact * 1e3:.1f} | {restore * 1e3:.1f} | {tran * 1e3:.1f} | {io * 1e3:.1f} | "
            + " | ".join(f"{value:.2f}" for value in values)
            + " |"
        )
    medians = " | ".join(f"**{statistics.median(values):.2f}**" for values in ratios)
    lines.append(f"| **median** | | | | | | | | {medians} |")
    return "\n".join(lines)


def put(path: Path, text: str) -> None:
    """Replace what stands between the markers in a Markdown file."""
    start, end = "<!-- bench_redact: begin -->", "<!-- bench_redact: end -->"
    page = path.read_text() if path.exists() else f"# Performance\n\n{start}\n{end}\n"
    before, _, rest = page.partition(start)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    main()
