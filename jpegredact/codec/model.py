"""What a JPEG holds, in the order of ITU-T T.81 annex B: the one model between reader and writer.

Everything refers to the file by byte offsets; no coefficient is stored here.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .huffman import HuffmanTable
from .markers import ARITHMETIC, PROCESSES, PROGRESSIVE, marker_name

__all__ = ["Component", "Frame", "JpegData", "Scan", "ScanComponent", "Segment"]


class Segment(NamedTuple):
    """A marker and its parameters: ``data[offset:end]``, marker code included."""

    code: int
    offset: int
    end: int

    @property
    def name(self) -> str:
        """T.81's name of the marker."""
        return marker_name(self.code)


class Component(NamedTuple):
    """A component of the frame (T.81 B.2.2): identifier, sampling factors, DQT slot."""

    identifier: int
    horizontal: int
    vertical: int
    quantization: int


@dataclass(frozen=True)
class Frame:
    """The frame header (T.81 B.2.2)."""

    code: int
    offset: int
    precision: int
    height: int
    """In lines: the header's or, where that is 0, the DNL segment's (B.2.5); 0: neither says."""
    width: int
    components: tuple[Component, ...]
    dnl: int | None = None
    """Offset of the first DNL segment behind the frame header, if there is one."""
    dnl_height: int | None = None
    """What it says; -1 where it can't be read or another one says something else."""

    @property
    def process(self) -> str:
        """The coding process in words."""
        return PROCESSES[self.code]

    @property
    def progressive(self) -> bool:
        """Whether blocks are coded in several passes (T.81 annex G)."""
        return self.code in PROGRESSIVE

    @property
    def arithmetic(self) -> bool:
        """Whether the coding is arithmetic (T.81 annex D)."""
        return self.code in ARITHMETIC

    @cached_property
    def horizontal(self) -> int:
        """The largest horizontal sampling factor."""
        return max(c.horizontal for c in self.components)

    @cached_property
    def vertical(self) -> int:
        """The largest vertical sampling factor."""
        return max(c.vertical for c in self.components)

    def blocks(self, index: int) -> tuple[int, int]:
        """Rows and columns of real blocks of a component (T.81 A.1.1, A.2.2)."""
        component = self.components[index]
        height = -(-self.height * component.vertical // self.vertical)
        width = -(-self.width * component.horizontal // self.horizontal)
        return -(-height // 8), -(-width // 8)


@dataclass(frozen=True, slots=True)
class ScanComponent:
    """One component of a scan: its index in the frame and the tables in use there.

    A table that the scan does not use (arithmetic coding; AC in a progressive
    scan of DC coefficients, and the like) is one of the standard ones.
    """

    index: int
    dc: HuffmanTable
    ac: HuffmanTable
    dc_slot: int
    """Number of the DC table as the scan header has it."""
    ac_slot: int
    """Number of the AC table."""


class Scan(NamedTuple):
    """A scan (T.81 B.2.3): header, the tables in effect, and where its coded data lies."""

    header: Segment
    components: tuple[ScanComponent, ...]
    spectral: tuple[int, int]
    """Ss, Se; of sequential pictures 0 and 63, whatever the header says: so do all readers."""
    approximation: tuple[int, int]
    """Ah, Al; of sequential pictures 0 and 0, likewise."""
    restart_interval: int
    conditioning: tuple[bytes, bytes]
    """For arithmetic coding (T.81 B.2.4.3): ``U << 4 | L`` by DC table number, and Kx by
    AC table number, 16 each."""
    # Needed only for a byte-exact rebuild:
    start: int
    """First byte behind the header."""
    end: int
    """First byte of the marker that ends the entropy-coded data (its last 0xFF)."""
    restarts: array[int]
    """Offsets of the RSTn markers in between."""
    in_order: int
    """How many of them, from the first on, have the number whose turn it is."""


class JpegData(NamedTuple):
    """A parsed JPEG: segments, frame, scans; and what only a byte-exact rebuild needs."""

    frame: Frame
    scans: tuple[Scan, ...]
    quantization: tuple[tuple[int, ...] | None, ...]
    """For each component its table in zigzag order, as its first scan found it."""
    colour: str
    """"grey", "YCbCr", "RGB", "CMYK", "YCCK" or "unknown", by libjpeg's rules."""
    inverted: bool
    """Whether an Adobe segment says so of CMYK: samples count from full ink down."""
    # Needed only for a byte-exact rebuild:
    segments: tuple[Segment, ...]
    """All marker segments up to EOI, restart markers left out."""
    tables: tuple[HuffmanTable, ...]
    """All Huffman tables in the order of their definition in the file."""
    eoi: int | None
    """Offset of the EOI marker, if there is one."""
    length: int
    """Of the file in bytes; those behind EOI are kept as they are."""

    @property
    def process(self) -> str:
        """The coding process in words."""
        return self.frame.process

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.frame.width, self.frame.height

    @property
    def components(self) -> tuple[Component, ...]:
        """The components of the frame."""
        return self.frame.components

    @property
    def mcu(self) -> tuple[int, int]:
        """Width and height of an interleaved MCU in pixels."""
        return 8 * self.frame.horizontal, 8 * self.frame.vertical

    @property
    def restart_interval(self) -> int:
        """MCUs between restart markers in the first scan; 0 without them."""
        return self.scans[0].restart_interval if self.scans else 0
