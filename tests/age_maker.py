"""Makes age files that no age tool makes: of any work factor, any stanzas. A second reading
of https://c2sp.org/age, with Python's own scrypt and the package cryptography."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE_KEY = bytes(range(16))
SALT = b"0123456789abcdef"


def b64(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def header(*stanzas: bytes) -> bytes:
    """A header with its MAC, of stanzas such as ``b"-> X25519 ...\\nbody\\n"``."""
    text = b"age-encryption.org/v1\n" + b"".join(stanzas) + b"---"
    mac = hmac.digest(hkdf(FILE_KEY, b"", b"header"), text, "sha256")
    return text + b" " + b64(mac) + b"\n"


def payload(plain: bytes) -> bytes:
    """The payload of less than 64 KiB."""
    nonce = b"n" * 16
    cipher = ChaCha20Poly1305(hkdf(FILE_KEY, nonce, b"payload"))
    return nonce + cipher.encrypt(bytes(11) + b"\1", plain, None)


def scrypt_stanza(passphrase: str, factor: int, told: str | None = None) -> bytes:
    """A stanza of a work factor, or one that tells another (``told``)."""
    key = hashlib.scrypt(
        passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + SALT, n=1 << factor, r=8, p=1,
        maxmem=1 << 28, dklen=32,
    )  # fmt: skip
    body = ChaCha20Poly1305(key).encrypt(bytes(12), FILE_KEY, None)
    told = str(factor) if told is None else told
    return b"-> scrypt " + b64(SALT) + b" " + told.encode() + b"\n" + b64(body) + b"\n"


def envelope(passphrase: str, plain: bytes, factor: int = 4, told: str | None = None) -> bytes:
    """An age file that a passphrase opens, quickly."""
    return header(scrypt_stanza(passphrase, factor, told)) + payload(plain)
