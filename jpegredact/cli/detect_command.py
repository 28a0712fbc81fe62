"""``jpegredact detect``: what is in pictures, where, and how surely; nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import click

from ..errors import DetectorError, JpegRedactError
from ..log import LogEntry, to_bytes, utf8
from .common import (
    IO_FAILED,
    describe,
    effort_options,
    log_form,
    parse_labels,
    say,
    status_of,
    taken,
    write_private,
)


@click.command("detect")
@click.argument("sources", metavar="[IN.jpg]...", nargs=-1, type=click.Path())
@click.option("--labels", metavar="LABELS", callback=parse_labels,
              help="What to look for: face,plate,text. By default face, or all that a --detector "
              "has.")  # fmt: skip
@effort_options
@click.option("--margin", metavar="M",
              help="Grow each box for the blocks that it touches: pixels, or a fraction of its "
              "size. By default 0, or what a log was made with.")  # fmt: skip
@click.option("--from-log", metavar="LOG", type=click.Path(dir_okay=False),
              help="Look for nothing: give what a log says, of IN.jpg or of all its pictures, in "
              "another format.")  # fmt: skip
@click.option("--log", metavar="LOG", type=click.Path(dir_okay=False),
              help="Write to this file (private) instead of stdout.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["json", "xml", "coco"]),
              help="JSON Lines, XML, or COCO's format for training data. By default XML if LOG "
              "ends in .xml, else JSON Lines.")
@click.pass_context
def command(
    ctx: click.Context,
    sources: tuple[str, ...],
    labels: tuple[str, ...],
    effort: str,
    threshold: float | None,
    ellipses: bool,
    detectors: tuple[str, ...],
    provider: str,
    margin: str | None,
    from_log: str | None,
    log: str | None,
    form: str | None,
) -> None:
    """Say what a detector finds in pictures, as a log that `redact --from-log` reads.

    A picture that can't be worked on is logged with its error, and the others go on; the exit
    status is then that of the first error.
    """
    from ..geometry import parse_margin

    parse_margin(margin or 0)
    form = form or log_form(log or "")
    if not labels:
        labels = _labels_of(detectors) if detectors else ("face",)
    known = None
    if from_log is not None:
        from ..log_reading import read_log

        known = read_log(from_log)
    elif not sources:
        raise click.UsageError("no picture to look at: give IN.jpg, or --from-log LOG")
    elif log is not None and not _may_write(log, sources):
        raise taken(log, "a log")  # now, and not when all has been looked at
    from ..detecting import Detecting
    from ..pipeline import survey

    look = partial(
        survey, detect=labels if known is None else (), effort=effort, threshold=threshold,
        detector=Detecting(detectors=detectors, provider=provider, ellipses=ellipses),
        from_log=known, margin=margin,
    )  # fmt: skip
    status = 0
    entries: list[LogEntry] = []
    for source in sources:
        entry, failure = _look(source, look, any(each.error is None for each in entries))
        say(f"{source}: " + (describe(entry) if entry.error is None else entry.error.message))
        status = status or failure
        entries.append(entry)
    if known is not None and not sources:
        entries.extend(known.entries)
    data = to_bytes(entries, form)
    if log is None:
        click.echo(data.decode(), nl=False)
    else:
        write_private(log, data, "a log")
        say(f"{log}: what was seen, and where: keep it private")
    ctx.exit(status)


def _labels_of(detectors: tuple[str, ...]) -> tuple[str, ...]:
    from ..detection.finder import labels_of

    return tuple(dict.fromkeys(label for name in detectors for label in labels_of(name)))


def _may_write(log: str, sources: tuple[str, ...]) -> bool:
    """Whether nothing stands there; or what may be the very log that is going to be written."""
    from ..log_reading import read_log

    if not os.path.lexists(log):
        return True
    try:
        return [entry.file for entry in read_log(log).entries] == list(map(utf8, sources))
    except (JpegRedactError, OSError):
        return False


def _look(
    source: str, look: Callable[..., LogEntry], worked: bool
) -> tuple[LogEntry, int]:
    """Return a picture's entry, and the exit status that its failure calls for.

    ``worked`` says that detectors have done their work on a picture before.

    Raises
    ------
    DetectorError
        It is not the picture that is to blame: the next one would fare no better.
    """
    from ..files import read_source

    data = None
    try:
        data = read_source(source)
        return look(data, name=source), 0
    except JpegRedactError as error:
        of_all = isinstance(error, DetectorError) and not error.is_of_the_picture
        if of_all and not worked:
            raise
        return LogEntry.failed(source, data, error), status_of(error)
    except OSError as error:
        return LogEntry.failed(source, data, error), IO_FAILED
