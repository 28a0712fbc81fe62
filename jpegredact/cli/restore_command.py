"""``jpegredact restore``: bring back all regions, or some."""

from __future__ import annotations

import hashlib

import click

from ..errors import DiffMismatchError
from .common import indices, refuse_same, say
from .keys import identity_options, opening_keys


@click.command("restore")
@click.argument("source", metavar="OUT.jpg", type=click.Path(dir_okay=False))
@click.argument("diff", metavar="[DIFF]", required=False, type=click.Path(dir_okay=False))
@click.option("-o", "--output", metavar="ORIG.jpg", type=click.Path(dir_okay=False),
              help="Where the restored picture goes (mode 0600).")  # fmt: skip
@click.option("--in-place", is_flag=True, help="Replace OUT.jpg itself.")
@click.option("--regions", metavar="0,2", help="Bring back these regions only.")
@identity_options
@click.option("--expect-diff-sha256", "expected", metavar="HEX",
              help="Refuse a diff with another SHA-256: the log has the right one. (Whoever knows "
              "a public key can seal a diff to it.)")  # fmt: skip
@click.option("--allow-modified", is_flag=True,
              help="Also in a file that was coded anew without loss, or whose metadata was "
              "edited: the regions are the original's then, and the file is not. With "
              "--regions, also where only other places were changed.")  # fmt: skip
def command(
    source: str,
    diff: str | None,
    output: str | None,
    in_place: bool,
    regions: str | None,
    identity_files: tuple[str, ...],
    passphrase: bool,
    expected: str | None,
    allow_modified: bool,
) -> None:
    """Bring regions of a redacted JPEG back from its unblur-diff, or from a part of it.

    All of them give the original byte for byte. Without DIFF, it is the one that is
    embedded in OUT.jpg; of several, that of the last redaction.
    """
    if (output is None) != in_place:
        raise click.UsageError("say where the restored picture goes: -o ORIG.jpg, or --in-place")
    target = source if output is None else output
    if output is not None:
        refuse_same(source, output, "input and output (--in-place if that is meant)")
    if diff is not None:
        refuse_same(diff, target, "diff and output")
    for path in identity_files:
        if path != "-":
            refuse_same(path, target, "identity and output")
    wanted = indices(regions)

    from ..files import read_source, write_replacing
    from ..pipeline import UnblurDiff, bring_back

    keys = opening_keys(identity_files, passphrase)
    data = read_source(source)
    stored = UnblurDiff.from_bytes(data if diff is None else read_source(diff))
    digest = hashlib.sha256(stored.to_bytes()).hexdigest()
    if expected is not None and digest != expected.strip().lower():
        raise DiffMismatchError(
            f"{diff or 'the embedded one'} is not the diff that was expected: its SHA-256 is "
            "another one",
            code="diff.unexpected",
        )
    done = bring_back(
        data, stored, regions=wanted, identities=keys.identities,
        passphrase=keys.passphrase, allow_modified=allow_modified,
    )  # fmt: skip
    write_replacing(target, done.data, 0o600)
    if done.modified:
        say(f"{source}: {done.modified}; this is not the original, byte for byte")
    which = "all regions of the diff" if regions is None else f"regions {regions}"
    say(f"{target}: " + ("the original" if done.original else f"{which} are back"))
    if done.besides:
        besides = ",".join(map(str, done.besides))
        say(f"{target}: regions {besides} too: {source} says that they were asked for before")
