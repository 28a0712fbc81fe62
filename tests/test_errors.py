"""The exception tree: as its docstring draws it, with a stable code each."""

import pickle
import re

import pytest

from jpegredact import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = {}
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ([│ ]*[├└]── )?(\w+Error)", line)
        if found:
            depth = len(found[1] or "") // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_says_what_where_and_what_to_do(kind) -> None:
    error = kind("something is wrong", code="a.b", offset=7, hint="turn it round")
    assert (error.message, error.code, error.offset, error.hint) == (
        "something is wrong", "a.b", 7, "turn it round",
    )  # fmt: skip
    assert str(error) == "something is wrong (at byte 7); turn it round"
    assert str(kind("wrong", offset=0)) == "wrong (at byte 0)"
    bare = kind("wrong")
    assert str(bare) == "wrong"
    assert bare.code == kind.default_code
    assert (bare.offset, bare.hint) == (None, None)


def test_default_codes_are_distinct() -> None:
    assert len({kind.default_code for kind in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_cross_processes(kind) -> None:
    """Batch workers hand them over by pickle: nothing may be lost on the way."""
    error = kind("wrong", code="a.b", offset=7, hint="try again")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.code, again.offset, again.hint) == ("wrong", "a.b", 7, "try again")
