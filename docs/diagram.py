"""Draws docs/diagram.svg: a box, the blocks that it touches, and what goes where.

    python docs/diagram.py            write diagram.svg beside this file

No library: an SVG is text.
"""

from __future__ import annotations

from pathlib import Path

WIDTH, HEIGHT = 1000, 430
BLOCK = 20  # drawn size of a luma block; 8 pixels of the picture
COLUMNS, ROWS = 12, 10
BOX = (30, 21, 61, 50)  # pixels of the picture

INK, MUTED, LINE = "#1f2328", "#59636e", "#d1d9e0"
PAPER, OUTSIDE, INSIDE, HELD = "#ffffff", "#f6f8fa", "#f9c9a7", "#cfe3f7"
EDGE, HELD_EDGE, BOX_EDGE = "#bc4c00", "#0969da", "#cf222e"


def rect(
    x: float, y: float, width: float, height: float, fill: str, stroke: str, **more: str
) -> str:
    """Return a rectangle; underscores in ``more`` become hyphens."""
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'fill="{fill}" stroke="{stroke}"{extra}/>'
    )


def text(x: float, y: float, words: str, size: int = 14, fill: str = INK, **more: str) -> str:
    """Return a line of text."""
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{extra}>{words}</text>'


def touched(step: int) -> list[tuple[int, int]]:
    """Return the blocks (row, column), each of ``step`` pixels, that the box has area in."""
    left, top, right, bottom = BOX
    return [
        (row, column)
        for row in range(top // step, -(-bottom // step))
        for column in range(left // step, -(-right // step))
    ]


def grid(x: float, y: float, title: str, below: str, step: int) -> list[str]:
    """Return the block grid of one component, with the box on it."""
    side = BLOCK * step // 8
    parts = [text(x, y - 14, title, 15, font_weight="600")]
    inside = set(touched(step))
    for row in range(ROWS * 8 // step):
        for column in range(COLUMNS * 8 // step):
            parts.append(
                rect(
                    x + column * side, y + row * side, side, side,
                    INSIDE if (row, column) in inside else OUTSIDE,
                    EDGE if (row, column) in inside else LINE,
                )
            )  # fmt: skip
    for row, column in sorted(inside):  # their edges again, on top of the neighbours'
        parts.append(rect(x + column * side, y + row * side, side, side, "none", EDGE))
    scale = BLOCK / 8
    left, top, right, bottom = (n * scale for n in BOX)
    parts.append(
        rect(x + left, y + top, right - left, bottom - top, "none", BOX_EDGE,
             stroke_width="2.5", stroke_dasharray="6 4")
    )  # fmt: skip
    parts.append(text(x, y + ROWS * BLOCK + 22, below, 13, MUTED))
    return parts


def arrow(x0: float, x1: float, y: float) -> str:
    """Return an arrow to the right."""
    return (
        f'<path d="M{x0:g} {y:g}H{x1 - 7:g}" stroke="{MUTED}" stroke-width="1.5"/>'
        f'<path d="M{x1:g} {y:g}l-9 -5v10z" fill="{MUTED}"/>'
    )


def holder(
    x: float, y: float, height: float, title: str, lines: list[str], held: bool
) -> list[str]:
    """Return a frame with a title and lines of text."""
    parts = [
        rect(x, y, 344, height, HELD if held else OUTSIDE, HELD_EDGE if held else MUTED, rx="8"),
        text(x + 16, y + 28, title, 15, font_weight="600"),
    ]
    parts.extend(text(x + 16, y + 52 + 20 * k, line, 13) for k, line in enumerate(lines))
    return parts


def draw() -> str:
    """Return the whole drawing."""
    luma, chroma = len(touched(8)), len(touched(16))
    grids = 56
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" '
        'font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img">',
        "<title>A box, the blocks that it touches, and what the redacted JPEG and the diff "
        "hold</title>",
        rect(0.5, 0.5, WIDTH - 1, HEIGHT - 1, PAPER, LINE, rx="8"),
        *grid(24, grids, "Luma: blocks of 8 × 8 pixels",
              f"{luma} of {ROWS * COLUMNS} blocks touched", 8),
        *grid(296, grids, "Chroma (4:2:0): 16 × 16 pixels",
              f"{chroma} of {ROWS * COLUMNS // 4} blocks touched, in Cb and in Cr", 16),
    ]  # fmt: skip
    legend = grids + ROWS * BLOCK + 56
    parts += [
        rect(24, legend - 13, 24, 16, "none", BOX_EDGE, stroke_width="2.5", stroke_dasharray="6 4"),
        text(58, legend, "the box that was asked for, in pixels"),
        rect(24, legend + 15, 24, 16, INSIDE, EDGE),
        text(58, legend + 28,
             "touched: filled from the blocks around; what stood here goes to the diff"),
        rect(24, legend + 43, 24, 16, OUTSIDE, LINE),
        text(58, legend + 56,
             "not touched: the same as before; in sequential Huffman scans its bits"),
        text(58, legend + 76,
             "are too, but for one DC difference behind each run of touched blocks"),
        arrow(550, 622, 128),
        arrow(550, 622, 254),
        *holder(632, 40, 176, "Redacted JPEG (publish)", [
            "all headers, byte for byte *",
            "all other blocks, never recompressed",
            "touched blocks with a fill that is worked out",
            "from the blocks around them alone",
            "",
            "* Huffman tables may gain a symbol",
        ], held=False),
        *holder(632, 236, 170, "Diff, .jrdiff (keep apart, private)", [
            "original coefficients of the touched blocks",
            "which blocks belong to which region",
            "padding bits and other leftovers",
            "digests that tell which file it fits",
            "redacted JPEG + diff = original, byte for byte",
        ], held=True),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("diagram.svg").write_text(draw(), encoding="utf-8")
