"""The test vectors of diffs: each gives what its header says, and the script makes them."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import pytest

import jpegredact as jr

FOLDER = Path(__file__).parents[1] / "vectors" / "diff"
VECTORS = sorted(FOLDER.glob("*.vector"))
MADE = runpy.run_path(str(FOLDER.parent / "make_diff_vectors.py"))


def taken_apart(path: Path) -> tuple[dict[str, str], bytes]:
    head, diff = path.read_bytes().split(b"\n\n", 1)
    return dict(line.split(": ", 1) for line in head.decode().splitlines()), diff


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    headers, diff = taken_apart(path)
    options: dict[str, object] = {
        "identities": [FOLDER / name for name in headers.get("identity", "").split()],
        "passphrase": headers.get("passphrase"),
        "regions": [int(n) for n in headers["regions"].split(",")] if "regions" in headers
        else None,
    }
    jpeg = FOLDER / headers["jpeg"]
    if headers["expect"] in ("restored", "revealed"):
        back = jr.restore(jpeg, diff, **options)
        assert hashlib.sha256(back).hexdigest() == headers["result"]
        assert (back == (FOLDER / "original.jpg").read_bytes()) == (
            headers["expect"] == "restored"
        )
        assert jr.UnblurDiff.from_bytes(diff).to_bytes() == diff
        return
    name, code = headers["expect"].split()
    with pytest.raises(getattr(jr, name)) as caught:
        jr.restore(jpeg, diff, **options)
    assert (type(caught.value).__name__, caught.value.code) == (name, code)
    assert "result" not in headers


def test_every_kind_is_there() -> None:
    assert len(VECTORS) > 50
    kinds = {taken_apart(path)[0]["expect"] for path in VECTORS}
    for kind in ("restored", "revealed", "InvalidDiffError diff.truncated",
                 "InvalidDiffError diff.magic", "InvalidDiffError diff.cbor",
                 "InvalidDiffError diff.padding", "DiffMismatchError diff.manifest",
                 "DecryptionError decrypt.wrong-key",
                 "LimitExceededError limit.cells"):  # fmt: skip
        assert kind in kinds


def test_the_script_makes_the_plain_ones() -> None:
    """The same bytes each time, and the pictures too."""
    for name, data in MADE["pictures"]().items():
        assert (FOLDER / name).read_bytes() == data, name
    made = {name: vector.to_bytes() for name, vector in MADE["plain"]()}
    for name, data in made.items():
        assert (FOLDER / f"{name}.vector").read_bytes() == data, name
    sealed = {name for name, _ in MADE["sealed"]()}
    assert {path.stem for path in VECTORS} == made.keys() | sealed


def test_the_script_makes_good_sealed_ones(tmp_path: Path) -> None:
    """Made anew, they are others, and give the same."""
    for name, make in MADE["sealed"]():
        vector = make()
        headers, diff = taken_apart(FOLDER / f"{name}.vector")
        assert diff != vector.diff
        path = tmp_path / f"{name}.vector"
        path.write_bytes(vector.to_bytes())
        assert taken_apart(path)[0] == headers
        test_vector(path)


def test_the_keys_say_what_they_are() -> None:
    for path in FOLDER.glob("*.key"):
        if path.name != "ssh-ed25519.key":  # whose .pub says so
            assert "TEST KEY" in path.read_text()
    assert "TEST KEY" in (FOLDER / "ssh-ed25519.pub").read_text()
