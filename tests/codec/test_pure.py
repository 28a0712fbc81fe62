"""The compiled modules, interpreted: the same sources give the same bytes."""

import importlib.util
import random
import sys
from array import array
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from arithmetic_maker import make_arithmetic
from jpegmaker import make_jpeg, random_parts
from pictures import photo, pillow_jpeg
from progressive_maker import Band, Picture, steps

import jpegredact as jr
from jpegredact.codec import compact, core, huffman
from jpegredact.codec.sketch import Plane
from jpegredact.codec.small import SmallCoder, scaled
from jpegredact.container import search
from jpegredact.redaction import methods

pytest.importorskip("cython")
PACKAGE = Path(jr.__file__).parent


def interpreted(path: Path) -> ModuleType:
    """Load a compiled module's source under another name."""
    name = f"pure{path.stem}"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


MODULES = {path.stem: interpreted(path) for path in sorted(PACKAGE.rglob("_*_cy.py"))}


@pytest.fixture
def pure(monkeypatch):
    """Give the package the interpreted form of every compiled module."""

    def switch() -> None:
        for stem, module in MODULES.items():
            plain = stem.removeprefix("_").removesuffix("_cy")
            if hasattr(core, plain):
                monkeypatch.setattr(core, plain, module)
        for home, stem in ((methods, "_inpaint_cy"), (search, "_search_cy")):
            monkeypatch.setattr(home, "_core", lambda stem=stem: MODULES[stem])
        forget_tables()

    yield switch
    forget_tables()


def forget_tables() -> None:
    huffman._fast.cache_clear()
    huffman._decode_tables.cache_clear()
    compact._packers.clear()
    compact._unpackers.clear()


def test_all_compiled_modules_are_here() -> None:
    for name in ("grey", "progressive", "arithmetic"):
        jr.redact(PICTURES[name], [(0, 0, 9, 9)])
    assert small_picture()
    assert {"_scan_cy", "_splice_cy", "_grid_cy", "_compact_cy", "_inpaint_cy"} <= set(MODULES)
    for stem, module in MODULES.items():
        assert not module.is_compiled()
        home = {"_inpaint_cy": "redaction", "_search_cy": "container"}.get(stem, "codec")
        compiled = sys.modules[f"jpegredact.{home}.{stem}"]
        assert compiled.is_compiled()
        assert compiled.__all__ == module.__all__


def small_picture() -> bytes:
    planes = [Plane(45, 37, photo(45, 37)[:, :, k].tobytes()) for k in range(3)]
    return SmallCoder([scaled(plane, (31, 29), (44.5, 36)) for plane in planes]).code(70)


def test_small_pictures(pure) -> None:
    compiled = small_picture()
    pure()
    assert small_picture() == compiled


PICTURES = {
    "grey": pillow_jpeg(photo(40, 32), "L", quality=60),
    "colour": pillow_jpeg(photo(45, 37), quality=90),
    "restarts": pillow_jpeg(photo(48, 32), restart_marker_blocks=2, optimize=True),
    "quirks": make_jpeg(
        37, 29, random_parts(37, 29, ((2, 1), (1, 1), (1, 1))), restart=3, padding=0,
        zrl_before_eob=True, fill=1, fill_inside=True, trailing_restart=True,
    ),
    "progressive": pillow_jpeg(photo(45, 37), quality=70, progressive=True),
    "progressive, restarts": pillow_jpeg(
        photo(40, 32), "L", progressive=True, restart_marker_blocks=3
    ),
    "arithmetic": make_arithmetic(
        Picture(24, 29, random_parts(24, 29, ((2, 1), (1, 1))), [Band((0, 1), 0, 63)], 2)
    ),
    "arithmetic, progressive": make_arithmetic(
        Picture(24, 29, random_parts(24, 29, ((1, 1),)), steps(1), 0)
    ),
    "three scans": make_jpeg(
        24, 24, random_parts(24, 24, ((2, 2), (1, 1), (1, 1))), scans=[[0], [1], [2]]
    ),
}  # fmt: skip


class Coefficients:
    """A method that uses what it sees, and gives all coefficients."""

    name, content_free = "halved", False

    def render(self, canvas: jr.Canvas) -> np.ndarray:
        return canvas.coefficients() // 2


def everything(data: bytes, method: object) -> list[bytes]:
    boxes = [(3, 3, 20, 17), (12, 9, 30, 28), jr.Polygon([(0, 20), (20, 20), (9, 29)])]
    result = jr.redact(data, boxes, method=method)
    part = jr.restore(result.jpeg, result.diff, regions=[1])
    return [result.jpeg, result.diff.to_bytes(), part, jr.restore(part, result.diff)]


METHODS = {"inpaint": "inpaint", "fill": "fill", "blur": "blur", "yours": Coefficients()}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("name", PICTURES)
def test_both_forms_give_the_same_bytes(name, method, pure) -> None:
    compiled = everything(PICTURES[name], method)
    assert compiled[3] == PICTURES[name]
    pure()
    assert core.scan.__name__.startswith("pure")
    assert everything(PICTURES[name], method) == compiled


@pytest.mark.parametrize("at", range(0, 400, 23))
def test_both_forms_refuse_the_same_damage(at, pure) -> None:
    data = bytearray(PICTURES["grey"])
    at = data.index(b"\xff\xda") + 10 + at % (len(data) - data.index(b"\xff\xda") - 12)
    data[at] ^= 0x55

    def outcome() -> object:
        try:
            result = jr.redact(bytes(data), [(8, 8, 24, 24)])
        except jr.JpegRedactError as error:
            return error.code, error.offset
        return result.jpeg, result.diff.to_bytes()

    compiled = outcome()
    pure()
    assert outcome() == compiled


def test_sketches_are_the_same_in_both_forms() -> None:
    compiled, plain = core.grid, MODULES["_grid_cy"]
    assert compiled.is_compiled()
    assert not plain.is_compiled()
    generator = random.Random(7)

    def numbers(count: int) -> array:
        return array("i", [generator.randrange(-20_000, 20_000) for _ in range(count)])

    ahead, off, dc = numbers(3 * 40), numbers(3), numbers(6 * 50)
    ranges = array("q", [2, 30]), array("q", [9, 41]), array("q", [6, 60])
    made = []
    for grid in (compiled, plain):
        drawn = array("i", range(3 * 50))
        grid.drawn_behind(ahead, 5, off, 20, drawn)
        grid.draw_runs(ranges, 6, array("i", [3, 4, 5]), dc, drawn)
        planes = [bytearray(50) for _ in range(3)] + [bytearray(100)]
        shapes = ((3, 0, 1, 1), (3, 1, 1, 1), (3, 2, 1, 1), (3, 1, 1, 2))
        for shape, step, plane in zip(shapes, (1, 16, 65535, 1), planes, strict=True):
            grid.samples(drawn, shape, 10, step, plane)
        tall = bytearray(120)  # 5 MCUs side by side, 2 × 2 samples each
        grid.samples(drawn[: 4 * 30], (4, 0, 2, 2), 5, 1, tall)
        planes.append(tall)
        made.append((drawn, planes))
    assert made[0] == made[1]
    assert len(set(made[0][1][0])) > 1
