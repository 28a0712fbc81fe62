"""``jpegredact preview``: see what redaction will hide, before it does."""

from __future__ import annotations

import click

from .common import (
    box_options,
    describe,
    refuse_same,
    require_regions,
    say,
    search_options,
    write_private,
)


@click.command("preview")
@click.argument("source", metavar="IN.jpg", type=click.Path(dir_okay=False))
@click.option("-o", "--output", metavar="OUT.png|OUT.html", required=True,
              type=click.Path(dir_okay=False),
              help="Where the preview goes: a PNG, or a page of HTML in one piece.")  # fmt: skip
@box_options
@search_options
@click.option("--size", default=1600, show_default=True, metavar="N",
              type=click.IntRange(min=0), help="The longer side in pixels at most; 0: all.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
def command(
    source: str,
    output: str,
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
    size: int,
    overwrite: bool,
) -> None:
    """Draw boxes, labels, scores and the blocks that they touch over the picture as shown.

    It shows what redaction will hide: it is written for you alone (mode 0600).
    """
    suffix = output.lower().rpartition(".")[2]
    if suffix not in ("png", "html"):
        raise click.UsageError(f"a preview is a .png or an .html, not {output!r}")
    require_regions("nothing to draw", boxes, labels, from_log)
    refuse_same(source, output, "input and output")
    if from_log is not None:
        refuse_same(from_log, output, "log and output")

    from ..detecting import Detecting
    from ..files import read_source, write_replacing
    from ..pipeline import survey
    from ..preview import draw_html, draw_png

    data = read_source(source)
    entry = survey(
        data, boxes, detect=labels, effort=effort, threshold=threshold, from_log=from_log,
        detector=Detecting(detectors=detectors, provider=provider, ellipses=ellipses), name=source,
        margin=margin, coordinates="upright" if upright else "stored",
    )  # fmt: skip
    draw = draw_png if suffix == "png" else draw_html
    drawn = draw(data, entry, side=size)
    if overwrite:
        write_replacing(output, drawn, 0o600)
    else:
        write_private(output, drawn, "a preview (without --overwrite)")
    say(f"{source}: {describe(entry)}")
    say(f"{output}: {len(drawn)} bytes; it shows what redaction hides: keep it private")
