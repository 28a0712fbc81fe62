"""What the commands share: options, errors as exit statuses, words on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from ..errors import (
    DiffError,
    InvalidRegionError,
    JpegRedactError,
    SideCopyError,
    VerificationError,
)
from ..files import same_file

__all__ = ["box_options", "guarded", "indices", "refuse_same", "say", "write_json"]

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
        status = _status(error)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        say(f"error: {name}{error.strerror or error}")
        status = IO_FAILED
    sys.exit(status if isinstance(status, int) else OK)


def _status(error: JpegRedactError) -> int:
    if isinstance(error, DiffError):
        return WRONG_DIFF
    if isinstance(error, SideCopyError):
        return NOT_KEPT
    if isinstance(error, VerificationError):
        return BAD_INPUT if error.code == "verify.unreadable" else NOT_KEPT
    return USAGE if isinstance(error, InvalidRegionError) else BAD_INPUT


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
        "--margin", default="0", metavar="M",
        help="Grow each box: pixels (8), or a fraction of its size (0.1, 10%).",
    )(function)  # fmt: skip
    return click.option(
        "--box", "boxes", metavar="L,T,R,B", multiple=True, callback=_boxes,
        help="Left, top, right, bottom in pixels, half-open. May be repeated.",
    )(function)  # fmt: skip


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
