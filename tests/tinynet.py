"""ONNX files written by hand, small enough to know what they must find.

Message and field numbers: onnx/onnx.proto3. Written without the package's own reader of it.
"""

import struct
from collections.abc import Sequence

import numpy as np


def varint(value: int) -> bytes:
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes | str) -> bytes:
    content = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name: str, array: np.ndarray) -> bytes:
    """A TensorProto, without its field number."""
    kind = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}[array.dtype]
    dims = b"".join(number(1, size) for size in array.shape)
    return dims + number(2, kind) + message(8, name) + message(9, array.tobytes())


def node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    parts = [message(1, name) for name in inputs]
    return message(1, *parts, message(2, output), message(4, kind), *attributes)


def integers(name: str, *values: int) -> bytes:
    return message(5, message(1, name), *(number(8, v) for v in values), number(20, 7))


def integer(name: str, value: int) -> bytes:
    return message(5, message(1, name), number(3, value), number(20, 2))


def info(field: int, name: str, shape: Sequence[int | str]) -> bytes:
    """A ValueInfoProto of floats: an input (11) or an output (12)."""
    dims = (message(1, number(1, d) if isinstance(d, int) else message(2, d)) for d in shape)
    return message(field, message(1, name), message(2, message(1, number(1, 1), message(2, *dims))))


def model(*graph: bytes) -> bytes:
    opset = message(8, message(1, ""), number(2, 13))
    return number(1, 7) + message(7, message(2, "tiny"), *graph) + opset


SIDE, CELL = 64, 8


def colour_finder(columns_last: bool = False, batch: int | str = 1) -> bytes:
    """A network of YOLO's kind: for each cell of 8 × 8 a box of that cell, and two scores.

    The scores are the cell's mean red and mean blue, for values of 0 to 1. The output is
    (1, 6, 64), or (1, 64, 6).
    """
    cells = SIDE // CELL
    kernel = np.zeros((2, 3, CELL, CELL), np.float32)
    kernel[0, 0] = kernel[1, 2] = 1 / CELL**2
    y, x = np.mgrid[:cells, :cells].reshape(2, -1) * CELL + CELL / 2
    boxes = np.stack([x, y, np.full_like(x, CELL), np.full_like(x, CELL)])
    weights = {
        "kernel": kernel,
        "flat": np.array([1, 2, cells * cells], np.int64),
        "boxes": boxes.astype(np.float32)[None],
    }
    last = "joined" if columns_last else "out"
    nodes = [
        node("Conv", ["in", "kernel"], "means", integers("kernel_shape", CELL, CELL),
             integers("strides", CELL, CELL)),
        node("Reshape", ["means", "flat"], "scores"),
        node("Concat", ["boxes", "scores"], last, integer("axis", 1)),
    ]  # fmt: skip
    shape: list[int | str] = [1, 6, cells * cells]
    if columns_last:
        nodes.append(node("Transpose", ["joined"], "out", integers("perm", 0, 2, 1)))
        shape = [1, cells * cells, 6]
    initial = [message(5, tensor(name, array)) for name, array in weights.items()]
    return model(*nodes, *initial, info(11, "in", [batch, 3, SIDE, SIDE]), info(12, "out", shape))


def scaler(factor: float = 2.0, declared: Sequence[int] = (10, 3, 32, 32)) -> bytes:
    """A network that multiplies, of fixed declared shape, its weight listed as an input too."""
    weight = number(1, 1) + number(2, 1) + message(8, "w") + message(9, struct.pack("<f", factor))
    return model(
        node("Mul", ["in", "w"], "out"),
        message(5, weight),
        info(11, "in", declared),
        info(11, "w", [1]),
        info(12, "out", declared),
        info(13, "out", declared),
    )
