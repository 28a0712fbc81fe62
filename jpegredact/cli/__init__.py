"""The ``jpegredact`` command: one module a command, data on stdout, words on stderr."""

from __future__ import annotations

import gc
from importlib import import_module

import click

from .common import guarded

__all__ = ["group", "main"]

_COMMANDS = (
    "redact", "detect", "preview", "restore", "verify", "audit", "inspect", "diff", "batch",
    "keygen", "models", "demo",
)  # fmt: skip


class _Lazy(click.Group):
    """Imports a command's module only when it is called (or listed in the help)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}_command", __name__).command
        return command


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 a check said no, 2 usage, 3 bad or unsupported input, "
    "4 wrong key or wrong diff, 5 input or output failed, 6 nothing written because a guarantee "
    "could not be kept.",
)
@click.version_option(package_name="jpegredact")
def group() -> None:
    """Hide regions of a JPEG by rewriting only the blocks that they touch.

    The rest of the file stays as it is, bit for bit; the unblur-diff brings the
    original back.
    """


def main() -> None:
    """Run the command line and exit with its status."""
    gc.set_threshold(20_000)  # what is imported stays: looking for cycles in it takes 5 ms
    try:
        guarded(group)
    finally:
        gc.freeze()  # all of it goes with the process; looking for them once more takes 10 ms
