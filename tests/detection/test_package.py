"""The package's face: complete, and cheap until it is used."""

import subprocess
import sys

import jpegredact.detection as detection
from jpegredact.cli import models_command


def test_all_is_there() -> None:
    assert set(detection.__all__) == set(detection._HOME_OF)
    for name in detection.__all__:
        assert getattr(detection, name) is not None


def test_listing_weights_needs_no_numpy() -> None:
    program = (
        f"import sys, {models_command.__name__}, jpegredact; jpegredact.Detection\n"
        "print(*{n.split('.')[0] for n in sys.modules} & {'numpy', 'scipy', 'PIL', 'onnxruntime'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ""
