"""``jpegredact redact``: find and hide; the diff is written first, then the log and the picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import click

from .common import (
    box_options,
    describe,
    log_form,
    redaction_options,
    refuse_same,
    refuse_taken,
    require_regions,
    say,
    search_options,
    write_private,
)
from .keys import recipient_options, require_embeddable, sealing_keys

if TYPE_CHECKING:
    from ..detecting import Detecting
    from ..log import LogEntry
    from ..pipeline import Processed
    from ..report import Report


@click.command("redact")
@click.argument("source", metavar="IN.jpg", type=click.Path(dir_okay=False))
@click.option("-o", "--output", metavar="OUT.jpg", type=click.Path(dir_okay=False),
              help="Where the redacted picture goes.")  # fmt: skip
@click.option("--in-place", is_flag=True, help="Replace IN.jpg itself.")
@click.option("--diff", "diff_path", metavar="OUT.jrdiff", type=click.Path(dir_okay=False),
              help="Where the unblur-diff goes, never replacing another; by default "
              "IN.jpg.<16 hex digits of the redacted file>.jrdiff beside IN.jpg.")  # fmt: skip
@box_options
@search_options
@redaction_options
@recipient_options
@click.option("--embed", is_flag=True,
              help="Put the sealed diff into the picture itself, and write it nowhere else "
              "unless --diff says where. For keys (-r, -R) only: anybody can copy it.")  # fmt: skip
@click.option("--log", metavar="LOG", type=click.Path(dir_okay=False),
              help="Write what was seen, and where: XML if the name ends in .xml, else JSON "
              "Lines. Private, as the diff is.")  # fmt: skip
@click.option("--log-public", metavar="LOG", type=click.Path(dir_okay=False),
              help="Write a log with counts and the redacted file's digest only.")
@click.option("--dry-run", is_flag=True,
              help="Write nothing but the log; only say what would be done.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write the report to stdout as JSON.")
def command(
    source: str,
    output: str | None,
    in_place: bool,
    diff_path: str | None,
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
    log: str | None,
    log_public: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Hide boxes of a JPEG, or what a detector finds in it.

    Only the blocks that a box touches are rewritten. What was taken out goes to
    the unblur-diff, which is written first: keep it apart from the picture, and
    private, or seal it to its owner (-r, -R, -p), and then it may be in the picture
    itself (--embed). To correct what a detector found:
    --dry-run --log LOG, set a decision to "keep" or add a box in LOG, then
    --from-log LOG.
    """
    require_regions("no region to hide", boxes, labels, from_log)
    if log_public is not None and dry_run:
        raise click.UsageError("--log-public is about a redacted file: not with --dry-run")
    require_embeddable(embed, recipients, recipients_files, passphrase)
    target = _target(source, output, in_place, dry_run)
    _refuse_same(
        ("input", source), ("output", None if in_place else target), ("diff", diff_path),
        ("log", log), ("public log", log_public), ("log to read", from_log),
    )  # fmt: skip
    if target is not None:
        for path in recipients_files:
            if path != "-":
                refuse_same(path, target, "recipients and output")

    from ..files import read_source
    from ..pipeline import process

    owners = sealing_keys(recipients, recipients_files, passphrase)
    done = process(
        read_source(source), boxes, detect=labels, threshold=threshold, effort=effort,
        detector=_detecting(detectors, provider, ellipses) if labels else None,
        from_log=from_log, name=source,
        method=method, margin=margin,
        coordinates="upright" if upright else "stored",
        side_copies=side_copies, provenance=provenance, force=force, note=note,
        recipients=owners.recipients, passphrase=owners.run, embed=embed,
    )  # fmt: skip
    for notice in done.report.warnings:
        say(f"warning: {notice.message}")
    if labels or from_log is not None:
        say(f"{source}: {describe(done.entry)}")
    entry = done.entry if target is not None else replace(done.entry, redacted=None, diff=None)
    logs = _logs(entry, log, log_public)
    if target is not None:
        _write(done, source, target, diff_path, logs)
    else:
        _write_logs(logs)
        say(f"{source}: {_summary(done.report)} (dry run: the picture was not written)")
    if as_json:
        click.echo(done.report.to_json())


def _detecting(detectors: tuple[str, ...], provider: str, ellipses: bool) -> Detecting:
    from ..detecting import Detecting

    return Detecting(detectors=detectors, provider=provider, ellipses=ellipses)


class _LogFile(NamedTuple):
    """A log to be written."""

    path: str
    data: bytes
    mode: int
    words: str


def _logs(entry: LogEntry, log: str | None, log_public: str | None) -> list[_LogFile]:
    """Return the logs that are wanted; refuse paths where other files stand."""
    from ..log import public_bytes, to_bytes

    logs = []
    if log is not None:
        data = to_bytes([entry], log_form(log))
        logs.append(_LogFile(log, data, 0o600, "what was seen, and where: keep it private"))
    if log_public is not None:
        data = public_bytes([entry], log_form(log_public))
        logs.append(_LogFile(log_public, data, 0o644, "counts only"))
    for each in logs:
        refuse_taken(each.path, each.data, "a log")
    return logs


def _write_logs(logs: list[_LogFile]) -> None:
    for each in logs:
        write_private(each.path, each.data, "a log", each.mode)
        say(f"{each.path}: {each.words}")


def _write(
    done: Processed, source: str, target: str, diff_path: str | None, logs: list[_LogFile]
) -> None:
    """Write the diff, then the logs, then the picture: it never stands there without them.

    A diff that is in the picture is written by itself only where that was asked for.
    """
    from ..files import default_diff_path, write_replacing

    report = done.report
    if done.diff is not None and (diff_path is not None or not report.embedded_bytes):
        where = diff_path or str(default_diff_path(source, report.redacted))
        write_private(where, done.diff.to_bytes(), "a diff")
        _refuse_same(("output", target), ("diff", where), *(("log", log.path) for log in logs))
        how = "sealed" if done.diff.is_sealed else "not encrypted: keep it private"
        say(f"{where}: the way back, {report.diff_bytes} bytes, {how}")
    _write_logs(logs)
    if done.diff is not None:
        write_replacing(target, done.jpeg)
        say(f"{target}: {_summary(report)}")
        if report.embedded_bytes:
            say(f"{target}: the sealed diff is in it, {report.embedded_bytes} bytes")
    elif target != source:
        write_replacing(target, done.jpeg)
        say(f"{target}: nothing to redact: a copy of the input, its side copies left as they are")
    else:
        say(f"{target}: nothing to redact: left as it is")


def _refuse_same(*files: tuple[str, str | None]) -> None:
    for (name, a), (other, b) in combinations(files, 2):
        if a is not None and b is not None:
            refuse_same(a, b, f"{name} and {other}")


def _target(source: str, output: str | None, in_place: bool, dry_run: bool) -> str | None:
    if output is not None and in_place:
        raise click.UsageError("-o and --in-place exclude each other")
    if dry_run:
        return None
    if in_place:
        return source
    if output is None:
        raise click.UsageError("say where the redacted picture goes: -o OUT.jpg, or --in-place")
    refuse_same(source, output, "input and output (--in-place if that is meant)")
    return output


def _summary(report: Report) -> str:
    return (
        f"{len(report.regions)} region{'s' * (len(report.regions) != 1)}, "
        f"{sum(report.blocks)} blocks by {report.method}{_copies(report)}"
    )


def _copies(report: Report) -> str:
    done = Counter(c.action for c in report.side_copies if c.action not in ("keep", "warn"))
    if not done:
        return ""
    return "; side copies: " + ", ".join(f"{n} {action}" for action, n in sorted(done.items()))
