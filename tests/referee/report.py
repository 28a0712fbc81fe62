"""What the referee finds in a folder of JPEGs before and after redaction, as a table.

``python -m tests.referee.report DIR [--jobs 2]``: a region over the middle third of each file is
redacted under each policy. For each place and kind of picture: how many the originals have, and
what is left of them. What is left and is not clean is listed, with what was measured.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jpegredact as jr

from .examine import Judged, explain, judged, pictures_of_original, survivors, what_shows
from .streams import main_picture

POLICIES = ("default", "strict", "keep")


class Outcome(NamedTuple):
    """What one file came to."""

    name: str
    refused: str
    before: Counter[tuple[str, str]]
    after: dict[str, Counter[tuple[str, str]]]
    notes: list[str]


def category(place: str, kind: str) -> str:
    """Return the kind of place that a finding lies in, without offsets and identifiers."""
    place = re.sub(r" @\d+|, base64.*|, deflated.*|, hex.*", "", place)
    place = re.sub(r"(extended XMP|JUMBF|FlashPix stream) \w+ joined", r"\1", place)
    place = re.sub(r"joined, \d+ bytes off each", "joined", place)
    place = re.sub(r"Copy\d+:", "", place)
    return f"{place}: {kind}"


def examine(path: Path) -> Outcome:
    """Redact one file under each policy and judge what is in it."""
    jpeg = path.read_bytes()
    outcome = Outcome(path.name, "", Counter(), {p: Counter() for p in POLICIES}, [])
    width, height = main_picture(jpeg).frame or (0, 0)
    left, top = width // 3, height // 3
    box = (left, top, max(2 * width // 3, left + 1), max(2 * height // 3, top + 1))
    for policy in POLICIES:
        try:
            result = jr.redact(jpeg, [box], side_copies=policy, force=True)
        except jr.JpegRedactError as error:
            return outcome._replace(refused=error.code)
        if policy == POLICIES[0]:
            outcome.before.update(_counted(judged(jpeg, result.jpeg, box, jpeg) or []))
        found = judged(jpeg, result.jpeg, box, result.jpeg) or []
        outcome.after[policy].update(_counted(found))
        if policy != "keep":
            left_over = [*what_shows(found), *survivors(pictures_of_original(jpeg), found)]
            outcome.notes.extend(f"{path.name} [{policy}] {explain(one)}" for one in left_over)
    return outcome


def _counted(found: Iterable[Judged]) -> Counter[tuple[str, str]]:
    return Counter((category(f.place, f.kind), j.verdict) for f, j in found)


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the table in Markdown."""
    sums: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for outcome in outcomes:
        for (place, verdict), count in outcome.before.items():
            sums[place]["originals"][verdict] += count
        for policy, counter in outcome.after.items():
            for (place, verdict), count in counter.items():
                sums[place][policy][verdict] += count
    columns = ("originals", *POLICIES)
    lines = [f"| where: what | {' | '.join(columns)} |", "|" + "---|" * (len(columns) + 1)]
    for place in sorted(sums, key=lambda key: -sums[key]["originals"].total()):
        cells = [_cell(sums[place][column]) for column in columns]
        lines.append(f"| {place} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counter.most_common()) or "–"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    files = sorted(p for p in arguments.folder.iterdir() if p.is_file())
    with ProcessPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(examine, files, chunksize=4))
    refused = Counter(outcome.refused for outcome in outcomes if outcome.refused)
    print(f"{len(files)} files, {sum(refused.values())} refused: {dict(refused)}\n")
    print(table(outcomes))
    notes = [note for outcome in outcomes for note in outcome.notes]
    print(f"\n{len(notes)} findings to explain under default and strict")
    print("\n".join(notes))


if __name__ == "__main__":
    main()
