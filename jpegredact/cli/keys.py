"""Options for keys and passphrases, as in age's own command line, and what they stand for.

No key or passphrase is ever taken from the command line itself, which everyone on the
machine can read, nor shown in a message.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import InvalidKeyError
from .common import say

if TYPE_CHECKING:
    from ..diff.keys import Identity, Recipient
    from ..diff.passphrase import Passphrase, RunKey

__all__ = [
    "OPEN_PASSPHRASE_FILE",
    "PASSPHRASE_FILE",
    "ask_passphrase",
    "forbid_core_dumps",
    "identity_options",
    "opening_keys",
    "opening_options",
    "read_identities",
    "read_recipients",
    "recipient_options",
    "require_embeddable",
    "sealing_keys",
]

PASSPHRASE_FILE = "JPEGREDACT_PASSPHRASE_FILE"  # noqa: S105  (a name)
"""The environment variable that names a file whose first line is the passphrase."""

OPEN_PASSPHRASE_FILE = "JPEGREDACT_OPEN_PASSPHRASE_FILE"  # noqa: S105  (a name)
"""The same for commands that seal as well as open: what they open with."""

_MAX_PASSPHRASE = 1 << 14


def _asked(variable: str) -> str:
    return f"asked for, or the first line of the file that the variable {variable} names."


def recipient_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-r``, ``-R`` and ``-p``: parameters `recipients`, `recipients_files`, `passphrase`."""
    function = click.option(
        "-p", "--passphrase", is_flag=True, help=f"Seal to a passphrase: {_asked(PASSPHRASE_FILE)}"
    )(function)
    function = click.option(
        "-R", "--recipients-file", "recipients_files", metavar="FILE", multiple=True,
        type=click.Path(dir_okay=False, allow_dash=True),
        help="Seal to the public keys in this file, one a line. May be repeated.",
    )(function)  # fmt: skip
    return click.option(
        "-r", "--recipient", "recipients", metavar="RECIPIENT", multiple=True,
        help="Seal to this public key: age1..., ssh-ed25519 ..., ssh-rsa ... May be repeated.",
    )(function)  # fmt: skip


def identity_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-i`` and ``-p``: parameters `identity_files` and `passphrase`."""
    function = click.option(
        "-p", "--passphrase", is_flag=True,
        help=f"Open with a passphrase: {_asked(PASSPHRASE_FILE)}",
    )(function)  # fmt: skip
    return _identity_option(function)


def opening_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-i`` and ``--open-passphrase``, for commands that have `recipient_options` too.

    Parameters `identity_files` and `open_passphrase`.
    """
    function = click.option(
        "--open-passphrase", is_flag=True,
        help=f"Open with a passphrase: {_asked(OPEN_PASSPHRASE_FILE)}",
    )(function)  # fmt: skip
    return _identity_option(function)


def _identity_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "-i", "--identity", "identity_files", metavar="FILE", multiple=True,
        type=click.Path(dir_okay=False, allow_dash=True),
        help="Open with the secret keys in this file, made by jpegredact keygen, age-keygen or "
        "ssh-keygen. May be repeated.",
    )(function)  # fmt: skip


def require_embeddable(
    embed: bool, texts: Iterable[str], files: Iterable[str], passphrase: bool
) -> None:
    """Refuse ``--embed`` for what is not to be published.

    Raises
    ------
    click.UsageError
    """
    if embed and (passphrase or not (tuple(texts) or tuple(files))):
        raise click.UsageError(
            "--embed publishes the diff: it takes recipients (-r, -R), and no passphrase, which "
            "could be guessed at"
        )


def read_recipients(texts: Iterable[str], files: Iterable[str]) -> tuple[Recipient, ...]:
    """Return the recipients that ``-r`` and ``-R`` name.

    Raises
    ------
    InvalidKeyError, OSError
    """
    from ..diff.keys import Recipient, parse_recipients

    forbid_core_dumps()
    named = [Recipient(text, f"-r, number {n}") for n, text in enumerate(texts, 1)]
    in_files = [key for path in files for key in parse_recipients(_read_keys(path), path)]
    return tuple(dict.fromkeys(named + in_files))


class SealingKeys(NamedTuple):
    """Whom a diff is sealed to; to nobody, it stays plain."""

    recipients: tuple[Recipient, ...] = ()
    run: RunKey | None = None


def sealing_keys(
    texts: Iterable[str], files: Iterable[str], passphrase: bool, variable: str = PASSPHRASE_FILE
) -> SealingKeys:
    """Return what ``-r``, ``-R`` and ``-p`` name; asks for the passphrase.

    Raises
    ------
    InvalidKeyError, click.UsageError, OSError
    """
    texts, files = tuple(texts), tuple(files)
    if not texts and not files and not passphrase:
        return SealingKeys()
    from ..diff.passphrase import RunKey

    run = None
    recipients = read_recipients(texts, files)
    if passphrase:
        run = RunKey.create(
            ask_passphrase("Passphrase to seal with", confirm=True, variable=variable)
        )
    return SealingKeys(recipients, run)


class OpeningKeys(NamedTuple):
    """What opens a diff."""

    identities: tuple[Identity, ...] = ()
    passphrase: Passphrase | None = None


def opening_keys(files: Iterable[str], passphrase: bool) -> OpeningKeys:
    """Return what ``-i`` and ``-p`` name; asks for the passphrase.

    Raises
    ------
    InvalidKeyError, click.UsageError, OSError
    """
    files = tuple(files)
    return OpeningKeys(
        read_identities(files) if files else (), ask_passphrase() if passphrase else None
    )


def read_identities(files: Iterable[str]) -> tuple[Identity, ...]:
    """Return the identities that ``-i`` names.

    Raises
    ------
    InvalidKeyError, OSError
    """
    from ..diff.keys import parse_identities

    forbid_core_dumps()
    return tuple(key for path in files for key in parse_identities(_read_keys(path), path))


def ask_passphrase(
    prompt: str = "Passphrase", *, confirm: bool = False, variable: str = PASSPHRASE_FILE
) -> Passphrase:
    """Return the passphrase: from the file that the environment names, or from the terminal.

    Parameters
    ----------
    prompt
        What to ask for.
    confirm
        Ask a second time, since what is sealed with a typing error never opens again.
    variable
        The environment variable that may name the file. A command that takes two passphrases
        needs another one for the second.

    Raises
    ------
    InvalidKeyError
        It is empty or no text.
    click.UsageError
        There is no terminal to ask at, or the second answer is another one.
    OSError
        The file can't be read.
    """
    from ..diff.passphrase import Passphrase

    forbid_core_dumps()
    path = os.environ.get(variable)
    if path:
        return Passphrase(_first_line(path))
    passphrase = Passphrase(_ask(f"{prompt}: ", variable))
    if confirm and _ask(f"{prompt}, again: ", variable) != passphrase.reveal():
        raise click.UsageError("the two passphrases differ")
    return passphrase


def forbid_core_dumps() -> None:
    """Keep a crash from writing this process's memory, keys and all, to the disk."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read_keys(path: str) -> bytes:
    """Read a file of keys, or standard input for ``-``; a byte more than may be in it."""
    from ..diff.keys import MAX_FILE

    with click.open_file(path, "rb") as file:
        data: bytes = file.read(MAX_FILE + 1)
    return data


def _first_line(path: str) -> str:
    with Path(path).open("rb") as file:
        if os.name != "nt" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            say(f"warning: {path}: others than its owner may use this file (chmod 600)")
        line = file.readline(_MAX_PASSPHRASE)
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise InvalidKeyError(f"{path} is no text (UTF-8)", code="key.passphrase") from None


def _ask(prompt: str, variable: str) -> str:
    """Ask at the terminal, without echo; never anywhere that would show it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt, sys.stderr)
        except getpass.GetPassWarning:
            raise click.UsageError(
                f"no terminal to ask for the passphrase at: name a file that holds it in {variable}"
            ) from None
