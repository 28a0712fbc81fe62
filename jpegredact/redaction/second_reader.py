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

__all__ = ["read_coefficients", "with_whole_mcus"]


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


def with_whole_mcus(data: bytes, jpeg: JpegData) -> bytes | None:
    """Return a copy whose frame size is rounded up to whole MCUs, so that padding blocks show.

    None where that is of no use: no padding, a scan that is not interleaved, or
    a size that the frame header can't say.
    """
    frame = jpeg.frame
    if len(jpeg.scans) != 1 or len(jpeg.scans[0].components) != len(frame.components) or (
        len(frame.components) == 1
    ):
        return None
    width = -(-frame.width // (8 * frame.horizontal)) * 8 * frame.horizontal
    height = -(-frame.height // (8 * frame.vertical)) * 8 * frame.vertical
    if (width, height) == (frame.width, frame.height) or max(width, height) > 65535:
        return None
    at = frame.offset + 5
    return data[:at] + height.to_bytes(2) + width.to_bytes(2) + data[at + 4 :]


