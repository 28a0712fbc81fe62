"""What callers may give as keys, and what becomes of anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import photo, pillow_jpeg

import jpegredact as jr
from jpegredact.diff.keys import generate_identity
from jpegredact.keyring import as_identities, as_passphrase, as_recipients, as_run

OWNER = generate_identity()


def type_of(value: object) -> str:
    return type(value).__name__


ODD_WORDS = [b"words", 5, True, 1.5, [], ["words"], {}, object(), Path("words"), np.zeros(3)]


@pytest.mark.parametrize("given", ODD_WORDS, ids=type_of)
def test_a_passphrase_is_text(given: object) -> None:
    for read in (as_passphrase, as_run):
        with pytest.raises(TypeError, match="a passphrase is text"):
            read(given)
    data = pillow_jpeg(photo(96, 64))
    with pytest.raises(TypeError, match="a passphrase is text"):
        jr.redact(data, [(8, 8, 40, 24)], passphrase=given)
    sealed = jr.redact(data, [(8, 8, 40, 24)], recipients=[OWNER.recipient]).diff.to_bytes()
    with pytest.raises(TypeError, match="a passphrase is text"):
        jr.restore(data, sealed, passphrase=given)


@pytest.mark.parametrize("given", ["key\0.txt", Path("key\0.txt")], ids=type_of)
def test_a_path_with_a_nul(given: object) -> None:
    with pytest.raises(OSError, match="NUL"):
        as_identities([given])
    with pytest.raises((OSError, jr.InvalidKeyError)):
        as_recipients([given])


def test_a_key_that_is_no_unicode() -> None:
    """Python's own error would carry the whole key along."""
    for text in (f"{OWNER.secret()}\udcff", "AGE-\udcff"):
        with pytest.raises(jr.InvalidKeyError) as caught:
            as_identities([text])
        error: BaseException | None = caught.value
        while error is not None:
            assert OWNER.secret()[16:32] not in repr(vars(error)) + repr(error.args)
            error = error.__cause__


@pytest.mark.parametrize("given", [5, None, object()], ids=type_of)
def test_they_are_lists(given: object) -> None:
    for read in (as_identities, as_recipients):
        with pytest.raises(TypeError):
            read(given)
        with pytest.raises(jr.InvalidKeyError, match="text or a path"):
            read([given])
    for one in (OWNER, OWNER.recipient, str(OWNER.recipient), Path("key.txt"), b"key.txt"):
        for read in (as_identities, as_recipients):
            with pytest.raises(TypeError, match="are a list"):
                read(one)


@pytest.mark.parametrize("given", [5, 1 << 70, -1, [1], [300], None, "x", 1.5, {}], ids=type_of)
def test_a_diff_is_bytes(given: object) -> None:
    with pytest.raises(TypeError):
        jr.UnblurDiff.from_bytes(given)


def test_no_region_is_no_part() -> None:
    diff = jr.redact(pillow_jpeg(photo(96, 64)), [(8, 8, 40, 24)]).diff
    for cut in (diff.extract, diff.drop):
        with pytest.raises(jr.InvalidRegionError, match="no region is named"):
            cut([])
