"""Pixels to detections: faces, plates, text, and what detectors of one's own find.

Networks run on onnxruntime; weights are found on the machine or fetched once (`weights`).
Knows no codec and no redaction. The path of a picture::

    pixels    bytes -> Picture: as shown, at any scale
    effort    which scales and tiles, and joining what they show
    centerface, clp, ppocr, yolo    Network: a batch of tiles -> candidates
    finder    labels -> networks -> Detection, in pixels of the stored picture
    registry, weights, session, onnxfile    from a name to an open network
    panorama  the seam and the poles
"""

from .finder import GROUP, LABELS, MARGINS, Search, load_detector
from .model import Detection, Detector, Model
from .panorama import is_full_turn
from .pixels import Picture
from .session import Settings

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
    "is_full_turn",
    "load_detector",
]
