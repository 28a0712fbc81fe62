"""What tells how a redacted file was changed: fingerprints of its grids, and of its coding.

They protect nothing: whoever wants to can make a file with the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..codec.markers import APP0, APP15, COM
from ..codec.model import JpegData, Segment
from ..diff.cbor import encode
from ..diff.document import FINGERPRINT

__all__ = ["coding_fingerprint", "fingerprint", "frame_fingerprint"]


def frame_fingerprint(jpeg: JpegData) -> bytes:
    """Return what lossless recoding keeps: size, precision, sampling factors, quantisation.

    Quantised coefficients mean the same in all pictures that share it. The factors of a component
    that is alone mean nothing (T.81 A.2.2), and libjpeg writes 1 × 1 for whatever they were.
    """
    frame = jpeg.frame
    alone = len(frame.components) == 1
    parts = [
        [*((1, 1) if alone else (part.horizontal, part.vertical)), list(table or ())]
        for part, table in zip(frame.components, jpeg.quantization, strict=True)
    ]
    return fingerprint(encode([frame.width, frame.height, frame.precision, parts]))


def coding_fingerprint(
    data: bytes, segments: Iterable[Segment], scans: Iterable[tuple[int, int]]
) -> bytes:
    """Return what editing of metadata keeps, and recoding does not.

    That is, all marker segments but APPn and COM, and how many bytes each scan has.

    Parameters
    ----------
    segments
        Of the file, in order.
    scans
        Start and end of each scan's coded data.
    """
    kept = [
        data[segment.offset : segment.end]
        for segment in segments
        if not APP0 <= segment.code <= APP15 and segment.code != COM
    ]
    return fingerprint(encode([kept, [end - start for start, end in scans]]))


def fingerprint(content: bytes | bytearray) -> bytes:
    """Return the first bytes of a SHA-256."""
    return hashlib.sha256(content).digest()[:FINGERPRINT]
