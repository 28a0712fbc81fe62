"""`jpegredact.process` where others call it: a loop, processes, columns (docs/batch.md)."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import jpegredact as jr

from .runs import BOX, IDENTITY, RECIPIENT, picture

PICTURES = [picture(seed) for seed in range(5)]


def hide(jpeg: bytes) -> tuple[bytes, bytes | None]:
    done = jr.process(jpeg, [BOX], recipients=[RECIPIENT])
    return done.jpeg, None if done.diff is None else done.diff.to_bytes()


def assert_pairs(pairs: list[tuple[bytes, bytes | None]]) -> None:
    assert len(pairs) == len(PICTURES)
    for jpeg, (redacted, diff) in zip(PICTURES, pairs, strict=True):
        assert redacted != jpeg
        assert diff is not None
        assert jr.restore(redacted, diff, identities=[IDENTITY]) == jpeg


def test_a_plain_loop() -> None:
    assert_pairs([hide(jpeg) for jpeg in PICTURES])


def test_processes() -> None:
    """Redactions can be made elsewhere; what comes back is bytes."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        pairs = list(pool.map(hide_for, [(jpeg, RECIPIENT) for jpeg in PICTURES], chunksize=2))
    assert_pairs(pairs)


def hide_for(task: tuple[bytes, str]) -> tuple[bytes, bytes | None]:
    jpeg, recipient = task  # the worker's own key is another one
    done = jr.process(jpeg, [BOX], recipients=[recipient])
    return done.jpeg, None if done.diff is None else done.diff.to_bytes()


def test_a_column_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"jpeg": PICTURES})
    table["redacted"], table["diff"] = zip(*table["jpeg"].map(hide), strict=True)
    assert_pairs(list(zip(table["redacted"], table["diff"], strict=True)))


def test_a_column_of_pyarrow() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    column = pyarrow.chunked_array([PICTURES[:2], PICTURES[2:]], type=pyarrow.binary())
    pairs = [hide(jpeg.as_py()) for jpeg in column]
    assert_pairs(pairs)
    assert pyarrow.array([diff for _, diff in pairs], type=pyarrow.binary()).null_count == 0
