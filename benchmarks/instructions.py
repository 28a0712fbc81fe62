"""How many instructions the compiled core takes for two fixed pictures: that does not drift.

Usage: ``python benchmarks/instructions.py [--write]``

Runs `redact` and `restore` of each picture under ``valgrind --tool=callgrind``, one thread, and
counts what is spent inside the compiled modules. Compares that with docs/performance.md, and
fails where a number differs by more than two per cent, or is not there; ``--write`` puts the new
numbers there. They hold for one compiler, one Cython and one C library: the table says which.

The pictures are made here, by the tests' own encoder, from a fixed seed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- instructions: begin -->", "<!-- instructions: end -->"
ALLOWED = 0.02
SIZE = (640, 480)
PICTURES = {
    "no restart markers": ({}, "bd802a93"),
    "restart markers": ({"restart": 40}, "53fbf7f3"),
}
"""Name -> options of the encoder, and how the SHA-256 of the picture begins."""
_WORK = """
import sys
from jpegredact import background, redact, restore
background._WORTH_A_THREAD = 1 << 62
data = open(sys.argv[1], "rb").read()
done = redact(data, [(100, 60, 180, 160), (420.5, 300, 460, 330), (440, 310, 500, 400)])
if sys.argv[2] == "restore":
    assert restore(done.jpeg, done.diff) == data
"""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    for program in ("valgrind", os.environ.get("CC", "cc")):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing")
    found = {}
    for name, (choices, digest) in PICTURES.items():
        picture = make(choices)
        if not hashlib.sha256(picture).hexdigest().startswith(digest):
            sys.exit(f"the picture with {name} is not the one that was counted before")
        counts = {call: count(picture, call) for call in ("redact", "restore")}
        counts["restore"] -= counts["redact"]  # which runs in front of it
        for call, modules in counts.items():
            found[f"{call}, {name}"] = modules
    page = PAGE.read_text()
    before = dict(re.findall(r"^\| ((?:redact|restore), .*?) \| ([\d,]+) \|", page, re.MULTILINE))
    failed = False
    here = surroundings()
    if before and here not in page:
        print(f"counted elsewhere before: not with {here}")
    lines = [
        here,
        "",
        "| picture of 640 × 480 pixels, three boxes | instructions in the core | most of them in |",
        "| --- | --- | --- |",
    ]
    for name, modules in found.items():
        total = sum(modules.values())
        old = int(before.get(name, "0").replace(",", ""))
        change = total / old - 1 if old else 0.0
        failed |= not old or abs(change) > ALLOWED
        print(f"{name}: {total:,}, {f'{change:+.2%}' if old else 'not counted before'}")
        most = ", ".join(f"{module} {n / total:.0%}" for module, n in modules.most_common(4))
        lines.append(f"| {name} | {total:,} | {most} |")
    if options.write:
        head, _, rest = page.partition(START)
        PAGE.write_text(f"{head}{START}\n{chr(10).join(lines)}\n{END}{rest.partition(END)[2]}")
    elif failed:
        sys.exit(f"more than {ALLOWED:.0%} away from {PAGE.name}")


def make(options: dict[str, int]) -> bytes:
    """Return a picture of 4:2:0."""
    sys.path.insert(0, str(ROOT / "tests"))
    from jpegmaker import make_jpeg, random_parts

    return make_jpeg(*SIZE, random_parts(*SIZE, ((2, 2), (1, 1), (1, 1)), seed=7), **options)


def surroundings() -> str:
    """Return what the numbers hold for; the C compiler is the one that would build the modules."""
    done = subprocess.run(
        [os.environ.get("CC", "cc"), "--version"], capture_output=True, text=True, check=True
    )
    return (
        f"Python {platform.python_version()}, {platform.machine()}, "
        f"{' '.join(platform.libc_ver())}, {done.stdout.splitlines()[0]}, "
        f"Cython {version('cython')}."
    )


def count(picture: bytes, call: str) -> Counter[str]:
    """Return the instructions spent in each compiled module, without what it calls."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "in.jpg", Path(folder) / "out"
        file.write_bytes(picture)
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable, "-c",
             _WORK, file, call], check=False, capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        if done.returncode:
            sys.exit(done.stderr)
        return by_module(out.read_text())


def by_module(text: str) -> Counter[str]:
    """Sum the cost lines of callgrind's format by object file."""
    found: Counter[str] = Counter()
    names: dict[str, str] = {}
    module = ""
    called = False
    for line in text.splitlines():
        if line.startswith(("ob=", "cob=")):  # a name stands where its number comes first
            kind, _, what = line.partition("=")
            number, _, path = what.partition(" ")
            names.setdefault(number, path)
            if kind == "ob":
                core = re.search(r"(\w+_cy)\.[^/]*$", names[number])
                module = core[1] if core else ""
        elif line.startswith("calls="):
            called = True  # the next line is the cost of what is called
        elif line and line[0] in "0123456789+-*":
            if module and not called:
                found[module] += int(line.split()[-1])
            called = False
    return found


if __name__ == "__main__":
    main()
