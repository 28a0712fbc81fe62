"""A real face, and the weights to find it with, where they can be had."""

import io
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from jpegredact.detection.registry import weights_for
from jpegredact.detection.weights import fetch, load, locate
from jpegredact.errors import DetectorError


def have(*names: str) -> None:
    """Bring weights here, or skip the test."""
    for name in names:
        weights = weights_for(name)[0]
        try:
            if locate(weights) is None:
                fetch(weights, accepted=True)
            load(weights, fetching=False)
        except DetectorError as error:
            if error.code not in ("detector.network", "detector.extra"):
                raise
            pytest.skip(f"the weights {name} can't be had: {error}")
    pytest.importorskip("onnxruntime")


@pytest.fixture(scope="session")
def face_weights() -> None:
    have("centerface")


@pytest.fixture(scope="session")
def all_weights() -> None:
    have("centerface", "ppocrv5", "clp")


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """Rear Admiral Grace Hopper, U.S. Navy, public domain: in matplotlib's wheel."""
    path = files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"))
