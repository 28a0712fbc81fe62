"""Faces and plates in the corpus: hidden ones are not found again, labelled ones are found."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from guarantees.helpers import CORPUS

import jpegredact as jr

AGAIN = (
    "17c9e5b9", "409dabbc", "411ece6b", "4d1a2f7f", "5e861d22", "68aa36ac", "6ae2b584", "84091ad5",
    "92f8c121", "c2cb6776", "eb81d33a", "eefaa04e",
)  # fmt: skip
"""Where the detector takes something for a face once the faces are gone: by eye, no clear one."""


def files() -> list:
    """Every fourth file of the corpus, and those where looking again found something."""
    names = sorted(path.name for path in CORPUS.glob("files/*"))
    none = pytest.param("", marks=pytest.mark.skip(reason="the corpus is not there"))
    return [
        name for number, name in enumerate(names) if number % 4 == 0 or name[:8] in AGAIN
    ] or [none]


LABELS = Path(__file__).parents[2] / "benchmarks" / "data" / "plates.csv"


def plates() -> dict[str, list[tuple[int, int, int, int]]]:
    """The real plates of each file, as boxes of the stored picture."""
    found = defaultdict(list)
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "real":
                x, y, w, h = (int(row[side]) for side in "xywh")
                found[row["file"]].append((x, y, x + w, y + h))
    return found


def share(box, by) -> float:
    """How much of a box another one covers."""
    across = min(box[2], by[2]) - max(box[0], by[0])
    down = min(box[3], by[3]) - max(box[1], by[1])
    return max(across, 0) * max(down, 0) / ((box[2] - box[0]) * (box[3] - box[1]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of broken Exif
@pytest.mark.parametrize("name", files())
def test_no_face_where_one_was(face_weights, name) -> None:
    """After redaction with the default method, the detector finds none in a redacted region."""
    try:
        done = jr.process(CORPUS / "files" / name, detect=["face"])
    except jr.JpegRedactError:
        pytest.skip("not a picture that can be decoded and redacted")
    regions = done.report.regions
    seen = jr.detect(done.jpeg) if regions else []
    again = [
        (region.box, region.score, d.box, d.score)
        for region in regions
        for d in seen
        if share(region.box, d.box) > 0.2
    ]
    assert not again
    assert not {"still-found", "not-looked-again"} & set(done.entry.warnings)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "boxes"), plates().items())
def test_real_plates(all_weights, corpus, name, boxes) -> None:
    """Labelled by eye; each is covered by more than 0.8."""
    seen = jr.detect(corpus / name, ["plate"])
    for box in boxes:
        assert max(share(box, d.box) for d in seen) > 0.8
