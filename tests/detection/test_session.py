"""Sessions: reused, on the provider that was asked for."""

import sys

import numpy as np
import pytest
import tinynet

from jpegredact.detection.network import planes
from jpegredact.detection.session import Settings, open_session
from jpegredact.errors import DetectorError

onnxruntime = pytest.importorskip("onnxruntime")


def test_the_same_session_again() -> None:
    first = open_session(tinynet.scaler(), Settings("cpu", 1))
    assert open_session(tinynet.scaler(), Settings("cpu", 1)) is first
    assert open_session(tinynet.scaler(), Settings("cpu", 2)) is not first
    assert open_session(tinynet.scaler(3.0), Settings("cpu", 1)) is not first
    assert open_session(tinynet.scaler(), Settings("cpu", 1), any_size=False) is not first


def test_few_are_kept() -> None:
    first = open_session(tinynet.scaler(100.0), Settings("cpu", 1))
    for factor in range(20):
        open_session(tinynet.scaler(factor), Settings("cpu", 1))
    assert open_session(tinynet.scaler(100.0), Settings("cpu", 1)) is not first


def test_threads_are_set(monkeypatch) -> None:
    seen = []
    real = onnxruntime.InferenceSession

    def spy(model, options, providers, enable_fallback):
        seen.append((options.intra_op_num_threads, providers, enable_fallback))
        return real(model, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    open_session(tinynet.scaler(7.5), Settings("cpu", 2))
    assert seen == [(2, ["CPUExecutionProvider"], 0)]


@pytest.mark.parametrize("name", ["cpu", "CPU", "CPUExecutionProvider"])
def test_providers_by_name(name) -> None:
    session = open_session(tinynet.scaler(), Settings(name))
    assert session.inner.get_providers() == ["CPUExecutionProvider"]


def test_a_provider_that_is_not_there() -> None:
    with pytest.raises(DetectorError, match=r"it has .*cpu") as caught:
        open_session(tinynet.scaler(), Settings("abacus"))
    assert caught.value.code == "detector.provider"


def fake_accelerator(monkeypatch, start) -> None:
    """Let onnxruntime have one more provider, which ``start`` starts; the CPU stays what it is."""
    real = onnxruntime.InferenceSession
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)

    def make(model, options, providers, **rest):
        session = real(model, options, providers=["CPUExecutionProvider"], **rest)
        return start(session) if providers == names[:1] else session

    monkeypatch.setattr(onnxruntime, "InferenceSession", make)


class OnAccelerator:
    """A session that says it is on one."""

    def __init__(self, session) -> None:
        self.run, self.get_inputs = session.run, session.get_inputs

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_no_silent_fallback(monkeypatch) -> None:
    """onnxruntime goes on with the CPU where a provider can't start; we say so."""
    fake_accelerator(monkeypatch, lambda session: session)
    with pytest.raises(DetectorError, match="took CPUExecutionProvider") as caught:
        open_session(tinynet.scaler(8.5), Settings("cuda"))
    assert caught.value.code == "detector.provider"


def test_no_silent_fallback_for_another_shape(monkeypatch) -> None:
    """Each has a session of its own, for which there may be no memory."""
    started = []

    def start(session):
        started.append(session)
        return OnAccelerator(session) if len(started) == 1 else session

    fake_accelerator(monkeypatch, start)
    session = open_session(tinynet.scaler(8.75), Settings("cuda"))
    for _ in range(2):
        session.run(np.ones((1, 3, 1, 32), np.float32))
    with pytest.raises(DetectorError, match="took CPUExecutionProvider") as caught:
        session.run(np.ones((1, 3, 1, 64), np.float32))
    assert caught.value.code == "detector.provider"
    assert len(started) == 2


def test_whose_fault_it_is(monkeypatch) -> None:
    """The provider's, if the same weights work on the processor."""

    def start(session):
        raise RuntimeError("out of memory")

    fake_accelerator(monkeypatch, start)
    for weights, code in ((tinynet.scaler(8.25), "provider"), (b"no weights", "weights")):
        with pytest.raises(DetectorError) as caught:
            open_session(weights, Settings("cuda"))
        assert caught.value.code == f"detector.{code}"


def test_threads_below_one() -> None:
    with pytest.raises(DetectorError) as caught:
        open_session(tinynet.scaler(9.5), Settings("cpu", 0))
    assert caught.value.code == "detector.settings"


def test_without_onnxruntime(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DetectorError, match=r"pip install 'jpegredact\[detect\]'") as caught:
        open_session(tinynet.scaler(10.5), Settings())
    assert caught.value.code == "detector.extra"


def test_a_network_that_cannot_be_loaded() -> None:
    broken = tinynet.model(
        tinynet.node("NoSuchOperator", ["in"], "out"),
        tinynet.info(11, "in", [1, 3, 8, 8]),
        tinynet.info(12, "out", [1, 3, 8, 8]),
    )
    with pytest.raises(DetectorError, match="NoSuchOperator") as caught:
        open_session(broken, Settings())
    assert caught.value.code == "detector.weights"


def test_an_input_that_is_no_picture() -> None:
    flat = tinynet.model(
        tinynet.node("Abs", ["in"], "out"),
        tinynet.info(11, "in", [5]),
        tinynet.info(12, "out", [5]),
    )
    with pytest.raises(DetectorError) as caught:
        open_session(flat, Settings())
    assert caught.value.code == "detector.weights"


def test_results_are_arrays() -> None:
    (out,) = open_session(tinynet.scaler(), Settings()).run(np.ones((1, 3, 2, 2), np.float32))
    assert out.dtype == np.float32
    assert out.shape == (1, 3, 2, 2)


def test_threads_beyond_reason() -> None:
    with pytest.raises(DetectorError) as caught:
        open_session(tinynet.scaler(), Settings(threads=10**12))
    assert caught.value.code == "detector.settings"


def test_an_accelerator_has_a_network_for_each_shape(monkeypatch) -> None:
    """It would plan anew for each change of shape; the results are the same."""
    cpu = open_session(tinynet.scaler(4.5), Settings("cpu", 1))
    fake_accelerator(monkeypatch, OnAccelerator)
    session = open_session(tinynet.scaler(4.5), Settings("cuda", 1))
    shapes = [(1, 3, 4, side) for side in (32, 64, 32, 64, 96, 32)]
    for shape in shapes:
        batch = np.random.default_rng(1).random(shape, np.float32)
        assert (session.run(batch)[0] == cpu.run(batch)[0]).all()
    assert list(session.shapes) == [shapes[3], shapes[4], shapes[5]]
    assert session.shapes[shapes[0]] is session.inner
    assert len({id(inner) for inner in session.shapes.values()}) == 3
    for side in range(32, 32 * 30, 32):
        session.run(np.ones((1, 3, 1, side), np.float32))
    assert len(session.shapes) == 8


@pytest.mark.parametrize(("count", "side", "full"), [(1, 288, 25), (26, 288, 50), (3, 1280, 3),
                                                     (1, 2000, 1), (5, 960, 6)])  # fmt: skip
def test_batches_of_few_shapes_on_an_accelerator(monkeypatch, count, side, full) -> None:
    cpu = open_session(tinynet.scaler(5.5), Settings("cpu", 1))
    fake_accelerator(monkeypatch, OnAccelerator)
    session = open_session(tinynet.scaler(5.5), Settings("cuda", 1))
    assert (cpu.filled(count, side * side), session.filled(count, side * side)) == (count, full)
    pictures = [np.full((40, 50, 3), 200, np.uint8)] * count
    few, many = planes(pictures, cpu, mean=(7, 7, 7)), planes(pictures, session, mean=(7, 7, 7))
    assert many.shape == (session.filled(count, 64 * 64), 3, 64, 64)
    assert (many[:count] == few).all()
    assert (many[count:] == -7).all()


def test_what_onnxruntime_prints_is_no_output(monkeypatch, capsys) -> None:
    from jpegredact.detection import session

    monkeypatch.setattr(
        onnxruntime, "preload_dlls", lambda: print("Failed to load libcudnn.so.9"), raising=False
    )
    session._preload.cache_clear()
    fake_accelerator(monkeypatch, OnAccelerator)
    for factor in (11.5, 12.5):
        open_session(tinynet.scaler(factor), Settings("cuda"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("libcudnn.so.9") == 1  # once a process
