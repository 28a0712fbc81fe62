"""What redaction will hide, drawn over the picture as it is shown: a PNG, or a page of HTML.

A preview shows all that a log says, and the picture: keep it as private as both.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .codec.model import JpegData
from .codec.reader import read_jpeg
from .errors import InvalidLogError, UnsupportedJpegError
from .geometry import Box, Polygon, Region, parse_margin, to_stored
from .limits import Limits, checked
from .log import LogEntry, Sighting
from .redaction.coverage import touched_pixels
from .redaction.plan import make_plan

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = ["draw_html", "draw_png"]

_INVERSE = {6: 8, 8: 6}
"""Orientations that undo each other; all others undo themselves."""
_COLOURS = ((230, 60, 40), (30, 110, 230), (20, 150, 70), (190, 60, 200), (200, 130, 0))
_KEPT = (110, 110, 110)
_TINT = 90
"""How strongly touched blocks are tinted, of 255."""


def draw_png(jpeg: bytes, entry: LogEntry, *, side: int = 1600, limits: Limits | None = None) -> (
    bytes
):
    """Return a PNG of the picture with the entry's detections drawn over it.

    What is to be redacted has a thick outline and its blocks are tinted; what is kept has a
    thin grey one. In colours by label, with label and score.

    Parameters
    ----------
    jpeg
        The original.
    entry
        Of this picture, such as `survey` gives.
    side
        The longer side is at most that many pixels; 0: all of them.

    Raises
    ------
    InvalidLogError
        The entry is of another picture.
    UnsupportedJpegError
        Pillow can't decode the picture.
    """
    from PIL import Image, ImageDraw

    drawing = _Drawing(jpeg, entry, side, checked(limits))
    image = drawing.image
    tint = Image.new("L", image.size)
    pen = ImageDraw.Draw(tint)
    for left, top, right, bottom in drawing.touched():
        pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), fill=_TINT)
    image.paste(_COLOURS[0], (0, 0), tint)
    pen = ImageDraw.Draw(image)
    for each, outline in drawing.outlines():
        pen.line([*outline, outline[0]], fill=drawing.colour(each), width=_thickness(each))
    for each, outline in drawing.outlines():
        _write_label(pen, outline, _title(each), drawing.colour(each), image)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def draw_html(jpeg: bytes, entry: LogEntry, *, side: int = 1600, limits: Limits | None = None) -> (
    bytes
):
    """Return a page that shows the same as `draw_png`, and lists it; it refers to nothing outside.

    Parameters and errors as in `draw_png`.
    """
    drawing = _Drawing(jpeg, entry, side, checked(limits))
    out = io.BytesIO()
    drawing.image.save(out, "JPEG", quality=85)
    picture = base64.b64encode(out.getvalue()).decode("ascii")
    width, height = drawing.image.size
    blocks = "".join(
        f"M{left} {top}H{right}V{bottom}H{left}Z"
        for left, top, right, bottom in drawing.touched()
    )
    shapes = [f'<path class="blocks" d="{blocks}"/>']
    for each, outline in drawing.outlines():
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        colour = "rgb({},{},{})".format(*drawing.colour(each))
        left, top = min(x for x, _ in outline), min(y for _, y in outline)
        shapes.append(
            f'<g stroke="{colour}" fill="{colour}"><title>{escape(_title(each))}</title>'
            f'<polygon class="{each.decision}" points="{points}"/>'
            f'<text x="{left:.1f}" y="{max(top - 4, 12):.1f}">{escape(_title(each))}</text></g>'
        )
    rows = "".join(_row(each) for each in entry.detections)
    name = escape(entry.file)
    redacted = len(entry.to_redact)
    kept = len(entry.detections) - redacted
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{name}: preview</title>\n<style>{_STYLE}</style></head><body>\n"
        f"<h1>{name}</h1>\n<p>{redacted} to redact, {kept} to keep. "
        "Tinted: the blocks that will be replaced.</p>\n"
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f'<image href="data:image/jpeg;base64,{picture}" width="{width}" height="{height}"/>\n'
        + "\n".join(shapes)
        + "\n</svg>\n<table><thead><tr><th>id</th><th>label</th><th>score</th><th>decision</th>"
        "<th>source</th><th>box, as stored</th><th>pixels of its blocks</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>\n</body></html>\n"
    )
    return page.encode()


_STYLE = (
    "body{font:14px sans-serif;margin:1em}svg{max-width:100%;height:auto}"
    "polygon{fill:none;stroke-width:3}polygon.keep{stroke-width:1;stroke-dasharray:4}"
    "text{font:13px sans-serif;stroke:none;paint-order:stroke}"
    ".blocks{fill:rgb(230,60,40);fill-opacity:.35}"
    "table{border-collapse:collapse}td,th{padding:2px 8px;text-align:left;border:1px solid #ccc}"
)


def _row(each: Sighting) -> str:
    cells = (
        each.id,
        each.label or "",
        "" if each.score is None else f"{each.score:.2f}",
        each.decision,
        each.source,
        ", ".join(f"{side:g}" for side in each.box),
        "" if each.snapped is None else ", ".join(map(str, each.snapped)),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


class _Drawing:
    """A picture as shown, at a smaller scale, and what is to be drawn on it in its pixels."""

    def __init__(self, jpeg: bytes, entry: LogEntry, side: int, limits: Limits) -> None:
        import hashlib

        if entry.sha256 != hashlib.sha256(jpeg).hexdigest():
            raise InvalidLogError("the entry is of another picture", code="log.mismatch")
        self._entry = entry
        self._jpeg = read_jpeg(jpeg, limits)
        self._limits = limits
        self._orientation = entry.orientation or 1
        width, height = self._jpeg.size
        turned = self._orientation >= 5
        self._shown = (height, width) if turned else (width, height)
        scale = min(side / max(width, height), 1) if side else 1
        self._scale = scale
        small = max(round(width * scale), 1), max(round(height * scale), 1)
        self.image = _pixels(jpeg, self._jpeg, small, self._orientation)
        labels = sorted({each.label or "" for each in entry.detections})
        self._colours = {label: _COLOURS[n % len(_COLOURS)] for n, label in enumerate(labels)}

    def colour(self, each: Sighting) -> tuple[int, int, int]:
        """Return the colour of a detection."""
        return _KEPT if each.decision == "keep" else self._colours[each.label or ""]

    def outlines(self) -> list[tuple[Sighting, list[tuple[float, float]]]]:
        """Return each detection, or part of one, with its corners; those to redact on top."""
        ordered = sorted(self._entry.detections, key=lambda each: each.decision == "redact")
        return [
            (each, self._corners(region))
            for each in ordered
            for region in _parts(each)
        ]

    def touched(self) -> list[tuple[int, int, int, int]]:
        """Return rectangles that together are all blocks to be replaced."""
        regions = [each.region for each in self._entry.to_redact]
        if not regions:
            return []
        margin = parse_margin(self._entry.options.margin)
        plan = make_plan(self._jpeg, regions, margin, self._limits)
        found = []
        for pixels in sorted(set(touched_pixels(plan, self._jpeg.frame))):
            (x0, y0), (x1, y1) = self._corners(Box(*pixels))[::2]
            found.append((round(x0), round(y0), round(x1), round(y1)))
        return found

    def _corners(self, region: Region) -> list[tuple[float, float]]:
        back = _INVERSE.get(self._orientation, self._orientation)
        shown = to_stored(region, back, *self._shown)  # from there to here is from here to there
        if isinstance(shown, Polygon):
            points: Sequence[tuple[float, float]] = shown.points
        else:
            left, top, right, bottom = shown.bounds
            points = ((left, top), (right, top), (right, bottom), (left, bottom))
        return [(x * self._scale, y * self._scale) for x, y in points]


def _pixels(data: bytes, jpeg: JpegData, size: tuple[int, int], orientation: int) -> Image:
    """Decode a picture at a reduced size, and turn it as it is shown (Exif 2.32, 4.6.4.A)."""
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        # Not Image.open: it warns of large pictures, which `Limits` has let pass.
        image: Image.Image = JpegImageFile(io.BytesIO(data))
        image.draft("RGB", size)
        image = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnsupportedJpegError(
            f"Pillow can't decode the picture ({jpeg.process}): {error}", code="jpeg.pixels"
        ) from error
    image = image.resize(size, Image.Resampling.BILINEAR) if image.size != size else image
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    return image.transpose(turns[orientation]) if orientation in turns else image


def _parts(each: Sighting) -> list[Region]:
    return [Box(*part) for part in each.parts] if each.parts else [each.region]


def _thickness(each: Sighting) -> int:
    return 1 if each.decision == "keep" else 3


def _title(each: Sighting) -> str:
    parts = [each.label or "region"]
    if each.score is not None:
        parts.append(f"{each.score:.2f}")
    if each.decision == "keep":
        parts.append("(kept)")
    return " ".join(parts)


def _write_label(
    pen: ImageDraw, outline: list[tuple[float, float]], text: str,
    colour: tuple[int, int, int], image: Image,
) -> None:  # fmt: skip
    """Write a label above its outline, or within the picture's edge."""
    text = text.encode("latin-1", "replace").decode("latin-1")  # what Pillow's own fonts hold
    left, top = min(x for x, _ in outline), min(y for _, y in outline)
    x0, y0, x1, y1 = pen.textbbox((0, 0), text)
    width, height = x1 - x0 + 4, y1 - y0 + 4
    left = max(min(left, image.width - width), 0)
    top = max(min(top - height, image.height - height), 0)
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
    pen.text((left + 2 - x0, top + 2 - y0), text, fill="white")
