"""A batch over the corpus repeated: rate, memory over time, and whether all of it comes back.

Usage: ``python benchmarks/batch.py [--corpus DIR] [--files N] [--pairs N] [--sample N]
[--searched N] [--write]``

Hard links to the corpus's files, the broken ones included, go into a temporary folder until there
are N, and `jpegredact batch` redacts a box in each. Memory is read from /proc twice a second
meanwhile, so this needs Linux. Then all of them, or a sample, are restored from the diffs, and the
log is held against the folders. Before that, ``--jobs 1`` and ``--jobs 2`` take turns (1 2 1 2 ...)
over a part of the files, and then over some photos in which faces are looked for. ``--write`` puts
the numbers and the plot into docs/.

On a busy machine rates say little. What says how well processors are used there is how long the
run's threads had one or waited for one, and for nothing else: what they *wanted*.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jpegredact as jr

DOCS = Path(__file__).parent.parent / "docs"
BOX = "0,0,100,100"
LOG = "run.jsonl"


@dataclass
class Sample:
    """What processes had in memory at a moment, in MB; shared pages count by their share (PSS)."""

    at: float
    parent: float
    workers: float
    done: int


def repeat(corpus: Path, into: Path, count: int) -> int:
    """Link the corpus's files under new names until there are that many."""
    files = sorted(path for path in corpus.iterdir() if path.is_file())
    made = 0
    while made < count:
        folder = into / f"{made // len(files):03}"
        folder.mkdir(parents=True)
        for path in files:
            try:
                os.link(path, folder / path.name)
            except OSError:  # another disk
                shutil.copy(path, folder / path.name)
        if made == 0:
            files = sorted(folder.iterdir())
        made += len(files)
    return made


def memory_of(pid: int) -> float:
    """Return what a process has in memory, in MB; 0 if it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(text.partition("\nPss:")[2].split()[0]) / 1024


def seconds_of(pid: int) -> float:
    """Return the seconds of the processor that a process has had."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def wanted_by(pid: int) -> dict[tuple[int, str], float]:
    """Return for how many seconds each thread of a process had a processor, or waited for one."""
    found = {}
    for each in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            running, waiting, _ = each.read_text().split()
        except OSError:  # it ended
            continue
        found[pid, each.parent.name] = (int(running) + int(waiting)) / 1e9
    return found


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a run."""
    found = []
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes():
                found.append(int(each))
        except OSError:
            continue
    return found


@dataclass
class Run:
    """How a batch went: seconds by the clock, of all processors, and of the parent; memory.

    ``wanted`` is how many processors it could have used, from the first picture on.
    """

    wall: float
    cpu: float
    parent: float
    wanted: float
    samples: list[Sample]


def run(folder: Path, jobs: int, what: Sequence[str] = ("--box", BOX)) -> Run:
    """Run a batch over a folder."""
    command = [
        sys.executable, "-m", "jpegredact", "batch", "src", "dst", "--diffs", "diffs", "--log",
        LOG, *what, "--jobs", str(jobs), "--json",
    ]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    samples, parent = [], 0.0
    start, end, first, last = 0.0, 0.0, 0.0, {}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=kept, stdout=said, stderr=said)
        while process.poll() is None:
            try:
                pids = workers_of(process.pid)
                workers = [memory_of(pid) for pid in pids]
                for pid in (process.pid, *pids):
                    last |= wanted_by(pid)
                parent = seconds_of(process.pid) or parent
            except OSError:
                break
            at = time.perf_counter() - begun
            done = (folder / LOG).stat().st_size if (folder / LOG).exists() else 0
            if done > 2000 and not start:  # the head, and something of pictures
                start, first = at, sum(last.values())
            end = at
            samples.append(Sample(at, memory_of(process.pid), max(workers, default=0.0), done))
            time.sleep(0.5)
        if process.wait() not in (0, 3):
            raise SystemExit((folder / "said").read_text())
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if end <= start:
        raise SystemExit("a run of less than a second says nothing: more files are needed")
    wanted = (sum(last.values()) - first) / (end - start)
    return Run(wall, cpu, parent, wanted, samples)


def clear(folder: Path) -> None:
    """Remove what a run left."""
    for name in ("dst", "diffs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / LOG).unlink(missing_ok=True)


def compare(
    folder: Path, pairs: int, count: int, what: Sequence[str] = ("--box", BOX),
    words: str = "A box in each",
) -> str:  # fmt: skip
    """Say how one and two workers compare, taken in turns."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(pairs):
        for jobs in (1, 2):
            runs[jobs - 1].append(run(folder, jobs, what))
            clear(folder)
    rates = [[count / each.wall for each in those] for those in runs]
    cost = [statistics.median(1000 * each.cpu / count for each in those) for those in runs]
    used = [statistics.median(each.cpu / each.wall for each in those) for those in runs]
    wanted = [statistics.median(each.wanted for each in those) for those in runs]
    parent = statistics.median(1000 * each.parent / count for each in runs[1])
    one, two = (statistics.median(each) for each in rates)
    shown = [", ".join(f"{each:.3g}" for each in those) for those in rates]
    return (
        f"- {words}: two workers are {two / one:.2f} × as fast as one, by the median: "
        f"{shown[1]} files a second against {shown[0]}, in turns, startup included. They wanted "
        f"{wanted[1]:.2f} and {wanted[0]:.2f} processors, had {used[1]:.2f} and {used[0]:.2f}, and "
        f"took {cost[1]:.1f} and {cost[0]:.1f} ms of processor time a file, the parent's "
        f"{parent:.1f} among them."
    )


def check(folder: Path, sample: int) -> list[str]:
    """Hold the log against the folders, and restore a sample; return what is to be said."""
    lines = [json.loads(text) for text in (folder / LOG).read_text().splitlines()[1:]]
    names = {path.relative_to(folder / "src").as_posix() for path in (folder / "src").glob("*/*")}
    assert len(lines) == len(names), "a file has no line, or two"
    assert {line["file"] for line in lines} == names
    good = [line for line in lines if line["record"] == "file" and line["error"] is None]
    bad = [line for line in lines if line["record"] == "file" and line["error"] is not None]
    outputs = {path.relative_to(folder / "dst").as_posix() for path in (folder / "dst").glob("*/*")}
    assert outputs == {line["file"] for line in good}, "outputs are those of good lines"
    chosen = random.Random(1).sample(good, min(sample or len(good), len(good)))
    for line in chosen:
        redacted = (folder / "dst" / line["file"]).read_bytes()
        digest = hashlib.sha256(redacted).hexdigest()
        assert digest == line["redacted"]
        diff = folder / "diffs" / f"{line['file']}.{digest[:16]}.jrdiff"
        assert jr.restore(redacted, diff) == (folder / "src" / line["file"]).read_bytes()
    drawn = ", drawn by chance," if len(chosen) < len(good) else ""
    codes = Counter(line["error"]["code"] for line in bad)
    return [
        f"- {len(lines):,} files: {len(good):,} redacted, {len(bad):,} in the log with an error's "
        f"code ({', '.join(f'{count:,} `{code}`' for code, count in codes.most_common())}).",
        f"- {len(chosen):,} of the redacted ones{drawn} restored byte for byte.",
    ]


def plot(samples: Sequence[Sample], path: Path) -> None:
    """Draw what was in memory over time."""
    width, height, left, bottom = 640, 260, 56, 40
    most = max(max(each.parent, each.workers) for each in samples)
    top = 50 * (int(most / 50) + 1)
    last = samples[-1].at

    def place(at: float, value: float) -> str:
        x = left + (width - left - 16) * at / last
        return f"{x:.1f},{height - bottom - (height - bottom - 16) * value / top:.1f}"

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for value in range(0, top + 1, 50):
        x, y = place(0, value).split(",")
        out.append(f'<path d="M{x},{y}H{width - 16}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{float(y) + 4}" text-anchor="end">{value}</text>')
    for part in range(5):
        x, _ = place(last * part / 4, 0).split(",")
        out.append(
            f'<text x="{x}" y="{height - 22}" text-anchor="middle">{last * part / 4:.0f} s</text>'
        )
    for name, colour, y in (("workers", "#c2410c", 14), ("parent", "#1d4ed8", 28)):
        points = " ".join(place(each.at, getattr(each, name)) for each in samples)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        words = "the largest worker" if name == "workers" else "the parent"
        out.append(
            f'<text x="{width - 16}" y="{y}" text-anchor="end" fill="{colour}">{words}</text>'
        )
    out.append(f'<text x="{left}" y="{height - 4}">MB in memory, over the run</text></svg>')
    path.write_text("\n".join(out) + "\n")


def photos(corpus: Path, into: Path, count: int) -> int:
    """Copy photos of 1 to 13 megapixels that are whole, the first ones by name."""
    into.mkdir(parents=True)
    made = 0
    for path in sorted(corpus.iterdir()):
        if made == count:
            break
        data = path.read_bytes()
        try:
            width, height = jr.inspect(data).frame.width, jr.inspect(data).frame.height
            if 1e6 <= width * height <= 13e6:
                jr.detect(data, [])  # refuses what is cut short
                (into / path.name).write_bytes(data)
                made += 1
        except jr.JpegRedactError:
            continue
    return made


def report(whole: Run, count: int, jobs: int) -> list[str]:
    """Say how fast it was, and how memory went."""
    third = len(whole.samples) // 3
    lines = [
        f"- {count:,} files with {jobs} workers: {count / whole.wall:.0f} a second, which had "
        f"{whole.cpu / whole.wall:.2f} processors; {1000 * whole.cpu / count:.1f} ms of processor "
        "time a file."
    ]
    for name, words in (("parent", "the parent"), ("workers", "the largest worker")):
        values = [getattr(each, name) for each in whole.samples[2:-1]]
        end, middle = values[-third:], values[third : 2 * third]
        lines.append(
            f"- In memory of {words}: {max(values):.0f} MB at most; the median of the run's last "
            f"third is {statistics.median(end):.0f} MB, of the one before "
            f"{statistics.median(middle):.0f} MB."
        )
    return lines


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path(__file__).parents[2] / "shared" / "corpus" / "files"
    parser.add_argument("--corpus", type=Path, default=default)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=3, help="turns of --jobs 1 and 2")
    parser.add_argument("--part", type=int, default=800, help="files for each of these")
    parser.add_argument("--searched", type=int, default=0, help="photos to look for faces in")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, default=0, help="files to restore; 0: all")
    parser.add_argument("--folder", type=Path, help="where to work; the same disk as the corpus")
    parser.add_argument("--write", action="store_true", help="update docs/batch.md and the plot")
    options = parser.parse_args()
    said = []
    with tempfile.TemporaryDirectory(dir=options.folder or options.corpus.parent) as name:
        folder = Path(name)
        if options.pairs:
            made = repeat(options.corpus, folder / "src", options.part)
            said.append(compare(folder, options.pairs, made))
            print(said[-1], flush=True)
            shutil.rmtree(folder / "src")
        if options.searched:
            made = photos(options.corpus, folder / "src" / "0", options.searched)
            words = f"Faces looked for in {made} photos of 1 to 13 megapixels"
            said.append(compare(folder, 1, made, ["--detect", "face"], words))
            print(said[-1], flush=True)
            shutil.rmtree(folder / "src")
        count = repeat(options.corpus, folder / "src", options.files)
        whole = run(folder, options.jobs)
        said += report(whole, count, options.jobs)
        said += check(folder, options.sample)
    print("\n".join(said))
    if options.write:
        plot(whole.samples, DOCS / "batch.svg")
        page = DOCS / "batch.md"
        head, _, rest = page.read_text().partition("<!-- measured -->\n")
        tail = rest.partition("<!-- /measured -->")[2]
        words = "\n".join(said)
        page.write_text(f"{head}<!-- measured -->\n{words}\n<!-- /measured -->{tail}")


if __name__ == "__main__":
    main()
