"""G2 with side copies: what they showed of the inside leaves no trace, whatever is done with them.

Two pictures have the same outside, and each has a side copy of its own inside, as long as the
other's (lengths count as outside). Their redacted files are the same, byte for byte.
"""

from __future__ import annotations

import io
from functools import partial

import numpy as np
import pytest
from pictures import pillow_jpeg
from PIL import Image
from referee import planted

import jpegredact as jr

BOX = planted.BOX
LENGTH = 60_000
IN_BASE64 = 40_000  # one segment has to hold it


def padded(image: Image.Image, how: str = "JPEG", *, length: int, **options: object) -> bytes:
    """Save a picture so that all of its kind are as long."""
    out = io.BytesIO()
    image.save(out, how, **options)
    assert out.tell() <= length
    return out.getvalue() + bytes(length - out.tell())


def originals() -> list[tuple[bytes, Image.Image]]:
    """Return pictures with the same outside, and what each looks like."""
    first = pillow_jpeg(planted.picture(), quality=85)
    found = []
    for method in ("fill:#c02020", "fill:#20c040"):
        # The middle of the region, so that the side copies' outside is the same too.
        inside = (BOX[0] + 32, BOX[1] + 32, BOX[2] - 32, BOX[3] - 32)
        data = jr.redact(first, [inside], method=method).jpeg
        with Image.open(io.BytesIO(data)) as image:
            found.append((data, image.convert("RGB")))
    assert found[0][0] != found[1][0]
    return found


PLANTED = (
    planted.exif_jpeg, planted.exif_rgb, planted.exif_ycbcr, planted.unreferenced_rgb,
    planted.xmp_base64, planted.extended_xmp, planted.flashpix, planted.photoshop,
    planted.unknown_split, planted.jfxx, planted.jfif_rgb, planted.comment_png,
    planted.without_soi, planted.bitmap, planted.trailer, planted.trailer_gif,
)  # fmt: skip


@pytest.mark.parametrize("policy", ["default", "strict"])
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_side_copy_leaves_no_trace(plant, policy: str, monkeypatch) -> None:
    length = IN_BASE64 if plant is planted.xmp_base64 else LENGTH
    monkeypatch.setattr(planted, "saved", partial(padded, length=length))
    made = []
    for data, image in originals():
        small = planted.small(np.asarray(image))
        both = plant(data, small)
        made.append(both)
        result = jr.redact(both, [BOX], side_copies=policy)
        assert jr.restore(result.jpeg, result.diff) == both
        made.append(result.jpeg)
    first, once, second, again = made
    assert first != second
    assert once == again
