"""What lies in a file beside the picture's own scans, and what each policy does with it.

Knows kinds, places and actions; reads no format.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

__all__ = [
    "POLICIES",
    "Action",
    "Actions",
    "Area",
    "Carrier",
    "FileEdit",
    "Kept",
    "Policy",
    "RedactionNote",
    "Renderer",
    "Request",
    "Scrubbed",
    "Segment",
    "SideCopy",
]

Policy = Literal["default", "strict", "keep"]
POLICIES: tuple[Policy, ...] = ("default", "strict", "keep")

Action = Literal["keep", "warn", "edit", "regenerate", "redact", "zero", "drop", "refuse"]
"""What is done with a side copy.

keep: it shows nothing. warn: it may show something and is kept, loudly. edit: cleaned, the rest
of it stays. regenerate: made anew from the redacted picture. redact: the same regions are
redacted in it. zero: its bytes are set to 0, where they are. drop: it is taken out. refuse: the
file is not redacted unless that is forced.
"""

FileEdit = tuple[int, int, bytes]
"""``data[start:end]`` gives way to other bytes."""


class Segment(NamedTuple):
    """A marker segment: ``data[offset:end]``, marker code and length included."""

    code: int
    offset: int
    end: int


class Actions(NamedTuple):
    """What each policy does."""

    default: Action
    strict: Action
    keep: Action

    def of(self, policy: Policy) -> Action:
        """Return what one policy does."""
        found: Action = getattr(self, policy)
        return found


@dataclass(frozen=True, slots=True)
class SideCopy:
    """A place in the file, outside the picture's scans, that shows or may show the same.

    Attributes
    ----------
    kind
        A stable name, such as "exif-thumbnail".
    offset, length
        Where it is in the file, in bytes; for what is spread over several segments, the first
        piece's offset and the length of all.
    detail
        One line for a person.
    actions
        What each policy does with it.
    size
        Width and height of the embedded picture, where it is one and says so.
    pieces
        ``(start, end)`` in the file of the embedded picture's bytes, in order, where there are
        some that are worth extracting.
    encoding
        How those bytes are to be read: "jpeg", "png", "rgb", "ycbcr" (raw samples), "base64"
        (text that decodes to a picture), "other".
    """

    kind: str
    offset: int
    length: int
    detail: str
    actions: Actions
    size: tuple[int, int] | None = None
    pieces: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    encoding: str = "other"

    @property
    def default_action(self) -> Action:
        """What the default policy does with it."""
        return self.actions.default


class Area(NamedTuple):
    """A region's bounds as fractions of the stored picture's width and height, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Area) -> bool:
        """Whether two areas share more than an edge."""
        return (
            self.left < other.right and other.left < self.right
            and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip


class Kept(NamedTuple):
    """A picture behind the first EOI that stays: where it was, and what it is now."""

    offset: int
    length: int
    new: bytes


class RedactionNote(NamedTuple):
    """What a redacted file says of its redaction."""

    version: str
    method: str
    labels: tuple[tuple[str, int], ...]
    """How many regions have each label, the most frequent first."""


class Renderer(Protocol):
    """Makes small pictures; whoever calls has the pixels, this package has none."""

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        """Return the redacted picture at this size as a JPEG of at most ``limit`` bytes.

        Turned as the thumbnail was where only one of them is upright, with bars where the
        shapes differ. None where it can't be done.
        """

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        """Return it as ``3 * width * height`` bytes of RGB, or None."""

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        """Redact the same regions in a JPEG that is a pure scale of the picture; None: can't.

        With ``whole``, side copies of its own are handled too, by the same policy.
        """


class Request(NamedTuple):
    """What a carrier needs to know to clean itself.

    Attributes
    ----------
    policy
        "default", "strict" or "keep".
    areas
        The regions' bounds.
    orientation
        The picture's Exif orientation.
    names
        Names of people in these regions, to be taken out of free text.
    images
        Pictures behind the first EOI that stay.
    note
        What is to be noted in the file's XMP.
    """

    policy: Policy
    areas: tuple[Area, ...]
    orientation: int
    renderer: Renderer
    names: frozenset[str] = frozenset()
    images: tuple[Kept, ...] = ()
    note: RedactionNote | None = None


class Scrubbed(NamedTuple):
    """What a carrier wants changed, and what that does with each side copy."""

    edits: list[FileEdit]
    outcomes: list[tuple[SideCopy, Action]]


class Carrier(Protocol):
    """What answers for some segments of a file, or for what lies behind its EOI.

    It was read from bytes that may be hostile: whatever can't be parsed is a `SideCopy` too,
    with the action "drop" (or "zero").
    """

    @property
    def copies(self) -> tuple[SideCopy, ...]:
        """All side copies in it, in the order of the file."""

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return the names that it gives to people in these areas."""

    def scrub(self, request: Request) -> Scrubbed:
        """Return what is to be changed: sorted edits that don't overlap, within its own bytes."""
