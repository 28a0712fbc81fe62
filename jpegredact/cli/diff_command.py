"""``jpegredact diff``: hand on, change owners, list, destroy ways back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .common import indices, refuse_same, say, write_json, write_private
from .keys import (
    OPEN_PASSPHRASE_FILE,
    ask_passphrase,
    identity_options,
    opening_keys,
    opening_options,
    read_identities,
    recipient_options,
    sealing_keys,
)

if TYPE_CHECKING:
    from ..results import UnblurDiff


@click.group("diff")
def command() -> None:
    """Hand on regions of an unblur-diff, change its owners, or destroy a way back.

    DIFF may be a JPEG that a diff is embedded in. It stays as it is; what is made goes
    to another file, never over one.
    """


_source = click.argument("source", metavar="DIFF|OUT.jpg", type=click.Path(dir_okay=False))
_output = click.option(
    "-o", "--output", required=True, metavar="OUT.jrdiff", type=click.Path(dir_okay=False),
    help="Where it goes (mode 0600).",
)  # fmt: skip


@command.command("extract")
@_source
@click.option("--regions", required=True, metavar="0,2", help="Which regions.")
@_output
@recipient_options
@opening_options
@click.option("--plain", is_flag=True, help="Leave the part of a sealed diff unsealed.")
def extract(
    source: str,
    regions: str,
    output: str,
    recipients: tuple[str, ...],
    recipients_files: tuple[str, ...],
    passphrase: bool,
    identity_files: tuple[str, ...],
    open_passphrase: bool,
    plain: bool,
) -> None:
    """Make a diff that brings back some regions and tells nothing of the others.

    What lies under another region too stays hidden: two parts, of one region each,
    do not add up to it. Extract both regions at once for that.
    """
    named = bool(recipients or recipients_files or passphrase)
    if plain and named:
        raise click.UsageError("--plain, or whose it shall be (-r, -R, -p), not both")
    refuse_same(source, output, "diff and output")
    diff = _opened(source, identity_files, open_passphrase)
    if diff.is_sealed and not plain and not named:
        raise click.UsageError("whose shall it be? -r, -R or -p; or --plain")
    owners = sealing_keys(recipients, recipients_files, passphrase)
    whole = diff.unsealed() if plain else diff
    part = whole.extract(_regions(regions), recipients=owners.recipients, passphrase=owners.run)
    write_private(output, part.to_bytes(), "a diff")
    say(f"{output}: regions {regions}, {_how(part)}")


@command.command("rekey")
@_source
@_output
@recipient_options
@opening_options
@click.option("--fresh", is_flag=True,
              help="Seal all records anew: keys of single records that somebody kept open "
              "nothing in the new diff.")  # fmt: skip
def rekey(
    source: str,
    output: str,
    recipients: tuple[str, ...],
    recipients_files: tuple[str, ...],
    passphrase: bool,
    identity_files: tuple[str, ...],
    open_passphrase: bool,
    fresh: bool,
) -> None:
    """Make the same diff with other owners; a plain one is sealed.

    This revokes nothing: other copies still open for those who could open them.
    """
    if not (recipients or recipients_files or passphrase):
        raise click.UsageError("whose shall it be? -r, -R or -p")
    refuse_same(source, output, "diff and output")
    diff = _opened(source, identity_files, open_passphrase)
    owners = sealing_keys(recipients, recipients_files, passphrase)
    if diff.is_sealed:
        new = diff.rekey(owners.recipients, owners.run, fresh=fresh)
    else:
        new = diff.seal(owners.recipients, owners.run)
    write_private(output, new.to_bytes(), "a diff")
    say(f"{output}: {_how(new)}; {_revokes_nothing(source)}")


@command.command("drop")
@_source
@click.option("--regions", required=True, metavar="1", help="Which regions.")
@_output
@recipient_options
@opening_options
def drop(
    source: str,
    regions: str,
    output: str,
    recipients: tuple[str, ...],
    recipients_files: tuple[str, ...],
    passphrase: bool,
    identity_files: tuple[str, ...],
    open_passphrase: bool,
) -> None:
    """Make a diff without any way back for some regions.

    The record of the whole file goes too: the other regions come back, the
    original byte for byte does not. A sealed diff stays its owner's who opened it,
    unless others are named (-r, -R, -p). Delete the old diff, and all copies.
    """
    refuse_same(source, output, "diff and output")
    diff = _opened(source, identity_files, open_passphrase)
    owners = sealing_keys(recipients, recipients_files, passphrase)
    left = diff.drop(_regions(regions), recipients=owners.recipients, passphrase=owners.run)
    write_private(output, left.to_bytes(), "a diff")
    say(f"{output}: without regions {regions}, {_how(left)}; {_revokes_nothing(source)}")
    if diff.owners > left.owners and not (recipients or recipients_files or passphrase):
        say(f"{output}: of its {diff.owners} owners, only the one who dropped them can open it")


@command.command("list")
@_source
@identity_options
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def list_(
    source: str, identity_files: tuple[str, ...], passphrase: bool, as_json: bool
) -> None:
    """Show what can be seen of a diff, with a key or without."""
    from ..results import UnblurDiff
    from .inspect_command import describe_diff, show

    diff = UnblurDiff.load(source)
    if identity_files or passphrase:
        keys = opening_keys(identity_files, passphrase)
        diff = diff.open(keys.identities, keys.passphrase)
    found = describe_diff(diff)
    if as_json:
        write_json(found)
    else:
        show(found)


def _regions(text: str) -> list[int]:
    return indices(text) or []


def _opened(source: str, identity_files: tuple[str, ...], open_passphrase: bool) -> UnblurDiff:
    """Read a diff and open it."""
    from ..results import UnblurDiff

    diff = UnblurDiff.load(source)
    words = None
    if open_passphrase:
        words = ask_passphrase("Passphrase to open with", variable=OPEN_PASSPHRASE_FILE)
    return diff.open(read_identities(identity_files) if identity_files else (), words)


def _revokes_nothing(source: str) -> str:
    from ..files import is_jpeg

    named = f", that in {source} among them," if is_jpeg(source) else ""
    return f"other copies of the diff{named} still open for whoever could open them"


def _how(diff: UnblurDiff) -> str:
    size = f"{len(diff.to_bytes())} bytes"
    return f"{size}, sealed" if diff.is_sealed else f"{size}, not encrypted: keep it private"


