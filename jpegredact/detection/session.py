"""onnxruntime sessions: made once for the same weights and settings, then reused.

Knows no picture: arrays in, arrays out. An accelerator plans anew, for seconds, whenever a batch
has another shape than the last one, also one that it has seen before. So there, batches are filled
up (`Session.filled`), and each shape has an onnxruntime session of its own.
"""

from __future__ import annotations

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import DetectorError
from .onnxfile import prepared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Session", "Settings", "open_session"]

_CPU = "CPUExecutionProvider"
_MOST_THREADS = 1024
_MOST_SESSIONS = 8  # kept open; weights and arenas of one take some 50 to 500 MB
_MOST_SHAPES = 8  # on an accelerator, of each
_PIXELS = 1 << 21  # in a batch there, unless one picture has more


@dataclass(frozen=True, slots=True)
class Settings:
    """How networks are run.

    Attributes
    ----------
    provider
        What runs them: "cpu", "cuda", or any other execution provider that the installed
        onnxruntime has, by the first part of its name or all of it.
    threads
        How many threads one network may use; None for one a core.
    """

    provider: str = "cpu"
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """An open network."""

    inner: Any
    name: str
    """Of the input."""
    shape: tuple[int | str, ...]
    """Of the input, as the file declares it."""
    sha256: str
    again: Callable[[], Any] | None
    """Opens the network once more, on an accelerator."""
    shapes: OrderedDict[tuple[int, ...], Any] = field(default_factory=OrderedDict)
    """The networks that were opened for batches of one shape each, on an accelerator."""
    lock: Lock = field(default_factory=Lock)

    def filled(self, count: int, pixels: int) -> int:
        """Return how many pictures of so many pixels a batch of them is to be filled up to."""
        full = 1 if self.again is None else max(1, _PIXELS // pixels)
        return -(-count // full) * full

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the network's outputs for a batch.

        Raises
        ------
        DetectorError
            ``detector.run``: the network doesn't take such input, or memory ran out.
        """
        try:
            inner = self.inner if self.again is None else self._of(batch.shape, self.again)
            outputs: list[NDArray[np.float32]] = inner.run(None, {self.name: batch})
        except DetectorError:
            raise
        except Exception as error:  # onnxruntime's own classes, which differ between versions
            raise DetectorError(
                f"the network failed on a batch of shape {batch.shape}: {_first_line(error)}",
                code="detector.run",
            ) from error
        return outputs

    def _of(self, shape: tuple[int, ...], again: Callable[[], Any]) -> Any:
        """Return the network that runs batches of this shape alone."""
        with self.lock:
            if shape not in self.shapes:
                self.shapes[shape] = again() if self.shapes else self.inner
                while len(self.shapes) > _MOST_SHAPES:
                    self.shapes.popitem(last=False)
            self.shapes.move_to_end(shape)
            return self.shapes[shape]


_open: OrderedDict[tuple[str, Settings, bool], Session] = OrderedDict()
_lock = Lock()


def open_session(weights: bytes, settings: Settings, any_size: bool = True) -> Session:
    """Return a session for weights, a new one or the one that was made before.

    Parameters
    ----------
    weights
        An ONNX file's bytes.
    settings
        How to run it.
    any_size
        Make the input's batch, height and width free, whatever the file declares.

    Raises
    ------
    DetectorError
        ``detector.extra``, ``detector.provider``, ``detector.weights``.
    """
    digest = hashlib.sha256(weights).hexdigest()
    key = (digest, settings, any_size)
    with _lock:
        if key in _open:
            _open.move_to_end(key)
            return _open[key]
        session = _made(weights, digest, settings, any_size)
        _open[key] = session
        while len(_open) > _MOST_SESSIONS:
            _open.popitem(last=False)
        return session


def _made(weights: bytes, digest: str, settings: Settings, any_size: bool) -> Session:
    try:
        import onnxruntime
    except ImportError:
        raise DetectorError(
            "detection needs the package onnxruntime",
            code="detector.extra",
            hint="pip install 'jpegredact[detect]'",
        ) from None
    provider = _provider(settings.provider, onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings are about how networks were exported
    if settings.threads is not None:
        if not 1 <= settings.threads <= _MOST_THREADS:
            raise DetectorError(
                f"threads are from 1 to {_MOST_THREADS}", code="detector.settings"
            )
        options.intra_op_num_threads = settings.threads
    on_cpu = provider == _CPU
    if not on_cpu:
        _preload(onnxruntime)
    model = prepared(weights, ("B", None, "H", "W") if any_size else (None,) * 4)

    def opened() -> Any:
        return _started(onnxruntime, model, options, provider)

    inner = opened()
    inputs = inner.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise DetectorError(
            "the network's input is not one batch of pictures", code="detector.weights"
        )
    return Session(
        inner, inputs[0].name, tuple(inputs[0].shape), digest, None if on_cpu else opened
    )


def _started(onnxruntime: Any, model: bytes, options: Any, provider: str) -> Any:
    """Open a network on this provider; onnxruntime would take the processor in silence."""

    def start(name: str) -> Any:
        return onnxruntime.InferenceSession(
            model, options, providers=[name], enable_fallback=0
        )

    try:
        inner = start(provider)
    except Exception as error:  # onnxruntime's own classes, which differ between versions
        if provider == _CPU or not _works(partial(start, _CPU)):
            raise DetectorError(
                f"onnxruntime can't load the weights: {_first_line(error)}",
                code="detector.weights",
            ) from error
        raise _not_started(provider, _first_line(error)) from error
    if provider not in inner.get_providers():
        raise _not_started(provider, f"took {inner.get_providers()[0]}")
    return inner


def _works(start: Callable[[], Any]) -> bool:
    try:
        start()
    except Exception:  # onnxruntime's own classes; whether it does is what is asked
        return False
    return True


def _not_started(provider: str, why: str) -> DetectorError:
    return DetectorError(
        f"onnxruntime could not start {provider}: {why}",
        code="detector.provider",
        hint="install what it needs, or take another provider",
    )


@cache
def _preload(onnxruntime: Any) -> None:
    """Load NVIDIA's libraries from their Python packages, once, where onnxruntime can do that.

    It prints what it misses. That goes to stderr, and so does what other threads print meanwhile.
    """
    if hasattr(onnxruntime, "preload_dlls"):
        with redirect_stdout(sys.stderr):
            onnxruntime.preload_dlls()


def _provider(name: str, available: list[str]) -> str:
    for full in available:
        if name.lower() in (full.lower(), full.lower().removesuffix("executionprovider")):
            return full
    names = ", ".join(full.removesuffix("ExecutionProvider").lower() for full in available)
    raise DetectorError(
        f"the installed onnxruntime has no provider {name!r}",
        code="detector.provider",
        hint=f"it has {names}",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
