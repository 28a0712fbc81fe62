"""Mutations of XMP: its elements, attributes and encodings, document types, extended packets.

Each is ``(generator, data, another input) -> damaged data``.
"""

from __future__ import annotations

import base64
import hashlib
import random
import re

from .metadata import APP1, SMALL_JPEG, Piece, edge, pick, replaced, segment
from .metadata import metadata_places as places
from .structure import pieces, together

STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_TAG = re.compile(rb"<[^<>]*>")
_ATTRIBUTE = re.compile(rb"[\w:]+\s*=\s*(\"[^\"]*\"|'[^']*')")
_NAMESPACES = re.compile(rb"http://[\w./:-]+")
_PICTURE = base64.b64encode(SMALL_JPEG)
_PIECES = (
    b"<", b">", b"/>", b"</rdf:li>", b"<rdf:li>Jane Doe</rdf:li>", b"&#x0;", b"&#65;", b"&amp;",
    b"&jane;", b"]]>", b"<![CDATA[Jane Doe]]>", b"<!-- Jane Doe -->", b"<?xpacket end='w'?>", b'"',
    b"'", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"<rdf:Bag/>",
    b"<a>" * 400, b"<a>" * 3000, b" " * 3000, b"\t\r\n", _PICTURE, b"A" * 600,
    b"<xmp:Thumbnails xmlns:xmp='http://ns.adobe.com/xap/1.0/'>" + _PICTURE + b"</xmp:Thumbnails>",
    b"<p:Data xmlns:p='http://ns.google.com/photos/1.0/image/'>" + _PICTURE + b"</p:Data>",
    b" xmlns:rdf='http://a.example/'", b" xmlns='http://purl.org/dc/elements/1.1/'",
    b" rdf:parseType='Resource'", b" rdf:parseType='Literal'", b" rdf:resource='Jane Doe'",
    b"<GPano:ProjectionType xmlns:GPano='http://ns.google.com/photos/1.0/panorama/'>"
    b"equirectangular</GPano:ProjectionType>",
)  # fmt: skip
_DTDS = (
    b"<!DOCTYPE a [<!ENTITY jane 'Jane Doe'>]>", b"<!DOCTYPE a SYSTEM 'file:///dev/null'>",
    b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;'>"
    b"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;'>]>",
    b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='latin-1'?>",
    b"<?xml version='1.0' encoding='utf-7'?>", b"<?xml version='1.1'?>",
    b"<?xml version='1.0' encoding='rot13' standalone='yes'?>",
)  # fmt: skip
_CODECS = ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-8-sig", "latin-1")


def edit_text(rng: random.Random, text: bytes, theirs: bytes) -> bytes:
    """Damage a packet: take elements or attributes out, exchange them, or put others in."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        tags = list(_TAG.finditer(text))
        place = rng.choice(tags).start() if tags else rng.randrange(len(text) + 1)
        what = rng.randrange(11)
        if what == 0 and tags:  # a tag less
            tag = rng.choice(tags)
            text = text[: tag.start()] + text[tag.end() :]
        elif what == 1 and tags:  # one element or more less, or twice
            first, last = sorted(rng.choices(range(len(tags)), k=2))
            start, end = tags[first].start(), tags[min(last, first + 6)].end()
            text = text[:start] + text[start:end] * rng.choice((0, 2, 2, 30)) + text[end:]
        elif what == 2:  # another packet's element
            others = list(_TAG.finditer(theirs))
            if others:
                first = rng.randrange(len(others))
                last = min(len(others) - 1, first + rng.randrange(8))
                new = theirs[others[first].start() : others[last].end()]
                text = text[:place] + new + text[place:]
        elif what == 3:  # an attribute gets another value
            found = list(_ATTRIBUTE.finditer(text))
            if found:
                one, another = rng.choice(found), rng.choice(found)
                new = rng.choice((another.group(1), b"''", b"'Jane Doe'", b"'1e999'", b"'-1'",
                                  b"'" + _PICTURE + b"'", b"'nan'", b"'&#0;'",
                                  b"'99999999999999999999'"))  # fmt: skip
                text = text[: one.start(1)] + new + text[one.end(1) :]
        elif what == 4:  # exchange namespaces
            found = list(_NAMESPACES.finditer(text))
            if found:
                one, another = rng.choice(found), rng.choice(found)
                text = text[: one.start()] + another.group() + text[one.end() :]
        elif what < 8:
            place = place if rng.random() < 0.7 else rng.randrange(len(text) + 1)
            place += rng.choice((0, 0, len(tags[0].group()) if tags else 0))
            text = text[:place] + rng.choice(_PIECES) + text[place:]
        elif what == 8:
            place = rng.choice((0, place))
            text = text[:place] + rng.choice(_DTDS) + text[place:]
        elif what == 9:
            text = text[: rng.randrange(len(text) + 1)]
        elif rng.random() < 0.5:  # numbers
            found = list(re.finditer(rb"\d+(\.\d+)?", text))
            if found:
                one = rng.choice(found)
                new = rng.choice((b"0", b"-5", b"1e400", b"0.5", b"99999999999", b"4294967295"))
                text = text[: one.start()] + new + text[one.end() :]
        else:
            codec = rng.choice(_CODECS)
            text = text.decode("utf-8", "replace").encode(codec, "replace")
    return text


def _packet(rng: random.Random, data: bytes) -> bytes:
    parts = pieces(data)
    at = pick(rng, parts, APP1, STANDARD)
    return parts[at].data[4 + len(STANDARD) :] if at >= 0 else b""


def edit_xmp(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage the text of a packet; where there is none, take another file's."""
    parts = pieces(data)
    at = pick(rng, parts, APP1, STANDARD)
    theirs = _packet(rng, other)
    if at < 0:
        if not theirs:
            return data
        parts = [*parts[:1], segment(APP1, STANDARD + theirs), *parts[1:]]
        at = 1
    text = edit_text(rng, parts[at].data[4 + len(STANDARD) :], theirs)
    return replaced(parts, at, segment(APP1, STANDARD + text))


def make_extended(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Give the file extended XMP, rightly named and cut into chunks, damaged or not."""
    parts = pieces(data)
    text = _packet(rng, other if rng.random() < 0.5 else data)
    standard = _packet(rng, data)
    if not text or b"<rdf:Description" not in standard:
        return edit_xmp(rng, data, other)
    if rng.random() < 0.7:
        text = edit_text(rng, text, standard) or b" "
    guid = hashlib.md5(text, usedforsecurity=False).hexdigest().upper().encode()
    name = b" xmlns:xmpNote='http://ns.adobe.com/xmp/note/' xmpNote:HasExtendedXMP='" + guid + b"'"
    standard = standard.replace(b"<rdf:Description", b"<rdf:Description" + name, 1)
    size = rng.choice((64000, 2000, max(1, len(text) // 3)))
    chunks = [
        segment(APP1, EXTENSION + guid + len(text).to_bytes(4) + at.to_bytes(4)
                + text[at : at + size])
        for at in range(0, len(text), size)
    ][:60]  # fmt: skip
    what = rng.randrange(5)
    if what == 0:
        rng.shuffle(chunks)
    elif what == 1:
        del chunks[rng.randrange(len(chunks))]
    elif what == 2:
        chunks.append(rng.choice(chunks))
    rest = [part for part in parts if not part.data.startswith(STANDARD, 4)]
    return together([rest[0], segment(APP1, STANDARD + standard), *chunks, *rest[1:]])


def edit_chunk(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change the header of a chunk of extended XMP, its text, or its place."""
    parts = pieces(data)
    at = pick(rng, parts, APP1, EXTENSION)
    if at < 0:
        return make_extended(rng, data, other)
    whole, start = bytearray(parts[at].data), 4 + len(EXTENSION)
    what = rng.randrange(6)
    if what == 0:
        whole[start + rng.randrange(32)] = rng.choice(b"0aAfFg\0\xff")
    elif what < 3:
        place = start + 32 + 4 * (what - 1)
        near = int.from_bytes(whole[place : place + 4])
        whole[place : place + 4] = edge(rng, near, len(data)).to_bytes(4)
    elif what == 3:
        text = edit_text(rng, bytes(whole[start + 40 :]), _packet(rng, other))
        return replaced(parts, at, segment(APP1, bytes(whole[4 : start + 40]) + text))
    elif what == 4:
        to = rng.choice(places(parts, APP1, EXTENSION))
        parts[at], parts[to] = parts[to], parts[at]
        return together(parts)
    else:
        return replaced(parts, at, *[parts[at]] * rng.choice((0, 2)))
    return replaced(parts, at, Piece(APP1, bytes(whole[: len(parts[at].data)])))


TEXT = (edit_xmp, edit_xmp, edit_xmp, make_extended, edit_chunk)
