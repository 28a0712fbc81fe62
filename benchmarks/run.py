"""Every target of the design's section 9, measured beside its peers in one run.

Usage: ``python benchmarks/run.py [--corpus DIR] [--rounds N] [--files N] [--write]``

Prints a table a target, and with ``--write`` puts them into docs/performance.md and draws the
growth curves beside it. Needs a corpus folder (files/ and manifest.csv), `jpegtran`, a C
compiler as CC or cc, and the demo extra for the curves. Peers take turns with ours on the
same photo: A B C A B C ...; medians count, and what is said is the ratio.
"""

from __future__ import annotations

import argparse
import compileall
import csv
import ctypes
import hashlib
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads spin for a while, for nothing

import jpegio
from PIL import Image, ImageFilter

import jpegredact
from jpegredact import background
from jpegredact.codec import core
from jpegredact.codec.huffman import decode_tables
from jpegredact.codec.intervals import quads
from jpegredact.codec.layout import scan_layout
from jpegredact.codec.markers import APP0, APP15, COM
from jpegredact.codec.model import JpegData
from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.walk import scan_units

DOCS = Path(__file__).parent.parent / "docs"
Box = tuple[float, float, float, float]
Work = dict[str, Callable[[], object]]
_WANTED = {
    "without restart markers": "≥ 3 (stretch 3.5)",
    "with 50 restart markers or more": "≥ 6 (stretch 10)",
    "progressive": "≥ 2",
}
"""Kinds of photos, and how many times as fast as jpegtran redaction is to be."""
Row = tuple[float, float, float]
"""Of a photo: megabytes, megapixels, seconds."""
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


@dataclass(frozen=True)
class Target:
    """A line of the design's table, what was measured, and by what it is said."""

    what: str
    wanted: str
    found: str


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=int, default=8, help="photos of each kind, at most")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    for program in ("jpegtran", os.environ.get("CC", "cc")):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing")
    photos = choose(options.corpus, options.files)
    targets, tables = [], []
    for kind, paths in photos.items():
        rows = [beside_peers(path, options.rounds) for path in paths]
        if rows:
            targets += said(kind, rows)
            targets.append(picture_alone(kind, paths, options.rounds))
            tables.append(f"### {kind.capitalize()}\n\n{table(rows)}")
    plain = photos["without restart markers"]
    targets += [scan_alone(plain, options.rounds), *threads(plain, options.rounds)]
    compileall.compile_dir(str(Path(jpegredact.__file__).parent), quiet=1)  # as pip does
    targets += [imports(), whole_process(plain, options.rounds)]
    targets += full_frame(plain, options.rounds)
    sequential = [*plain, *photos["with 50 restart markers or more"]]
    boxes, rows_of_all = growth(sequential, options.rounds)
    for side, times in boxes.items():
        targets.append(
            Target(
                f"100 boxes of {side} × {side} pixels, beside 1 box", "< 1.5 × the time",
                f"{times[100] / times[1]:.2f} ×",
            )
        )  # fmt: skip
    machine = (
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"jpegredact {jpegredact.__version__}. Medians of {options.rounds} rounds."
    )
    lines = ["| what | target | measured |", "| --- | --- | --- |"]
    lines += [f"| {t.what} | {t.wanted} | {t.found} |" for t in targets]
    text = "\n\n".join([machine, "\n".join(lines), *tables])
    print(text)
    if options.write:
        put(DOCS / "performance.md", text)
        draw(boxes, rows_of_all)


def choose(corpus: Path, count: int) -> dict[str, list[Path]]:
    """Return the largest whole photos of 3 MP and more, by kind."""
    with (corpus / "manifest.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["sof_name"] in ("baseline", "progressive")
            and row["precision"] == "8"
            and row["djpeg_rc"] == "0"
            and row["truncated"] == "0"
            and int(row["width"]) * int(row["height"]) >= 3_000_000
        ]
    rows.sort(key=lambda row: (row["category"] != "camera-exif", -int(row["size"])))
    found: dict[str, list[Path]] = {
        "without restart markers": [], "with 50 restart markers or more": [], "progressive": [],
    }  # fmt: skip
    for row in rows:
        path, markers = corpus / "files" / row["file"], int(row["rst_markers"] or 0)
        kind = (
            "progressive" if row["sof_name"] == "progressive"
            else "with 50 restart markers or more" if markers >= 50
            else "without restart markers"
        )  # fmt: skip
        fits = kind == "progressive" or markers == 0 or markers >= 50
        if fits and len(found[kind]) < count and not readable(path):
            found[kind].append(path)
    return found


def readable(path: Path) -> str:
    """Return what djpeg has to say about a file; nothing is good."""
    done = subprocess.run(["djpeg", "-outfile", os.devnull, path], capture_output=True, text=True)
    return done.stderr


def some_boxes(path: Path, width: int, height: int, count: int = 3) -> list[Box]:
    """Return boxes of 1/20 × 1/20 of the picture, always the same for a file."""
    generator = random.Random(path.name)
    found = []
    for _ in range(count):
        x, y = generator.uniform(0, width * 0.95), generator.uniform(0, height * 0.95)
        found.append((x, y, x + width / 20, y + height / 20))
    return found


def turns(work: Work, rounds: int) -> dict[str, float]:
    """Return the median seconds of each, made in turns."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for call in work.values():
        call()
    for _ in range(rounds):
        for name, call in work.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def beside_peers(path: Path, rounds: int) -> dict[str, float | str]:
    """Time redact, restore and the peers on one photo."""
    print(path.name, file=sys.stderr, flush=True)
    data = path.read_bytes()
    jpeg = jpegredact.inspect(data)
    width, height = jpeg.size
    boxes = some_boxes(path, width, height)
    done = jpegredact.redact(data, boxes)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jpg"
        times = turns(
            {
                "redact": lambda: jpegredact.redact(data, boxes),
                "restore": lambda: jpegredact.restore(done.jpeg, done.diff),
                "jpegtran": lambda: by_jpegtran(path, out, jpeg, boxes),
                "jpegio": lambda: jpegio.write(jpegio.read(str(path)), str(out)),
                "pillow": lambda: by_pillow(data, boxes),
            },
            rounds,
        )
    peak = subprocess.run(
        [sys.executable, "-c", _MEMORY, path, repr(boxes)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {
        "photo": path.name[:8], "size": len(data), "megapixels": width * height / 1e6,
        "restarts": sum(len(scan.restarts) for scan in jpeg.scans), "peak": int(peak), **times,
    }  # fmt: skip


def picture_alone(kind: str, paths: Iterable[Path], rounds: int) -> Target:
    """Compare with jpegtran where there is nothing but the picture: it leaves all else as it is."""

    def ratio(path: Path, folder: Path) -> float:
        data = without_metadata(path.read_bytes())
        bare, out = folder / path.name, folder / "out.jpg"
        bare.write_bytes(data)
        jpeg = jpegredact.inspect(data)
        boxes = some_boxes(path, *jpeg.size)
        times = turns(
            {
                "redact": lambda: jpegredact.redact(data, boxes),
                "jpegtran": lambda: by_jpegtran(bare, out, jpeg, boxes),
            },
            rounds,
        )
        return times["jpegtran"] / times["redact"]

    with tempfile.TemporaryDirectory() as folder:
        ratios = [ratio(path, Path(folder)) for path in paths]
    return Target(
        f"{kind}, metadata taken out: jpegtran -wipe / redact", _WANTED[kind],
        f"{statistics.median(ratios):.2f}",
    )  # fmt: skip


def without_metadata(data: bytes) -> bytes:
    """Return a file without what stands beside the picture, up to EOI."""
    jpeg = read_jpeg(data)
    at, pieces = 0, []
    for segment in jpeg.segments:
        adobe = data.startswith(b"Adobe", segment.offset + 4)
        if (APP0 <= segment.code <= APP15 or segment.code == COM) and not adobe:
            pieces.append(data[at : segment.offset])
            at = segment.end
    return b"".join([*pieces, data[at : len(data) if jpeg.eoi is None else jpeg.eoi + 2]])


def by_jpegtran(path: Path, out: Path, jpeg: JpegData, boxes: list[Box]) -> None:
    """Grey out the first box."""
    width, height = jpeg.size
    wipe = f"{width // 20}x{height // 20}+{int(boxes[0][0])}+{int(boxes[0][1])}"
    arguments = ["-progressive"] if jpeg.frame.progressive else []
    subprocess.run(
        ["jpegtran", "-copy", "all", *arguments, "-wipe", wipe, "-outfile", out, path], check=True
    )


def by_pillow(data: bytes, boxes: Iterable[Box]) -> bytes:
    """Do what most tools do: decode, blur, encode."""
    picture = Image.open(BytesIO(data))
    picture.load()
    for box in boxes:
        place = tuple(int(side) for side in box)
        picture.paste(picture.crop(place).filter(ImageFilter.GaussianBlur(20)), place)
    out = BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def said(kind: str, rows: list[dict[str, float | str]]) -> list[Target]:
    """Return what the rows of one kind say about its targets."""

    def median(peer: str, ours: str = "redact") -> float:
        return statistics.median(float(row[peer]) / float(row[ours]) for row in rows)

    found = [
        Target(
            f"{kind}: jpegtran -wipe / redact", _WANTED[kind], f"{median('jpegtran'):.2f}"
        ),
        Target(f"{kind}: restore / redact", "≤ 1", f"{median('restore'):.2f}"),
        Target(f"{kind}: Pillow decode, blur, save / redact", "", f"{median('pillow'):.2f}"),
    ]  # fmt: skip
    if kind != "progressive":
        found.insert(
            1, Target(f"{kind}: jpegio read + write / redact", "≥ 4", f"{median('jpegio'):.2f}")
        )
        over = max(float(row["peak"]) - 4 * float(row["size"]) for row in rows)
        found.append(
            Target(f"{kind}: peak memory", "≤ 4 × file + 16 MB", f"4 × file {over / 1e6:+.1f} MB")
        )
    return found


def table(rows: list[dict[str, float | str]]) -> str:
    """Return the rows as Markdown, times in ms."""
    lines = [
        "| photo | MP | MB | RST | redact | restore | jpegtran | jpegio | Pillow | "
        "jpegtran / redact | peak / file |",
        "| --- " * 11 + "|",
    ]
    for row in rows:
        times = [float(row[name]) for name in ("redact", "restore", "jpegtran", "jpegio", "pillow")]
        lines.append(
            f"| {row['photo']} | {float(row['megapixels']):.1f} | {float(row['size']) / 1e6:.2f} "
            f"| {row['restarts']} | "
            + " | ".join(f"{value * 1e3:.1f}" for value in times)
            + f" | {times[2] / times[0]:.2f} | {float(row['peak']) / float(row['size']):.1f} |"
        )
    return "\n".join(lines)


def scan_alone(paths: Iterable[Path], rounds: int) -> Target:
    """Compare the core's walk through a scan with a C loop."""
    ratios, rates = [], []
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "scan_loop.so"
        source = Path(__file__).with_name("scan_loop.c")
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O3", "-shared", "-fPIC", source, "-o", library], check=True)
        loop = ctypes.CDLL(str(library)).scan_loop
        loop.restype = ctypes.c_int64
        for path in paths:
            data = path.read_bytes()
            jpeg = read_jpeg(data)
            scan = jpeg.scans[0]
            layout = scan_layout(jpeg, scan)
            if layout.interval < layout.mcus:
                continue
            dc, ac, units = scan_units(layout, scan)
            tables = decode_tables(dc, ac)
            ours = _skip(data, scan.start, scan.end, layout, units, tables)
            theirs = _loop(loop, data, scan.start, scan.end, layout, units, tables)
            if ours() != theirs():
                raise AssertionError(f"{path.name}: the two walks end at different bits")
            times = turns({"ours": ours, "theirs": theirs}, rounds)
            ratios.append(times["theirs"] / times["ours"])
            rates.append((scan.end - scan.start) / 1e6 / times["ours"])
    return Target(
        "entropy scan alone, beside a C loop", "≥ 0.85 (stretch 0.95)",
        f"{statistics.median(ratios):.2f} ({statistics.median(rates):.0f} MB/s)",
    )  # fmt: skip


def _skip(data, start, end, layout, units, tables) -> Callable[[], int]:  # type: ignore[no-untyped-def]
    blocks = (array("q"), array("B"), array("i"), array("i"))
    kept = array("I", bytes(4 * core.scan.room(layout.units)))

    def walk() -> int:
        cursor = core.scan.ScanCursor(
            data, quads(data), sys.byteorder == "little", units, tables, blocks, kept, 64
        )
        cursor.start(start, end)
        if cursor.advance(layout.mcus, -1):
            raise AssertionError("a scan that can't be walked")
        return int(cursor.position)

    return walk


def _loop(loop, data, start, end, layout, units, tables) -> Callable[[], int]:  # type: ignore[no-untyped-def]
    def pointer(values: array[int]) -> ctypes.c_void_p:
        return ctypes.c_void_p(values.buffer_info()[0])

    raw = ctypes.create_string_buffer(data[start:end], end - start)
    arguments = [
        raw, ctypes.c_int64(end - start), ctypes.c_int64(layout.mcus), layout.units,
        *(pointer(part) for part in units), *(pointer(part) for part in tables),
    ]  # fmt: skip
    predictors = array("i", bytes(16))
    return lambda: int(loop(*arguments, pointer(predictors)))


def threads(paths: list[Path], rounds: int) -> list[Target]:
    """Redact two files one after the other, and in two threads; and hash them so."""
    jobs = []
    for path in paths[:2]:
        data = path.read_bytes()
        jobs.append((data, some_boxes(path, *jpegredact.inspect(data).size)))
    jobs = (jobs * 2)[:2]
    worth, background._WORTH_A_THREAD = background._WORTH_A_THREAD, 1 << 62

    def together(work: Callable[..., object]) -> None:
        running = [threading.Thread(target=work, args=job) for job in jobs]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    def one_by_one(work: Callable[..., object]) -> None:
        for job in jobs:
            work(*job)

    def digest(data: bytes, _: object) -> None:
        for _ in range(8):
            hashlib.sha256(data).digest()

    work: Work = {
        f"{name} {call.__name__}": lambda name=name, call=call: name(call)  # type: ignore[misc]
        for call in (jpegredact.redact, digest)
        for name in (one_by_one, together)
    }
    alone, both, hash_alone, hash_both = turns(work, rounds).values()
    background._WORTH_A_THREAD = worth
    return [
        Target(
            "two threads on two files, digests not overlapped", "≥ 1.8 ×", f"{alone / both:.2f} ×"
        ),
        Target("two threads of SHA-256 and nothing else", "", f"{hash_alone / hash_both:.2f} ×"),
    ]


def imports() -> Target:
    """Time a new Python that imports the package, and one that does not."""
    times = turns(
        {
            code: lambda code=code: subprocess.run([sys.executable, "-c", code], check=True)  # type: ignore[misc]
            for code in ("pass", "import jpegredact")
        },
        21,
    )
    more = (times["import jpegredact"] - times["pass"]) * 1e3
    return Target("import jpegredact, beyond Python's start", "< 40 ms", f"{more:.0f} ms")


def whole_process(paths: list[Path], rounds: int) -> Target:
    """Redact one photo of about 8 MP on the command line, beside jpegtran."""

    def megapixels(path: Path) -> float:
        width, height = jpegredact.inspect(path).size
        return width * height / 1e6

    path = min(paths, key=lambda path: abs(megapixels(path) - 8))
    with tempfile.TemporaryDirectory() as folder:
        out, diff = Path(folder) / "out.jpg", Path(folder) / "out.jrdiff"

        def ours() -> None:
            diff.unlink(missing_ok=True)
            out.unlink(missing_ok=True)
            subprocess.run(
                [sys.executable, "-m", "jpegredact", "redact", path, "-o", out, "--diff", diff,
                 "--box", "100,100,300,300"], check=True, capture_output=True,
            )  # fmt: skip

        times = turns(
            {
                "ours": ours,
                "jpegtran": lambda: subprocess.run(
                    ["jpegtran", "-copy", "all", "-wipe", "200x200+100+100", "-outfile",
                     Path(folder) / "wiped.jpg", path], check=True,
                ),
            },
            rounds,
        )  # fmt: skip
    return Target(
        f"jpegredact redact --box as a whole process ({megapixels(path):.0f} MP) / jpegtran -wipe",
        "≤ 3 ×", f"{times['ours'] / times['jpegtran']:.2f} ×",
    )  # fmt: skip


def full_frame(paths: list[Path], rounds: int) -> list[Target]:
    """Redact the whole picture, beside jpegtran, which always rewrites all of it."""
    path = max(paths, key=lambda path: path.stat().st_size)
    data = path.read_bytes()
    width, height = jpegredact.inspect(data).size
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jpg"
        times = turns(
            {
                "ours": lambda: jpegredact.redact(data, [(0, 0, width, height)]),
                "jpegtran": lambda: subprocess.run(
                    ["jpegtran", "-copy", "all", "-wipe", f"{width // 20}x{height // 20}+0+0",
                     "-outfile", out, path], check=True,
                ),
            },
            rounds,
        )  # fmt: skip
    return [
        Target(
            "one region as large as the picture / jpegtran -wipe", "≤ 2 ×",
            f"{times['ours'] / times['jpegtran']:.2f} ×",
        )
    ]  # fmt: skip


def growth(paths: list[Path], rounds: int) -> tuple[dict[int, dict[int, float]], list[Row]]:
    """Return seconds by size and number of boxes on one photo, and of each photo its megabytes,
    megapixels and seconds.
    """
    largest = max(paths, key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    width, height = jpegredact.inspect(data).size
    by_boxes = {}
    for side in (16, 32, 64):
        generator = random.Random(1)
        boxes = []
        for _ in range(300):
            x, y = generator.uniform(0, width - side), generator.uniform(0, height - side)
            boxes.append((x, y, x + side, y + side))
        work: Work = {
            str(count): lambda boxes=boxes[:count]: jpegredact.redact(data, boxes)  # type: ignore[misc]
            for count in (1, 3, 10, 30, 100, 300)
        }
        by_boxes[side] = {int(name): seconds for name, seconds in turns(work, rounds).items()}
    rows = []
    for path in paths:
        data_of = path.read_bytes()
        size = jpegredact.inspect(data_of).size
        some = some_boxes(path, *size)
        work = {"redact": lambda d=data_of, b=some: jpegredact.redact(d, b)}  # type: ignore[misc]
        seconds = turns(work, rounds)["redact"]
        rows.append((len(data_of) / 1e6, size[0] * size[1] / 1e6, seconds))
    return by_boxes, sorted(rows)


def put(path: Path, text: str) -> None:
    """Replace what stands between the markers in a Markdown file."""
    start, end = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
    page = path.read_text() if path.exists() else f"# Performance\n\n{start}\n{end}\n"
    before, _, rest = page.partition(start)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}")


def draw(boxes: dict[int, dict[int, float]], rows: list[Row]) -> None:
    """Draw the curves."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "jpegredact"
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for side, times in boxes.items():
        values = [seconds * 1e3 for seconds in times.values()]
        left.plot(list(times), values, "o-", label=f"{side} × {side} pixels")
    left.set(xscale="log", yscale="log", xlabel="boxes", ylabel="ms")
    left.legend()
    for axes, place, label in ((middle, 0, "MB"), (right, 1, "megapixels")):
        axes.plot([row[place] for row in rows], [row[2] * 1e3 for row in rows], "o")
        axes.set(xlabel=f"{label}, one dot a photo", xlim=(0, None), ylim=(0, None))
    figure.savefig(DOCS / "performance.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
