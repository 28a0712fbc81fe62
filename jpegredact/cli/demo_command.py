"""``jpegredact demo``: the whole story on a public-domain portrait."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import JpegRedactError
from .common import NOT_KEPT, say

if TYPE_CHECKING:
    from ..geometry import Region
    from ..pipeline import Redaction

_FACE = (158, 128, 372, 332)
_NAME_TAG = (76, 482, 170, 520)


@click.command("demo")
@click.argument("folder", default="jpegredact-demo", type=click.Path(file_okay=False))
@click.pass_context
def command(ctx: click.Context, folder: str) -> None:
    """Redact a face and a name tag, bring them back, and prove both.

    The picture is the public-domain portrait of Grace Hopper that matplotlib
    ships (extra "demo"). The face is found where the extra "detect" and its weights are
    there; else its known place is used. Written to FOLDER: the redacted JPEG, the diff, and
    the pictures side by side as a PNG.
    """
    source = _portrait()

    from ..files import write_replacing
    from ..geometry import Box
    from ..pipeline import redact, restore, verify

    original = source.read_bytes()
    done = redact(original, [_face(original), Box(*_NAME_TAG, label="text")])
    if done.diff is None:
        raise AssertionError("two regions and no diff")
    out = Path(folder)
    jpeg, diff = out / "redacted.jpg", out / "redacted.jrdiff"
    done.diff.save(diff)
    write_replacing(jpeg, done.jpeg)
    say(f"{source.name}: {len(original)} bytes, sha256 {_short(original)}")
    say(f"{jpeg}: {sum(done.report.blocks)} blocks rewritten, by component {done.report.blocks}")
    say(f"{diff}: {diff.stat().st_size} bytes, the only way back")

    checked = verify(original, jpeg, diff)
    say(
        f"read by jpegio: {checked.outside_changed} blocks changed outside the regions, "
        f"{checked.inside_changed} inside"
    )
    restored = restore(jpeg, diff)
    say(f"restored from the two files: {len(restored)} bytes, sha256 {_short(restored)}")
    tag_only = restore(jpeg, diff, regions=[1])
    say("the name tag alone comes back too; the face stays hidden")
    write_replacing(out / "side-by-side.png", _side_by_side(original, done, tag_only, restored))
    say(f"{out / 'side-by-side.png'}: original, redacted, name tag back, all back")
    proven = checked.ok and restored == original and tag_only not in (original, done.jpeg)
    say("proven: outside untouched, original back byte for byte" if proven else "NOT proven")
    ctx.exit(0 if proven else NOT_KEPT)


def _face(portrait: bytes) -> Region:
    """Return where the face is: as a detector finds it, or as it is known."""
    from ..detection.registry import weights_for
    from ..detection.weights import locate
    from ..geometry import Box
    from ..pipeline import survey

    try:
        if any(locate(weights) is None for weights in weights_for("face")):
            say(
                "no face detector here (jpegredact models fetch face brings one): the face's "
                "known place is used"
            )
            return Box(*_FACE, label="face")
        found = survey(portrait, detect=["face"]).detections
    except (JpegRedactError, ImportError) as error:
        say(f"no detector here ({error}): the face's known place is used")
        return Box(*_FACE, label="face")
    if not found:
        say("the detector finds no face: the face's known place is used")
        return Box(*_FACE, label="face")
    best = max(found, key=lambda each: each.score or 0)
    say(f"a face was found by {best.model}, score {best.score:.2f}, at {best.box}")
    return best.region


def _portrait() -> Path:
    spec = find_spec("matplotlib")
    if spec is not None and spec.origin is not None and find_spec("PIL") is not None:
        path = Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
        if path.exists():
            return path
    raise click.UsageError("the demo needs its extra: pip install 'jpegredact[demo]'")


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _side_by_side(original: bytes, done: Redaction, tag_only: bytes, restored: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    pictures = [
        Image.open(BytesIO(data)).convert("RGB")
        for data in (original, done.jpeg, tag_only, restored)
    ]
    width, height = pictures[0].size
    sheet = Image.new("RGB", (len(pictures) * (width + 8) - 8, height), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number * (width + 8), 0))
    out = BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()
