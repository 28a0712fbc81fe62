"""``jpegredact audit``: where else in a file the picture may show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import say, write_json

if TYPE_CHECKING:
    from ..container.model import SideCopy


@click.command("audit")
@click.argument("source", metavar="IN.jpg", type=click.Path(dir_okay=False))
@click.option("--extract", metavar="DIR", type=click.Path(file_okay=False),
              help="Write the embedded pictures to a folder, to be looked at.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write the list as JSON.")
def command(source: str, extract: str | None, as_json: bool) -> None:
    """List thumbnails, previews and whatever else shows the same picture; change nothing.

    For each: its kind, offset and length in bytes, what the default policy of `redact` does
    with it (and the strict one, and keep), and what it is.
    """
    from ..files import read_source
    from ..pipeline import audit

    data = read_source(source)
    found = audit(data)
    if as_json:
        write_json([_value(copy) for copy in found])
    else:
        for copy in found:
            size = f"{copy.size[0]}×{copy.size[1]} " if copy.size else ""
            click.echo(
                f"{copy.offset:>9} {copy.length:>8}  {copy.kind:<22} "
                f"{'/'.join(copy.actions):<20} {size}{copy.detail}"
            )
        if not found:
            say(f"{source}: no side copies")
    if extract is not None:
        _extract(data, found, Path(extract), Path(source).stem)


def _value(copy: SideCopy) -> dict[str, Any]:
    return {
        "kind": copy.kind,
        "offset": copy.offset,
        "length": copy.length,
        "detail": copy.detail,
        "size": copy.size,
        "default_action": copy.default_action,
        "actions": copy.actions._asdict(),
    }


def _extract(data: bytes, found: list[SideCopy], folder: Path, stem: str) -> None:
    from ..container.extract import embedded_picture
    from ..files import write_new

    folder.mkdir(parents=True, exist_ok=True)
    for number, copy in enumerate(found):
        picture = embedded_picture(data, copy)
        if picture is not None:
            suffix, content = picture
            path = folder / f"{stem}.{number:02}.{copy.kind}.{suffix}"
            write_new(path, content, 0o600)
            say(f"{path}: {len(content)} bytes from byte {copy.offset}")
