"""Two edits of an ONNX file's bytes that let it run fast on pictures of any size.

Knows the wire format of Protocol Buffers (varints and length-delimited fields) and five
messages of onnx.proto3 (ModelProto, GraphProto, ValueInfoProto, TypeProto,
TensorShapeProto); knows no picture. So the ``onnx`` package isn't needed.

Sources: protobuf.dev, "Encoding"; onnx/onnx.proto3, IR version 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import DetectorError

__all__ = ["fields", "prepared", "varint", "wrapped"]

# Field numbers of onnx.proto3.
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 5, 11, 12, 13
_TENSOR_NAME = 8
_INFO_NAME, _INFO_TYPE = 1, 2
_TYPE_TENSOR = 1
_TENSOR_TYPE_SHAPE = 2
_SHAPE_DIM = 1
_DIM_PARAM = 2

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _damaged() -> DetectorError:
    return DetectorError(
        "the weights are no ONNX file, or a damaged one",
        code="detector.weights",
        hint="fetch them again, or give another file",
    )


def varint(value: int) -> bytes:
    """Encode a number of no sign in groups of seven bits, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def wrapped(number: int, content: bytes) -> bytes:
    """Return a length-delimited field."""
    return varint(number << 3 | _BYTES) + varint(len(content)) + content


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _damaged()


def fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the fields of a message: number, all of its bytes, and its content.

    The content of a field that is not length-delimited is empty.

    Raises
    ------
    DetectorError
        The bytes are no message.
    """
    at = 0
    while at < len(data):
        start = at
        key, at = _read_varint(data, at)
        kind = key & 7
        content = b""
        if kind == _VARINT:
            _, at = _read_varint(data, at)
        elif kind == _BYTES:
            size, at = _read_varint(data, at)
            content = data[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise _damaged()
        if at > len(data):
            raise _damaged()
        yield key >> 3, data[start:at], content


def _name(message: bytes, number: int) -> bytes:
    return next((content for field, _, content in fields(message) if field == number), b"")


def prepared(model: bytes, symbols: Sequence[str | None] = ("B", None, "H", "W")) -> bytes:
    """Return a model whose inputs take any size, and whose weights are constants.

    Dimensions that are fixed in the file (CenterFace declares 10 × 3 × 32 × 32) become
    names: a runtime that trusts them plans anew, and warns, for every other size. Inputs that
    are only defaults for weights (IR version 3 listed every weight as an input) are no inputs
    any more, so that the runtime may fold batch normalisation into convolutions. What the file
    says about shapes of intermediate values and outputs is dropped: the runtime infers it.

    Parameters
    ----------
    model
        The file's bytes.
    symbols
        A name for each dimension of the inputs, or None for one that stays.

    Raises
    ------
    DetectorError
        ``detector.weights``: the bytes are no ONNX model.
    """
    out = bytearray()
    graphs = 0
    for number, raw, content in fields(model):
        if number == _MODEL_GRAPH:
            graphs += 1
            out += wrapped(_MODEL_GRAPH, _graph(content, symbols))
        else:
            out += raw
    if graphs != 1:
        raise _damaged()
    return bytes(out)


def _graph(graph: bytes, symbols: Sequence[str | None]) -> bytes:
    weights = {
        _name(content, _TENSOR_NAME)
        for number, _, content in fields(graph)
        if number == _GRAPH_INITIALIZER
    }
    out = bytearray()
    for number, raw, content in fields(graph):
        if number == _GRAPH_INPUT:
            if _name(content, _INFO_NAME) not in weights:
                out += wrapped(_GRAPH_INPUT, _any_size(content, symbols))
        elif number == _GRAPH_OUTPUT:
            out += wrapped(_GRAPH_OUTPUT, _without_shape(content))
        elif number != _GRAPH_VALUE_INFO:
            out += raw
    return bytes(out)


def _edited(message: bytes, path: Sequence[int], replacement: bytes | None) -> bytes:
    """Replace (or drop) the field at the end of a path of field numbers.

    A field that stands there twice is refused: readers of Protocol Buffers would join them, and
    a replacement for each could make a small file a huge one.
    """
    first, *rest = path
    out = bytearray()
    seen = False
    for number, raw, content in fields(message):
        if number != first:
            out += raw
            continue
        if seen:
            raise _damaged()
        seen = True
        if rest:
            out += wrapped(number, _edited(content, rest, replacement))
        elif replacement is not None:
            out += wrapped(number, replacement)
    return bytes(out)


_SHAPE = (_INFO_TYPE, _TYPE_TENSOR, _TENSOR_TYPE_SHAPE)


def _without_shape(info: bytes) -> bytes:
    return _edited(info, _SHAPE, None)


def _any_size(info: bytes, symbols: Sequence[str | None]) -> bytes:
    shape = info
    for number in _SHAPE:
        shape = _name(shape, number)
    dims = [content for number, _, content in fields(shape) if number == _SHAPE_DIM]
    if len(dims) != len(symbols):
        return info
    new = b"".join(
        wrapped(_SHAPE_DIM, dim if symbol is None else wrapped(_DIM_PARAM, symbol.encode()))
        for dim, symbol in zip(dims, symbols, strict=True)
    )
    return _edited(info, _SHAPE, new)
