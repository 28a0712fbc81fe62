"""What runs where the compiled modules are missing: nothing, unless that was asked for."""

import sys
from types import ModuleType

import pytest

from jpegredact.compiled import compiled


def test_interpreted_only_when_asked_for(monkeypatch) -> None:
    module = ModuleType("slow_twin")
    module.is_compiled = lambda: False  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slow_twin", module)
    monkeypatch.delenv("JPEGREDACT_PURE", raising=False)
    with pytest.raises(ImportError, match="pip install -e"):
        compiled("slow_twin")
    monkeypatch.setenv("JPEGREDACT_PURE", "1")
    assert compiled("slow_twin") is module


def test_without_cython_it_says_how_to_build(tmp_path, monkeypatch) -> None:
    (tmp_path / "needs_cython.py").write_text("import cython\n")
    (tmp_path / "needs_more.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "cython", None)
    with pytest.raises(ImportError, match="pip install -e"):
        compiled("needs_cython")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        compiled("needs_more")


@pytest.mark.parametrize(
    "name", ["codec._scan_cy", "container._search_cy", "redaction._inpaint_cy"]
)
def test_the_modules_are_compiled(name: str) -> None:
    assert compiled(f"jpegredact.{name}").is_compiled()
