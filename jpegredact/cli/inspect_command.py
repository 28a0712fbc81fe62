"""``jpegredact inspect``: what a JPEG or a diff is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .common import write_json

if TYPE_CHECKING:
    from ..codec.model import JpegData
    from ..results import UnblurDiff


@click.command("inspect")
@click.argument("source", metavar="IN|DIFF", type=click.Path(dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def command(source: str, as_json: bool) -> None:
    """Show the structure of a JPEG, or the public part and regions of a diff.

    Of a JPEG with diffs in it, it shows both: the last redaction's diff first.
    """
    from ..diff.cbor import MAGIC
    from ..files import read_source
    from ..limits import DEFAULT_LIMITS
    from ..pipeline import UnblurDiff, inspect
    from ..redaction.embedding import embedded_diffs

    data = read_source(source)
    if data.startswith(MAGIC):
        found = describe_diff(UnblurDiff.from_bytes(data))
    else:
        jpeg = inspect(data)
        diffs = [UnblurDiff(diff) for _, diff in embedded_diffs(data, jpeg, DEFAULT_LIMITS)]
        found = _jpeg(jpeg)
        if diffs:
            found["embedded_diffs"] = [describe_diff(diff) for diff in diffs]
    if as_json:
        write_json(found)
    else:
        show(found)


def describe_diff(diff: UnblurDiff) -> dict[str, Any]:
    """Return what can be seen of a diff: its public part, and more if it is open."""
    found: dict[str, Any] = {
        "format": "jrdiff",
        "bytes": len(diff.to_bytes()),
        "sealed": diff.is_sealed,
        "size": list(diff.public.size),
        "redacted": diff.public.redacted.hex(),
        "groups": len(diff.public.fills),
    }
    if diff.is_sealed:
        found["owners"] = diff.owners
        found["passphrase"] = diff.has_passphrase
    if not diff.is_open:
        return found
    document = diff.document
    held = [group for group in document.groups if group is not None]
    found["regions"] = [
        None
        if region is None
        else {
            **{k: v for k, v in region._asdict().items() if v not in (None, ())},
            "under_others": sorted(
                {other for group in held if number in group.regions for other in group.regions}
                - {number}
            ),
        }
        for number, region in enumerate(document.regions)
    ]
    found["whole"] = document.is_whole
    if document.file is not None:
        found["original_bytes"] = document.file.length
        found["patches"] = len(document.file.patches)
    return found


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


def show(found: dict[str, Any]) -> None:
    """Write what was found for a person."""
    for name, value in found.items():
        if isinstance(value, list) and any(isinstance(i, dict) or i is None for i in value):
            click.echo(f"{name}:")
            for number, item in enumerate(value):
                said = "-" if item is None else "  ".join(f"{k}={v}" for k, v in item.items())
                index = f"{number}: " if name == "regions" else ""  # what --regions takes
                click.echo(f"  {index}{said}")
        else:
            click.echo(f"{name}: {value}")
