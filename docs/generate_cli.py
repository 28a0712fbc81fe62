"""Writes docs/cli.md from the commands' own help: ``python docs/generate_cli.py``."""

from __future__ import annotations

from pathlib import Path

import click

from jpegredact.cli import group

PAGE = Path(__file__).with_name("cli.md")


def page() -> str:
    """Return the page."""
    parts = ["# The command line", "", "Made by `docs/generate_cli.py`; don't edit.", ""]
    parts += ["```text", _help(group, "jpegredact"), "```", ""]
    with click.Context(group, info_name="jpegredact") as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None:
                text = _help(command, f"jpegredact {name}")
                parts += [f"## {name}", "", "```text", text, "```", ""]
            if isinstance(command, click.Group):
                parts += _below(command, f"jpegredact {name}")
    return "\n".join(parts)


def _below(above: click.Group, name: str) -> list[str]:
    """Return the help of a group's commands."""
    parts = []
    for each, command in above.commands.items():
        text = _help(command, f"{name} {each}")
        parts += [f"### {name.partition(' ')[2]} {each}", "", "```text", text, "```", ""]
    return parts


def _help(command: click.Command, name: str) -> str:
    context = click.Context(
        command, info_name=name, terminal_width=90, max_content_width=90,
        help_option_names=["-h", "--help"],
    )  # fmt: skip
    return command.get_help(context)


if __name__ == "__main__":
    PAGE.write_text(page())
