"""``jpegredact batch``: redact a whole folder tree or bucket, and be resumed if killed."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import BatchError
from .common import (
    BAD_INPUT,
    OK,
    box_options,
    redaction_options,
    require_regions,
    say,
    search_options,
    write_json,
)
from .keys import recipient_options, require_embeddable, sealing_keys
from .progress import progress

if TYPE_CHECKING:
    from ..batch.engine import Named, Summary
    from ..batch.places import Entry, Place
    from ..log import Log, LogEntry

_INTERRUPTED = 130
_LOG = "jpegredact.log.jsonl"


@click.command("batch")
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@click.option("--diffs", required=True, metavar="DIR",
              help="Where the unblur-diffs go: another place than DST, and private.")
@click.option("--log", metavar="LOG", type=click.Path(dir_okay=False),
              help="What was seen and done, a line for each picture; by default "
              f"{_LOG} in DIR. Private, as the diffs are.")  # fmt: skip
@click.option("--list", "listed", metavar="FILE", type=click.File("r", "utf-8"),
              help="Only these names, relative to SRC, one a line; - for standard input.")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N",
              help="Worker processes; by default one for each processor.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local",
              show_default=True, help="Processes of this machine, or actors of Ray.")  # fmt: skip
@click.option("--address", metavar="ADDRESS",
              help="With --engine ray: of a cluster to join; by default one of the run's own.")
@click.option("--resume", is_flag=True,
              help="Go on with the run that LOG is of: what is whole is skipped.")  # fmt: skip
@click.option("--check", is_flag=True,
              help="With --resume, compare the digests of outputs, and not only see whether they "
              "are there.")  # fmt: skip
@click.option("--untouched", type=click.Choice(["copy", "link", "skip"]), default="copy",
              show_default=True,
              help="Copy pictures in which nothing is to be redacted, link to them, or leave them "
              "out. Their side copies stay as they are.")  # fmt: skip
@click.option("--scrub-untouched", is_flag=True,
              help="Clean the side copies of those pictures, too.")  # fmt: skip
@box_options
@search_options
@redaction_options
@recipient_options
@click.option("--embed", is_flag=True,
              help="Put the sealed diff into the picture, too; DIR has it all the same. For keys "
              "(-r, -R) only: anybody can copy it.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write the summary to stdout as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    target: str,
    diffs: str,
    log: str | None,
    listed: Iterator[str] | None,
    jobs: int | None,
    engine: str,
    address: str | None,
    resume: bool,
    check: bool,
    untouched: str,
    scrub_untouched: bool,
    boxes: tuple[tuple[float, float, float, float], ...],
    margin: str | None,
    upright: bool,
    labels: tuple[str, ...],
    effort: str,
    threshold: float | None,
    ellipses: bool,
    detectors: tuple[str, ...],
    provider: str,
    from_log: str | None,
    method: str,
    side_copies: str,
    provenance: str,
    force: bool,
    note: bool,
    recipients: tuple[str, ...],
    recipients_files: tuple[str, ...],
    passphrase: bool,
    embed: bool,
    as_json: bool,
) -> None:
    """Redact all JPEGs of a folder tree or a bucket: SRC and DST are paths, or URLs such as s3://.

    Pictures go to DST under the same names, diffs to DIR. A picture stands in DST only when its
    diff is safe; one that failed never does. Kill it at any time, and go on with --resume. Ctrl-C
    finishes the pictures that were begun. Exit status 0 if no picture failed, else 3.
    """
    require_regions("no region to hide", boxes, labels, from_log)
    require_embeddable(embed, recipients, recipients_files, passphrase)
    if address is not None and engine != "ray":
        raise click.UsageError("--address goes with --engine ray")
    if check and not resume:
        raise click.UsageError("--check goes with --resume")

    from ..batch.engine import Summary, head_of, is_whole, run_local
    from ..batch.options import Options, Owners
    from ..batch.places import open_place
    from ..batch.runlog import RunLog
    from ..batch.work import Job
    from ..detecting import Detecting
    from ..files import read_source
    from ..geometry import parse_margin
    from ..log_reading import read_log
    from ..redaction.methods import as_method

    as_method(method)
    parse_margin(margin or 0)
    places = open_place(source), open_place(target), open_place(diffs)
    _refuse_overlap(*places)
    path = _log_path(log, places[1], places[2])
    known = from_digest = None
    if from_log is not None:
        data = read_source(from_log)
        known = read_log(data)
        from_digest = hashlib.sha256(data).hexdigest()
    owners = sealing_keys(recipients, recipients_files, passphrase)
    workers = jobs or _processors()
    options = Options(
        boxes, upright, labels, effort, threshold, ellipses, detectors, provider, margin, method,
        side_copies, provenance, force, note, embed, untouched, scrub_untouched, from_digest,
    )  # fmt: skip
    job = Job(
        *places, options, Owners(tuple(str(each) for each in owners.recipients), owners.run),
        resumed=resume, threads=_threads(engine, workers),
    )  # fmt: skip
    models = [
        f"{model.name}@{model.sha256}"
        for model in Detecting(detectors=detectors if labels else ()).identity(labels)
    ]
    head = head_of(job, models)
    names = _names(places, listed, known, source)
    stop = _Stop()
    summary = Summary()
    for place in places[1:]:
        place.check_writable()
    with places[1].lock():
        if resume:
            for place in places[1:]:
                place.clean_up(_STALE)
            log_file = RunLog.resume(
                path, head, lambda line: is_whole(job, line, check),
                threads=1 if all(place.is_local for place in places[1:]) else _QUESTIONS,
            )  # fmt: skip
        else:
            log_file = RunLog.create(path, head)
        with log_file, stop, progress(_count(places, listed, known)) as tell:
            try:
                if engine == "ray":
                    from ..batch.engine_ray import run_ray

                    run_ray(job, names, log_file, workers, stop, tell, summary, address)
                else:
                    run_local(job, names, log_file, workers, stop, tell, summary)
            except Exception:
                say(f"the run can't go on (--resume will): {_words(summary, path)}")
                raise
    say(_words(summary, path))
    if as_json:
        write_json(
            {
                "outcomes": summary.outcomes, "errors": summary.errors, "before": summary.before,
                "repeated": summary.repeated, "warnings": summary.warnings,
                "regions": summary.found, "bytes_read": summary.read,
                "bytes_written": summary.written, "bytes_of_diffs": summary.diffs,
                "stopped": stop.asked,
            }
        )  # fmt: skip
    if stop.asked:
        ctx.exit(_INTERRUPTED)
    ctx.exit(BAD_INPUT if summary.outcomes["failed"] else OK)


_SKIPPED = {"link": "a symbolic link", "special": "no regular file"}
_QUESTIONS = 32
"""What stores are asked at a time when a run is resumed."""
_STALE = 3600.0
"""Seconds after which a temporary file is nobody's."""


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads(engine: str, workers: int) -> int:
    """Return how many threads a worker's networks may use, so that workers don't fight for cores.

    Ray gives each actor one processor, of whatever machine.
    """
    return 1 if engine == "ray" else max(1, _processors() // workers)


class _Stop:
    """Whether Ctrl-C was pressed; a second time, it interrupts at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def __enter__(self) -> _Stop:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        say("stopping: pictures that were begun are finished (press Ctrl-C again to give up)")


def _refuse_overlap(source: Place, target: Place, diffs: Place) -> None:
    for name, a, b in (("SRC and DST", source, target), ("DST and DIR", target, diffs),
                       ("SRC and DIR", source, diffs)):  # fmt: skip
        if a.contains(b) and b.contains(a):
            raise click.UsageError(f"{name} are the same place")
    if target.contains(diffs):
        raise click.UsageError("DIR lies in DST: diffs belong apart from the pictures")


def _log_path(log: str | None, target: Place, diffs: Place) -> str:
    from ..batch.places import open_place

    if log is None and not diffs.is_local:
        raise click.UsageError("DIR is no folder of this machine: say where the log goes, --log")
    path = Path(log) if log is not None else Path(diffs.url) / _LOG
    if target.is_local and target.contains(open_place(str(path.absolute().parent))):
        raise click.UsageError("the log shows what redaction hides: it does not belong into DST")
    return str(path)


def _count(
    places: tuple[Place, Place, Place], listed: Iterator[str] | None, known: Log | None
) -> int | None:
    """Return how many pictures there are, where that costs next to nothing."""
    if known is not None:
        return len(known.entries)
    if listed is not None or not places[0].is_local:
        return None
    return sum(1 for _ in places[0].walk(leave_out=places[1:]))


def _names(
    places: tuple[Place, Place, Place],
    listed: Iterator[str] | None,
    known: Log | None,
    source: str,
) -> Iterator[Named]:
    """Yield the pictures' names, relative to SRC, and what a log says of them."""
    if known is not None:
        for entry in known.entries:
            name = entry.file.replace(os.sep, "/").removeprefix(source.rstrip("/") + "/")
            yield _as_logged(name, entry)
    elif listed is not None:
        from ..batch.engine import Named

        for line in listed:
            if line.strip("\r\n"):
                yield Named(line.strip("\r\n"))
    else:
        for found in places[0].walk(leave_out=places[1:]):
            yield _found(found)


def _found(entry: Entry) -> Named:
    from ..batch.engine import Named

    if entry.skipped == "unreadable":
        return Named(entry.name, trouble=OSError(errno.EACCES, "a folder that can't be listed"))
    return Named(entry.name, skipped=_SKIPPED.get(entry.skipped or ""))


def _as_logged(name: str, entry: LogEntry) -> Named:
    from ..batch.engine import Named

    if entry.error is None:
        return Named(name, entry)
    words = f"its search failed: {entry.error.message}"
    return Named(name, trouble=BatchError(words, code=entry.error.code))


def _words(summary: Summary, log: str) -> str:
    from ..looking_again import TO_LOOK_AT

    parts = [f"{count} {name}" for name, count in sorted(summary.outcomes.items())]
    if summary.before:
        parts.append(f"{summary.before} done before")
    if summary.repeated:
        parts.append(f"{summary.repeated} named twice")
    words = f"{', '.join(parts) or 'no picture'}; {summary.found} regions"
    if summary.errors:
        most = ", ".join(f"{count} {code}" for code, count in summary.errors.most_common(5))
        words += f"; failures: {most}"
    asking = [f"{count} {code}" for code in TO_LOOK_AT if (count := summary.warnings[code])]
    if asking:
        words += f"; to be looked at: {', '.join(asking)}"
    return f"{words}; log: {log}"

