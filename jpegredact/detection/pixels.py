"""The pixels that detectors look at: decoded by Pillow, turned as shown, at several scales.

Detectors are trained on upright pictures, so Exif's orientation is applied; `to_stored` undoes
it for boxes, exactly. Knows no network.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DetectorError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from .model import BoxTuple

__all__ = ["Picture", "outward", "to_shown", "to_stored"]


class Picture:
    """A picture as shown, decoded when it is looked at, no finer than needed.

    ``numpy.asarray(picture)`` gives all of it: (height, width, 3), RGB, 8 bits, read-only.

    Parameters
    ----------
    jpeg
        A JPEG's bytes.
    orientation
        Exif's, 1 to 8.
    wraps
        Whether the stored picture's left and right edges are one: a 360° panorama.

    Raises
    ------
    DetectorError
        ``detector.pixels``: Pillow can't read the header.
    """

    def __init__(self, jpeg: bytes, orientation: int = 1, wraps: bool = False) -> None:
        self._jpeg = jpeg
        self._orientation = orientation
        self._whole: NDArray[np.uint8] | None = None
        stored = self._open().size
        self.width, self.height = stored[::-1] if orientation >= 5 else stored
        # Shown on its side, left and right edges are above and below, where nobody looks for them.
        self.wraps = wraps and orientation <= 4

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as shown."""
        return self.width, self.height

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self.whole()
        return whole.astype(whole.dtype if dtype is None else dtype, copy=bool(copy))

    def whole(self) -> NDArray[np.uint8]:
        """Return all pixels."""
        if self._whole is None:
            self._whole = self._upright(self._decoded(self._open()))
        return self._whole

    def at_scale(self, scale: float) -> NDArray[np.uint8]:
        """Return the picture made smaller (or larger), each side rounded to whole pixels.

        The decoder leaves out what a smaller picture has no room for (scaled DCT), unless the
        picture has been decoded whole before.
        """
        width, height = self.scaled_size(scale)
        if (width, height) == self.size:
            return self.whole()
        if self._whole is not None:
            return _resized(self._whole, width, height)
        image = self._open()
        turned = (height, width) if self._orientation >= 5 else (width, height)
        image.draft(None, turned)  # to a size between this one and twice that, or the stored one
        return _resized(self._upright(self._decoded(image)), width, height)

    def scaled_size(self, scale: float) -> tuple[int, int]:
        """Return the size that `at_scale` gives."""
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))

    def _open(self) -> Image:
        from PIL import JpegImagePlugin

        try:
            # Not Image.open: its limit of pixels is a global, and ours has been checked.
            return JpegImagePlugin.JpegImageFile(io.BytesIO(self._jpeg))
        except Exception as error:  # SyntaxError, OSError, struct.error, ...: all say the same
            raise _undecodable(error) from error

    def _decoded(self, image: Image) -> NDArray[np.uint8]:
        try:
            return np.asarray(image.convert("RGB"))
        except Exception as error:
            raise _undecodable(error) from error

    def _upright(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Apply the orientation (Exif 2.32, 4.6.4.A): a view, no copy."""
        turn, mirror = _TURNS[self._orientation]
        upright = np.rot90(stored, turn)
        return upright[:, ::-1] if mirror else upright


def _undecodable(error: Exception) -> DetectorError:
    return DetectorError(
        f"Pillow can't decode the picture: {error}",
        code="detector.pixels",
        hint="give boxes by hand, or a file that can be decoded whole",
    )


def _resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    from PIL import Image

    if pixels.shape[:2] == (height, width):
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    # Averaging first by whole factors leaves little to the slow filter.
    factor = min(pixels.shape[1] // width, pixels.shape[0] // height)
    return np.asarray(
        image.resize(
            (width, height), Image.Resampling.BILINEAR, reducing_gap=1.0 if factor > 1 else None
        )
    )


# Orientation -> quarter turns counter-clockwise, and whether the result is mirrored.
_TURNS = {
    1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True),
    5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip


def to_stored(box: BoxTuple, orientation: int, width: int, height: int) -> BoxTuple:
    """Map a box of the picture as shown to the stored one, whose size is given; exactly."""
    from ..geometry import Box
    from ..geometry import to_stored as turned

    region = turned(Box(*box), orientation, width, height)
    left, top, right, bottom = region.bounds
    return left, top, right, bottom


def to_shown(box: BoxTuple, orientation: int, width: int, height: int) -> BoxTuple:
    """Map a box of the stored picture, whose size is given, to the picture as shown; exactly."""
    if orientation >= 5:
        width, height = height, width
    return to_stored(box, {6: 8, 8: 6}.get(orientation, orientation), width, height)


def outward(
    box: BoxTuple, margin: float, least: float, most: float, height: float
) -> BoxTuple:
    """Grow a box by a share of its size on each side, to whole pixels.

    What reaches past ``least`` and ``most`` across, or 0 and ``height`` down, is cut off.
    """
    left, top, right, bottom = box
    across, down = margin * (right - left), margin * (bottom - top)
    return (
        max(math.floor(left - across), least), max(math.floor(top - down), 0),
        min(math.ceil(right + across), most), min(math.ceil(bottom + down), height),
    )  # fmt: skip
