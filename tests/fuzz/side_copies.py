"""What must hold for what stands beside a picture, whatever it is and says.

Two ways to ask: `scrub`, which leaves the picture as it is and has grey thumbnails made, and
`redact`, all of it, as a caller has it. A `JpegRedactError` with a code is an answer, but
not `side-copy.left`: what a walker finds in the output it should have taken out before.
"""

from __future__ import annotations

import base64
import io
import math
import random
from functools import cache
from typing import NamedTuple

import jpegredact as jr
from jpegredact.codec.model import JpegData
from jpegredact.codec.reader import read_jpeg, require_supported
from jpegredact.container.extract import embedded_picture
from jpegredact.container.model import POLICIES, FileEdit, Policy, Request, SideCopy
from jpegredact.container.walk import Contents, areas_of
from jpegredact.container.xmp.note import make_note
from jpegredact.geometry import Box
from jpegredact.limits import Limits
from jpegredact.redaction.side_copies import Handling, Side

from . import mutations, rich
from .metadata import LOOSE_JPEG, SEGMENTS, SMALL_JPEG, Mutation
from .metadata_boxes import BOXES
from .metadata_text import TEXT
from .metadata_tiff import TIFF
from .targets import SEEDS, BrokenPromise, Meter, Script, claimed, kept, restored, some_boxes

_GONE = ("drop", "zero")
_PLANTED = (SMALL_JPEG, LOOSE_JPEG, base64.b64encode(SMALL_JPEG), SMALL_JPEG.hex().encode())
_NOTE = 'xmlns:jpegredact="urn:x-jpegredact:note/1.0/"'
_CODECS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_KINDS: tuple[tuple[Mutation, ...], ...] = (SEGMENTS, SEGMENTS, TIFF, TIFF, TEXT, TEXT, BOXES)


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage what stands beside the picture, once or a few times; now and then anything."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        if data:
            kind = rng.choice(_KINDS) if rng.random() < 0.95 else mutations.PLAIN
            data = rng.choice(kind)(rng, data, other)
    return data


# ---------------------------------------------------------------------------
# Choices
# ---------------------------------------------------------------------------


class Choice(NamedTuple):
    """How a file is handled."""

    policy: Policy
    force: bool
    provenance: str
    able: bool
    """Whether thumbnails and gain maps can be made anew; they can where all is done."""
    note: bool
    """Whether a note is put in."""

    @classmethod
    def of(cls, seed: int) -> Choice:
        """Return one; the same for the same seed."""
        rng = random.Random(f"side copies {seed}")
        policy = ("default", *POLICIES)[seed % 4]
        provenance = "refuse" if rng.random() < 0.1 else "drop"
        return cls(policy, rng.random() < 0.7, provenance, rng.random() < 0.8, rng.random() < 0.5)


class Grey:
    """Makes grey thumbnails, and leaves other pictures as they are; or can't do either."""

    def __init__(self, able: bool) -> None:
        self.able = able

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        """Return a thumbnail of at most so many bytes."""
        if not self.able or not (0 < width <= 4096 and 0 < height <= 4096):
            return None
        made = _grey(min(width, 400), min(height, 400))
        return made if len(made) <= limit else None

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        """Return its samples."""
        able = self.able and 0 < width <= 4096 and 0 < height <= 4096
        return b"\x80" * (3 * width * height) if able else None

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        """Return it as it is."""
        return jpeg if self.able else None


@cache
def _grey(width: int, height: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (width, height), (128, 128, 128)).save(out, "JPEG", quality=20)
    return out.getvalue()


# ---------------------------------------------------------------------------
# The promises
# ---------------------------------------------------------------------------


def scrub(meter: Meter, jpeg: bytes, seed: int) -> str:
    """Clean what stands beside the picture, twice; the gate lets both pass."""
    seed %= SEEDS
    choice = Choice.of(seed)
    parsed = meter(read_jpeg, jpeg, Limits())
    require_supported(parsed, Limits())
    boxes = [Box(*box) for box in some_boxes(jpeg, seed)]
    side = meter(Side, jpeg, parsed, _handling(choice), boxes, 1, _never, Limits())
    _check_copies(side.contents.copies, jpeg)
    new, edits = meter(_scrubbed, jpeg, parsed, side.contents, choice, boxes)
    meter(_gate, side, new, edits)
    again = read_jpeg(new, Limits())
    _same_picture(jpeg, parsed, new, again)
    second = Side(new, again, _handling(choice)._replace(force=True), boxes, 1, _never, Limits())
    _check_copies(second.contents.copies, new)
    _require_gone(second.contents.copies, choice.policy)
    _no_planted_picture(second.contents.copies, new, again, choice.policy)
    newer, more = _scrubbed(new, again, second.contents, choice, boxes)
    _gate(second, newer, more)
    return f"{choice.policy}, {'changed' if edits else 'as it was'}"


def redact(meter: Meter, jpeg: bytes, seed: int) -> str:
    """Redact; it restores, and what comes out can be looked at and redacted again."""
    seed %= SEEDS
    meter.megapixels = math.prod(claimed(jpeg)) / 1e6
    choice = Choice.of(seed)
    boxes = some_boxes(jpeg, seed)
    options = {"side_copies": choice.policy, "force": choice.force,
               "provenance": choice.provenance, "note": choice.note}  # fmt: skip
    for copy in meter(jr.audit, jpeg)[:20]:
        embedded_picture(jpeg, copy)
    result = meter(_redact, jpeg, boxes, options)
    assert result.diff is not None
    stored = result.diff.to_bytes()
    if choice.note and not any(_NOTE.encode(codec) in result.jpeg for codec in _CODECS):
        raise BrokenPromise("there is no note")
    if restored(meter, result.jpeg, stored) != jpeg:
        raise BrokenPromise("restore gives other bytes than the original")
    if restored(meter, restored(meter, result.jpeg, stored, regions=[0]), stored) != jpeg:
        raise BrokenPromise("restore from a part gives other bytes than the original")
    copies = meter(jr.audit, result.jpeg)
    _check_copies(copies, result.jpeg)
    _require_gone(copies, choice.policy)
    kept(lambda meter: str(meter(_redact, result.jpeg, boxes, options) and "done"),
         Meter(len(result.jpeg)))  # fmt: skip
    return choice.policy


def _redact(jpeg: bytes, boxes: list[tuple[float, float, float, float]], options: dict[str, object]
            ) -> jr.Redaction:  # fmt: skip
    try:
        return jr.redact(jpeg, boxes, **options)  # type: ignore[arg-type]
    except jr.SideCopyError as error:
        raise _left(error) from error


def _handling(choice: Choice) -> Handling:
    return Handling.parse(choice.policy, choice.force, choice.provenance, choice.note)


def _never(jpeg: bytes, regions: object, whole: bool) -> bytes:
    raise AssertionError("nothing is redacted here")


def _scrubbed(
    jpeg: bytes, parsed: JpegData, contents: Contents, choice: Choice, boxes: list[Box]
) -> tuple[bytes, list[FileEdit]]:
    """Return the cleaned file, and how it came about; checks that edits are in order."""
    areas = areas_of((box.bounds for box in boxes), *parsed.size)
    note = make_note(["face", None, "Jane Doe"], "fill") if choice.note else None
    names = frozenset({"Jane Doe"})
    request = Request(choice.policy, areas, 1, Grey(choice.able), names, note=note)
    edits, outcomes = contents.scrub(request, tuple)
    out, at = [], 0
    for start, end, new in edits:
        if not at <= start <= end <= len(jpeg):
            raise BrokenPromise(f"edits that are out of order, or out of the file: {start}, {end}")
        out += [jpeg[at:start], new]
        at = end
    for copy, action in outcomes:
        if action == "refuse":
            raise BrokenPromise(f"{copy.kind} is refused, and the file is not")
    return b"".join([*out, jpeg[at:]]), edits


def _gate(side: Side, new: bytes, edits: list[FileEdit]) -> None:
    try:
        side.require_clean(new, edits)
    except jr.SideCopyError as error:
        raise _left(error) from error


def _left(error: jr.SideCopyError) -> Exception:
    if error.code == "side-copy.left":
        return BrokenPromise(f"{error.code}: {error.message}")
    return error


def _require_gone(copies: list[SideCopy] | tuple[SideCopy, ...], policy: Policy) -> None:
    for copy in copies:
        if policy != "keep" and copy.actions.of(policy) in _GONE:
            raise BrokenPromise(f"{copy.kind} is still there: {copy.detail}")


def _no_planted_picture(
    copies: tuple[SideCopy, ...], jpeg: bytes, parsed: JpegData, policy: Policy
) -> None:
    """Look for the whole pictures that mutations plant.

    Not in gain maps, which stay as they are here, nor in what is the picture itself.
    """
    mine = [(c.offset, c.offset + c.length) for c in copies if c.actions.default == "redact"]
    for needle in () if policy == "keep" else _PLANTED:
        at = jpeg.find(needle)
        end = at + len(needle)
        itself = any(at < scan.end and scan.start < end for scan in parsed.scans)
        if at >= 0 and not itself and not any(start <= at < stop for start, stop in mine):
            raise BrokenPromise(f"a planted picture is left at {at}")


def _check_copies(copies: list[SideCopy] | tuple[SideCopy, ...], jpeg: bytes) -> None:
    for copy in copies:
        whole = 0 <= copy.offset < len(jpeg) and copy.length > 0
        if not whole or not all(0 <= a < b <= len(jpeg) for a, b in copy.pieces):
            raise BrokenPromise(f"{copy.kind} at {copy.offset}, {copy.length} bytes, is nowhere")


def _same_picture(old: bytes, before: JpegData, new: bytes, after: JpegData) -> None:
    scans = [old[scan.start : scan.end] for scan in before.scans]
    if scans != [new[scan.start : scan.end] for scan in after.scans]:
        raise BrokenPromise("cleaning changes the picture")


# ---------------------------------------------------------------------------
# Targets for coverage-guided runs
# ---------------------------------------------------------------------------


def segments(data: bytes) -> None:
    """Any bytes as a JPEG to clean; the last four choose how."""
    kept(scrub, Meter(len(data)), data, int.from_bytes(data[-4:]))


def beside(data: bytes) -> None:
    """A script of mutations of what stands beside a made picture, which is redacted."""
    script = Script(data)
    seed = script.randrange(1 << 16)
    pictures = rich.made_files()
    jpeg = mutate(script, script.choice(pictures), script.choice(pictures))
    kept(redact, Meter(len(jpeg)), jpeg, seed)


TARGETS = {"segments": segments, "beside": beside}


def first_inputs(target: str) -> list[bytes]:
    """Return what a coverage-guided run of a target starts from."""
    if target == "segments":
        return list(rich.made_files())
    rng = random.Random(target)
    return [rng.randbytes(rng.randrange(8, 100)) for _ in range(200)]
