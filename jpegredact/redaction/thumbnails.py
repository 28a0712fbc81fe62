"""Small pictures of the redacted picture, and the same regions in a scale of it.

What `container` asks for and has no pixels for. As a rule DC values are enough; where not,
Pillow decodes, at a reduced scale.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, cast

from ..codec import markers as m
from ..codec.intervals import FileEdit
from ..codec.model import JpegData
from ..codec.sketch import Drawing, Plane, Sketch, drawing
from ..codec.small import SmallCoder, framed, scaled, turned
from ..errors import JpegRedactError
from ..geometry import Box, Region
from ..limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["PictureRenderer", "decoder_pieces", "drawing_for"]

Piece = bytes | bytearray | memoryview
_QUALITIES = (90, 80, 70, 60, 50, 40, 30, 20, 10, 5)
_LARGEST = 4096
"""Side of a thumbnail in pixels: a file may claim anything."""
_MOST_PIXELS = 1 << 22
"""Of all thumbnails of a file together, each size once."""
_MOST_CODED = 1 << 24
"""Pixels that are coded for them, trying qualities."""
_MOST_REDACTED = 4
"""Pictures within the file that are redacted too."""
_STRETCHED = 1.1
"""How much larger a thumbnail may be than what it is made from; phones' often are, by a little."""
_AT_MOST = 1.02
"""How far shapes may differ and still count as the same."""


class PictureRenderer:
    """The `Renderer` of one redacted picture (see `container.model`).

    Parameters
    ----------
    jpeg
        The picture's structure, the same before and after.
    pieces
        Gives the redacted file as the pieces that a decoder needs: it is called once, and
        only if a thumbnail is asked for.
    sketch
        Gives the redacted picture from its DC values, or None: enough where it has a sample
        for each of the thumbnail's.
    orientation
        The picture's Exif orientation.
    redact
        Redacts regions of another JPEG and returns it; with True, its side copies too.
    limits
        Bounds on those.
    """

    def __init__(
        self,
        jpeg: JpegData,
        pieces: Callable[[], Sequence[Piece]],
        sketch: Callable[[], Sketch | None],
        orientation: int,
        regions: Sequence[Region],
        redact: Callable[[bytes, Sequence[Region], bool], bytes],
        limits: Limits,
    ) -> None:
        self._jpeg = jpeg
        self._pieces = pieces
        self._draw = sketch
        self._orientation = orientation
        self._regions = regions
        self._redact = redact
        self._limits = limits
        self._decoded: Picture | None = None
        self._failed = False
        self._made: dict[tuple[int, int], list[Plane]] = {}
        self._coders: dict[tuple[int, int], SmallCoder] = {}
        self._pixels = 0
        self._coded = 0
        self._redactions = 0

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        """Return the redacted picture at this size as a JPEG of at most ``limit`` bytes."""
        small = self._small(width, height)
        if small is None:
            return None
        for quality in _QUALITIES:
            self._coded += width * height
            if self._coded > _MOST_CODED:
                return None
            if (width, height) not in self._coders:
                self._coders[width, height] = SmallCoder(small)
            jpeg = self._coders[width, height].code(quality)
            if len(jpeg) <= limit:
                return jpeg
        return None

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        """Return it as ``3 * width * height`` bytes of RGB."""
        small = self._small(width, height)
        if small is None:
            return None
        from PIL import Image

        planes = [Image.frombytes("L", (width, height), plane.samples) for plane in small]
        whole = Image.merge("YCbCr", planes) if len(planes) > 1 else planes[0]
        return whole.convert("RGB").tobytes()

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        """Redact the same regions in a JPEG that is a pure scale of the picture."""
        from ..codec.reader import read_jpeg

        width, height = self._jpeg.size
        try:
            other = read_jpeg(jpeg, self._limits).size
            # A scale, but for what rounding a side to whole pixels does.
            if abs(other[0] * height - other[1] * width) > max(width, height):
                return None
            self._redactions += 1
            if self._redactions > _MOST_REDACTED or other[0] > width:
                return None  # no map of a picture is larger than it, and none has so many
            across, down = other[0] / width, other[1] / height
            scaled = [_scaled(region, across, down, other) for region in self._regions]
            return self._redact(jpeg, scaled, whole)
        except JpegRedactError:
            return None  # it is dropped: nothing of it can stay

    def _small(self, width: int, height: int) -> list[Plane] | None:
        """Return the redacted picture at this size, Y or YCbCr: whole, perhaps with black bars."""
        if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
            return None
        if (width, height) in self._made:
            return self._made[width, height]
        self._pixels += width * height
        if self._pixels > _MOST_PIXELS:
            return None
        planes = self._drawn(width, height)
        if planes is None:
            picture = self._decode(width, height)
            if picture is None:
                return None
            planes = _planes(self.fitted(picture, width, height))
        self._made[width, height] = planes
        return planes

    def _fit(self, across: int, down: int, width: int, height: int) -> tuple[bool, int, int]:
        """Return whether a picture is to be turned for a thumbnail; its width and height before."""
        turn = (
            self._orientation >= 5 and (width > height) != (across > down)
            and width != height and across != down
        )  # fmt: skip
        if turn:
            width, height = height, width
        wide, high = width / across, height / down
        if max(wide, high) <= _AT_MOST * min(wide, high):
            return turn, width, height
        scale = min(wide, high)
        return turn, max(round(across * scale), 1), max(round(down * scale), 1)

    def fitted(self, picture: Picture, width: int, height: int) -> Picture:
        """Return a picture of the whole at this size: turned as need be, with black bars."""
        from PIL import Image

        turn, *size = self._fit(*picture.size, width, height)
        small = picture.resize((size[0], size[1]), Image.Resampling.BOX)
        if turn:
            small = small.transpose(Image.Transpose[_TURNS[self._orientation]])
        if small.size == (width, height):
            return small
        whole = Image.new(picture.mode, (width, height))
        whole.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
        return whole

    def _drawn(self, width: int, height: int) -> list[Plane] | None:
        """Return the thumbnail from the sketch, unless that is smaller than asked for."""
        scale = _scale(self._jpeg, width, height)
        sketch = None if drawing_for(self._jpeg, (width, height)) is None else self._draw()
        if sketch is None or scale * max(sketch.block) > _STRETCHED:
            return None
        (across, down), (step_x, step_y) = self._jpeg.size, sketch.block
        turn, *size = self._fit(across, down, width, height)
        first = sketch.planes[0]
        planes = []
        for number, plane in enumerate(sketch.planes):
            # The last samples may stand for less than a whole block.
            area = (
                across / step_x * plane.across / first.across,
                down / step_y * plane.down / first.down,
            )
            small = scaled(plane, (size[0], size[1]), area)
            if turn:
                small = turned(small, self._orientation)
            if small[:2] != (width, height):
                small = framed(small, (width, height), 128 if number else 0)
            planes.append(small)
        return planes

    def _decode(self, width: int, height: int) -> Picture | None:
        """Decode the redacted picture at the least scale that is no smaller than asked for."""
        from PIL.JpegImagePlugin import JpegImageFile

        least = max(width, height)
        if self._failed:
            return None
        if self._decoded is not None and min(self._decoded.size) >= least:
            return self._decoded
        try:
            # Not Image.open: it warns of large pictures, which `Limits` has let pass.
            image = JpegImageFile(cast(IO[bytes], _Joined(self._pieces())))
            image.draft(None, (least, least))
            image.load()
            picture: Picture = image if image.mode in ("L", "RGB") else image.convert("RGB")
        except (OSError, SyntaxError, ValueError):
            self._failed = True  # cut short, or coded as libjpeg can't read it
            return None
        self._decoded = picture
        return picture


def _planes(picture: Picture) -> list[Plane]:
    """Return a picture's samples as Y, or as Y, Cb and Cr."""
    bands = [picture] if picture.mode == "L" else picture.convert("YCbCr").split()
    return [Plane(*picture.size, band.tobytes()) for band in bands]


def drawing_for(jpeg: JpegData, size: tuple[int, int] | None) -> Drawing | None:
    """Return the least to draw of a picture for a thumbnail of a size.

    That is, a sample for each of the thumbnail's, or nearly so, turned or not. None where nothing
    is enough.
    """
    scale = 0.0 if size is None else _scale(jpeg, *size)
    first = jpeg.frame.components[0]
    across, down = jpeg.mcu
    if scale * max(across, down) <= _STRETCHED:
        return drawing(jpeg, fine=False)
    if scale * max(across / first.horizontal, down / first.vertical) <= _STRETCHED:
        return drawing(jpeg, fine=True)
    return None


def _scale(jpeg: JpegData, width: int, height: int) -> float:
    """Return how large a thumbnail is beside the picture, at most."""
    whole = jpeg.size
    return min(max(width, height) / max(whole), min(width, height) / min(whole))


_TURNS = {5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}
"""How a stored picture is turned to stand upright, by its Exif orientation."""


class _Joined(io.RawIOBase):
    """Pieces of memory read as one file, without a copy of them."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = [memoryview(piece) for piece in pieces]
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + len(piece))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, self._starts[-1])[whence]
        self._at = min(max(base + offset, 0), self._starts[-1])
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._starts[-1] if size < 0 else min(self._at + size, self._starts[-1])
        found = []
        for start, piece in zip(self._starts, self._pieces, strict=False):
            if start < end and self._at < start + len(piece):
                found.append(piece[max(self._at - start, 0) : end - start])
        self._at = end
        return b"".join(found)


def decoder_pieces(
    data: bytes, jpeg: JpegData, changes: Sequence[FileEdit]
) -> list[Piece]:
    """Return what a decoder needs of a file once the changes are made, and nothing else.

    Segments of applications and comments are left out, but for those that tell colours.
    """
    view = memoryview(data)
    skipped = [
        (segment.offset, segment.end, b"")
        for segment in jpeg.segments
        if (m.APP0 <= segment.code <= m.APP15 or segment.code == m.COM)
        and not data.startswith((b"Adobe", b"JFIF\0"), segment.offset + 4)
    ]
    inside = [
        change for change in changes if not any(a <= change[0] < b for a, b, _ in skipped)
    ]
    pieces: list[Piece] = []
    at, stop = 0, jpeg.length if jpeg.eoi is None else jpeg.eoi + 2
    for start, end, new in sorted([*skipped, *inside], key=lambda edit: edit[:2]):
        if start >= stop:
            break
        pieces += [view[at:start], new]
        at = end
    return [*pieces, view[at:stop]]


def _scaled(region: Region, across: float, down: float, size: tuple[int, int]) -> Box:
    """Return a region's bounds at another scale, a pixel larger: scaling blends neighbours."""
    left, top, right, bottom = region.bounds
    return Box(
        max(left * across - 1, 0),
        max(top * down - 1, 0),
        min(right * across + 1, size[0]),
        min(bottom * down + 1, size[1]),
        region.label,
    )
