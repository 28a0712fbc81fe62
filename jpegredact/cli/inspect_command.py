"""``jpegredact inspect``: what a JPEG or a diff is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .common import write_json

if TYPE_CHECKING:
    from ..codec.model import JpegData
    from ..diff import Document


@click.command("inspect")
@click.argument("source", metavar="IN|DIFF", type=click.Path(dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def command(source: str, as_json: bool) -> None:
    """Show the structure of a JPEG, or the public part and regions of a diff."""
    from ..diff.cbor import MAGIC
    from ..files import read_source
    from ..pipeline import UnblurDiff, inspect

    data = read_source(source)
    if data.startswith(MAGIC):
        found = _diff(UnblurDiff.from_bytes(data).document, len(data))
    else:
        found = _jpeg(inspect(data))
    if as_json:
        write_json(found)
    else:
        _show(found)


def _diff(document: Document, size: int) -> dict[str, Any]:
    file = document.file
    return {
        "format": "jrdiff",
        "bytes": size,
        "size": list(document.public.size),
        "redacted": document.public.redacted.hex(),
        "groups": len(document.groups),
        "regions": [
            None
            if region is None
            else {k: v for k, v in region._asdict().items() if v not in (None, ())}
            for region in document.regions
        ],
        "original_bytes": None if file is None else file.length,
        "patches": None if file is None else len(file.patches),
    }


def _jpeg(jpeg: JpegData) -> dict[str, Any]:
    frame = jpeg.frame
    return {
        "process": jpeg.process,
        "precision": frame.precision,
        "size": list(jpeg.size),
        "colour": jpeg.colour,
        "mcu": list(jpeg.mcu),
        "components": [
            {
                "id": c.identifier,
                "sampling": f"{c.horizontal}x{c.vertical}",
                "blocks": list(frame.blocks(index)),
            }
            for index, c in enumerate(frame.components)
        ],
        "scans": [
            {
                "offset": scan.header.offset,
                "bytes": scan.end - scan.start,
                "components": [c.index for c in scan.components],
                "spectral": list(scan.spectral),
                "approximation": list(scan.approximation),
                "restart_interval": scan.restart_interval,
                "restarts": len(scan.restarts),
            }
            for scan in jpeg.scans
        ],
        "tables": [
            {
                "offset": t.offset,
                "class": "DC" if t.is_dc else "AC",
                "slot": t.slot & 15,
                "symbols": len(t.symbols),
            }
            for t in jpeg.tables
        ],
        "segments": [
            {"name": s.name, "offset": s.offset, "bytes": s.end - s.offset} for s in jpeg.segments
        ],
        "eoi": jpeg.eoi,
        "bytes": jpeg.length,
        "bytes_behind_eoi": 0 if jpeg.eoi is None else jpeg.length - jpeg.eoi - 2,
    }


def _show(found: dict[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            click.echo(f"{name}:")
            for item in value:
                click.echo("  " + "  ".join(f"{k}={v}" for k, v in item.items()))
        else:
            click.echo(f"{name}: {value}")
