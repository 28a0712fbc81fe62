"""Marker codes of ITU-T T.81, table B.1."""

from __future__ import annotations

__all__ = [
    "APP0",
    "APP1",
    "APP14",
    "APP15",
    "ARITHMETIC",
    "COM",
    "DAC",
    "DHP",
    "DHT",
    "DNL",
    "DQT",
    "DRI",
    "EOI",
    "EXP",
    "JPEG_LS",
    "JPG",
    "PROCESSES",
    "PROGRESSIVE",
    "RST0",
    "RST7",
    "SEQUENTIAL",
    "SOF0",
    "SOI",
    "SOS",
    "marker_name",
]

SOF0 = 0xC0
RST0, RST7 = 0xD0, 0xD7
SOI, EOI, SOS, DQT, DNL, DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD
DHT, DAC, DHP, EXP, COM = 0xC4, 0xCC, 0xDE, 0xDF, 0xFE
JPG, JPEG_LS = 0xC8, 0xF7
APP0, APP1, APP14, APP15 = 0xE0, 0xE1, 0xEE, 0xEF

PROCESSES = {
    0xC0: "baseline sequential, Huffman",
    0xC1: "extended sequential, Huffman",
    0xC2: "progressive, Huffman",
    0xC3: "lossless, Huffman",
    0xC5: "hierarchical sequential, Huffman",
    0xC6: "hierarchical progressive, Huffman",
    0xC7: "hierarchical lossless, Huffman",
    0xC9: "extended sequential, arithmetic",
    0xCA: "progressive, arithmetic",
    0xCB: "lossless, arithmetic",
    0xCD: "hierarchical sequential, arithmetic",
    0xCE: "hierarchical progressive, arithmetic",
    0xCF: "hierarchical lossless, arithmetic",
    0xF7: "JPEG-LS",
}
"""Frame header markers (SOFn) and the coding process that each names."""

SEQUENTIAL = frozenset({0xC0, 0xC1, 0xC9})
"""Frame headers of one pass over the blocks; with the next, all that are redacted in place."""
PROGRESSIVE = frozenset({0xC2, 0xCA})
"""Frame headers of several passes over the blocks."""
ARITHMETIC = frozenset({0xC9, 0xCA})
"""Those of both kinds that are coded arithmetically, the others by Huffman codes."""

_NAMES = {
    SOI: "SOI", EOI: "EOI", SOS: "SOS", DQT: "DQT", DNL: "DNL", DRI: "DRI",
    DHT: "DHT", DAC: "DAC", COM: "COM", JPG: "JPG", DHP: "DHP", EXP: "EXP",
    0x01: "TEM", JPEG_LS: "SOF55", 0xF8: "LSE",
}  # fmt: skip


def marker_name(code: int) -> str:
    """Return T.81's name of a marker: ``0xC0`` -> ``"SOF0"``."""
    if code in _NAMES:
        return _NAMES[code]
    if code in PROCESSES:
        return f"SOF{code - 0xC0}"
    if RST0 <= code <= RST7:
        return f"RST{code - RST0}"
    if APP0 <= code <= APP15:
        return f"APP{code - APP0}"
    if 0xF0 <= code <= 0xFD:
        return f"JPG{code - 0xF0}"
    return f"X'{code:02X}'"
