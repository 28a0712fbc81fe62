"""The worked example of diff-format.md, and the proof that its text suffices.

For sequential Huffman pictures, that is: `diff_reader.py` reads no others. Makes
pictures, lets jpegredact redact them, and then reads, checks and restores them with
`diff_reader.py` alone, which was written from diff-format.md. jpegio, a wrapper around
libjpeg-turbo, says what the coefficients should have been.

    python docs/design/diff_example.py           print the example
    python docs/design/diff_example.py --write   put it into diff-format.md
    python docs/design/diff_example.py --check   exit 1 if it is not what stands there
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
from pathlib import Path

from diff_reader import (
    Block,
    Jpeg,
    patched,
    quiet,
    read_blocks,
    read_cbor,
    read_shape,
    write_blocks,
)

ZIGZAG = sorted(
    range(64),
    key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8),
)  # zigzag position -> natural position


# -- The proof ------------------------------------------------------------------------------


def check(record: bytes) -> bytes:
    """Return what stands behind a record's map."""
    return hashlib.sha256(record).digest()[:8]


def prove(original: bytes, redacted: bytes, diff: bytes) -> dict[str, object]:
    """Read a diff, check each digest in it, compare with jpegio, restore. Return the public map."""
    assert diff[:3] == bytes.fromhex("d9d9f7")
    public, end = read_cbor(diff, 3, quiet)
    assert isinstance(public, dict)
    assert end == len(diff)
    file = Jpeg(redacted)
    expected, now = _jpegio(original), _jpegio(redacted)
    assert all(record[-8:] == check(record[:-8]) for record in public["records"])
    records = [read_cbor(record, 0, quiet)[0] for record in public["records"]]
    groups = [record for record in records if record["kind"] == "group"]
    blocks, odd = {}, {}
    for group, fill in zip(groups, public["fills"], strict=True):
        shape = read_shape(group["shape"], group["windows"])
        found = read_blocks(group["blocks"], shape)
        assert all(found[block] == expected[block] for block in shape)
        assert hashlib.sha256(b"".join(write_blocks(shape, now))).digest() == fill
        assert write_blocks(shape, found) == group["blocks"]
        assert group["tables"] == file.table_symbols
        blocks.update(found)
        for number, bits, data in group["odd"]:
            odd[shape[number]] = "".join(f"{byte:08b}" for byte in data)[:bits]
    assert file.outside(set(blocks)) == public["outside"]
    last = records[-1]
    whole = patched(file.revealed(blocks, odd), last["patches"], last["stretches"])
    assert len(whole) == last["length"]
    assert hashlib.sha256(whole).digest() == last["sha256"]
    assert whole == original
    return public


def prove_part(redacted: bytes, diff: bytes, asked: set[int]) -> bytes:
    """Return the state with the asked regions revealed, not all, as section 10 says it.

    For files whose tables lack nothing and that have no odd blocks.
    """
    public, _ = read_cbor(diff, 3, quiet)
    assert isinstance(public, dict)
    file, blocks, named = Jpeg(redacted), {}, set()
    for record, fill in zip(public["records"], public["fills"], strict=False):
        group = read_cbor(record, 0, quiet)[0]
        if set(group["regions"]) <= asked:
            shape = read_shape(group["shape"], group["windows"])
            blocks.update(read_blocks(group["blocks"], shape))
            if hashlib.sha256(b"".join(group["blocks"])).digest() != fill:
                named |= set(group["regions"])
    rest = sorted(asked - named)
    note = b"jrdiff-revealed\0" + public["outside"][:8] + bytes([0x80 + len(rest), *rest])
    note = b"\xff\xfe" + (len(note) + 2).to_bytes(2) + note if rest else b""
    state = file.revealed(blocks, {})
    return state[: file.scan] + note + state[file.scan :]


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
    """Return a 4:2:0 JPEG of 96 × 64 pixels."""
    from PIL import Image

    image = Image.new("RGB", (96, 64))
    image.putdata([((x * y) % 251, (x * 7 + y * y) % 256, 255 - 2 * x if y > 20 else x)
                   for y in range(64) for x in range(96)])  # fmt: skip
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, subsampling=2)
    return out.getvalue()


# -- The printed example ----------------------------------------------------------------------


def example() -> str:
    """Return the example's text; every claim in it has been checked."""
    import jpegredact

    original = grey()
    redaction = jpegredact.redact(original, [jpegredact.Box(3, 3, 12, 6, label="face")])
    diff = redaction.diff.to_bytes()
    public = prove(original, redaction.jpeg, diff)
    boxes = [(5, 9, 30, 40), (20, 20, 70, 50), (60, 0, 96, 33), (60, 0, 96, 33)]
    second = jpegredact.redact(colour(), boxes)
    prove(colour(), second.jpeg, second.diff.to_bytes())
    for asked in ({0}, {1}, {0, 1}, {2}, {1, 3}, {0, 1, 2}):
        part = prove_part(second.jpeg, second.diff.to_bytes(), asked)
        assert part == jpegredact.restore(second.jpeg, second.diff, regions=asked)
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
    for number, record in enumerate(public["records"]):
        lines += ["", f"Record {number}, {len(record)} bytes:", "", *_dump(record, 0, 4)]
    return "\n".join(lines) + "\n"


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
