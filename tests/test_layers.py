"""The layers of the design, section 4: who imports whom, and who may do what."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "jpegredact"
SOURCES = sorted(ROOT.rglob("*.py"))
COMPILED = sorted(ROOT.rglob("_*_cy.py"))

LEVELS = {
    "_version": 0, "background": 0, "compiled": 0, "errors": 0, "limits": 0,
    "geometry": 0, "_polygon": 0,
    "codec": 1, "container": 1, "diff": 1, "detection": 1,
    "redaction": 2,
    "report": 3, "reporting": 3, "files": 3, "log": 3, "log_reading": 3, "log_xml": 3,
    "log_coco": 3, "keyring": 3, "results": 3, "finding": 3, "detecting": 3, "looking_again": 3,
    "preview": 3, "pipeline": 3, "owners": 3,
    "batch": 4,
    "cli": 5, "service": 5, "__init__": 5, "__main__": 5,
}  # fmt: skip
SIBLINGS = {
    "limits": {"errors"},
    "geometry": {"errors", "limits", "_polygon"},
    "_polygon": {"errors", "limits"},
    "reporting": {"report"},
    "log": {"log_xml", "log_coco"},
    "log_xml": {"log"},
    "log_coco": {"log"},
    "log_reading": {"files", "log", "log_xml"},
    "owners": {"keyring", "results"},
    "results": {"files", "keyring", "log", "report"},
    "finding": {"files", "log", "log_reading"},
    "preview": {"log"},
    "detecting": {"files"},
    "looking_again": {"finding", "report"},
    "pipeline": {
        "report", "reporting", "results", "files", "finding", "detecting", "looking_again",
        "keyring", "log", "owners",
    },
    "__main__": {"cli"},
}
"""Imports within a level that the design allows."""


def module_name(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


def imported(path: Path) -> set[str]:
    """Return the top-level parts of the package that a module imports, wherever it does."""
    package = ("jpegredact", *module_name(path)[:-1])
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            names = [(*base, alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "jpegredact":
                top = name[1] if len(name) > 1 else "__init__"
                is_module = (ROOT / top).is_dir() or (ROOT / f"{top}.py").is_file()
                found.add(top if is_module else "__init__")
    return found


def code_tokens(path: Path) -> list[str]:
    """Return the tokens of a module without its comments and strings."""
    skip = (tokenize.COMMENT, tokenize.STRING)
    with path.open("rb") as file:
        return [t.string for t in tokenize.tokenize(file.readline) if t.type not in skip]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: "/".join(module_name(p)))
def test_imports_go_down(path: Path) -> None:
    top = module_name(path)[0]
    for other in imported(path) - {top}:
        assert LEVELS[other] < LEVELS[top] or other in SIBLINGS.get(top, ()), (
            f"{top} (level {LEVELS[top]}) imports {other} (level {LEVELS[other]})"
        )


def test_the_import_reader_sees_every_form(tmp_path: Path, monkeypatch) -> None:
    package = tmp_path / "jpegredact"
    for name in ("codec", "diff"):
        (package / name).mkdir(parents=True)
    for name in ("errors", "limits", "files"):
        (package / f"{name}.py").touch()
    module = package / "codec" / "thing.py"
    module.write_text(
        "import jpegredact.files\n"
        "from .. import limits, redact\n"
        "from ..diff.cbor import encode\n"
        "from . import core\n"
        "def late():\n    from jpegredact.errors import X\n"
    )
    monkeypatch.setattr("test_layers.ROOT", package)
    assert imported(module) == {"files", "limits", "__init__", "diff", "codec", "errors"}


INNER = ("codec", "container", "detection", "diff", "redaction")
PURE = [p for p in SOURCES if module_name(p)[0] in INNER]
EXCEPTIONS = {
    ("redaction", "verify_copies"): {"io", "open"},  # so does it here: Image.open
    ("detection", "pixels"): {"io"},  # Pillow reads files: in memory
    # Weights are files, found by name or brought by pip: all of that is in one module.
    ("detection", "weights"): {
        "os", "environ", "open", "pathlib", "Path", "subprocess", "tempfile",
    },
    ("redaction", "thumbnails"): {"io"},  # Pillow reads files: in memory
    ("redaction", "second_reader"): {"os", "open", "tempfile"},  # jpegio reads only paths
}
FORBIDDEN = {
    "print", "input", "open", "logging", "warnings", "environ", "getenv", "os", "sys.std",
    "pathlib", "Path", "tempfile", "socket", "subprocess", "io",
}  # fmt: skip


@pytest.mark.parametrize("path", PURE, ids=lambda p: "/".join(module_name(p)))
def test_bytes_in_bytes_out(path: Path) -> None:
    """The inner packages print nothing, log nothing, and open no path."""
    allowed = EXCEPTIONS.get(module_name(path), set())
    assert FORBIDDEN & set(code_tokens(path)) <= allowed


def test_there_are_compiled_modules() -> None:
    assert len(COMPILED) >= 3


@pytest.mark.parametrize("path", COMPILED, ids=lambda p: p.stem)
class TestCompiledModules:
    """Design section 4: no pointers, no malloc, no check off, casts between integers only."""

    def test_directives(self, path: Path) -> None:
        lines = re.findall(r"^#\s*(?:cython|distutils):\s*(.*)$", path.read_text(), re.M)
        settings = [part.strip() for line in lines for part in line.split(",")]
        # Without wraparound a negative index is an IndexError: one more check, not one less.
        assert sorted(settings) == ["boundscheck=True", "language_level=3", "wraparound=False"]

    def test_no_unsafe_names(self, path: Path) -> None:
        unsafe = re.compile(
            r"p_\w+|pp_\w+|pointer|address|operator|\w*alloc|free|mem(cpy|set|move)|libc|cpython|"
            r"boundscheck|nonecheck|cdivision|initializedcheck|wraparound|overflowcheck|"
            r"directives|cimport|declare_ptr|volatile|array_type"
        )
        found = [token for token in code_tokens(path) if unsafe.fullmatch(token)]
        assert not found

    def test_casts_are_to_integers(self, path: Path) -> None:
        integers = {
            "char", "uchar", "short", "ushort", "int", "uint", "long", "ulong", "longlong",
            "ulonglong", "bint", "Py_ssize_t", "size_t",
        }  # fmt: skip
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "typecast":
                    pytest.fail(f"typecast in line {node.lineno}")
                if node.func.attr == "cast":
                    kind = node.args[0]
                    assert isinstance(kind, ast.Attribute), f"line {node.lineno}"
                    assert kind.attr in integers, f"line {node.lineno}"

    def test_nothing_but_cython_is_imported_for_its_types(self, path: Path) -> None:
        imports = [
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        ]
        assert imports == ["cython"]
