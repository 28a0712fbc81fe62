"""``jpegredact models``: what it lists, fetches and refuses. No network: weights are made up."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from jpegredact.cli import models_command
from jpegredact.detection import weights as files
from jpegredact.detection.registry import KNOWN
from jpegredact.errors import DetectorError

CONTENT = b"weights"


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Two made-up files of weights; the second one's licence is unclear."""
    made = tuple(
        replace(w, package="no-such-package", sha256=hashlib.sha256(CONTENT).hexdigest(), size=7)
        for w in (KNOWN[0], KNOWN[2])
    )
    monkeypatch.setattr(models_command, "KNOWN", made)
    monkeypatch.setattr(
        models_command, "weights_for", lambda name: [w for w in made if w.name == name]
    )
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(files.FOLDER_VARIABLE, raising=False)
    return made


def run(*args):
    """Run ``jpegredact models``; errors of ours come through."""
    result = CliRunner().invoke(models_command.command, args, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def test_list(known, tmp_path) -> None:
    (path := tmp_path / "x.onnx").write_bytes(CONTENT)
    run("fetch", "centerface", "--from", str(path))
    text = run("list").stdout
    assert str(tmp_path / "cache") in text
    assert "not here: jpegredact models fetch clp" in text
    assert "licence MIT" in text
    first, second = json.loads(run("list", "--json").stdout)
    assert (first["name"], second["name"]) == ("centerface", "clp")
    assert first["path"].startswith(str(tmp_path))
    assert second["path"] is None
    assert second["licence_is_clear"] is False


def test_path(known, tmp_path) -> None:
    missing = run("path", "centerface")
    assert missing.return_value == 1
    assert missing.stdout == ""
    (path := tmp_path / "x.onnx").write_bytes(CONTENT)
    run("fetch", "centerface", "--from", str(path))
    found = run("path", "centerface")
    assert found.return_value == 0
    assert Path(found.stdout.strip()).read_bytes() == CONTENT


def test_a_licence_by_name(known, tmp_path) -> None:
    (path := tmp_path / "x.onnx").write_bytes(CONTENT)
    with pytest.raises(DetectorError) as caught:
        run("fetch", "clp", "--from", str(path))
    assert caught.value.code == "detector.licence"
    with pytest.raises(DetectorError):
        run("fetch", "clp", "--from", str(path), "--accept", "centerface")
    said = run("fetch", "clp", "--from", str(path), "--accept", "clp").stderr
    assert "unclear" in said


def test_what_is_here_is_not_fetched_again(known, tmp_path, monkeypatch) -> None:
    (path := tmp_path / "x.onnx").write_bytes(CONTENT)
    run("fetch", "centerface", "--from", str(path))
    monkeypatch.setattr(models_command, "fetch", lambda *a, **k: pytest.fail("fetched"))
    assert "already here" in run("fetch", "centerface").stderr


def test_a_damaged_one_is(known, tmp_path, monkeypatch) -> None:
    (path := tmp_path / "x.onnx").write_bytes(CONTENT)
    run("fetch", "centerface", "--from", str(path))
    files.locate(known[0]).write_bytes(b"damaged")
    monkeypatch.setattr(models_command, "fetch", lambda *a, **k: "fetched anew")
    assert "fetched anew" in run("fetch", "centerface").stderr


def test_all_that_can_be_fetched_is(known, monkeypatch) -> None:
    def fetch(weights, accepted, source, show):
        if not accepted and not weights.licence_is_clear:
            raise DetectorError("unclear", code="detector.licence")
        return "here"

    monkeypatch.setattr(models_command, "fetch", fetch)
    with pytest.raises(DetectorError, match="1 of 2") as caught:
        run("fetch")
    assert caught.value.code == "detector.licence"
    assert "clp: here" in run("fetch", "--accept", "clp").stderr


def test_from_takes_one_name(known) -> None:
    with pytest.raises(click.UsageError):
        run("fetch", "--from", "x")


def test_another_file_in_the_folder_of_one_s_own_is_told_of(known, tmp_path, monkeypatch) -> None:
    """It comes before the cache: fetched or not, it would be taken, and refused."""
    (path := tmp_path / "x.onnx").write_bytes(CONTENT)
    (own := tmp_path / "own").mkdir()
    (own / known[0].file).write_bytes(b"another")
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(own))
    with pytest.raises(DetectorError, match=r"own.*remove it") as caught:
        run("fetch", "centerface", "--from", str(path))
    assert caught.value.code == "detector.digest"
    (own / known[0].file).unlink()
    assert "already here" in run("fetch", "centerface").stderr
