"""Take a person's name out of free text, as a whole token.

Texts and names are compared in a folded form: case folded, NFKC, invisible characters left
out, apostrophes and dashes of one kind each, percent-encoding undone. A map leads back to the
places in the text as it is.
"""

from __future__ import annotations

import codecs
import functools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

__all__ = ["blanked", "blanked_bytes", "contains_name", "without_names"]

_LEAST = 2
"""Characters that a name must have: a single letter would hit anything."""

_SPACELESS = (
    "\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts whose words stand next to each other without spaces, or with endings directly behind
a name: Thai, Lao, Tibetan, Burmese, Hangul, Khmer, Kana, Han."""
_LETTER = rf"(?:[^\W_{_SPACELESS}]|[\u0300-\u036f])"
_EDGES = (
    (r"(?<![A-Za-z])", r"(?![A-Za-z])"),
    (rf"(?<![^\W_{_SPACELESS}])", rf"(?!{_LETTER})"),
)
_GAP = r"(?:\s{1,64}|_{1,4}|[.+-]|&nbsp;|&#(?:160|xa0);)"
_COMMA = r"\s{0,64},\s{0,64}"
_NOT_LISTED = r"(?<![^\W_]\s)", r"(?!\s[^\W_])"
"""With "family, given", one end must be no word: else it may be the middle of a list of names."""

_UNUSUAL = re.compile(r"[\x00-\x7f]?(?:(?:%[0-9A-Fa-f]{2})+|[^\x00-\x7f\udc80-\udcff]+)+")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_BRANCHES = 8
"""Depth to which patterns are put in order by what they begin with."""
_STRAY = re.compile(r"[\ud800-\udfff]")
_TURNED_MOST = 4
"""Words of a name that is looked for with the family's name first, too."""
_CLUSTER = 16
"""Characters that are normalised together: putting many accents in order takes long."""
_ALIKE = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u2032\u00b4`\uff07"), "'"),
    **dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFF0D], "-"),
}
_INVISIBLE = {0x034F, *range(0xFE00, 0xFE10), 0x115F, 0x1160, 0x3164}


@functools.cache
def _spaceless() -> re.Pattern[str]:
    return re.compile(f"[{_SPACELESS}]")  # takes as long as importing all the rest


def _is_spaceless(letter: str) -> bool:
    return _spaceless().match(letter) is not None


class _Folded(NamedTuple):
    """A folded text; from ``at[n]`` on it stands for the original from ``start[n]`` on.

    Where ``step[n]`` is 0, all of it stands for ``original[start[n]:start[n + 1]]``.
    """

    text: str
    at: list[int]
    start: list[int]
    step: list[int]

    def original(self, begin: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the folded text comes from."""
        first = bisect_right(self.at, begin) - 1
        low = self.start[first] + self.step[first] * (begin - self.at[first])
        last = bisect_right(self.at, end - 1) - 1
        if self.step[last]:
            return low, self.start[last] + (end - self.at[last])
        return low, self.start[last + 1]


class _Names(NamedTuple):
    """What is looked for, in folded form."""

    pattern: re.Pattern[str]
    capital: frozenset[str]
    """Single words that must begin with a capital letter: they may be a common word too."""


def without_names(text: str, names: Iterable[str]) -> str:
    """Return text without these names; what is left of doubled spaces closes up.

    Upper and lower case, composed and decomposed letters, and white space of any kind between
    the words of a name count as the same; a name of a single word that begins with a capital
    letter must do so in the text too.
    """
    found = list(_spans(text, names))
    if not found:
        return text
    left = _replaced(text, found, "")
    return re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", left).strip(" \t")


def blanked(text: str, names: Iterable[str]) -> str:
    """Return text with these names replaced by as many spaces: for fields that must not move."""
    return _replaced(text, list(_spans(text, names)), " ")


def contains_name(text: str, names: Iterable[str]) -> bool:
    """Whether one of these names stands in the text as a whole token."""
    return next(_spans(text, names), None) is not None


def blanked_bytes(raw: bytes, names: Iterable[str]) -> bytes:
    """Return bytes with these names, in any plausible encoding, replaced by as many spaces.

    UTF-8 and UTF-16 are looked at always; where the bytes are not all UTF-8, so are the 8-bit
    and East Asian encodings that can write a name. There a name ends where ASCII letters do.
    """
    wanted = frozenset(names)
    if not raw.strip(b"\0") or not any(len(name) >= _LEAST for name in wanted):
        return raw
    text = raw.decode("utf-8", "surrogateescape")
    is_text = _STRAY.search(text) is None
    new = bytearray(raw)
    at = done = 0
    for low, high in _spans(text, wanted, loose=not is_text):
        at += _size(text[done:low])
        length = _size(text[low:high])
        new[at : at + length] = b" " * length
        at, done = at + length, high
    if b"\0" in raw:
        for codec, space in (("utf-16-le", b" \0"), ("utf-16-be", b"\0 ")):
            new = _blank(new, _wide(wanted, codec), space)
    if b"\x1b$" in raw:
        new = _blank(new, _encoded(wanted, _SEVEN_BIT), b" ")
    if is_text:
        return bytes(new)
    for codec in _narrow(wanted):
        for low, high in _narrow_spans(bytes(new), wanted, codec):
            new[low:high] = b" " * (high - low)
    return bytes(_blank(new, _encoded(wanted, _EAST_ASIAN), b" "))


_NARROW = (
    "cp1252", "mac_roman", "cp850", "cp437", "cp1250", "iso8859_2", "mac_latin2", "cp852",
    "cp1251", "koi8_r", "koi8_u", "mac_cyrillic", "cp866", "iso8859_5", "cp1253", "mac_greek",
    "cp737", "cp1254", "mac_turkish", "iso8859_9", "cp1255", "iso8859_8", "cp1256", "iso8859_6",
    "cp1257", "iso8859_4", "iso8859_13", "iso8859_10", "iso8859_15", "iso8859_16", "iso8859_3",
    "mac_iceland", "cp1258", "cp874", "iso8859_1",
)  # fmt: skip
_EAST_ASIAN = ("cp932", "euc_jp", "gb18030", "big5hkscs", "cp950", "euc_kr", "johab")
_SEVEN_BIT = ("iso2022_jp",)
_NARROW_MOST = 12


@functools.lru_cache(maxsize=8)
def _narrow(names: frozenset[str]) -> tuple[str, ...]:
    """Return 8-bit encodings, one of those that write all of these names alike."""
    special = [name for name in names if not name.isascii()]
    special += [name.lower().replace("ss", "\u00df") for name in names if "ss" in name.lower()]
    seen: set[tuple[str, bytes]] = set()
    found: list[str] = []
    for codec in _NARROW:
        forms = {
            (form, encoded)
            for name in special
            for form in _cases(unicodedata.normalize("NFC", name))
            if (encoded := _in(form, codec)) is not None
        }
        if not forms <= seen:
            found.append(codec)
            seen |= forms
    return tuple(found[:_NARROW_MOST])


def _narrow_spans(raw: bytes, names: frozenset[str], codec: str) -> Iterator[tuple[int, int]]:
    """Give where names stand in text of an 8-bit encoding: one folded character for each byte."""
    wanted = _compiled(names, "narrow")
    if wanted is None:
        return
    text = codecs.charmap_decode(raw, "strict", _folded_table(codec))[0]
    for found in wanted.pattern.finditer(text):
        first = raw[found.start() : found.start() + 1].decode(codec, "replace")
        if not (found.group() in wanted.capital and first.islower()):
            yield found.span()


@functools.lru_cache(maxsize=64)
def _folded_table(codec: str) -> str:
    """Return what each byte of an 8-bit encoding is, folded where that is one character."""
    read = [bytes((byte,)).decode(codec, "replace") for byte in range(256)]
    return "".join(form if len(form := _fold(each)) == 1 else each for each in read)


@functools.lru_cache(maxsize=16)
def _encoded(names: frozenset[str], encodings: tuple[str, ...]) -> re.Pattern[bytes] | None:
    """Return what finds the names that are not all ASCII in multibyte encodings."""
    either: set[bytes] = set()
    for name in names:
        for form in () if name.isascii() else _cases(unicodedata.normalize("NFC", name)):
            for codec in encodings:
                words = [_in(word, codec) for word in form.split()]
                if words and None not in words:
                    gap = rb"(?:[ \t\r\n_]|\xa1\xa1|\x81\x40|\xa1\x40){0,8}"
                    either.add(gap.join(re.escape(word) for word in words if word))
    if encodings == _SEVEN_BIT:
        return _any_of(either, b"", b"")
    return _any_of(either, b"(?<![A-Za-z])", b"(?![A-Za-z])")


@functools.lru_cache(maxsize=8)
def _wide(names: frozenset[str], codec: str) -> re.Pattern[bytes] | None:
    """Return what finds the names in UTF-16 of one byte order."""
    either = {
        form.encode(codec, "surrogatepass")
        for name in names
        for form in _cases(unicodedata.normalize("NFC", " ".join(name.split())))
        if len(form) >= _LEAST and form.isprintable()
    }
    if codec == "utf-16-le":
        return _any_of(map(re.escape, either), rb"(?<![A-Za-z]\0)", rb"(?![A-Za-z]\0)")
    return _any_of(map(re.escape, either), rb"(?<!\0[A-Za-z])", rb"(?!\0[A-Za-z])", rb"(?!\0\0)")


def _any_of(
    either: Iterable[bytes], before: bytes, behind: bytes, begin: bytes = b""
) -> re.Pattern[bytes] | None:
    ordered = sorted((each for each in either if len(each) > 1), key=len, reverse=True)
    if not ordered:
        return None
    firsts = b"".join(sorted({b"\\x%02x" % each.lstrip(b"\\")[0] for each in ordered}))
    start = b"(?=[" + firsts + b"])" + begin + before
    return re.compile(start + b"(?:" + b"|".join(ordered) + b")" + behind)


def _blank(raw: bytearray, pattern: re.Pattern[bytes] | None, space: bytes) -> bytearray:
    if pattern is None:
        return raw
    return bytearray(
        pattern.sub(lambda found: (space * len(found.group()))[: len(found.group())], bytes(raw))
    )


def _in(text: str, codec: str) -> bytes | None:
    try:
        encoded = text.encode(codec)
    except UnicodeEncodeError:
        return None
    return re.sub(rb"\x1b[$(][A-Z@]", b"", encoded) if codec.startswith("iso2022") else encoded


def _cases(name: str) -> set[str]:
    return {name, name.upper(), name.lower(), name.title()}


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _replaced(text: str, spans: list[tuple[int, int]], filler: str) -> str:
    out: list[str] = []
    at = 0
    for low, high in spans:
        out += (text[at:low], filler * (high - low))
        at = high
    return "".join((*out, text[at:])) if spans else text


def _spans(text: str, names: Iterable[str], *, loose: bool = False) -> Iterator[tuple[int, int]]:
    """Give where names stand in a text, in order and apart from each other."""
    wanted = _compiled(frozenset(names), "loose" if loose else "whole")
    if wanted is None:
        return
    folded = _folded(text)
    last = 0
    for found in wanted.pattern.finditer(folded.text):
        low, high = folded.original(*found.span())
        if found.group() in wanted.capital and text[low].islower():
            continue
        if low < high and high > last:
            yield max(low, last), high
            last = high


def _folded(text: str) -> _Folded:
    out: list[str] = []
    at, start, step = [0], [0], [1]
    done = length = 0
    for unusual in _UNUSUAL.finditer(text):
        low, high = unusual.span()
        plain = text[done:low].lower().replace("`", "'")
        out.append(plain)
        length += len(plain)
        for form, begin in _clusters(text, low, high):
            at.append(length)
            start.append(begin)
            step.append(0)
            out.append(form)
            length += len(form)
        at.append(length)
        start.append(high)
        step.append(1)
        done = high
    out.append(text[done:].lower().replace("`", "'"))
    return _Folded("".join(out), at, start, step)


def _clusters(text: str, low: int, high: int) -> Iterator[tuple[str, int]]:
    """Give the folded form of each letter with its accents, and where it begins."""
    cluster = ""
    begin = low
    for character, start in _characters(text, low, high):
        if cluster and (not _is_joined(character) or len(cluster) >= _CLUSTER):
            yield _fold(cluster), begin
            cluster = ""
        if not cluster:
            begin = start
        cluster += character
    if cluster:
        yield _fold(cluster), begin


def _characters(text: str, low: int, high: int) -> Iterator[tuple[str, int]]:
    """Give characters and where they begin, percent-encoded ones decoded."""
    at = low
    while at < high:
        encoded = _ENCODED.match(text, at, high) if text[at] == "%" else None
        if encoded is None:
            yield text[at], at
            at += 1
            continue
        raw = bytes.fromhex(encoded.group().replace("%", ""))
        for character in raw.decode("utf-8", "surrogateescape"):
            yield character, at
            at += 3 * _size(character)


def _is_joined(character: str) -> bool:
    return character > "\x7f" and (
        unicodedata.combining(character) != 0
        or "\u1160" <= character <= "\u11ff"
        or _is_invisible(character)
    )


def _is_invisible(character: str) -> bool:
    return ord(character) in _INVISIBLE or unicodedata.category(character) == "Cf"


@functools.lru_cache(maxsize=4096)
def _fold(cluster: str) -> str:
    seen = "".join(c for c in cluster if c <= "\x7f" or not _is_invisible(c)).translate(_ALIKE)
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_ALIKE)


@functools.lru_cache(maxsize=16)
def _compiled(names: frozenset[str], kind: Literal["whole", "loose", "narrow"]) -> _Names | None:
    """Return what finds names.

    "loose" has edges at ASCII letters only, "narrow" is for text with a character a letter too.
    """
    capital: set[str] = set()
    straight: set[tuple[str, ...]] = set()
    turned: set[tuple[str, ...]] = set()
    for name in names:
        words = tuple(_folded(" ".join(name.split())).text.split())
        family, comma, given = " ".join(words).partition(",")
        if comma and family.strip() and given.strip() and "," not in given:
            straight.add(words)
            words = (*given.split(), *family.split())
        if sum(map(len, words)) < _LEAST:
            continue
        straight.add(words)
        if 1 < len(words) <= _TURNED_MOST:
            turned.add((words[-1], *words[:-1]))
        elif len(words) == 1 and name.strip()[:1].isupper():
            capital.add(words[0])
    if not straight:
        return None
    before, behind = _EDGES[kind == "whole"]
    forms = [_form(words, _GAP, before, behind) for words in straight | turned]
    for words in turned:
        forms.append(_form(words, _COMMA, _NOT_LISTED[0] + before, behind))
        forms.append(_form(words, _COMMA, before, behind + _NOT_LISTED[1]))
    if kind == "narrow":
        forms = [_sharp(form) for form in forms]
    return _Names(re.compile(_either(forms, _BRANCHES)), frozenset(capital))


def _sharp(form: tuple[str, ...]) -> tuple[str, ...]:
    """Return a pattern that finds a sharp s where the folded name has two."""
    out: list[str] = []
    for piece in form:
        if piece == "s" and out and out[-1] == "s":
            out[-1] = "(?:ss|\u00df)"
        else:
            out.append(piece)
    return tuple(out)


def _form(words: tuple[str, ...], gap: str, before: str, behind: str) -> tuple[str, ...]:
    """Return a name's pattern in pieces; the first gap is ``gap``, the others are plain ones."""
    out = ["" if _is_spaceless(words[0][0]) else before]
    for number, word in enumerate(words):
        if number:
            apart = gap if number == 1 else _GAP
            near = _is_spaceless(word[0]) and _is_spaceless(words[number - 1][-1])
            out.append(f"{apart}?" if near else apart)
        out += [
            re.escape(letter) + (r"\s?" if _both_spaceless(word, at) else "")
            for at, letter in enumerate(word)
        ]
    out.append("" if _is_spaceless(words[-1][-1]) else behind)
    return tuple(out)


def _either(forms: Iterable[tuple[str, ...]], branches: int) -> str:
    """Return a pattern that finds the longest of these, what they begin with written once."""
    ordered = sorted(set(forms), key=len, reverse=True)
    if not branches:
        return "(?:" + "|".join("".join(form) for form in ordered) + ")"
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for form in ordered:
        by_first.setdefault(form[0] if form else "", []).append(form)
    out: list[str] = []
    for beginning in (by_first[first] for first in sorted(by_first, key=lambda each: each == "")):
        same = _shared(beginning)
        behind = [form[len(same) :] for form in beginning]
        rest = _either(behind, branches - 1) if len(behind) > 1 else "".join(behind[0])
        out.append("".join(same) + rest)
    return out[0] if len(out) == 1 else f"(?:{'|'.join(out)})"


def _shared(forms: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what all of these begin with."""
    least, most = min(forms), max(forms)
    apart = (at for at, piece in enumerate(least) if piece != most[at])
    return least[: next(apart, len(least))]


def _both_spaceless(word: str, at: int) -> bool:
    return at + 1 < len(word) and all(map(_is_spaceless, word[at : at + 2]))
