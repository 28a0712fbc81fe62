"""Signed provenance (C2PA): dropped, refused if asked, and valid again once all is restored."""

from __future__ import annotations

import csv
import io
import json

import c2pa
import pytest

import jpegredact as jr

from . import helpers


def signed_files() -> list:
    path = helpers.CORPUS / "manifest.csv"
    if not path.exists():
        return [pytest.param("", marks=pytest.mark.skip(reason="the corpus is not there"))]
    with path.open(newline="") as file:
        return [row["file"] for row in csv.DictReader(file) if row["c2pa"] not in ("", "0")]


def provenance(data: bytes) -> object:
    """Return what c2pa says of a file: its manifests and whether they fit; None without any."""
    try:
        reader = c2pa.Reader("image/jpeg", io.BytesIO(data))
    except c2pa.C2paError.ManifestNotFound:
        return None
    with reader:
        found = json.loads(reader.json())
    # It also says when it looked.
    return found["validation_state"], sorted(
        (entry["code"], entry.get("url")) for entry in found.get("validation_status", [])
    )


@pytest.mark.parametrize("name", signed_files())
def test_it_goes_and_comes_back(name: str) -> None:
    jpeg = (helpers.CORPUS / "files" / name).read_bytes()
    before = provenance(jpeg)
    assert before is not None
    result = jr.redact(jpeg, [(0, 0, 40, 40)])
    assert provenance(result.jpeg) is None
    assert "provenance-dropped" in [warning.code for warning in result.report.warnings]
    assert "jumbf-c2pa" in [copy.kind for copy in jr.audit(jpeg)]
    assert provenance(jr.restore(result.jpeg, result.diff)) == before
    with pytest.raises(jr.SideCopyError) as caught:
        jr.redact(jpeg, [(0, 0, 40, 40)], provenance="refuse")
    assert caught.value.code == "side-copy.provenance"
    assert caught.value.offset is not None
