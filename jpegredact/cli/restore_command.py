"""``jpegredact restore``: bring back all regions, or some."""

from __future__ import annotations

import click

from .common import indices, refuse_same, say


@click.command("restore")
@click.argument("source", metavar="OUT.jpg", type=click.Path(dir_okay=False))
@click.argument("diff", metavar="DIFF", type=click.Path(dir_okay=False))
@click.option("-o", "--output", metavar="ORIG.jpg", type=click.Path(dir_okay=False),
              help="Where the restored picture goes (mode 0600).")  # fmt: skip
@click.option("--in-place", is_flag=True, help="Replace OUT.jpg itself.")
@click.option("--regions", metavar="0,2", help="Bring back these regions only.")
def command(
    source: str, diff: str, output: str | None, in_place: bool, regions: str | None
) -> None:
    """Bring regions of a redacted JPEG back from its unblur-diff.

    All of them give the original byte for byte.
    """
    if (output is None) != in_place:
        raise click.UsageError("say where the restored picture goes: -o ORIG.jpg, or --in-place")
    target = source if output is None else output
    if output is not None:
        refuse_same(source, output, "input and output (--in-place if that is meant)")
    refuse_same(diff, target, "diff and output")
    wanted = indices(regions)

    from ..files import read_source, write_replacing
    from ..pipeline import restore

    data = restore(read_source(source), diff, regions=wanted)
    write_replacing(target, data, 0o600)
    say(f"{target}: " + ("the original" if wanted is None else f"regions {regions} are back"))
