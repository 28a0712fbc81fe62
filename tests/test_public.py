"""The public face: lazy, complete, typed."""

import ast
import io
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from pictures import photo, pillow_jpeg

import jpegredact as jr

HEAVY = ("numpy", "scipy", "PIL", "jpegio", "onnxruntime", "click", "rich", "cbor2", "pyrage")


def run(program: str) -> str:
    """Run a program in a fresh interpreter; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_import_brings_nothing_along() -> None:
    loaded = run("import jpegredact, sys; print(*sys.modules)").split()
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)
    assert [name for name in loaded if name.startswith("jpegredact")] == ["jpegredact"]


@pytest.mark.parametrize("method", ["inpaint", "fill"])
def test_plain_redaction_needs_no_numpy(method, tmp_path) -> None:
    path = tmp_path / "in.jpg"
    path.write_bytes(pillow_jpeg(photo(64, 48)))
    loaded = run(
        "import jpegredact as jr, sys\n"
        f"r = jr.redact({str(path)!r}, [(9, 9, 30, 30)], method={method!r})\n"
        f"assert jr.restore(r.jpeg, r.diff) == open({str(path)!r}, 'rb').read()\n"
        "print(*sys.modules)"
    ).split()
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)


def test_all_is_complete() -> None:
    assert jr.__all__ == sorted(jr.__all__)
    assert set(jr.__all__) == set(jr._HOME_OF)
    errors = import_module("jpegredact.errors")
    assert set(errors.__all__) <= set(jr.__all__)
    for name in jr.__all__:
        value = getattr(jr, name)
        assert value.__name__ == name
        assert value is getattr(jr, name)
        assert value.__doc__


def test_star_import_and_dir() -> None:
    names = run("from jpegredact import *\nprint(*sorted(n for n in dir() if n[0] != '_'))").split()
    assert names == sorted(jr.__all__)
    listed = run("import jpegredact\nprint(*dir(jpegredact))").split()
    assert {*jr.__all__, "__version__"} <= set(listed)


def test_typing_sees_what_is_there() -> None:
    """The TYPE_CHECKING imports, for editors and mypy, name the same things."""
    tree = ast.parse(Path(jr.__file__).read_text())
    typed = {
        alias.name: node.module
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {name: typed.get(name) for name in jr.__all__} == jr._HOME_OF


def test_version() -> None:
    assert jr.__version__ == version("jpegredact")


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = jr.nothing


def test_every_kind_of_source(tmp_path) -> None:
    data = pillow_jpeg(photo(64, 48))
    path = tmp_path / "in.jpg"
    path.write_bytes(data)
    results = [
        jr.redact(source, [(8, 8, 24, 24)])
        for source in (data, bytearray(data), memoryview(data), path, str(path), io.BytesIO(data))
    ]
    assert len({r.jpeg for r in results}) == len({r.diff for r in results}) == 1
    result = results[0]
    diff_path = tmp_path / "in.jrdiff"
    result.diff.save(diff_path)
    assert diff_path.stat().st_mode & 0o777 == 0o600
    assert jr.UnblurDiff.load(diff_path) == result.diff
    for diff in (result.diff, result.diff.to_bytes(), diff_path, str(diff_path)):
        assert jr.restore(io.BytesIO(result.jpeg), diff) == data
        assert jr.verify(path, result.jpeg, diff).ok


@pytest.mark.parametrize("source", [None, 5, [b"x"], io.StringIO("x"), jr])
def test_what_is_no_source(source) -> None:
    with pytest.raises(TypeError):
        jr.redact(source, [(0, 0, 8, 8)])


def test_parts_of_a_noncontiguous_buffer() -> None:
    data = pillow_jpeg(photo(64, 48))
    doubled = bytes(b for byte in data for b in (byte, 0))
    result = jr.redact(memoryview(doubled)[::2], [(8, 8, 24, 24)])
    assert jr.restore(result.jpeg, result.diff) == data


def test_a_diff_does_not_show_itself() -> None:
    result = jr.redact(pillow_jpeg(photo(64, 48)), [jr.Box(8, 8, 24, 24, "secret name")])
    assert "secret" not in repr(result)
    assert "secret" not in repr(result.diff)


def test_upright_coordinates() -> None:
    """Exif orientation 6: a box at the upper right of what is shown is stored at the upper left."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    data = pillow_jpeg(photo(64, 48), exif=exif)
    upright = jr.redact(data, [(32, 0, 48, 16)], coordinates="upright")
    stored = jr.redact(data, [(0, 0, 16, 16)])
    assert upright.jpeg == stored.jpeg
    assert "orientation" in [w.code for w in upright.report.warnings]
    assert "orientation" in [w.code for w in stored.report.warnings]
    with pytest.raises(jr.InvalidRegionError):
        jr.redact(data, [(0, 0, 16, 16)], coordinates="turned")
