"""How blocks are filled: two content-free methods, and a place for yours.

The two cosmetic ones are in `cosmetic`.

A method works on one component at a time, on its own grid of quantised DC
values: no chroma upsampling, which would mix inside and outside. The
content-free ones use integers only, so the same file gives the same bytes on
every platform.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from ..compiled import compiled
from ..errors import InvalidRegionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Canvas", "Fill", "Inpaint", "Method", "Slopes", "as_method"]

_KNOWN = 1
"""The state of a cell whose value stands outside the regions."""
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a method sees of one component: a window of its block grid.

    Attributes
    ----------
    component
        Its index in the frame.
    colour
        Of the picture: "grey", "YCbCr", "RGB", "CMYK", "YCCK" or "unknown".
    inverted
        Whether CMYK samples count from full ink down (Adobe).
    quantization
        Its quantisation table in zigzag order; the first entry is DC's.
    step_x, step_y
        A block's size in pixels of the picture.
    rows, columns
        Of the window. Arrays below are row-major.
    dc
        Quantised DC values; inside the regions 0 for a content-free method.
    states
        1 where ``dc`` is an outside block's, 2 inside the regions, 0 unknown.
    areas
        Gives an array (rows, columns): for each block inside, which cluster of
        overlapping regions it belongs to, from 1; else 0.
    coefficients
        Gives the original coefficients, an integer array (rows, columns, 64) in
        zigzag order; None for a content-free method. Outside it holds zeros.
    precision
        Bits of a sample: 8 or 12. A DC value of 0 is the level 2^(precision - 1).
    """

    component: int
    colour: str
    inverted: bool
    quantization: tuple[int, ...]
    step_x: Fraction
    step_y: Fraction
    rows: int
    columns: int
    dc: array[int]
    states: array[int]
    areas: Callable[[], NDArray[np.int64]]
    coefficients: Callable[[], NDArray[np.int16]] | None = field(repr=False)
    precision: int = 8


@runtime_checkable
class Method(Protocol):
    """How to fill blocks.

    ``render`` returns quantised DC values, row-major: any sequence of rows ×
    columns integers, or an array (rows, columns); or all coefficients, an array
    (rows, columns, 64) in zigzag order. Only blocks inside the regions are
    taken from it. What a file's tables can't say is moved to the nearest value
    (DC) or left out (AC).
    """

    @property
    def name(self) -> str:
        """What the report calls it."""

    @property
    def content_free(self) -> bool:
        """True if nothing of the inside is used; then the inside is not shown to it."""

    def render(self, canvas: Canvas) -> Any:
        """Return new DC values or coefficients for the window."""


class Slopes(NamedTuple):
    """What the built-in fills return: DC values, perhaps the first AC coefficients of a slope."""

    dc: array[int]
    across: array[int] | None = None
    down: array[int] | None = None


@cache
def _core() -> Any:
    return compiled("jpegredact.redaction._inpaint_cy")


@dataclass(frozen=True, slots=True)
class Inpaint:
    """A smooth fill worked out from the blocks around; the default."""

    name: str = field(default="inpaint", init=False)
    content_free: bool = field(default=True, init=False)

    def render(self, canvas: Canvas) -> Slopes:
        """Interpolate the DC values around the regions, in integers, and slope each block."""
        core = _core()
        rows, columns = canvas.rows, canvas.columns
        cells = rows * columns
        if _KNOWN not in canvas.states.tobytes():  # nothing to interpolate from
            return Slopes(array("i", [0]) * cells)
        values = array("i", canvas.dc)
        scratch = array("i", [0]) * (3 * cells + 2 * columns + rows)
        core.inpaint(values, canvas.states, rows, columns, _SWEEPS, scratch)
        across, down = array("i", [0]) * cells, array("i", [0]) * cells
        core.slopes(values, canvas.states, rows, columns, canvas.quantization[:3], across, down)
        return Slopes(values, across, down)


@dataclass(frozen=True, slots=True)
class Fill:
    """One colour, given as red, green, blue from 0 to 255; mid-grey by default."""

    red: int = 128
    green: int = 128
    blue: int = 128
    name: str = field(default="fill", init=False)
    content_free: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        for level in (self.red, self.green, self.blue):
            if not isinstance(level, int) or not 0 <= level <= 255:
                raise InvalidRegionError(
                    f"{level!r} is no level from 0 to 255", code="region.method"
                )

    def render(self, canvas: Canvas) -> Slopes:
        """Return the colour's DC value everywhere."""
        level = self._level(canvas) - (1 << (canvas.precision - 1))
        step = canvas.quantization[0]
        value = (16 * level + step) // (2 * step)  # 8 * level / step, rounded
        return Slopes(array("i", [value]) * (canvas.rows * canvas.columns))

    def _level(self, canvas: Canvas) -> int:
        component, colour, inverted = canvas.component, canvas.colour, canvas.inverted
        top = (1 << canvas.precision) - 1
        red, green, blue = ((part * top + 127) // 255 for part in (self.red, self.green, self.blue))
        if colour in ("RGB", "CMYK"):
            level = (red, green, blue, top)[component]
            return level if colour == "RGB" or inverted else top - level
        if component == 3:
            return top if inverted else 0
        if colour == "YCCK" and inverted:  # Adobe transforms the inks, then inverts them
            red, green, blue = top - red, top - green, top - blue
        # ITU-R BT.601 in thousandths, as JFIF has it.
        luma = (299 * red + 587 * green + 114 * blue + 500) // 1000
        if component == 0:
            return luma
        factors = (-168736, -331264, 500000) if component == 1 else (500000, -418688, -81312)
        chroma = factors[0] * red + factors[1] * green + factors[2] * blue
        return min((1 << (canvas.precision - 1)) + (chroma + 500000) // 1000000, top)


_NAMED: dict[str, Callable[[], Method]] = {"inpaint": Inpaint, "fill": Fill}
_COLOUR = re.compile(r"fill:#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


def as_method(method: str | Method) -> Method:
    """Return a method by its name ("inpaint", "fill", "fill:#rrggbb", "pixelate", "blur").

    Raises
    ------
    InvalidRegionError
        An unknown name.
    """
    if not isinstance(method, str):
        if isinstance(method, type) or not isinstance(method, Method):
            raise InvalidRegionError(
                f"{method!r} is no method: it needs a name, content_free and render()",
                code="region.method",
            )
        return method
    if method in _NAMED:
        return _NAMED[method]()
    if method in ("pixelate", "blur"):
        from .cosmetic import Blur, Pixelate

        return Blur() if method == "blur" else Pixelate()
    colour = _COLOUR.fullmatch(method)
    if colour:
        return Fill(*(int(part, 16) for part in colour.groups()))
    raise InvalidRegionError(
        f"there is no method {method!r}",
        code="region.method",
        hint="there are inpaint, fill, fill:#rrggbb, pixelate and blur",
    )
