"""COM, APPn of no format that another module reads, Adobe's APP14, and ICC profiles.

The keep-rule (design, section 7): what is wholly text of at most 1 KiB without a long run of
base64 stays, and so do the kinds that `kinds` calls harmless; names that are removed elsewhere
are removed in comments too. All else goes, and is in the diff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from .. import carve, jpegwalk
from ..model import Action, Actions, Request, Segment, SideCopy
from ..names import blanked_bytes, contains_name, without_names
from ..texts import has_base64_run, read_text
from . import icc
from .base import Answer, Found, SegmentCarrier, payload
from .kinds import Known, known_kind

__all__ = ["read_unknown"]

_COM, _ADOBE, _APP2 = 0xFE, 0xEE, 0xE2
_MOST_TEXT = 1024
_MOST_TEXTS = 8192
"""Bytes of all texts of a file that stay."""
_SHORT, _MOST_SHORT = 32, 256
"""Bytes that are too few to show anything, and all such segments of a file together."""
_ADOBE_HEADER = 12  # "Adobe", version, two flags, transform (T.872, 6.5.3)
_ADOBE_MOST = 64
"""Photoshop and mozjpeg write 19 or 24 more bytes; readers look at the first 12."""

_CONTROLS = re.compile(rb"[\x01-\x08\x0b\x0e-\x19\x1b-\x1f\x7f-\xff]")
"""Bytes that no camera's text in ASCII has."""
_XMP = re.compile(rb"http://ns\.adobe\.com/|<\?xpacket|<x:xmpmeta")

_KEEP = Actions("keep", "drop", "keep")
_KEEP_TEXT = Actions("keep", "drop", "warn")
_DROP = Actions("drop", "drop", "warn")


def read_unknown(
    data: bytes, segments: Iterable[Segment], never: Iterable[Segment] = ()
) -> SegmentCarrier:
    """Read all COM and APPn segments that no other carrier answers for.

    ``never`` are those of markers that nobody defines, or with more in them than there may be.
    """
    found = [
        Found(_copy("unknown-segment", one, f"segment of marker 0x{one.code:02X}", _DROP), (one,))
        for one in never
    ]
    profile: list[Segment] = []
    segments = tuple(segments)
    short = _short_ones(data, segments)
    for segment in segments:
        content = payload(data, segment)
        if segment.code == _APP2 and content.startswith(icc.SIGNATURE):
            profile.append(segment)
        elif segment.code == _COM:
            found.append(_comment(segment, content, short=segment in short))
        elif segment.code == _ADOBE and content[:5] == b"Adobe" and len(content) >= _ADOBE_HEADER:
            found += _adobe(data, segment, content)
        else:
            found.append(_application(data, segment, content, short=segment in short))
    found = _in_all(found)
    found += _profile(data, profile)
    return SegmentCarrier(tuple(sorted(found, key=lambda one: one.copy.offset)))


def _in_all(found: Iterable[Found]) -> list[Found]:
    """Let go what is too much in all: texts, and several segments of one known kind."""
    left: dict[str, int] = {}
    out = []
    for one in found:
        if one.copy.actions.default == "keep":
            name, most = one.limit or ("", _MOST_TEXTS)
            rest = left.get(name, most) - one.copy.length + 4
            if rest < 0:
                detail = f"{one.copy.detail}; too much in all"
                one = Found(replace(one.copy, detail=detail, actions=_DROP), one.segments)
            else:
                left[name] = rest
        out.append(one)
    return out


def _short_ones(data: bytes, segments: Iterable[Segment]) -> frozenset[Segment]:
    """Return the segments that are too short to show anything, as long as there are few."""
    found, length = set(), 0
    for segment in segments:
        if len(payload(data, segment)) <= _SHORT and length < _MOST_SHORT:
            found.add(segment)
            length += len(payload(data, segment))
    return frozenset(found)


def _copy(kind: str, segment: Segment, detail: str, actions: Actions) -> SideCopy:
    return SideCopy(kind, segment.offset, segment.end - segment.offset, detail, actions)


# ICC and Adobe


def _profile(data: bytes, segments: list[Segment]) -> list[Found]:
    """Return a finding where the segments are no coherent profile; a profile shows nothing."""
    if not segments:
        return []
    chunks = [payload(data, segment) for segment in segments]
    first = icc.first_set(chunks)
    problem = icc.profile_problem([chunks[index] for index in first])
    if problem or not first:
        first = ()
    rest = [segment for index, segment in enumerate(segments) if index not in first]
    if not rest:
        return []
    length = sum(segment.end - segment.offset for segment in rest)
    detail = "ICC profile that can't be trusted: " + (problem or "it is there twice")
    copy = SideCopy("icc-profile", rest[0].offset, length, detail, _DROP)
    return [Found(copy, tuple(rest))]


def _adobe(data: bytes, segment: Segment, content: bytes) -> list[Found]:
    if len(content) <= _ADOBE_MOST:
        return []
    detail = f"{len(content) - _ADOBE_HEADER} bytes behind Adobe's header"
    copy = _copy("adobe", segment, detail, Actions("edit", "edit", "warn"))
    head = data[segment.offset : segment.offset + 2] + (2 + _ADOBE_HEADER).to_bytes(2, "big")
    return [Found(copy, (segment,), head + content[:_ADOBE_HEADER])]


# Comments


def _comment(segment: Segment, content: bytes, *, short: bool) -> Found:
    why_not, text = _judged(content, _MOST_TEXT)
    if why_not and short:
        copy = _copy("comment", segment, f"comment, {len(content)} bytes", _KEEP_TEXT)
        return Found(copy, (segment,), answer=_unless_named(content))
    if why_not:
        return Found(_copy("comment", segment, f"comment, {why_not}", _DROP), (segment,))
    detail = f"comment: {_short(text)}"

    def answer(request: Request, action: Action) -> tuple[Action, bytes | None]:
        if action != "keep" or not _named(content, request.names):
            return action, None
        new = _renamed(content, request.names)
        return ("drop", None) if new is None else ("edit", b"\xff\xfe" + _with_length(new))

    return Found(_copy("comment", segment, detail, _KEEP_TEXT), (segment,), answer=answer)


def _renamed(content: bytes, names: Iterable[str]) -> bytes | None:
    """Return a comment without these names, in its own encoding, its zero bytes at the end kept.

    None where it can't be done.
    """
    found = read_text(content)
    if found is None:
        return None
    text, encoding = found
    new = without_names(text, names)
    if contains_name(new, names):
        return None
    if new == text:  # it is there in another encoding
        return blanked_bytes(content, names)
    if encoding == "utf-16":
        order = "utf-16-le" if content[:2] == b"\xff\xfe" else "utf-16-be"
        return content[:2] + new.encode(order)
    zeros = len(content) - len(content.rstrip(b"\0"))
    return new.encode(encoding) + bytes(zeros)


def _with_length(content: bytes) -> bytes:
    return (len(content) + 2).to_bytes(2, "big") + content


# Application segments


def _application(data: bytes, segment: Segment, content: bytes, *, short: bool) -> Found:
    name = f"APP{segment.code - 0xE0}" if 0xE0 <= segment.code <= 0xEF else f"0x{segment.code:02X}"
    known = known_kind(segment.code, content)
    if known is not None:
        return _of_known_kind(data, segment, content, name, known)
    preview = _bare_preview(data, segment)
    if preview is not None:
        return Found(preview, (segment,))
    why_not, text = _judged(content, _MOST_TEXT)
    if why_not and short:
        detail = f"{name} of an unknown kind, {len(content)} bytes"
        copy = _copy("unknown-segment", segment, detail, _KEEP_TEXT)
        return Found(copy, (segment,), answer=_unless_named(content))
    if why_not:
        head = content[:16].decode("latin-1").split("\0")[0]
        called = f" {head!r}" if len(head) > 2 and head.isprintable() else ""
        detail = f"{name}{called} of an unknown kind, {len(content)} bytes, {why_not}"
        return Found(_copy("unknown-segment", segment, detail, _DROP), (segment,))
    detail = f"{name}, text of an unknown kind: {_short(text)}"
    copy = _copy("unknown-segment", segment, detail, _KEEP_TEXT)
    return Found(copy, (segment,), answer=_unless_named(content))


def _of_known_kind(data: bytes, segment: Segment, content: bytes, name: str, known: Known) -> Found:
    detail = f"{name} {known.name}: {known.reason}"
    why_not = "" if known.most else "never kept"
    if known.most and len(content) > known.most:
        why_not = f"{len(content)} bytes are more than such a segment has"
    elif any(hit.coherent for hit in carve.carve(data, [(segment.offset + 4, segment.end)])):
        why_not = "with a picture in it"
    elif has_base64_run(content):
        why_not = "with a long run of base64"
    elif known.text and _CONTROLS.search(content.rstrip(b"\0")):
        why_not = "which is no text"
    if why_not:
        copy = _copy("vendor-segment", segment, f"{detail}; {why_not}", _DROP)
        return Found(copy, (segment,))
    return Found(
        _copy("known-segment", segment, detail, _KEEP),
        (segment,),
        answer=_unless_named(content),
        limit=(known.name, known.most),
    )


def _unless_named(content: bytes) -> Answer:
    """Return an answer that drops a segment whose text holds a name that is to be removed."""

    def answer(request: Request, action: Action) -> tuple[Action, bytes | None]:
        named = action == "keep" and _named(content, request.names)
        return ("warn" if request.policy == "keep" else "drop") if named else action, None

    return answer


def _named(content: bytes, names: frozenset[str]) -> bool:
    """Whether one of these names is there, in whatever encoding."""
    if not names:
        return False
    if blanked_bytes(content, names) != content:
        return True
    return contains_name(_any_text(content), names)


def _any_text(content: bytes) -> str:
    """Return what content says in any encoding that camera makers use, to look for names in it."""
    return "\n".join(
        content.decode(encoding, "ignore")
        for encoding in ("utf-8", "latin-1", "cp932", "utf-16-be", "utf-16-le")
    )


def _judged(content: bytes, most: int) -> tuple[str, str]:
    """Return why content may not stay as text, or "", and the text."""
    if len(content) > most:
        return f"longer than {most} bytes", ""
    found = read_text(content)
    if found is None:
        return "not wholly text", ""
    if has_base64_run(content):
        return "with a long run of base64", ""
    if _XMP.search(content):
        return "XMP where no reader looks for it", ""
    return "", found[0]


def _bare_preview(data: bytes, segment: Segment) -> SideCopy | None:
    """Return a preview that is a segment's whole content, but for a short name before it.

    Samsung, HP and BenQ cameras cut a JPEG of VGA size into APP2 to APP5, "QVGA" or "BGTH" before
    it; the later segments have no signature, and go because they are no text.
    """
    start = segment.offset + 4
    hits = carve.carve(data, [(start, min(segment.end, start + 64))])
    if not hits:
        return None
    at = hits[0].offset
    shape = jpegwalk.header(data, at, segment.end)
    size = shape.size if shape is not None else None
    name = f"APP{segment.code - 0xE0}"
    detail = f"{name} preview, {hits[0].kind}" + (f", {size[0]} × {size[1]}" if size else "")
    encoding = hits[0].kind if hits[0].kind in ("jpeg", "png", "base64") else "other"
    return SideCopy(
        "appn-preview", segment.offset, segment.end - segment.offset, detail, _DROP, size,
        ((at, segment.end),), encoding,
    )  # fmt: skip


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line[:60] + ("…" if len(line) > 60 else ""))
