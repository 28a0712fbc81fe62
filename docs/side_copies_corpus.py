"""Writes the table "What the default policy does to a corpus" in docs/design/side-copies.md.

``python docs/side_copies_corpus.py [--corpus DIR] [--write]``: redacts the middle third of
every file in ``DIR/files`` and counts side copies by kind and by what was done.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import jpegredact as jr

PAGE = Path(__file__).parent / "design" / "side-copies.md"
START, END = "<!-- corpus -->\n", "<!-- end of corpus -->\n"


def main() -> None:
    """Count, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = table(sorted((options.corpus / "files").iterdir()))
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(START)
        PAGE.write_text(before + START + text + END + rest.split(END)[1], encoding="utf-8")
    else:
        print(text)


def table(paths: list[Path]) -> str:
    """Return the table as Markdown."""
    counts: Counter[tuple[str, str]] = Counter()
    sizes: defaultdict[tuple[str, str], int] = defaultdict(int)
    files: defaultdict[tuple[str, str], set[Path]] = defaultdict(set)
    done = changed = total = removed = 0
    for path in paths:
        try:
            data = path.read_bytes()
            width, height = jr.inspect(data).size
            box = (width / 3, height / 3, 2 * width / 3, 2 * height / 3)
            report = jr.redact(data, [box]).report
        except jr.JpegRedactError:
            continue
        done += 1
        total += len(data)
        changed += bool(report.header_changes)
        removed += sum(old - new for _, old, new in report.header_changes)
        for copy in report.side_copies:
            key = copy.kind, copy.action
            counts[key] += 1
            sizes[key] += copy.length
            files[key].add(path)
    lines = [
        f"{done} files of the corpus, the middle third of each redacted: {changed} of them had "
        f"something\nto be cleared, and {removed:,} of {total:,} bytes went. What stays is counted "
        "too; one thing may\nbe in another.\n",
        "| kind | action | number | files | bytes |",
        "|---|---|---|---|---|",
    ]
    for kind, action in sorted(counts):
        key = kind, action
        numbers = f"{counts[key]} | {len(files[key])} | {sizes[key]:,}"
        lines.append(f"| `{kind}` | {action} | {numbers} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
