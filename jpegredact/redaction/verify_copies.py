"""What `verify` says of side copies: what a redacted file still holds that shows the original.

The walkers say where to look; pictures are decoded by Pillow and jpegio.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING

from ..codec.model import JpegData
from ..container.gate import must_go
from ..container.model import Area, SideCopy
from ..container.walk import Contents
from ..errors import SideCopyError, VerificationError
from ..limits import Limits
from .second_reader import detailed_blocks, read_coefficients
from .side_copies import read_contents, require_clean_file
from .thumbnails import PictureRenderer, decoder_pieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["copies_left"]

_DIFFERENCE = 6.0
"""Grey levels that a thumbnail may be off in the regions, beyond twice what it is off elsewhere:
coding a thumbnail at a low quality takes some."""
_FEW = 4
"""Pixels of a thumbnail within regions that can't be judged."""


def copies_left(
    contents: Contents, original: bytes, redacted: bytes, other: JpegData,
    areas: Sequence[Area], orientation: int, limits: Limits,
) -> tuple[list[SideCopy], list[str]]:  # fmt: skip
    """Return what a redacted file should not hold, and what is wrong besides, in sentences.

    Parameters
    ----------
    contents
        Of the original.
    other
        The redacted file's structure.
    areas
        The regions.
    """
    now = read_contents(redacted, other, limits)
    left = [copy for copy in now.copies if must_go(copy, "default")]
    problems = [f"a side copy is still there: {copy.detail} ({copy.kind})" for copy in left]
    if not left:
        ranges = [(scan.start, scan.end) for scan in other.scans]
        try:
            require_clean_file(redacted, ranges, "default", limits)
        except SideCopyError as error:
            problems.append(str(error))
    renderer = PictureRenderer(
        other, lambda: decoder_pieces(redacted, other, []), lambda: None, orientation, (),
        lambda data, regions, whole: data, limits,
    )  # fmt: skip
    for copy in now.copies:
        if copy.default_action == "regenerate" and _shows_other(
            redacted, other, copy, areas, renderer
        ):
            left.append(copy)
            problems.append(f"a thumbnail shows something else than the picture ({copy.kind})")
        if copy.default_action == "redact" and _is_unredacted(
            original, contents, redacted, copy, areas
        ):
            left.append(copy)
            problems.append(f"a gain map still shows the original's detail ({copy.kind})")
    if now.names(areas, orientation):
        problems.append("areas with the names of people are still marked in the regions")
    return left, problems


def _shows_other(
    redacted: bytes, jpeg: JpegData, copy: SideCopy, areas: Sequence[Area],
    renderer: PictureRenderer,
) -> bool:  # fmt: skip
    """Whether a thumbnail differs, in the regions, from what it would be made anew."""
    import numpy as np
    from PIL import Image

    content = b"".join(redacted[start:end] for start, end in copy.pieces)
    if not content.strip(b"\0"):
        return False
    try:
        if copy.encoding == "rgb" and copy.size is not None:
            thumbnail = Image.frombytes("RGB", copy.size, content)
        else:
            with Image.open(io.BytesIO(b"\xff" + content[1:])) as image:
                thumbnail = image.convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return copy.encoding == "jpeg"  # whoever can read it may see anything
    made = renderer.thumbnail_rgb(*thumbnail.size)
    if made is None:
        return True
    inside = _mask(renderer, jpeg, areas, thumbnail.size)
    if inside.sum() < _FEW:
        return False
    anew = np.frombuffer(made, np.uint8).reshape(*inside.shape, 3).astype(float)
    off = _smooth(np.abs(_smooth(np.asarray(thumbnail, float) - anew)).mean(axis=2))
    elsewhere = float(off[~inside].mean()) if (~inside).sum() >= _FEW else 0.0
    return float(off[inside].mean()) > _DIFFERENCE + 2 * elsewhere


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over 3 × 3 pixels: noise of the coding goes, what is shown stays."""
    from scipy.ndimage import uniform_filter

    size = (3, 3, 1)[: values.ndim]
    smoothed: NDArray[np.float64] = uniform_filter(values, size)
    return smoothed


def _mask(
    renderer: PictureRenderer, jpeg: JpegData, areas: Sequence[Area], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return where the regions are in a thumbnail of this size."""
    import numpy as np
    from PIL import Image

    width, height = (ceil(side / 8) for side in jpeg.size)
    mask = np.zeros((height, width, 3), np.uint8)
    for area in areas:
        rows = slice(max(int(area.top * height), 0), max(ceil(area.bottom * height), 0))
        mask[rows, max(int(area.left * width), 0) : max(ceil(area.right * width), 0)] = 255
    fitted = renderer.fitted(Image.fromarray(mask), *size)
    found: NDArray[np.bool_] = np.asarray(fitted)[:, :, 0] > 127
    return found


def _is_unredacted(
    original: bytes, contents: Contents, redacted: bytes, copy: SideCopy, areas: Sequence[Area]
) -> bool:
    """Whether a gain map's blocks in the regions are an original one's, with more than slopes."""
    import numpy as np

    try:
        now = read_coefficients(redacted[copy.offset : copy.offset + copy.length])
    except VerificationError:
        return True
    for old in contents.copies:
        if old.kind != copy.kind:
            continue
        try:
            before = read_coefficients(original[old.offset : old.offset + old.length])
        except VerificationError:
            continue
        if [plane.shape for plane in before] != [plane.shape for plane in now]:
            continue
        for a, b in zip(before, now, strict=True):
            same, detail = detailed_blocks(a, b)
            for part in _parts(same.shape, areas):
                if np.any(same[part] & detail[part]):
                    return True
    return False


def _parts(shape: tuple[int, ...], areas: Sequence[Area]) -> Iterator[tuple[slice, slice]]:
    """Yield the blocks that lie within each area."""
    rows, columns = shape
    for area in areas:
        yield (
            slice(max(ceil(area.top * rows), 0), max(int(area.bottom * rows), 0)),
            slice(max(ceil(area.left * columns), 0), max(int(area.right * columns), 0)),
        )
