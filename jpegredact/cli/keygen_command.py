"""``jpegredact keygen``: a new key, in the format of age-keygen."""

from __future__ import annotations

import os
import stat
import sys
from datetime import datetime
from typing import TextIO

import click

from ..errors import InvalidKeyError
from .common import say, write_private
from .keys import forbid_core_dumps, read_identities


@click.command("keygen")
@click.argument("source", metavar="[FILE]", required=False,
                type=click.Path(dir_okay=False, allow_dash=True))  # fmt: skip
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write it to this new file (mode 0600); by default to stdout.")  # fmt: skip
@click.option("-y", "to_public", is_flag=True,
              help="Write the public keys of an identity file (or of stdin) instead.")  # fmt: skip
def command(source: str | None, output: str | None, to_public: bool) -> None:
    """Make a key: who has it can open what is sealed to its public part.

    Keep the file where the pictures are not, and a copy of it elsewhere: without it
    nothing that was sealed to it ever opens. age and age-keygen read the same files.
    """
    forbid_core_dumps()
    if source is not None and not to_public:
        raise click.UsageError("-y FILE shows public keys; a new key goes to -o FILE")
    text, public = (_public_keys(source or "-"), None) if to_public else _new_key()
    if output is None:
        if public is not None and _others_may_read(sys.stdout):
            say("warning: the key goes to a file that others may read (chmod 600, or -o FILE)")
        click.echo(text, nl=False)
    else:
        write_private(output, text.encode(), "a key")
    if public is not None and (output is not None or not sys.stdout.isatty()):
        say(f"Public key: {public}")


def _others_may_read(file: TextIO) -> bool:
    """Whether a stream is a file that more than its owner may read."""
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return os.name != "nt" and stat.S_ISREG(mode) and bool(mode & 0o077)


def _new_key() -> tuple[str, str]:
    """Return an identity file with a new key, and its public key."""
    from ..diff.keys import generate_identity

    identity = generate_identity()
    now = datetime.now().astimezone().isoformat(timespec="seconds").replace("+00:00", "Z")
    public = str(identity.recipient)
    return f"# created: {now}\n# public key: {public}\n{identity.secret()}\n", public


def _public_keys(path: str) -> str:
    recipients = [identity.recipient for identity in read_identities([path])]
    if None in recipients:
        raise InvalidKeyError(
            f"{path}: an SSH key", code="key.unsupported",
            hint="its public key is in the .pub file beside it",
        )  # fmt: skip
    return "".join(f"{recipient}\n" for recipient in recipients)
