"""Holds the documentation against the program.

Runs the Python of README.md and api.md, compares errors.md with the source, the
report's fields with report.md and the log's with log.md, the worked example and the diagram
with their scripts. Exit status 1 and one line for each thing that is wrong.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_CODE = re.compile(
    r"(batch|jpeg|detector|decrypt|diff|key|name|region|limit|log|redact|restore|side-copy|verify)"
    r"\.[a-z-]+|batch|error|limit|decrypt|detector|diff|side-copy|verification"
)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def wrong_snippets(page: Path) -> Iterator[str]:
    """Run the snippets of a page, one after the other, in one namespace."""
    names: dict[str, object] = {"__name__": "snippet"}
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        _make_pictures()
        for found in _PYTHON.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            code = compile("\n" * (line - 1) + found[1], str(page), "exec")
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(code, names)
            except Exception as error:
                yield f"{page.name}, snippet at line {line}: {type(error).__name__}: {error}"


def _make_pictures() -> None:
    from PIL import Image

    grey = Image.linear_gradient("L").resize((640, 480))
    round_ = Image.radial_gradient("L").resize((640, 480))
    image = Image.merge("RGB", (grey, grey.rotate(180), round_))
    image.save("photo.jpg", quality=88)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save("turned.jpg", quality=88, exif=exif)


def error_codes() -> set[str]:
    """Return all error codes that the source can give, computed ones spelt out."""
    from jpegredact.limits import Limits

    codes = {f"limit.{f.name.removeprefix('max_')}" for f in dataclasses.fields(Limits)}
    codes |= {"jpeg.sofN", "jpeg.dht", "jpeg.dqt", "jpeg.dri", "jpeg.sos"}
    codes |= {"jpeg.thermal", "jpeg.stereo"}
    for path in (ROOT / "jpegredact").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.arg] if isinstance(node, ast.keyword) else []
            if isinstance(node, ast.Assign):
                names = [ast.unparse(target) for target in node.targets]
            if {"code", "default_code", "_FAULTS", "UNSAYABLE"} & {*names}:
                codes |= _codes_in(node.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "mismatch":
                codes |= _codes_in(node)
    return codes


def _codes_in(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and _CODE.fullmatch(part.value)
    }


def wrong_errors() -> Iterator[str]:
    """Compare errors.md with the source."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \|", text, re.MULTILINE)
    listed = {code for code, _ in rows}
    listed |= set(re.findall(r"`([^`]+)`", text.split("## Defaults")[1]))
    for code in sorted(error_codes() - listed):
        yield f"errors.md lacks {code}"
    for code in sorted(listed - error_codes()):
        yield f"errors.md lists {code}, which the source does not have"


def wrong_report() -> Iterator[str]:
    """Compare report.md with the report's fields."""
    from jpegredact.report import Notice, RegionReport, Report, SideCopyReport

    text = (DOCS / "design" / "report.md").read_text(encoding="utf-8")
    for kind in (Report, RegionReport, SideCopyReport, Notice):
        for field in dataclasses.fields(kind):
            if f"| `{field.name}` |" not in text:
                yield f"report.md lacks {field.name} of {kind.__name__}"


def wrong_log() -> Iterator[str]:
    """Compare log.md with the fields that a log has."""
    from jpegredact.log import LogEntry, Sighting, json_value

    text = (DOCS / "design" / "log.md").read_text(encoding="utf-8")
    value = json_value(LogEntry("", None, detections=(Sighting((0, 0, 1, 1)),)))
    for name in {*value, *value["options"], *value["detections"][0]}:
        if f"| `{name}` |" not in text:
            yield f"log.md lacks {name}"


def wrong_drawings() -> Iterator[str]:
    """Compare the worked example and the diagram with what their scripts make."""
    example = [sys.executable, str(DOCS / "design" / "diff_example.py"), "--check"]
    if subprocess.run(example, check=False).returncode:
        yield "diff-format.md: run python docs/design/diff_example.py --write"
    sys.path.insert(0, str(DOCS))
    from diagram import draw

    if draw() != (DOCS / "diagram.svg").read_text(encoding="utf-8"):
        yield "diagram.svg: run python docs/diagram.py"


def main() -> int:
    """Say all that is wrong."""
    wrong = [
        *wrong_snippets(ROOT / "README.md"),
        *wrong_snippets(DOCS / "api.md"),
        *wrong_errors(),
        *wrong_report(),
        *wrong_log(),
        *wrong_drawings(),
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
