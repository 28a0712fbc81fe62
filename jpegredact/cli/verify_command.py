"""``jpegredact verify``: an independent reader compares two files."""

from __future__ import annotations

from dataclasses import asdict

import click

from .common import SAID_NO, box_options, say, write_json
from .keys import identity_options, opening_keys


@click.command("verify")
@click.argument("original", metavar="ORIG", type=click.Path(dir_okay=False))
@click.argument("redacted", metavar="OUT", type=click.Path(dir_okay=False))
@click.argument("diff", metavar="[DIFF]", required=False, type=click.Path(dir_okay=False))
@box_options
@identity_options
@click.option("--json", "as_json", is_flag=True, help="Write the result to stdout as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    original: str,
    redacted: str,
    diff: str | None,
    boxes: tuple[tuple[float, float, float, float], ...],
    margin: str | None,
    upright: bool,
    identity_files: tuple[str, ...],
    passphrase: bool,
    as_json: bool,
) -> None:
    """Check that only the regions changed, and that the diff brings the original back.

    Every coefficient of both files is read by jpegio (libjpeg-turbo), not by
    our own decoder. The regions come from DIFF or from --box; with a key alone, from the
    diff that is embedded in OUT. Exit status 1 if something is wrong.
    """
    if diff is not None and boxes:
        raise click.UsageError("give DIFF or --box, not both")

    from ..pipeline import verify

    keys = opening_keys(identity_files, passphrase)
    result = verify(
        original, redacted, diff, boxes=boxes or None, margin=margin or "0",
        coordinates="upright" if upright else "stored",
        identities=keys.identities, passphrase=keys.passphrase,
    )  # fmt: skip
    if as_json:
        write_json({"ok": result.ok, **asdict(result)})
    say(f"{result.outside_changed} blocks changed outside the regions")
    say(f"{result.inside_changed} blocks changed inside, {result.inside_unchanged} did not")
    if result.restored is not None:
        say(f"the diff {'restores' if result.restored else 'does NOT restore'} the original")
    for problem in result.problems:
        say(f"problem: {problem}")
    say("verified" if result.ok else "NOT verified")
    ctx.exit(0 if result.ok else SAID_NO)
