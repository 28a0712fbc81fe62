"""The edits of ONNX files."""

import numpy as np
import pytest
import tinynet
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.detection.onnxfile import fields, prepared, varint
from jpegredact.detection.session import Settings, open_session
from jpegredact.errors import DetectorError


def graph_fields(model: bytes, number: int) -> list[bytes]:
    graph = next(content for field, _, content in fields(model) if field == 7)
    return [content for field, _, content in fields(graph) if field == number]


def test_sizes_become_names_and_weights_constants() -> None:
    model = tinynet.scaler()
    edited = prepared(model)
    assert len(graph_fields(model, 11)) == 2
    (only,) = graph_fields(edited, 11)
    assert b"in" in only
    assert all(name in only for name in (b"B", b"H", b"W"))
    assert not graph_fields(edited, 13)
    assert graph_fields(edited, 5) == graph_fields(model, 5)
    assert graph_fields(edited, 1) == graph_fields(model, 1)


@pytest.mark.parametrize("shape", [(10, 3, 32, 32), (1, 3, 64, 96), (2, 3, 5, 7)])
def test_every_size_runs(shape) -> None:
    pytest.importorskip("onnxruntime")
    session = open_session(tinynet.scaler(), Settings())
    batch = np.random.default_rng(1).random(shape, np.float32)
    (out,) = session.run(batch)
    np.testing.assert_array_equal(out, 2 * batch)


def test_unedited_sizes_stay() -> None:
    pytest.importorskip("onnxruntime")
    session = open_session(tinynet.scaler(), Settings(), any_size=False)
    assert session.shape == (10, 3, 32, 32)
    with pytest.raises(DetectorError) as caught:
        session.run(np.zeros((1, 3, 64, 64), np.float32))
    assert caught.value.code == "detector.run"


@pytest.mark.parametrize("bad", [b"", b"\xff" * 12, b"no model", tinynet.scaler()[:-40], b"\x3a"])
def test_what_is_no_model(bad) -> None:
    with pytest.raises(DetectorError) as caught:
        prepared(bad)
    assert caught.value.code == "detector.weights"


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_bytes(bad, at) -> None:
    """A model with a stretch of other bytes: edited, or a clear error."""
    model = tinynet.scaler()
    at %= len(model)
    for data in (bad, model[:at] + bad + model[at + len(bad) :]):
        try:
            edited = prepared(data)
        except DetectorError as error:
            code = error.code
        else:
            code = "detector.weights"
            assert isinstance(edited, bytes)
        assert code == "detector.weights"


@given(st.integers(0, 1 << 63))
def test_varints(value) -> None:
    assert varint(value) == tinynet.varint(value)


def test_a_small_file_does_not_become_a_huge_one() -> None:
    """A shape that is given many times is not replaced as often."""
    dim = tinynet.message(1, tinynet.message(2, "x" * 20_000))
    shape = tinynet.message(2, tinynet.message(1), dim, tinynet.message(1), tinynet.message(1))
    kind = tinynet.message(1, tinynet.number(1, 1), shape, *3000 * [tinynet.message(2)])
    info = tinynet.message(11, tinynet.message(1, "in"), tinynet.message(2, kind))
    with pytest.raises(DetectorError) as caught:
        prepared(tinynet.model(info))
    assert caught.value.code == "detector.weights"
