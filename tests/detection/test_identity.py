"""What a detector of one's own is, as a batch's log has it."""

import hashlib
import shutil
import sys

import pytest
import spotter
import tinynet

import jpegredact as jr
from jpegredact.detecting import Detecting
from jpegredact.detection import Model, identity_of

TOML = 'model = "colours.onnx"\nlabels = ["red", "blue"]\nlayout = "cxcywh+classes"\n'


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def described(tmp_path):
    (tmp_path / "colours.onnx").write_bytes(tinynet.colour_finder())
    path = tmp_path / "colours.toml"
    path.write_text(TOML)
    return path


def test_of_a_description(described) -> None:
    toml, network = identity_of([], [str(described)])
    assert (toml.name, toml.sha256) == ("colours.toml", digest(described))
    weights = described.with_name("colours.onnx")
    assert (network.name, network.sha256) == ("colours", digest(weights))
    weights.write_bytes(weights.read_bytes() + b"x")
    assert identity_of([], [str(described)]) == [toml, Model("colours", digest(weights))]
    described.write_text(TOML + "size = 320\n")
    assert identity_of([], [str(described)])[0].sha256 != toml.sha256


def test_of_what_is_not_there(described) -> None:
    described.with_name("colours.onnx").unlink()
    for name, code in (
        (str(described), "detector.missing"), ("none.toml", "detector.missing"),
        ("nobody", "detector.unknown"),
    ):  # fmt: skip
        with pytest.raises(jr.DetectorError) as caught:
            identity_of([], [name])
        assert caught.value.code == code


class Installed:
    """A distribution that offers a detector, and can be installed anew."""

    def __init__(self, root) -> None:
        self.root = root
        (root / "offering.py").write_text("import sys\nsys.offering_was_imported = True\n")
        self.install("1", "sha256=abc")

    def install(self, version: str, digest: str | None, installer: str = "pip") -> None:
        for old in self.root.glob("offering-*.dist-info"):
            shutil.rmtree(old)
        info = self.root / f"offering-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: offering\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text("[jpegredact.detectors]\ngood = offering:Good\n")
        if digest is not None:
            (info / "RECORD").write_text(
                f"offering.py,{digest},40\n{info.name}/INSTALLER,sha256={installer},4\n"
                f"{info.name}/RECORD,,\n__pycache__/offering.pyc,,\n"
            )


@pytest.fixture
def installed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return Installed(tmp_path)


def test_of_an_entry_point(installed) -> None:
    (first,) = identity_of([], ["good"])
    assert first.name == "good (offering:Good, offering 1)"
    assert len(bytes.fromhex(first.sha256)) == 32
    installed.install("1", "sha256=abc", installer="uv")  # the same files
    assert identity_of([], ["good"]) == [first]
    installed.install("1", "sha256=abd")  # another file
    (other,) = identity_of([], ["good"])
    assert other.name == first.name
    assert other.sha256 != first.sha256
    installed.install("2", "sha256=abc")
    assert identity_of([], ["good"]) == [Model("good (offering:Good, offering 2)", first.sha256)]
    assert not hasattr(sys, "offering_was_imported")


def test_of_an_entry_point_without_a_record(installed) -> None:
    installed.install("3", None)
    assert identity_of([], ["good"]) == [Model("good (offering:Good, offering 3)")]


def test_all_that_may_look(described) -> None:
    """Built-in weights for the labels, too: which of them are left to others, is not known."""
    models = Detecting(detectors=(str(described), spotter.Spotter())).identity(["face", "red"])
    assert [each.name for each in models] == [
        "centerface", "colours.toml", "colours", "spotter.Spotter",
    ]  # fmt: skip
    assert Detecting().identity(["red", "centerface"]) == []
