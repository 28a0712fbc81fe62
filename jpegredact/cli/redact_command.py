"""``jpegredact redact``: hide boxes, write the diff first, then the picture."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from .common import box_options, refuse_same, say

if TYPE_CHECKING:
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
@click.option("--method", default="inpaint", show_default=True, metavar="M",
              help="inpaint, fill, fill:#rrggbb; or the cosmetic pixelate and blur.")  # fmt: skip
@click.option("--side-copies", type=click.Choice(["default", "strict", "keep"]),
              default="default", show_default=True,
              help="What becomes of thumbnails, previews, trailers and names; "
              "`jpegredact audit` lists them.")  # fmt: skip
@click.option("--provenance", type=click.Choice(["drop", "refuse"]), default="drop",
              show_default=True, help="Drop signed provenance (C2PA), or refuse the file.")
@click.option("--force", is_flag=True,
              help="Go on with thermal pictures and stereo pairs.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Write the report to stdout as JSON.")
def command(
    source: str,
    output: str | None,
    in_place: bool,
    diff_path: str | None,
    boxes: tuple[tuple[float, float, float, float], ...],
    margin: str,
    upright: bool,
    method: str,
    side_copies: str,
    provenance: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Hide boxes of a JPEG.

    Only the blocks that a box touches are rewritten. What was taken out goes to
    the unblur-diff, which is written first: keep it apart from the picture, and
    private.
    """
    if not boxes:
        raise click.UsageError("no region to hide: give --box L,T,R,B")
    target = _target(source, output, in_place, dry_run)
    if diff_path is not None:
        refuse_same(source, diff_path, "input and diff")
        if target is not None:
            refuse_same(target, diff_path, "output and diff")

    from ..files import default_diff_path, read_source, write_replacing
    from ..pipeline import redact

    done = redact(
        read_source(source), boxes, method=method, margin=margin,
        coordinates="upright" if upright else "stored",
        side_copies=side_copies, provenance=provenance, force=force,
    )  # fmt: skip
    report = done.report
    for notice in report.warnings:
        say(f"warning: {notice.message}")
    if target is not None and done.diff is not None:
        where = diff_path or str(default_diff_path(source, report.redacted))
        try:
            done.diff.save(where)
        except FileExistsError as error:
            raise FileExistsError(
                error.errno, "there is a file already, and a diff is never replaced", where
            ) from error
        refuse_same(target, where, "output and diff")
        write_replacing(target, done.jpeg)
        say(f"{target}: {_summary(report)}")
        say(f"{where}: the way back, {report.diff_bytes} bytes, not encrypted: keep it private")
    else:
        say(f"{source}: {_summary(report)} (dry run: nothing was written)")
    if as_json:
        click.echo(report.to_json())


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
