"""Keys: `Recipient` (public) and `Identity` (secret), read from their usual texts and files.

X25519 keys of age, and SSH keys (ed25519, RSA). pyrage does the cryptography; this
wraps its objects, whose ``str`` is the secret, so that no secret gets into a
``repr``, a log, a pickle or the message of an error. Knows texts; opens no file.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from ..errors import DecryptionError, InvalidKeyError
from .age import recipient_stanzas, refused_as

__all__ = [
    "MAX_FILE",
    "Identity",
    "Recipient",
    "generate_identity",
    "parse_identities",
    "parse_recipients",
]

MAX_FILE: Final = 1 << 20
"""Bytes in a file of recipients or identities."""

_MAX_KEYS = 1000
_MAX_LINE = 1 << 13
_SECRET = "AGE-SECRET-KEY-1"  # noqa: S105  (what all of them begin with)
_SSH = ("ssh-ed25519", "ssh-rsa")


class Recipient:
    """A public key: what is sealed to it, only its identity opens.

    Parameters
    ----------
    text
        ``age1...``, ``ssh-ed25519 AAAA... [comment]`` or ``ssh-rsa AAAA... [comment]``.
    name
        What to call it in messages, such as ``"keys.txt, line 3"``.

    Raises
    ------
    InvalidKeyError
        ``key.invalid``, or ``key.unsupported`` for a plugin's or a post-quantum key.
    """

    __slots__ = ("_age", "text")

    def __init__(self, text: str, name: str = "recipient") -> None:
        import pyrage

        text = text.strip()
        if text.upper().startswith("AGE-"):
            raise InvalidKeyError(
                f"{name}: a secret key where a public one belongs",
                hint="jpegredact keygen -y FILE shows the public keys of an identity file",
            )
        is_ssh = text.startswith(_SSH)
        if is_ssh:
            text = " ".join(text.split()[:2])  # a comment is no part of the key
        if not text.isascii():
            raise _unusable_recipient(text, name)
        with refused_as(lambda _: _unusable_recipient(text, name)):
            if is_ssh:
                self._age: Any = pyrage.ssh.Recipient.from_str(text)
                self.text = text
            else:
                self._age = pyrage.x25519.Recipient.from_str(text)
                self.text = str(self._age)

    @classmethod
    def of(cls, identity: Identity) -> Recipient:
        """Return the public key of an X25519 identity; `Identity.recipient` is for any."""
        recipient = cls.__new__(cls)
        recipient._age = identity._age.to_public()
        recipient.text = str(recipient._age)
        return recipient

    def encrypt(self, data: bytes) -> bytes:
        """Return an age file that only this recipient's identity opens."""
        import pyrage

        with refused_as(lambda _: InvalidKeyError(f"nothing can be sealed to {self}")):
            sealed: bytes = pyrage.encrypt(data, [self._age])
        return sealed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipient) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Recipient({self.text!r})"

    def __reduce__(self) -> tuple[type[Recipient], tuple[str]]:
        return Recipient, (self.text,)


class Identity:
    """A secret key. Made by `generate_identity` and `parse_identities`.

    Equal to another one if their public keys are; SSH identities, whose public key
    pyrage does not tell, only to themselves. Can't be pickled.
    """

    __slots__ = ("_age",)

    def __init__(self, age: Any) -> None:
        self._age = age

    @classmethod
    def from_text(cls, text: str) -> Identity:
        """Return the identity that ``AGE-SECRET-KEY-1...`` stands for.

        Raises
        ------
        InvalidKeyError
        """
        import pyrage

        if not text.isascii():
            raise _damaged_secret("")
        with refused_as(_damaged_secret):
            return cls(pyrage.x25519.Identity.from_str(text))

    @classmethod
    def from_bare(cls, text: str) -> Identity:
        """Return the identity of which `bare` gave the text.

        Raises
        ------
        InvalidKeyError
        """
        return cls.from_text(_SECRET + text)

    @property
    def recipient(self) -> Recipient | None:
        """The public key that belongs to it; None for an SSH key."""
        return Recipient.of(self) if hasattr(self._age, "to_public") else None

    def decrypt(self, data: bytes) -> bytes:
        """Return what an age file holds, which is always less than the file.

        The file must be for one recipient; its header is looked at before any key is tried.

        Raises
        ------
        InvalidDiffError
            ``diff.age``: no age file, or one with an odd header.
        DecryptionError
            ``decrypt.wrong-key``: it was sealed to another key, or is damaged.
        """
        import pyrage

        if len(recipient_stanzas(data)) != 1:
            raise _wrong_key("sealed to several keys at once, or to none")
        with refused_as(lambda _: _wrong_key("sealed to another key, or damaged")):
            opened: bytes = pyrage.decrypt(data, [self._age])
        return opened

    def secret(self) -> str:
        """Return the secret key as text: only to be written where secrets belong.

        Raises
        ------
        InvalidKeyError
            ``key.unsupported``: an SSH key, which pyrage does not show.
        """
        if not hasattr(self._age, "to_public"):
            raise InvalidKeyError("an SSH key has no text of this kind", code="key.unsupported")
        return str(self._age)

    def bare(self) -> str:
        """Return `secret` without what all such texts begin with.

        Raises
        ------
        InvalidKeyError
        """
        return self.secret().removeprefix(_SECRET)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        mine = self.recipient
        return self is other or (mine is not None and mine == other.recipient)

    def __hash__(self) -> int:
        return hash(self.recipient) if hasattr(self._age, "to_public") else id(self)

    def __repr__(self) -> str:
        return f"Identity(of {self.recipient})" if self.recipient else "Identity(of an SSH key)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an identity is secret and can't be pickled or copied")


def generate_identity() -> Identity:
    """Return a new X25519 identity, from the system's random numbers."""
    import pyrage

    return Identity(pyrage.x25519.Identity.generate())


def parse_recipients(data: bytes, name: str = "recipients file") -> tuple[Recipient, ...]:
    """Read a file of recipients: one a line; blank lines and those that begin with # aside.

    Parameters
    ----------
    data
        What the file holds.
    name
        What to call it in messages.

    Raises
    ------
    InvalidKeyError
        A line that is no recipient (the message says which), or a file without any.
    """
    return tuple(Recipient(line, where) for line, where in _lines(data, name, "recipient"))


def parse_identities(data: bytes, name: str = "identity file") -> tuple[Identity, ...]:
    """Read an identity file: as ``age-keygen`` writes it, or an SSH private key.

    Parameters
    ----------
    data
        What the file holds: lines ``AGE-SECRET-KEY-1...``, blank lines and comments (#);
        or one private key, ed25519 or RSA, as ``ssh-keygen`` writes it.
    name
        What to call it in messages.

    Raises
    ------
    InvalidKeyError
        ``key.protected``: protected by a passphrase; ``key.unsupported``: a plugin's or a
        post-quantum key; ``key.invalid``: anything else. The message names the line, and
        nothing that stands in it.
    """
    begin = data[:_MAX_LINE].lstrip()
    if begin.startswith((b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED")):
        raise InvalidKeyError(
            f"{name} is encrypted itself", code="key.protected",
            hint="decrypt it first (age -d), for as long as it is needed",
        )  # fmt: skip
    if begin.startswith(b"-----BEGIN"):
        return (_ssh_identity(data, name),)
    return tuple(_age_identity(*line) for line in _lines(data, name, "identity"))


def _lines(data: bytes, name: str, what: str) -> list[tuple[str, str]]:
    """Return the lines that matter, and for each what to call it in messages."""
    if len(data) > MAX_FILE:
        raise InvalidKeyError(f"{name} has more than {MAX_FILE} bytes")
    try:
        lines = [line.strip() for line in data.decode().removeprefix("\ufeff").split("\n")]
    except UnicodeDecodeError:
        raise InvalidKeyError(f"{name} is no text (UTF-8)") from None
    found = [
        (line, f"{name}, line {number}")
        for number, line in enumerate(lines, 1)
        if line and not line.startswith("#")
    ]
    if not found:
        raise InvalidKeyError(f"{name} holds no {what}")
    if len(found) > _MAX_KEYS:
        raise InvalidKeyError(f"{name} has more than {_MAX_KEYS} keys")
    for line, where in found:
        if len(line) > _MAX_LINE:
            raise InvalidKeyError(f"{where}: more than {_MAX_LINE} characters")
    return found


def _age_identity(line: str, name: str) -> Identity:
    try:
        if line.startswith(_SECRET):
            return Identity.from_text(line)
    except InvalidKeyError as error:
        raise InvalidKeyError(f"{name}: {error.message}") from None
    if line.startswith("AGE-PLUGIN-"):
        raise InvalidKeyError(
            f"{name}: an identity of an age plugin", code="key.unsupported", hint=_KINDS
        )
    if line.startswith("AGE-SECRET-KEY-"):
        raise InvalidKeyError(
            f"{name}: a post-quantum or newer kind of secret key", code="key.unsupported",
            hint=_KINDS,
        )  # fmt: skip
    if line.startswith(("age1", "ssh-")):
        raise InvalidKeyError(
            f"{name}: a public key, which opens nothing",
            hint="give the file that holds the secret key",
        )
    raise InvalidKeyError(f"{name}: no identity", hint=_KINDS)


def _ssh_identity(data: bytes, name: str) -> Identity:
    import pyrage

    if len(data) > MAX_FILE:
        raise InvalidKeyError(f"{name} has more than {MAX_FILE} bytes")
    with refused_as(lambda words: _unusable_ssh_key(words, name)):
        return Identity(pyrage.ssh.Identity.from_buffer(data))


_KINDS = (
    "keys of age (age1..., AGE-SECRET-KEY-1...) and SSH keys of the kinds ed25519 and RSA (2048 to "
    "4096 bits) can be used"
)


def _unusable_recipient(text: str, name: str) -> InvalidKeyError:
    """Return the error for a text that is no recipient, and that may be anything."""
    if text.startswith("ssh-rsa"):
        return InvalidKeyError(
            f"{name}: an SSH public key that is damaged or incomplete, or an RSA key of less than "
            "2048 or more than 4096 bits", hint=_KINDS,
        )  # fmt: skip
    if text.startswith(_SSH):
        return InvalidKeyError(f"{name}: an SSH public key that is damaged or incomplete")
    if text.startswith("age1") and "1" in text[4:]:  # no key of ours has a second one
        return InvalidKeyError(
            f"{name}: a key of an age plugin, or a post-quantum one", code="key.unsupported",
            hint=_KINDS,
        )  # fmt: skip
    if text.startswith("age1"):
        return InvalidKeyError(f"{name}: a public key with a typing error, or incomplete")
    return InvalidKeyError(f"{name}: no public key", hint=_KINDS)


def _unusable_ssh_key(words: str, name: str) -> InvalidKeyError:
    if "crypted" in words:  # "must be decrypted first", "EncryptedPem"
        return InvalidKeyError(
            f"{name}: an SSH key that is protected by a passphrase", code="key.protected",
            hint="make an unprotected copy (ssh-keygen -p -N '' -f COPY) for as long as it is "
            "needed, or use a key of its own (jpegredact keygen)",
        )  # fmt: skip
    return InvalidKeyError(f"{name}: no private key that can be used", hint=_KINDS)


def _damaged_secret(_: str) -> InvalidKeyError:
    return InvalidKeyError("a secret key that is damaged or incomplete")


def _wrong_key(what: str) -> DecryptionError:
    return DecryptionError(what, code="decrypt.wrong-key")
