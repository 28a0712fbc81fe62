"""The worked example of diff-format.md, and the proof that its text suffices.

For sequential Huffman pictures, that is: `diff_reader.py` reads no others. Makes
pictures, lets jpegredact redact them and bring regions back, and then reads, checks, restores
and hides them again with `diff_reader.py` alone, which was written from diff-format.md. jpegio,
a wrapper around libjpeg-turbo, says what the coefficients should have been.

    python docs/design/diff_example.py           print the example
    python docs/design/diff_example.py --write   put it into diff-format.md
    python docs/design/diff_example.py --check   exit 1 if it is not what stands there
"""

from __future__ import annotations

import io
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from diff_reader import (
    Block,
    Diff,
    Jpeg,
    hidden,
    read_blocks,
    read_cbor,
    read_diff,
    read_shape,
    revealed,
    write_blocks,
    write_cbor,
)

if TYPE_CHECKING:
    from jpegredact import Canvas, Redaction, UnblurDiff

ZIGZAG = sorted(
    range(64),
    key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8),
)  # zigzag position -> natural position


# -- The proof ------------------------------------------------------------------------------


def prove(original: bytes, redacted: bytes, data: bytes) -> Diff:
    """Read a plain diff, check all that it says, compare with jpegio, restore."""
    diff = read_diff(data)
    assert diff.file is not None
    file = Jpeg(redacted)
    expected = _jpegio(original)
    assert hidden(redacted, diff) == redacted
    for group, fill in zip(diff.groups, diff.public["fills"], strict=True):
        assert group is not None
        shape = read_shape(group["shape"], group["windows"])
        found = read_blocks(group["blocks"], shape)
        assert all(found[block] == expected[block] for block in file.real(shape))
        assert file.fill_digest(shape) == fill
        assert write_blocks(shape, found) == group["blocks"]
        assert group["tables"] == [len(table.symbols) for table in file.tables]
        assert (group["frame"], group["coding"]) == file.fingerprints()
    whole = {**diff.public, "records": diff.stored}
    assert data[:3] + write_cbor(whole) == data
    assert revealed(redacted, diff, set(range(len(diff.stored)))) == original
    return diff


def prove_parts(original: bytes, redaction: Redaction) -> tuple[int, int]:
    """Reveal regions with the diff and with parts of it, in two steps and in one; hide them again.

    Return in how many states Huffman symbols had to be appended, and how many have a note of
    several segments.
    """
    import jpegredact

    diff = redaction.diff
    assert diff is not None
    appended = long = 0
    regions = range(len(diff.regions))
    for count in regions:
        for asked in map(set, combinations(regions, count)):
            state = prove_state(redaction, diff, asked)
            if state == original:
                continue
            appended += Jpeg(state).tables != Jpeg(redaction.jpeg).tables
            long += state.count(b"jrdiff-revealed") > 1
            if asked:
                state = prove_state(redaction, diff.extract(asked), asked)
            for more in set(regions) - asked:
                other = diff.extract([more])
                both = revealed(state, read_diff(other.to_bytes()), {more})
                assert both == jpegredact.restore(state, other)
                assert revealed(both, read_diff(diff.to_bytes()), set(regions)) == original
    return appended, long


def prove_state(redaction: Redaction, diff: UnblurDiff, asked: set[int]) -> bytes:
    """Return a state; it must be jpegredact's, and hidden again be the redacted file."""
    import jpegredact

    read = read_diff(diff.to_bytes())
    state = revealed(redaction.jpeg, read, asked)
    assert state == jpegredact.restore(redaction.jpeg, diff, regions=asked)
    assert read.file is not None or hidden(state, read) == redaction.jpeg
    return state


def prove_sealed(original: bytes, redaction: Redaction) -> None:
    """Open the same diff sealed, and a part of it."""
    import pyrage

    assert redaction.diff is not None
    owner, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    sealed = redaction.diff.seal([str(other.to_public()), str(owner.to_public())])
    assert read_diff(sealed.to_bytes(), str(owner)) == read_diff(redaction.diff.to_bytes())
    part = sealed.extract([0], recipients=[str(other.to_public())], identities=[str(owner)])
    read = read_diff(part.to_bytes(), str(other))
    assert read == read_diff(redaction.diff.extract([0]).to_bytes())
    assert hidden(revealed(redaction.jpeg, read, {0}), read) == redaction.jpeg


def _jpegio(data: bytes) -> dict[Block, list[int]]:
    import jpegio

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.jpg")
        path.write_bytes(data)
        arrays = jpegio.read(str(path)).coef_arrays
    return {
        (c, row, column): [
            int(a[8 * row + n // 8, 8 * column + n % 8]) for n in ZIGZAG
        ]
        for c, a in enumerate(arrays)
        for row in range(a.shape[0] // 8)
        for column in range(a.shape[1] // 8)
    }


# -- The pictures -----------------------------------------------------------------------------


def grey() -> bytes:
    """Return a grey JPEG of 16 × 16 pixels whose padding bits are zeros, as a few encoders do."""
    from PIL import Image

    image = Image.new("L", (16, 16))
    image.putdata([(x * x + 5 * y) % 256 if y < 9 else 200 - 3 * x for y in range(16)
                   for x in range(16)])  # fmt: skip
    out = io.BytesIO()
    image.save(out, "JPEG", quality=50)
    data = bytearray(out.getvalue())
    jpeg = Jpeg(bytes(data))
    spare = len(jpeg.bits) - jpeg.order[-1][3]
    assert 0 < spare < 8
    data[jpeg.end - 1] &= 0xFF << spare
    return bytes(data)


def colour() -> bytes:
    """Return a 4:2:0 JPEG with padding blocks at both edges."""
    from PIL import Image

    image = Image.new("RGB", (59, 43))
    image.putdata([((x * y) % 251, (x * 7 + y * y) % 256, 255 - 2 * x if y > 20 else x)
                   for y in range(43) for x in range(59)])  # fmt: skip
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, subsampling=2)
    return out.getvalue()


def slope() -> bytes:
    """Return a grey JPEG whose table of DC differences has few categories."""
    from PIL import Image

    levels = [0, 0, 20, 40, 60, 80, 60, 40, 20, 0, 0]
    image = Image.new("L", (88, 24), 128)
    for column, level in enumerate(levels):
        image.paste(128 + level, (8 * column, 8, 8 * column + 8, 16))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=75, optimize=True)
    return out.getvalue()


def plain() -> bytes:
    """Return a grey JPEG of 280 × 280 pixels without detail."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (280, 280), 99).save(out, "JPEG", quality=85)
    return out.getvalue()


class Noise:
    """A fill that takes more than a segment to say."""

    name = "noise"
    content_free = True

    def render(self, canvas: Canvas) -> object:
        """Return coefficients without much order."""
        import numpy as np

        count = canvas.rows * canvas.columns * 64
        return (np.arange(count) ** 2 // 7 % 241 - 120).reshape(canvas.rows, canvas.columns, 64)


# -- The printed example ----------------------------------------------------------------------


def example() -> str:
    """Return the example's text; every claim in it has been checked."""
    import jpegredact

    original = grey()
    redaction = jpegredact.redact(original, [jpegredact.Box(3, 3, 12, 6, label="face")])
    assert redaction.diff is not None
    diff = redaction.diff.to_bytes()
    stored = prove(original, redaction.jpeg, diff).stored
    boxes = [(5, 9, 30, 40), (20, 20, 58, 43), (20, 20, 58, 43)]
    coloured = jpegredact.redact(colour(), boxes)
    assert coloured.diff is not None
    prove(colour(), coloured.jpeg, coloured.diff.to_bytes())
    prove_parts(colour(), coloured)
    prove_sealed(colour(), coloured)
    appended, _ = prove_parts(
        slope(), jpegredact.redact(slope(), [(16, 8, 48, 16), (48, 8, 72, 16)])
    )
    _, long = prove_parts(
        plain(), jpegredact.redact(plain(), [(0, 0, 280, 272), (9, 272, 9.5, 280)], method=Noise())
    )
    assert appended
    assert long
    before, after = Jpeg(original), Jpeg(redaction.jpeg)
    lines = ["Coded data (between the scan header and EOI), before and after:", ""]
    for name, jpeg in (("original", before), ("redacted", after)):
        lines.append(f"    {name}  {jpeg.data[jpeg.start : jpeg.end].hex(' ')}")
    lines += ["", "Blocks in coding order: DC difference, AC symbols | zigzag coefficients:"]
    for name, jpeg in (("original", before), ("redacted", after)):
        lines += ["", f"    {name}"]
        for block, first, middle, end in jpeg.order:
            values = jpeg.values[block]
            while len(values) > 1 and not values[-1]:
                values = values[:-1]
            lines.append(
                f"      row {block[1]}, column {block[2]}: {jpeg.bits[first:middle]} "
                f"{jpeg.bits[middle:end]}"
            )
            lines.append(f"        | {' '.join(str(v) for v in values)}")
        lines.append(f"      padding: {jpeg.bits[jpeg.order[-1][3] :]}")
    lines += ["", f"The diff, {len(diff)} bytes:", "", *_dump(diff, 0, 4)]
    for number, record in enumerate(stored):
        assert record is not None
        lines += ["", f"Record {number}, {len(record)} bytes:", "", *_dump(record, 0, 4)]
    lines += ["", *_note(original)]
    return "\n".join(lines) + "\n"


def _note(original: bytes) -> list[str]:
    """Return the note of a state, read."""
    import jpegredact

    redaction = jpegredact.redact(original, [(0, 0, 8, 8), (8, 8, 16, 16)])
    assert redaction.diff is not None
    state = prove_state(redaction, redaction.diff, {0})
    jpeg = Jpeg(state)
    begin, _ = jpeg.note(redaction.diff.public.redacted)
    segment = state[begin : jpeg.scan]
    return [
        f"The note of the second redaction, {len(segment)} bytes:",
        "",
        f"    0000  {segment[:4].hex(' '):<48}COM, length",
        f"    0004  {segment[4:20].hex(' '):<48}jrdiff-revealed",
        f"    0014  {segment[20:28].hex(' '):<48}of the redacted file's digest",
        *_dump(segment, 28, 4),
    ]


def _dump(data: bytes, at: int, indent: int) -> list[str]:
    lines = []

    def note(start: int, end: int, text: str) -> None:
        for k in range(start, end, 16):
            part = data[k : min(k + 16, end)].hex(" ")
            lines.append(f"{' ' * indent}{k:04x}  {part:<48}{text}".rstrip())

    if data[:3] == bytes.fromhex("d9d9f7"):
        note(0, 3, "tag 55799")
        at = 3
    _, end = read_cbor(data, at, note)
    if end < len(data):
        note(end, len(data), "check")
    return lines


BEGIN, END = "<!-- diff_example.py begins -->\n", "<!-- diff_example.py ends -->\n"


def main() -> int:
    """Print, write or check the example."""
    page = Path(__file__).with_name("diff-format.md")
    text = example()
    if sys.argv[1:] not in (["--write"], ["--check"]):
        print(text, end="")
        return 0
    before, rest = page.read_text().split(BEGIN)
    behind = rest.split(END)[1]
    new = f"{before}{BEGIN}\n```text\n{text}```\n\n{END}{behind}"
    if sys.argv[1] == "--check":
        return int(page.read_text() != new)
    page.write_text(new)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
