"""Hide a face in a JPEG by rewriting only the DCT blocks it touches, and keep the only way back.

>>> import jpegredact as jr
>>> r = jr.redact("photo.jpg", [(120, 80, 220, 200)])
>>> r.diff.save("photo.jrdiff")                     # store it elsewhere
>>> jr.restore(r.jpeg, r.diff) == open("photo.jpg", "rb").read()
True

Names are imported when they are first used, so ``import jpegredact`` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .container.model import SideCopy
    from .detecting import Detecting, detect
    from .detection import Detection, Detector
    from .diff.keys import Identity, Recipient, generate_identity
    from .diff.passphrase import RunKey
    from .errors import (
        BatchError,
        DecryptionError,
        DetectorError,
        DiffError,
        DiffMismatchError,
        InvalidDiffError,
        InvalidJpegError,
        InvalidKeyError,
        InvalidLogError,
        InvalidRegionError,
        JpegRedactError,
        LimitExceededError,
        SideCopyError,
        UnsafeNameError,
        UnsupportedJpegError,
        VerificationError,
    )
    from .geometry import Box, Mask, Polygon
    from .limits import Limits
    from .log import Log, LogEntry, Sighting
    from .log_reading import read_log
    from .pipeline import (
        audit,
        inspect,
        process,
        redact,
        restore,
        survey,
        verify,
    )
    from .redaction.cosmetic import Blur, Pixelate
    from .redaction.methods import Canvas, Fill, Inpaint, Method
    from .redaction.verify import Verification
    from .report import Report
    from .results import Processed, Redaction, UnblurDiff

_HOMES = {
    "detecting": ("Detecting", "detect"),
    "detection": ("Detection", "Detector"),
    "errors": (
        "BatchError", "DecryptionError", "DetectorError", "DiffError", "DiffMismatchError",
        "InvalidDiffError", "InvalidJpegError", "InvalidKeyError", "InvalidLogError",
        "InvalidRegionError", "JpegRedactError", "LimitExceededError", "SideCopyError",
        "UnsafeNameError", "UnsupportedJpegError", "VerificationError",
    ),
    "container.model": ("SideCopy",),
    "diff.keys": ("Identity", "Recipient", "generate_identity"),
    "diff.passphrase": ("RunKey",),
    "geometry": ("Box", "Mask", "Polygon"),
    "limits": ("Limits",),
    "log": ("Log", "LogEntry", "Sighting"),
    "log_reading": ("read_log",),
    "pipeline": (
        "audit", "inspect", "process", "redact", "restore", "survey",
        "verify",
    ),
    "redaction.cosmetic": ("Blur", "Pixelate"),
    "redaction.methods": ("Canvas", "Fill", "Inpaint", "Method"),
    "redaction.verify": ("Verification",),
    "report": ("Report",),
    "results": ("Processed", "Redaction", "UnblurDiff"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BatchError",
    "Blur",
    "Box",
    "Canvas",
    "DecryptionError",
    "Detecting",
    "Detection",
    "Detector",
    "DetectorError",
    "DiffError",
    "DiffMismatchError",
    "Fill",
    "Identity",
    "Inpaint",
    "InvalidDiffError",
    "InvalidJpegError",
    "InvalidKeyError",
    "InvalidLogError",
    "InvalidRegionError",
    "JpegRedactError",
    "LimitExceededError",
    "Limits",
    "Log",
    "LogEntry",
    "Mask",
    "Method",
    "Pixelate",
    "Polygon",
    "Processed",
    "Recipient",
    "Redaction",
    "Report",
    "RunKey",
    "SideCopy",
    "SideCopyError",
    "Sighting",
    "UnblurDiff",
    "UnsafeNameError",
    "UnsupportedJpegError",
    "Verification",
    "VerificationError",
    "audit",
    "detect",
    "generate_identity",
    "inspect",
    "process",
    "read_log",
    "redact",
    "restore",
    "survey",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from ._version import VERSION

        return VERSION
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
