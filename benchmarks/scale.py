"""What a picture costs by stage on this machine, and from that, on paper, what very many take.

Usage: ``python benchmarks/scale.py [--corpus DIR] [--files N] [--detect face,plate] [--write]
[--pictures N] [--cpu-hour P] [--gb-month P] [--months M] [--put-1000 P] [--get-1000 P]
[--gb-out P] [--currency C]``

Takes photos of the corpus of 3 megapixels and more, three boxes of 1/20 × 1/20 in each. Times are
those of the processor, one thread, and so hold on a machine that has other work as well; but the
write is also timed by the clock, as it mostly waits for the disk. Prices are inputs: put in those
of your provider's list. ``--write`` puts it all into docs/scale.md.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pyrage

import jpegredact as jr
from jpegredact.batch.places import open_place

DOCS = Path(__file__).parent.parent / "docs"
T = TypeVar("T")


@dataclass
class Cost:
    """What one picture took: seconds of the processor by stage, and bytes."""

    seconds: dict[str, float]
    waited: float
    pixels: int
    read: int
    written: int
    plain: int
    sealed: int


class Clock:
    """Sums up seconds of the processor by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        """Do some work, and note what it took."""
        begun = time.process_time()
        result = work()
        self.seconds[stage] = time.process_time() - begun
        return result


def photos(corpus: Path, count: int) -> list[Path]:
    """Return good photos of three megapixels and more."""
    with (corpus / "manifest.csv").open(newline="") as file:
        rows = [
            row for row in csv.DictReader(file)
            if int(row["width"] or 0) * int(row["height"] or 0) >= 3_000_000
            and row["ent_status"] == "ok"
        ]  # fmt: skip
    paths = [corpus / "files" / row["file"] for row in rows]
    random.Random(1).shuffle(paths)
    return [path for path in paths if path.is_file()][:count]


def boxes_for(width: int, height: int) -> list[tuple[float, float, float, float]]:
    """Return three boxes of 1/20 × 1/20."""
    w, h = width / 20, height / 20
    spots = ((0.2, 0.3), (0.5, 0.5), (0.75, 0.6))
    return [(x * width, y * height, x * width + w, y * height + h) for x, y in spots]


def measure(path: Path, folder: Path, labels: Sequence[str], recipient: str) -> Cost:
    """Take a picture through all stages, as a worker does."""
    clock = Clock()
    source, target = open_place(path.parent), open_place(folder)
    data = clock("read", lambda: source.read(path.name))
    frame = jr.inspect(data).frame
    if labels:
        clock("detect", lambda: jr.detect(data, labels, threads=1))
    boxes = boxes_for(frame.width, frame.height)
    done = clock("redact", lambda: jr.process(data, boxes, name=path.name))
    plain = done.diff
    assert plain is not None
    diff = clock("seal", lambda: plain.seal([recipient]).to_bytes())

    def write() -> None:
        target.write_new(f"{path.name}.jrdiff", diff)
        target.write_new(path.name, done.jpeg)

    begun = time.perf_counter()
    clock("write", write)
    waited = time.perf_counter() - begun
    return Cost(
        clock.seconds, waited, frame.width * frame.height, len(data), len(done.jpeg),
        len(plain.to_bytes()), len(diff),
    )  # fmt: skip


def table(costs: Sequence[Cost]) -> list[str]:
    """Say what a picture costs."""
    mean = statistics.mean
    lines = [
        f"{len(costs)} photos of {mean(c.pixels for c in costs) / 1e6:.1f} megapixels and "
        f"{mean(c.read for c in costs) / 1e6:.2f} MB in the mean, three boxes of 1/20 × 1/20; "
        f"{platform.machine()}, Python {platform.python_version()}.",
        "",
        "| stage | ms of the processor, mean | median |",
        "|---|---|---|",
    ]
    for stage in costs[0].seconds:
        values = [1000 * c.seconds[stage] for c in costs]
        lines.append(f"| {stage} | {mean(values):.1f} | {statistics.median(values):.1f} |")
    total = [1000 * sum(c.seconds.values()) for c in costs]
    lines += [
        f"| all | {mean(total):.1f} | {statistics.median(total):.1f} |",
        "",
        f"By the clock, writing took {1000 * mean(c.waited for c in costs):.1f} ms in the mean: "
        "two files and two folders, each brought to the disk.",
        "",
        "| bytes of a picture, mean | |",
        "|---|---|",
        f"| in | {mean(c.read for c in costs):,.0f} |",
        f"| redacted | {mean(c.written for c in costs):,.0f} |",
        f"| diff, plain | {mean(c.plain for c in costs):,.0f} |",
        f"| diff, sealed to one owner | {mean(c.sealed for c in costs):,.0f} |",
    ]
    return lines


def paper(costs: Sequence[Cost], options: argparse.Namespace) -> list[str]:
    """Say what very many pictures would take."""
    count, mean = options.pictures, statistics.mean
    hours = {
        stage: count * mean(c.seconds[stage] for c in costs) / 3600 for stage in costs[0].seconds
    }
    total = sum(hours.values())
    tera = {
        name: count * mean(getattr(c, name) for c in costs) / 1e12
        for name in ("read", "written", "plain", "sealed")
    }
    processor = total * options.cpu_hour
    requests = count * (2 * options.put_1000 + options.get_1000) / 1000
    kept = (tera["written"] + tera["sealed"]) * 1000 * options.gb_month * options.months
    out = tera["read"] * 1000 * options.gb_out
    unit = options.currency
    parts = ", ".join(f"{stage} {value:,.0f}" for stage, value in hours.items())
    return [
        f"For {count:,.0f} such pictures:",
        "",
        "| | |",
        "|---|---|",
        f"| hours of one processor | {total:,.0f} ({parts}) |",
        f"| days on 1,000 processors | {total / 24_000:,.1f} |",
        f"| in | {tera['read']:,.0f} TB |",
        f"| redacted pictures | {tera['written']:,.0f} TB |",
        f"| diffs, plain / sealed | {tera['plain']:,.1f} / {tera['sealed']:,.1f} TB |",
        f"| processors, at {options.cpu_hour:g} {unit} an hour | {processor:,.0f} {unit} |",
        f"| one GET and two PUT a picture, at {options.get_1000:g} and {options.put_1000:g} {unit} "
        f"a thousand | {requests:,.0f} {unit} |",
        f"| pictures and sealed diffs kept for {options.months:g} months, at "
        f"{options.gb_month:g} {unit} a GB and month | {kept:,.0f} {unit} |",
        f"| reading, at {options.gb_out:g} {unit} a GB | {out:,.0f} {unit} |",
        f"| all | {processor + requests + kept + out:,.0f} {unit} |",
    ]


def main() -> None:
    """Measure, and reckon."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path(__file__).parents[2] / "shared" / "corpus"
    parser.add_argument("--corpus", type=Path, default=default)
    parser.add_argument("--files", type=int, default=30)
    parser.add_argument("--detect", default="", metavar="LABELS", help="such as face,plate")
    parser.add_argument("--pictures", type=float, default=2e9)
    parser.add_argument("--cpu-hour", type=float, default=0.04)
    parser.add_argument("--gb-month", type=float, default=0.023)
    parser.add_argument("--months", type=float, default=1)
    parser.add_argument("--put-1000", type=float, default=0.005)
    parser.add_argument("--get-1000", type=float, default=0.0004)
    parser.add_argument("--gb-out", type=float, default=0.0, help="0 within the store's region")
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--write", action="store_true", help="update docs/scale.md")
    options = parser.parse_args()
    labels = tuple(each for each in options.detect.split(",") if each)
    chosen = photos(options.corpus, options.files + 1)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    costs = []
    with tempfile.TemporaryDirectory() as name:
        for number, path in enumerate(chosen):
            try:
                cost = measure(path, Path(name) / str(number), labels, recipient)
            except jr.JpegRedactError as error:
                print(f"{path.name}: {error}")
                continue
            if number:  # the first one pays for what is loaded
                costs.append(cost)
    lines = [*table(costs), "", *paper(costs, options)]
    if not labels:
        lines += ["", "No detector ran: boxes were given."]
    print("\n".join(lines))
    if options.write:
        page = DOCS / "scale.md"
        head, _, rest = page.read_text().partition("<!-- measured -->\n")
        tail = rest.partition("<!-- /measured -->")[2]
        words = "\n".join(lines)
        page.write_text(f"{head}<!-- measured -->\n{words}\n<!-- /measured -->{tail}")


if __name__ == "__main__":
    main()
