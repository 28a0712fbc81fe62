"""What the commands share: options, errors as exit statuses, words on stderr."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import (
    DiffError,
    InvalidKeyError,
    InvalidRegionError,
    JpegRedactError,
    SideCopyError,
    VerificationError,
)
from ..files import same_file, write_new

if TYPE_CHECKING:
    from ..log import LogEntry

__all__ = [
    "box_options",
    "describe",
    "effort_options",
    "guarded",
    "indices",
    "log_form",
    "parse_labels",
    "redaction_options",
    "refuse_same",
    "refuse_taken",
    "require_regions",
    "say",
    "search_options",
    "status_of",
    "taken",
    "write_json",
    "write_private",
]

OK, SAID_NO, USAGE, BAD_INPUT, WRONG_DIFF, IO_FAILED, NOT_KEPT = range(7)


def guarded(command: click.Command) -> None:
    """Run a click command; every error becomes one line on stderr and an exit status."""
    try:
        status = command.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except click.exceptions.Abort:
        say("stopped")
        status = 130
    except JpegRedactError as error:
        say(f"error: {error} [{error.code}]")
        status = status_of(error)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        say(f"error: {name}{error.strerror or error}")
        status = IO_FAILED
    sys.exit(status if isinstance(status, int) else OK)


def status_of(error: JpegRedactError) -> int:
    """Return the exit status that an error calls for."""
    if isinstance(error, DiffError):
        return WRONG_DIFF
    if isinstance(error, SideCopyError):
        return NOT_KEPT
    if isinstance(error, VerificationError):
        return BAD_INPUT if error.code == "verify.unreadable" else NOT_KEPT
    return USAGE if isinstance(error, InvalidRegionError | InvalidKeyError) else BAD_INPUT


def say(text: str) -> None:
    """Say something to the person at the terminal."""
    click.echo(text, err=True)


def write_json(value: Any) -> None:
    """Write data for a program."""
    click.echo(json.dumps(value, ensure_ascii=False))


def _boxes(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[float, float, float, float], ...]:
    boxes = []
    for value in values:
        try:
            left, top, right, bottom = (float(part) for part in value.split(","))
        except ValueError:
            raise click.BadParameter(
                f"{value!r} is not four numbers such as 120,80,220,200", ctx, param
            ) from None
        boxes.append((left, top, right, bottom))
    return tuple(boxes)


def box_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--box``, ``--margin`` and ``--upright``."""
    function = click.option(
        "--upright", is_flag=True,
        help="Boxes are in the picture as shown, its Exif orientation applied.",
    )(function)  # fmt: skip
    function = click.option(
        "--margin", metavar="M",
        help="Grow each box: pixels (8), or a fraction of its size (0.1, 10%). By default 0, or "
        "what a log was made with.",
    )(function)  # fmt: skip
    return click.option(
        "--box", "boxes", metavar="L,T,R,B", multiple=True, callback=_boxes,
        help="Left, top, right, bottom in pixels, half-open. May be repeated.",
    )(function)  # fmt: skip


def parse_labels(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, ...]:
    """Parse ``face,plate``, for click; () where there is none."""
    if value is None:
        return ()
    labels = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    if not all(labels):
        raise click.BadParameter(f"{value!r} is no list such as face,plate", ctx, param)
    return labels


def effort_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--effort``, ``--threshold``, ``--ellipses``, ``--detector`` and ``--provider``."""
    function = click.option(
        "--provider", default="cpu", show_default=True, metavar="NAME",
        help="What onnxruntime runs networks with, such as cuda.",
    )(function)  # fmt: skip
    function = click.option(
        "--detector", "detectors", metavar="NAME|FILE.toml", multiple=True,
        help="A detector of an installed package, or one that a TOML file describes. May be "
        "repeated.",
    )(function)  # fmt: skip
    function = click.option(
        "--ellipses", is_flag=True,
        help="Take faces as ellipses around the head, not as boxes; but what is seen when looking "
        "again.",
    )(function)  # fmt: skip
    function = click.option(
        "--threshold", type=click.FloatRange(0, 1), metavar="T",
        help="Report what scores at least this, 0 to 1; by default as the detector suggests.",
    )(function)  # fmt: skip
    return click.option(
        "--effort", type=click.Choice(["fast", "normal", "thorough"]), default="normal",
        show_default=True, help="How thoroughly to look.",
    )(function)  # fmt: skip


def search_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--detect``, ``--from-log``, and what `effort_options` adds."""
    function = click.option(
        "--from-log", metavar="LOG", type=click.Path(dir_okay=False),
        help="Take regions and decisions from a log of this very picture; nothing is looked for, "
        "and the redacted picture is not looked at again.",
    )(function)  # fmt: skip
    function = effort_options(function)
    return click.option(
        "--detect", "labels", metavar="LABELS", callback=parse_labels,
        help="Look for these: face,plate,text. With face, the redacted picture is looked at again, "
        "and what is seen then is redacted too; not with --effort fast, pixelate or blur.",
    )(function)  # fmt: skip


def require_regions(
    lacking: str,
    boxes: tuple[tuple[float, float, float, float], ...],
    labels: tuple[str, ...],
    from_log: str | None,
) -> None:
    """Refuse a command without regions, or with two searches for them; ``lacking`` says of what."""
    if not boxes and not labels and from_log is None:
        raise click.UsageError(
            f"{lacking}: give --box L,T,R,B, --detect face,plate or --from-log LOG"
        )
    if labels and from_log is not None:
        raise click.UsageError("give --detect or --from-log, not both")


def redaction_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--method``, ``--side-copies``, ``--provenance``, ``--force`` and ``--note``."""
    function = click.option(
        "--note", is_flag=True,
        help="Put a short note into the picture's XMP: how many regions were redacted, of which "
        "labels, by which version.",
    )(function)  # fmt: skip
    function = click.option(
        "--force", is_flag=True, help="Go on with thermal pictures and stereo pairs."
    )(function)
    function = click.option(
        "--provenance", type=click.Choice(["drop", "refuse"]), default="drop", show_default=True,
        help="Drop signed provenance (C2PA), or refuse the file.",
    )(function)  # fmt: skip
    function = click.option(
        "--side-copies", type=click.Choice(["default", "strict", "keep"]), default="default",
        show_default=True,
        help="What becomes of thumbnails, previews, trailers and names; `jpegredact audit` lists "
        "them.",
    )(function)  # fmt: skip
    return click.option(
        "--method", default="inpaint", show_default=True, metavar="M",
        help="inpaint, fill, fill:#rrggbb; or the cosmetic pixelate and blur.",
    )(function)  # fmt: skip


def log_form(path: str) -> str:
    """Return the form of a log by its name: "xml" for .xml, else "json"."""
    return "xml" if path.lower().endswith(".xml") else "json"


def write_private(path: str, data: bytes, what: str, mode: int = 0o600) -> None:
    """Write a file that nobody else may read, never over another one."""
    try:
        write_new(path, data, mode)
    except FileExistsError as error:
        raise taken(path, what) from error


def refuse_taken(path: str, data: bytes, what: str) -> None:
    """Refuse a path that `write_private` would refuse, before anything is written."""
    if os.path.lexists(path) and not (Path(path).is_file() and Path(path).read_bytes() == data):
        raise taken(path, what)


def taken(path: str, what: str) -> FileExistsError:
    """Return the error that a file stands where another one was to go."""
    return FileExistsError(
        errno.EEXIST, f"there is a file already, and it is never replaced by {what}", path
    )


def describe(entry: LogEntry) -> str:
    """Say in a few words what was seen."""
    from ..log import count_labels

    if not entry.detections:
        return "nothing found"
    counts = ", ".join(
        f"{count} {label or 'unlabelled'}" for label, count in count_labels(entry.detections)
    )
    kept = len(entry.detections) - len(entry.to_redact)
    return counts + (f"; {kept} to be kept" if kept else "")


def indices(text: str | None) -> list[int] | None:
    """Parse ``0,2`` into indices of regions; None stays None."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(f"--regions takes numbers such as 0,2, not {text!r}") from None


def refuse_same(a: str, b: str, what: str) -> None:
    """Refuse two paths that name one file."""
    if same_file(a, b):
        raise click.UsageError(f"{what} are the same file: {b}")
