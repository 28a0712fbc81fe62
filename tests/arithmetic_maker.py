"""An arithmetic JPEG encoder: coefficient blocks, a scan script and conditioning in, bytes out.

Written from ITU-T T.81 annex D, F.1.4 and G.1.3 alone; it shares no code with
jpegredact. The code register is one long Python integer, so no carry is ever
resolved by hand. It does what jpegtran cannot: conditioning of one's own (DAC),
and other ways to end an interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jpegmaker import Part, segment
from progressive_maker import Band, Picture, mcus_of

# ITU-T T.81 table D.3: Qe, next index after the less and the more probable symbol, switch MPS.
_QE = (
    (0x5A1D, 1, 1, 1), (0x2586, 14, 2, 0), (0x1114, 16, 3, 0), (0x080B, 18, 4, 0),
    (0x03D8, 20, 5, 0), (0x01DA, 23, 6, 0), (0x00E5, 25, 7, 0), (0x006F, 28, 8, 0),
    (0x0036, 30, 9, 0), (0x001A, 33, 10, 0), (0x000D, 35, 11, 0), (0x0006, 9, 12, 0),
    (0x0003, 10, 13, 0), (0x0001, 12, 13, 0), (0x5A7F, 15, 15, 1), (0x3F25, 36, 16, 0),
    (0x2CF2, 38, 17, 0), (0x207C, 39, 18, 0), (0x17B9, 40, 19, 0), (0x1182, 42, 20, 0),
    (0x0CEF, 43, 21, 0), (0x09A1, 45, 22, 0), (0x072F, 46, 23, 0), (0x055C, 48, 24, 0),
    (0x0406, 49, 25, 0), (0x0303, 51, 26, 0), (0x0240, 52, 27, 0), (0x01B1, 54, 28, 0),
    (0x0144, 56, 29, 0), (0x00F5, 57, 30, 0), (0x00B7, 59, 31, 0), (0x008A, 60, 32, 0),
    (0x0068, 62, 33, 0), (0x004E, 63, 34, 0), (0x003B, 32, 35, 0), (0x002C, 33, 9, 0),
    (0x5AE1, 37, 37, 1), (0x484C, 64, 38, 0), (0x3A0D, 65, 39, 0), (0x2EF1, 67, 40, 0),
    (0x261F, 68, 41, 0), (0x1F33, 69, 42, 0), (0x19A8, 70, 43, 0), (0x1518, 72, 44, 0),
    (0x1177, 73, 45, 0), (0x0E74, 74, 46, 0), (0x0BFB, 75, 47, 0), (0x09F8, 77, 48, 0),
    (0x0861, 78, 49, 0), (0x0706, 79, 50, 0), (0x05CD, 48, 51, 0), (0x04DE, 50, 52, 0),
    (0x040F, 50, 53, 0), (0x0363, 51, 54, 0), (0x02D4, 52, 55, 0), (0x025C, 53, 56, 0),
    (0x01F8, 54, 57, 0), (0x01A4, 55, 58, 0), (0x0160, 56, 59, 0), (0x0125, 57, 60, 0),
    (0x00F6, 58, 61, 0), (0x00CB, 59, 62, 0), (0x00AB, 61, 63, 0), (0x008F, 61, 32, 0),
    (0x5B12, 65, 65, 1), (0x4D04, 80, 66, 0), (0x412C, 81, 67, 0), (0x37D8, 82, 68, 0),
    (0x2FE8, 83, 69, 0), (0x293C, 84, 70, 0), (0x2379, 86, 71, 0), (0x1EDF, 87, 72, 0),
    (0x1AA9, 87, 73, 0), (0x174E, 72, 74, 0), (0x1424, 72, 75, 0), (0x119C, 74, 76, 0),
    (0x0F6B, 74, 77, 0), (0x0D51, 75, 78, 0), (0x0BB6, 77, 79, 0), (0x0A40, 77, 48, 0),
    (0x5832, 80, 81, 1), (0x4D1C, 88, 82, 0), (0x438E, 89, 83, 0), (0x3BDD, 90, 84, 0),
    (0x34EE, 91, 85, 0), (0x2EAE, 92, 86, 0), (0x299A, 93, 87, 0), (0x2516, 86, 71, 0),
    (0x5570, 88, 89, 1), (0x4CA9, 95, 90, 0), (0x44D9, 96, 91, 0), (0x3E22, 97, 92, 0),
    (0x3824, 99, 93, 0), (0x32B4, 99, 94, 0), (0x2E17, 93, 86, 0), (0x56A8, 95, 96, 1),
    (0x4F46, 101, 97, 0), (0x47E5, 102, 98, 0), (0x41CF, 103, 99, 0), (0x3C3D, 104, 100, 0),
    (0x375E, 99, 93, 0), (0x5231, 105, 102, 0), (0x4C0F, 106, 103, 0), (0x4639, 107, 104, 0),
    (0x415E, 103, 99, 0), (0x5627, 105, 106, 1), (0x50E7, 108, 107, 0), (0x4B85, 109, 103, 0),
    (0x5597, 110, 109, 0), (0x504F, 111, 107, 0), (0x5A10, 110, 111, 1), (0x5522, 112, 109, 0),
    (0x59EB, 112, 111, 1),
)  # fmt: skip

Conditioning = Mapping[int, int]
"""``Tc/Tb`` -> Cs of a DAC segment (T.81 B.2.4.3): L + 16 U of a DC table, Kx of an AC table."""


@dataclass(frozen=True)
class Ending:
    """How an interval's last bytes are chosen (T.81 D.1.8 leaves it to the encoder).

    ``clear``: the value in the interval that ends in the most zero bits, else its
    lower end. ``discard``: zero bytes at the end are dropped. ``extra``: bytes behind.
    """

    clear: bool = True
    discard: bool = True
    extra: bytes = b""


LIBJPEG = Ending()


def make_arithmetic(
    picture: Picture,
    conditioning: Conditioning | None = None,
    *,
    ending: Ending = LIBJPEG,
    precision: int = 8,
    behind: bytes = b"",
) -> bytes:
    """Encode a picture; scans over all of 0-63 make it sequential (SOF9), else it is SOF10.

    Without ``conditioning`` no DAC segment is written: the defaults hold (L 0, U 1, Kx 5).
    """
    sequential = all((band.first, band.last) == (0, 63) for band in picture.scans)
    out = b"\xff\xd8"
    for k, part in enumerate(picture.parts):
        values = list(part.quantization)
        wide = max(values) > 255
        body = b"".join(v.to_bytes(2 if wide else 1) for v in values)
        out += segment(0xDB, bytes([wide << 4 | k]) + body)
    frame = bytes([precision]) + picture.height.to_bytes(2) + picture.width.to_bytes(2)
    frame += bytes([len(picture.parts)])
    for k, part in enumerate(picture.parts):
        frame += bytes([k + 1, part.horizontal << 4 | part.vertical, k])
    out += segment(0xC9 if sequential else 0xCA, frame)
    if conditioning:
        out += segment(0xCC, b"".join(bytes(item) for item in conditioning.items()))
    interval_now = 0
    for band, restart in zip(picture.scans, picture.restarts, strict=True):
        if restart != interval_now:
            out += segment(0xDD, restart.to_bytes(2))
            interval_now = restart
        header = bytes([len(band.components)])
        for k in band.components:
            header += bytes([k + 1, picture.parts[k].dc << 4 | picture.parts[k].ac])
        out += segment(0xDA, header + bytes([band.first, band.last, band.high << 4 | band.low]))
        mcus = mcus_of(picture, band)
        step = restart or len(mcus)
        for number, at in enumerate(range(0, len(mcus), step)):
            if number:
                out += bytes([0xFF, 0xD0 + (number - 1) % 8])
            places = [place for mcu in mcus[at : at + step] for place in mcu]
            coder = _Interval(picture.parts, band, conditioning or {}, sequential)
            for place in places:
                coder.block(*place)
            out += coder.end(ending).replace(b"\xff", b"\xff\x00")
    return out + b"\xff\xd9" + behind


class _Coder:
    """The QM coder: an interval [C, C + A) of growing precision (T.81 D.1)."""

    def __init__(self) -> None:
        self.low = 0
        self.width = 0x10000
        self.bits = 16
        self.states: dict[object, tuple[int, int]] = {}

    def code(self, bin_: object, decision: int) -> None:
        """Code a decision in a statistics bin; None is the fixed one (T.81 F.1.4.4.2)."""
        index, likely = self.states.get(bin_, (0, 0))
        size, after_less, after_more, switch = _QE[index]
        self.width -= size
        less = decision != likely
        if less != (self.width < size):  # the lesser symbol has the upper part, if it is smaller
            self.low += self.width
            self.width = size
        elif not less and self.width >= 0x8000:
            return
        if bin_ is not None:
            if less:
                self.states[bin_] = after_less, likely ^ switch
            else:
                self.states[bin_] = after_more, likely
        shift = 16 - self.width.bit_length()
        self.low <<= shift
        self.width <<= shift
        self.bits += shift

    def end(self, ending: Ending) -> bytes:
        """Return the bytes of the interval, not stuffed (T.81 D.1.8)."""
        value = self.low
        if ending.clear:
            value = (self.low + self.width - 1) & ~0xFFFF
            if value < self.low:
                value += 0x8000
        spare = -self.bits % 8
        coded = (value << spare).to_bytes((self.bits + spare) // 8)
        return (coded.rstrip(b"\0") if ending.discard else coded) + ending.extra


class _Interval(_Coder):
    """The blocks of a restart interval, as decisions (T.81 F.1.4, G.1.3)."""

    def __init__(
        self, parts: Sequence[Part], band: Band, conditioning: Conditioning, sequential: bool
    ) -> None:
        super().__init__()
        self.parts = parts
        self.band = band
        self.conditioning = conditioning
        self.sequential = sequential
        self.before: dict[int, int] = {}
        self.difference: dict[int, int] = {}

    def block(self, component: int, row: int, column: int) -> None:
        """Code one block's share in the scan."""
        values = [int(v) for v in self.parts[component].blocks[row, column]]
        band = self.band
        if band.first == 0:
            self._dc(component, values[0] >> band.low)
        if self.sequential:
            self._ac(component, values, 1, 63)
        elif band.last:
            if band.high:
                self._refine(component, values)
            else:
                shifted = [(abs(v) >> band.low) * (1 if v > 0 else -1) for v in values]
                self._ac(component, shifted, band.first, band.last)

    def _dc(self, component: int, value: int) -> None:
        if self.band.high:
            self.code(None, value & 1)
            return
        slot = self.parts[component].dc
        state = self._class(self.difference.get(component, 0), slot)
        difference = value - self.before.get(component, 0)
        self.before[component] = value
        self.difference[component] = difference
        self.code((slot, state), int(difference != 0))
        if not difference:
            return
        self.code((slot, state + 1), int(difference < 0))
        first = (slot, state + (3 if difference < 0 else 2))
        self._magnitude(abs(difference) - 1, iter([first, *((slot, x) for x in range(20, 34))]))

    def _class(self, difference: int, slot: int) -> int:
        """Return the first bin for this previous difference (T.81 F.1.4.4.1.2)."""
        bounds = self.conditioning.get(slot, 0x10)
        lower, upper = (1 << (bounds & 15)) >> 1, 1 << (bounds >> 4)
        if abs(difference) <= lower:
            return 0
        return (4 if difference > 0 else 8) + (8 if abs(difference) > upper else 0)

    def _magnitude(self, rest: int, bins: Iterator[tuple[int, int]]) -> None:
        """Code |V| - 1: its bit length, a decision a bit, then the bits below the first."""
        bin_ = next(bins)
        for _ in range(rest.bit_length()):
            self.code(bin_, 1)
            bin_ = next(bins)
        self.code(bin_, 0)
        for bit in range(rest.bit_length() - 2, -1, -1):
            self.code((bin_[0], bin_[1] + 14), rest >> bit & 1)

    def _ac(self, component: int, values: Sequence[int], first: int, last: int) -> None:
        slot = 0x10 | self.parts[component].ac
        end = max((k for k in range(first, last + 1) if values[k]), default=first - 1)
        k = first
        while k <= end:
            self.code((slot, 3 * (k - 1)), 0)  # no EOB yet
            while not values[k]:
                self.code((slot, 3 * (k - 1) + 1), 0)
                k += 1
            self.code((slot, 3 * (k - 1) + 1), 1)
            self.code(None, int(values[k] < 0))
            middle = (slot, 3 * (k - 1) + 2)
            start = 189 if k <= self.conditioning.get(slot, 5) else 217
            bins = [middle, middle, *((slot, x) for x in range(start, start + 14))]
            self._magnitude(abs(values[k]) - 1, iter(bins))
            k += 1
        if k <= last:
            self.code((slot, 3 * (k - 1)), 1)

    def _refine(self, component: int, values: Sequence[int]) -> None:
        """Code one more bit of a band (T.81 G.1.3.3)."""
        band = self.band
        slot = 0x10 | self.parts[component].ac
        inside = range(band.first, band.last + 1)
        end = max((k for k in inside if abs(values[k]) >> band.low), default=band.first - 1)
        known = max((k for k in inside if abs(values[k]) >> band.high), default=band.first - 1)
        k = band.first
        while k <= end:
            if k > known:
                self.code((slot, 3 * (k - 1)), 0)
            while not abs(values[k]) >> band.low:
                self.code((slot, 3 * (k - 1) + 1), 0)
                k += 1
            if abs(values[k]) >> band.high:
                self.code((slot, 3 * (k - 1) + 2), abs(values[k]) >> band.low & 1)
            else:
                self.code((slot, 3 * (k - 1) + 1), 1)
                self.code(None, int(values[k] < 0))
            k += 1
        if k <= band.last:
            self.code((slot, 3 * (k - 1)), 1)
