"""Headers of age files: looked at before anything is computed; refusals of pyrage are ours."""

import pyrage
import pytest
from age_maker import header

from jpegredact.diff.age import MAX_HEADER, recipient_stanzas, refused_as, stanzas
from jpegredact.diff.keys import generate_identity
from jpegredact.errors import InvalidDiffError, InvalidKeyError

STANZA = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"
GREASE = b"-> 7;p-grease x y\nAAAA\n"


def test_stanzas() -> None:
    assert stanzas(header(STANZA, GREASE)) == [
        ("X25519", "A" * 43), ("7;p-grease", "x", "y"),
    ]  # fmt: skip
    assert recipient_stanzas(header(GREASE, STANZA)) == [("X25519", "A" * 43)]
    assert stanzas(header()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"", b"age", b"age-encryption.org/v1", b"age-encryption.org/v1\n",
        b"age-encryption.org/v2\n" + STANZA + b"--- x\n",
        b"\nage-encryption.org/v1\n--- x\n",
        b"-----BEGIN AGE ENCRYPTED FILE-----\n",
        header(STANZA)[:-60],
        b"age-encryption.org/v1\n-> X25519 " + b"A" * MAX_HEADER + b"\nA\n--- x\n",
    ],
)  # fmt: skip
def test_what_is_no_age_file(data) -> None:
    with pytest.raises(InvalidDiffError) as caught:
        stanzas(data)
    assert caught.value.code == "diff.age"


def test_many_stanzas_are_never_tried() -> None:
    """Each costs as much as opening the file does: a million would take a minute."""
    assert len(recipient_stanzas(header(*[STANZA] * 4))) == 4
    for count in (5, 50, 100_000):
        with pytest.raises(InvalidDiffError):
            recipient_stanzas(header(*[STANZA] * count))


def test_what_pyrage_takes_has_a_header_that_we_can_read() -> None:
    recipient = generate_identity().recipient
    sizes = set()
    for _ in range(200):
        data = recipient.encrypt(b"x")
        sizes.add(len(data))
        assert [stanza[0] for stanza in recipient_stanzas(data)] == ["X25519"]
    assert max(sizes) < 600


def test_refused_as() -> None:
    with (
        pytest.raises(InvalidKeyError) as caught,
        refused_as(lambda words: InvalidKeyError("no" * ("Bech32" in words))),
    ):
        pyrage.x25519.Recipient.from_str("age1x")
    assert caught.value.message == "no"
    assert caught.value.__suppress_context__
    for other in (ValueError, KeyboardInterrupt):
        with pytest.raises(other), refused_as(lambda _: InvalidKeyError("no")):
            raise other
