"""Shared fixtures: a picture made with NumPy, and the corpus where it is to be had."""

from pathlib import Path

import numpy as np
import pictures
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("unit")


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A photo-like RGB picture of 208 × 160 pixels."""
    return pictures.photo(208, 160)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real JPEG files, where there is one."""
    folder = Path(__file__).parents[2] / "shared" / "corpus" / "files"
    if not folder.is_dir():
        pytest.skip("the corpus is not here")
    return folder
