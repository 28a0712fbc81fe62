"""Limits: at them is fine, above them is an error that says how to raise them."""

import dataclasses
import re
from pathlib import Path

import pytest

from jpegredact.errors import LimitExceededError
from jpegredact.limits import DEFAULT_LIMITS, Limits

NAMES = [field.name for field in dataclasses.fields(Limits)]


@pytest.mark.parametrize("name", NAMES)
def test_each_limit(name) -> None:
    limits = Limits(**{name: 5})
    limits.check(name, 5, "things")
    with pytest.raises(LimitExceededError) as caught:
        limits.check(name, 6, "things", 42)
    error = caught.value
    assert error.code == f"limit.{name.removeprefix('max_')}"
    assert error.offset == 42
    assert "6 things" in str(error)
    assert f"Limits({name}=" in error.hint


def test_every_limit_is_documented() -> None:
    for name in NAMES:
        assert f"    {name}\n" in Limits.__doc__


def test_defaults() -> None:
    assert Limits() == DEFAULT_LIMITS
    assert all(getattr(DEFAULT_LIMITS, name) > 0 for name in NAMES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT_LIMITS.max_bytes = 1


def test_the_documented_defaults() -> None:
    """The table in docs/api.md has every limit, with its default: 2^30, 20,000."""
    page = Path(__file__).parents[1] / "docs" / "api.md"
    rows = re.findall(r"^\| `(max_\w+)` \| ([\d,^]+) \|", page.read_text(), re.MULTILINE)
    values = {}
    for name, value in rows:
        base, _, power = value.replace(",", "").partition("^")
        values[name] = int(base) ** int(power or 1)
    assert values == dataclasses.asdict(Limits())
    assert [name for name, _ in rows] == NAMES  # in the same order
