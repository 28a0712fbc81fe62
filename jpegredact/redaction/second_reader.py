"""jpegio, the independent second reader: what `verify` and the tests trust instead of our codec."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..codec.model import JpegData
from ..errors import VerificationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["detailed_blocks", "read_coefficients", "with_height", "with_whole_mcus"]

_LARGEST = 65_500
"""libjpeg's JPEG_MAX_DIMENSION."""


def read_coefficients(data: bytes) -> list[NDArray[np.int32]]:
    """Read all quantised coefficients with jpegio.

    Returns for each component an array (8 × rows of blocks, 8 × columns of
    blocks); hidden padding blocks are not in it.

    Raises
    ------
    VerificationError
        jpegio can't read it.
    """
    import jpegio

    with _as_path(data) as path:
        try:
            return list(jpegio.read(path).coef_arrays)
        except (RuntimeError, OSError, MemoryError) as error:
            raise VerificationError(
                f"the second reader can't open the file: {error}", code="verify.unreadable"
            ) from error


@contextmanager
def _as_path(data: bytes) -> Iterator[str]:
    """Give bytes a path, since jpegio reads nothing else: in memory where the system can."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("jpegredact"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    handle, path = tempfile.mkstemp(suffix=".jpg")  # 0600 by default
    try:
        with open(handle, "wb") as file:
            file.write(data)
        yield path
    finally:
        os.unlink(path)


def with_height(data: bytes, jpeg: JpegData) -> bytes:
    """Return the file with the height in its frame header, where only DNL says it.

    jpegio does not read DNL. Any other file comes back as it is.
    """
    at = jpeg.frame.offset + 5
    if data[at : at + 2] != b"\0\0":
        return data
    return data[:at] + jpeg.frame.height.to_bytes(2) + data[at + 2 :]


def with_whole_mcus(data: bytes, jpeg: JpegData) -> tuple[bytes, bool] | None:
    """Return a copy whose frame size is rounded up to whole MCUs, so that padding blocks show.

    Only interleaved scans have such blocks. Scans of one component would have more
    blocks in a larger frame than they code, so they are left out, AC scans of
    progressive pictures among them; the second value says whether there were any.
    None where that is of no use: no padding, or a size that jpegio does not take.
    """
    frame = jpeg.frame
    if all(len(scan.components) == 1 for scan in jpeg.scans):
        return None
    width = -(-frame.width // (8 * frame.horizontal)) * 8 * frame.horizontal
    height = -(-frame.height // (8 * frame.vertical)) * 8 * frame.vertical
    if (width, height) == (frame.width, frame.height) or max(width, height) > _LARGEST:
        return None
    at = frame.offset + 5
    pieces = [data[:at], height.to_bytes(2), width.to_bytes(2)]
    at += 4
    lone = [scan for scan in jpeg.scans if len(scan.components) == 1]
    for scan in lone:
        pieces.append(data[at : scan.header.offset])
        at = scan.end
    return b"".join([*pieces, data[at:]]), bool(lone)


def detailed_blocks(
    a: NDArray[np.int32], b: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which blocks of two planes are the same, and which of ``a`` hold more than a slope."""
    rows, columns = a.shape[0] // 8, a.shape[1] // 8
    view = (rows, 8, columns, 8)
    differs = (a != b).reshape(view).any(axis=(1, 3))
    detail = (a != 0).reshape(view).sum(axis=(1, 3))
    for down, across in ((0, 0), (0, 1), (1, 0)):
        detail -= a[down::8, across::8] != 0
    return ~differs, detail > 0
