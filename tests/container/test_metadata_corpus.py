"""XMP and Photoshop's resources of real files: cleaned once, and nothing harmless lost."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from shutil import which

import pytest
from carrier_helpers import (
    MIDDLE,
    applied,
    check,
    end_of_picture,
    request,
    segments,
)

from jpegredact.container.model import Policy
from jpegredact.container.photoshop.carrier import read_photoshop
from jpegredact.container.xmp.carrier import read_xmp


def cleaned(data: bytes, policy: Policy) -> tuple[bytes, Counter[tuple[str, str]]]:
    """Scrub both carriers; return the new file, and how often what was done with which kind."""
    listed = segments(data)
    carriers = (
        (read_xmp(data, listed, end_of_picture(data)), 0xE1),
        (read_photoshop(data, listed), 0xED),
    )
    names = frozenset().union(*(each.names([MIDDLE], 1) for each, _ in carriers))
    wanted = request(policy, names=names)
    edits = []
    done: Counter[tuple[str, str]] = Counter()
    for carrier, code in carriers:
        result = carrier.scrub(wanted)
        check(data, carrier, result, wanted, {code})
        edits += result.edits
        done.update((copy.kind, action) for copy, action in result.outcomes)
    return applied(data, sorted(edits, key=lambda edit: edit[:2])), done


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[Path]:
    return sorted(path for path in corpus.iterdir() if path.is_file())


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_every_file_is_clean_after_one_pass(files: list[Path], policy: Policy) -> None:
    for path in files:
        new, _ = cleaned(path.read_bytes(), policy)
        again, done = cleaned(new, policy)
        assert again == new, path.name
        left = {kind for (kind, action) in done if action in ("drop", "edit")}
        assert not left - {"xmp-packet"}, path.name


def test_what_the_corpus_loses_is_known(files: list[Path]) -> None:
    total: Counter[tuple[str, str]] = Counter()
    for path in files:
        total += cleaned(path.read_bytes(), "default")[1]
    assert {kind for (kind, action), _ in total.items() if action == "drop"} == {
        "photoshop-broken", "photoshop-thumbnail",  # too small for the tests' renderer
        "xmp-blob", "xmp-broken", "xmp-container", "xmp-depth", "xmp-extended", "xmp-image",
        "xmp-mask", "xmp-name", "xmp-packet", "xmp-provenance", "xmp-thumbnail",
    }  # fmt: skip
    assert total["photoshop-thumbnail", "regenerate"] > 40
    assert total["xmp-packet", "keep"] > 100


@pytest.mark.slow
@pytest.mark.skipif(which("exiftool") is None, reason="exiftool is not here")
def test_exiftool_has_no_more_to_complain_of(files: list[Path], tmp_path: Path) -> None:
    changed: list[Path] = []
    for path in files:
        data = path.read_bytes()
        new, _ = cleaned(data, "default")
        if new != data:
            changed.append(path)
            (tmp_path / path.name).write_bytes(new)

    def warnings(paths: list[Path]) -> dict[str, set[str]]:
        run = ["exiftool", "-validate", "-warning", "-error", "-a", "-s", *map(str, paths)]
        text = subprocess.run(run, capture_output=True, check=False).stdout.decode()
        found: dict[str, set[str]] = {}
        for line in text.splitlines():
            if line.startswith("======== "):
                name = Path(line[9:]).name
            # Which segment stray bytes follow is no news: the one before them may be gone.
            elif line.startswith(("Warning", "Error")) and "Skipped unknown" not in line:
                found.setdefault(name, set()).add(line)
        return found

    before = warnings(changed)
    for name, lines in warnings([tmp_path / path.name for path in changed]).items():
        assert lines <= before.get(name, set()), name
