"""Pixels to detections: faces, plates, text, and what detectors of one's own find.

Networks run on onnxruntime; weights are found on the machine or fetched once (`weights`).
Knows no codec and no redaction. The path of a picture::

    pixels    bytes -> Picture: as shown, at any scale
    effort    which scales and tiles, and joining what they show
    closer    a second look at what is small and doubtful
    centerface, clp, ppocr, yolo    Network: a batch of tiles -> candidates
    finder    labels -> networks -> Detection, in pixels of the stored picture
    identity  what a detector of one's own is
    registry, weights, session, onnxfile    from a name to an open network
    panorama  the seam and the poles

Names are imported when they are first used: listing weights needs no NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .finder import LABELS, MARGINS, Search, load_detector
    from .identity import GROUP, built_in, identity_of
    from .model import Detection, Detector, Model
    from .panorama import is_full_turn
    from .pixels import Picture
    from .session import Settings

_HOMES = {
    "finder": ("LABELS", "MARGINS", "Search", "load_detector"),
    "identity": ("GROUP", "built_in", "identity_of"),
    "model": ("Detection", "Detector", "Model"),
    "panorama": ("is_full_turn",),
    "pixels": ("Picture",),
    "session": ("Settings",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "GROUP",
    "LABELS",
    "MARGINS",
    "Detection",
    "Detector",
    "Model",
    "Picture",
    "Search",
    "Settings",
    "built_in",
    "identity_of",
    "is_full_turn",
    "load_detector",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
