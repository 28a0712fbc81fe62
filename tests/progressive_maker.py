"""A progressive Huffman encoder: coefficient blocks, a scan script and a style in, bytes out.

Written from ITU-T T.81 annex G alone; it shares no code with jpegredact. On
request it does what odd encoders do, and writes with tables of every symbol, of
just the symbols a picture needs, or of those that several pictures need together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jpegmaker import Part, Table, segment, shapes


@dataclass(frozen=True)
class Band:
    """A scan: its components, spectral selection, successive approximation (ITU-T T.81 G.1.1)."""

    components: tuple[int, ...]
    first: int = 0
    last: int = 0
    high: int = 0
    low: int = 0


@dataclass(frozen=True)
class Style:
    """What T.81 leaves to the encoder. The defaults are libjpeg's ways.

    Attributes
    ----------
    longest_run
        Blocks in an EOB run at most; 1 is an EOB for each block.
    cuts
        Blocks (component, row, column) behind which an EOB run ends in any case.
    zrl_before_eob
        A ZRL for each 16 zeros left in front of an EOB.
    held
        Correction bits that an EOB run may hold back; the next block ends it then.
    padding
        The bit that fills up the last byte of an interval.
    """

    longest_run: int = 0x7FFF
    cuts: frozenset[tuple[int, int, int]] = frozenset()
    zrl_before_eob: bool = False
    held: int = 937
    padding: int = 1


LIBJPEG = Style()

Token = tuple[int | None, int, str]
"""Symbol (None: bits only), slot of its table (``Tc/Th``), the bits behind it."""

Tables = Sequence[Mapping[int, Table]]
"""For each scan the tables that it defines."""


@dataclass(frozen=True)
class Picture:
    """What is to be coded. ``parts`` hold quantised blocks in zigzag order, padding included;
    ``restart`` is one interval, or one for each scan (0: none).
    """

    width: int
    height: int
    parts: Sequence[Part]
    scans: Sequence[Band]
    restart: int | Sequence[int] = 0
    style: Style = field(default=LIBJPEG)

    def said(self, component: int) -> np.ndarray:
        """Return what the scans together say of a component: bits that are left out are zero."""
        blocks = self.parts[component].blocks
        lowest = np.full(64, -1)
        for band in self.scans:
            if component in band.components:
                lowest[band.first : band.last + 1] = band.low
        shift = np.maximum(lowest, 0)
        found = np.sign(blocks) * (np.abs(blocks) >> shift << shift)
        found[:, :, 0] = blocks[:, :, 0] >> shift[0] << shift[0]
        return np.where(lowest < 0, 0, found)

    @property
    def restarts(self) -> Sequence[int]:
        """The restart interval of each scan."""
        if isinstance(self.restart, int):
            return [self.restart] * len(self.scans)
        return self.restart

    def tokens(self) -> list[list[list[Token]]]:
        """Return for each scan and each of its intervals what is to be said."""
        found = []
        for band, restart in zip(self.scans, self.restarts, strict=True):
            mcus = mcus_of(self, band)
            step = restart or len(mcus)
            found.append([
                list(_interval(self, band, mcus[at : at + step]))
                for at in range(0, len(mcus), step)
            ])
        return found


def every_symbol(picture: Picture) -> Tables:
    """Return general tables that say everything, EOB runs of all lengths too; defined once."""
    dc, ac = _table(range(16), full=False), _table(range(256), full=False)
    slots = {part.dc for part in picture.parts} | {0x10 | part.ac for part in picture.parts}
    first = {slot: ac if slot & 0x10 else dc for slot in sorted(slots)}
    return [first, *({} for _ in picture.scans[1:])]


def shared(*pictures: Picture) -> Tables:
    """Return tight tables that are defined once, for all scans together."""
    counts: dict[int, Counter[int]] = {}
    for picture in pictures:
        for scan in picture.tokens():
            for symbol, slot, _ in (token for interval in scan for token in interval):
                if symbol is not None:
                    counts.setdefault(slot, Counter())[symbol] += 1
    first = {
        slot: _table([symbol for symbol, _ in sorted(count.items(), key=_often)], full=False)
        for slot, count in sorted(counts.items())
    }
    return [first, *({} for _ in pictures[0].scans[1:])]


def tight(*pictures: Picture, full: bool = False) -> Tables:
    """Return tables for each scan with just the symbols that one of the pictures needs.

    They leave room behind their codes; with ``full`` only the all-ones code is
    free (where that takes no more than 16 lengths), so that nothing can be appended.
    """
    found = []
    for scans in zip(*(picture.tokens() for picture in pictures), strict=True):
        counts: dict[int, Counter[int]] = {}
        for intervals in scans:
            for interval in intervals:
                for symbol, slot, _ in interval:
                    if symbol is not None:
                        counts.setdefault(slot, Counter())[symbol] += 1
        found.append({
            slot: _table([symbol for symbol, _ in sorted(count.items(), key=_often)], full)
            for slot, count in sorted(counts.items())
        })
    return found


def _often(item: tuple[int, int]) -> tuple[int, int]:
    return -item[1], item[0]


def _table(symbols: Sequence[int], full: bool) -> Table:
    """Give often used symbols shorter codes: two lengths, or a filled up staircase."""
    if not full:
        length = len(symbols).bit_length()
        half = 1 << max(length - 2, 0)  # a quarter of the codes, one bit shorter than the rest
        if length < 3 or len(symbols) <= half:
            return Table.level(symbols)
        return Table.of(
            [(s, length) for s in symbols[:half]] + [(s, length + 1) for s in symbols[half:]]
        )
    if len(symbols) <= 16:
        return Table.full(symbols)
    base = next(n for n in range(1, 17) if len(symbols) - (16 - n) <= (1 << n) - 1)
    slots, rest, pairs = (1 << base) - 1, len(symbols) - (16 - base), []
    ordered = list(symbols)
    for size in range(1, base + 1):
        width = 1 << (base - size)
        while rest and slots - width >= rest - 1 and (slots - width > 0 or rest == 1):
            pairs.append((ordered.pop(0), size))
            slots -= width
            rest -= 1
    pairs += [(symbol, size) for symbol, size in zip(ordered, range(base + 1, 17), strict=True)]
    return Table.of(pairs)


def make_progressive(
    picture: Picture,
    tables: Tables | None = None,
    *,
    sof: int = 0xC2,
    precision: int = 8,
    front: bytes = b"",
    behind: bytes = b"",
    last_codes: bool = False,
    fill: int = 0,
    left_over: bytes = b"",
    short: Mapping[tuple[int, int], int] | None = None,
) -> bytes:
    """Encode a picture; ``tables`` are for each scan those that stand in front of it.

    Default: tables of every symbol, in front of the first scan. With
    ``last_codes`` a symbol that has several codes is said by its last one.
    ``fill`` 0xFF bytes stand in front of each marker behind the frame header, and
    ``left_over`` bytes behind each interval's last block. ``short`` says by how many
    bits some intervals (scan, number) end too early; zeros fill their last byte.
    """
    tables = every_symbol(picture) if tables is None else tables
    out = b"\xff\xd8" + front
    for k, part in enumerate(picture.parts):
        values = list(part.quantization)
        wide = max(values) > 255
        body = b"".join(v.to_bytes(2 if wide else 1) for v in values)
        out += segment(0xDB, bytes([wide << 4 | k]) + body)
    frame = bytes([precision]) + picture.height.to_bytes(2) + picture.width.to_bytes(2)
    frame += bytes([len(picture.parts)])
    for k, part in enumerate(picture.parts):
        frame += bytes([k + 1, part.horizontal << 4 | part.vertical, k])
    out += segment(sof, frame)
    gap = b"\xff" * fill
    codes: dict[int, dict[int, str]] = {}
    interval_now = 0
    for index, (band, restart, defined, scan) in enumerate(
        zip(picture.scans, picture.restarts, tables, picture.tokens(), strict=True)
    ):
        if restart != interval_now:
            out += gap + segment(0xDD, restart.to_bytes(2))
            interval_now = restart
        for slot, table in defined.items():
            out += gap + segment(0xC4, table.segment_part(slot))
            codes[slot] = _last_codes(table) if last_codes else table.codes()
        header = bytes([len(band.components)])
        for k in band.components:
            header += bytes([k + 1, picture.parts[k].dc << 4 | picture.parts[k].ac])
        spread = bytes([band.first, band.last, band.high << 4 | band.low])
        out += gap + segment(0xDA, header + spread)
        for number, interval in enumerate(scan):
            if number:
                out += gap + bytes([0xFF, 0xD0 + (number - 1) % 8])
            bits = "".join(
                (codes[slot][symbol] if symbol is not None else "") + extra
                for symbol, slot, extra in interval
            )
            padding = picture.style.padding
            if short and (index, number) in short:
                bits, padding = bits[: -short[index, number]], 0
            bits += str(padding) * (-len(bits) % 8)
            coded = int("1" + bits, 2).to_bytes(len(bits) // 8 + 1)[1:]
            out += (coded + left_over).replace(b"\xff", b"\xff\x00")
    return out + gap + b"\xff\xd9" + behind


def _last_codes(table: Table) -> dict[int, str]:
    symbols = list(table.symbols)
    tagged = Table(table.counts, bytes(range(len(symbols))))  # each code is a symbol of its own
    return {symbols[n]: code for n, code in sorted(tagged.codes().items())}


# ---------------------------------------------------------------------------
# Blocks -> what is to be said (ITU-T T.81 G.1.2)
# ---------------------------------------------------------------------------


def mcus_of(picture: Picture, band: Band) -> list[list[tuple[int, int, int]]]:
    """Return for each MCU of a scan its blocks: component, row, column."""
    parts = picture.parts
    size = shapes(
        picture.width, picture.height, [(part.horizontal, part.vertical) for part in parts]
    )
    if len(band.components) == 1:
        k = band.components[0]
        rows, columns = size[k][0]
        return [[(k, r, c)] for r in range(rows) for c in range(columns)]
    k = band.components[0]
    down, across = size[k][1][0] // parts[k].vertical, size[k][1][1] // parts[k].horizontal
    return [
        [
            (k, y * parts[k].vertical + i, x * parts[k].horizontal + j)
            for k in band.components
            for i in range(parts[k].vertical)
            for j in range(parts[k].horizontal)
        ]
        for y in range(down)
        for x in range(across)
    ]


def _interval(
    picture: Picture, band: Band, mcus: Sequence[Sequence[tuple[int, int, int]]]
) -> Iterator[Token]:
    places = [place for mcu in mcus for place in mcu]
    if band.first == 0:
        return _dc(picture, band, places)
    return _Ac(picture, band, places).tokens()


def _dc(picture: Picture, band: Band, places: Iterable[tuple[int, int, int]]) -> Iterator[Token]:
    before: dict[int, int] = {}
    for k, row, column in places:
        value = int(picture.parts[k].blocks[row, column, 0]) >> band.low
        if band.high:
            yield None, -1, str(value & 1)
            continue
        difference = value - before.get(k, 0)
        before[k] = value
        yield abs(difference).bit_length(), picture.parts[k].dc, _magnitude(difference)


def _magnitude(value: int) -> str:
    """Return the bits that follow a category (ITU-T T.81 F.1.2.1)."""
    size = abs(value).bit_length()
    return format(value if value > 0 else value + (1 << size) - 1, f"0{size}b") if size else ""


class _Ac:
    """An interval of an AC scan: EOB runs, and correction bits that wait for their end."""

    def __init__(
        self, picture: Picture, band: Band, places: Sequence[tuple[int, int, int]]
    ) -> None:
        self.picture = picture
        self.band = band
        self.places = places
        self.slot = 0x10 | picture.parts[band.components[0]].ac
        self.out: list[Token] = []
        self.run = 0
        self.waiting = ""

    def said(self, component: int) -> np.ndarray:
        """Return what the scans together say of a component: bits that are left out are zero."""
        blocks = self.parts[component].blocks
        lowest = np.full(64, -1)
        for band in self.scans:
            if component in band.components:
                lowest[band.first : band.last + 1] = band.low
        shift = np.maximum(lowest, 0)
        found = np.sign(blocks) * (np.abs(blocks) >> shift << shift)
        found[:, :, 0] = blocks[:, :, 0] >> shift[0] << shift[0]
        return np.where(lowest < 0, 0, found)

    @property
    def restarts(self) -> Sequence[int]:
        """The restart interval of each scan."""
        if isinstance(self.restart, int):
            return [self.restart] * len(self.scans)
        return self.restart

    def tokens(self) -> Iterator[Token]:
        style = self.picture.style
        for place in self.places:
            block = [int(v) for v in self.picture.parts[place[0]].blocks[place[1], place[2]]]
            ended, bits = self._coefficients(block)
            if ended:
                self.run += 1
                self.waiting += bits
                if self.run >= style.longest_run or len(self.waiting) > style.held:
                    self._end_run()
            if place in style.cuts:
                self._end_run()
        self._end_run()
        yield from self.out

    def _end_run(self) -> None:
        if self.run:
            size = self.run.bit_length() - 1
            rest = self.run - (1 << size)
            extra = format(rest, f"0{size}b") if size else ""
            self.out.append((size << 4, self.slot, extra + self.waiting))
        self.run, self.waiting = 0, ""

    def _coefficients(self, block: Sequence[int]) -> tuple[bool, str]:
        """Say a block up to its last new coefficient.

        Returns whether an EOB ends it, and the correction bits that follow it.
        """
        band = self.band
        zeros, bits = 0, ""
        shifted = {k: abs(block[k]) >> band.low for k in range(band.first, band.last + 1)}
        new = [k for k, value in shifted.items() if value and self._is_new(block[k])]
        last = new[-1] if new else band.first - 1
        for k, value in shifted.items():
            if value and not self._is_new(block[k]):  # known since an earlier scan
                if zeros > 15 and k <= last:
                    zeros, bits = self._zrl(zeros, bits)
                bits += str(value & 1)
            elif not value:
                zeros += 1
                if zeros == 16 and k > last and self.picture.style.zrl_before_eob:
                    zeros, bits = self._zrl(zeros, bits)
            else:
                if zeros > 15:
                    zeros, bits = self._zrl(zeros, bits)
                self._end_run()
                extra = _magnitude(value if block[k] > 0 else -value)
                self.out.append((zeros << 4 | len(extra), self.slot, extra + bits))
                zeros, bits = 0, ""
        return bool(zeros or bits), bits

    def _is_new(self, value: int) -> bool:
        return not self.band.high or not abs(value) >> self.band.high

    def _zrl(self, zeros: int, bits: str) -> tuple[int, str]:
        self._end_run()
        while zeros > 15:
            self.out.append((0xF0, self.slot, bits))
            zeros, bits = zeros - 16, ""
        return zeros, bits


# ---------------------------------------------------------------------------
# Scan scripts
# ---------------------------------------------------------------------------


def simple(count: int) -> list[Band]:
    """Return DC, then each component's AC, in one go."""
    return [Band(tuple(range(count))), *(Band((k,), 1, 63) for k in range(count))]


def steps(count: int, from_bit: int = 2) -> list[Band]:
    """Return libjpeg's way with this many refinements: DC and AC, bands split."""
    every = tuple(range(count))
    found = [Band(every, low=from_bit)]
    for k in range(count):
        found += [Band((k,), 1, 5, 0, from_bit), Band((k,), 6, 63, 0, from_bit)]
    for bit in range(from_bit, 0, -1):
        found += [Band((k,), 1, 63, bit, bit - 1) for k in range(count)]
        found.append(Band(every, 0, 0, bit, bit - 1))
    return found


def crossed(count: int) -> list[Band]:
    """Return an odd order: single coefficients, bands of unequal depth, late DC bits."""
    found = [Band((k,), low=1) for k in range(count)]
    for k in reversed(range(count)):
        found += [
            Band((k,), 7, 40, 0, 3), Band((k,), 1, 1), Band((k,), 41, 63, 0, 1),
            Band((k,), 2, 6, 0, 1), Band((k,), 7, 40, 3, 2), Band((k,), 2, 6, 1, 0),
            Band((k,), 7, 40, 2, 1), Band((k,), 41, 63, 1, 0), Band((k,), 7, 40, 1, 0),
        ]  # fmt: skip
    found.append(Band(tuple(range(count)), 0, 0, 1, 0))
    return found


def shuffled(count: int, seed: int) -> list[Band]:
    """Return a script of random bands, depths and order, each step behind the one it refines.

    Some leave out the last bits, or whole bands.
    """
    random = np.random.default_rng(seed)
    every = [int(k) for k in random.permutation(count)]
    together = [every] if random.random() < 0.5 else [[k] for k in every]
    queues: list[list[Band]] = []
    out: list[Band] = []
    for group in together:
        low = int(random.integers(0, 4))
        parts = tuple(sorted(group))
        out.append(Band(parts, low=low))
        queues.append([Band(parts, 0, 0, bit, bit - 1) for bit in range(low, 0, -1)])
    for k in range(count):
        cuts = sorted({1, 64, *(int(n) for n in random.integers(2, 64, random.integers(0, 4)))})
        low = int(random.integers(0, 5))
        joint = random.random() < 0.5
        first = []
        for start, end in pairwise(cuts):
            if random.random() < 0.1 and not joint:
                continue
            depth = low if joint else int(random.integers(0, 5))
            first.append(Band((k,), start, end - 1, 0, depth))
            if not joint:
                queues.append([first.pop()])
                stop = int(random.random() < 0.2)
                queues[-1] += [
                    Band((k,), start, end - 1, bit, bit - 1) for bit in range(depth, stop, -1)
                ]
        if joint:
            queues.append(first + [Band((k,), 1, 63, bit, bit - 1) for bit in range(low, 0, -1)])
    queues = [queue for queue in queues if queue]
    while queues:
        number = int(random.integers(len(queues)))
        out.append(queues[number].pop(0))
        queues = [queue for queue in queues if queue]
    return out
