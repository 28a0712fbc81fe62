"""Keys as age and OpenSSH write them, in both directions; and none of them ever shows."""

from __future__ import annotations

import base64
import copy
import pickle
import shutil
import subprocess
import traceback

import pytest

from jpegredact.diff.keys import (
    MAX_FILE,
    Identity,
    Recipient,
    generate_identity,
    parse_identities,
    parse_recipients,
)
from jpegredact.errors import DecryptionError, InvalidDiffError, InvalidKeyError

SECRET = "AGE-SECRET-KEY-10224PX3YMLA3KNTXTFNPDSNHK5TX4VEVQRSZC5HKLRT3R43QPQ2QES8QMY"
PUBLIC = "age1wn9ahx2mdsc4qz8dx20qyxe66qzcke4e90j4u293dgjghlgrz5tqjl7k87"
PANICKING = "ssh-rsa AAAAB3NzaC1yc2EAAAADAAAABAQCIQABAAABAQCI"
"""Makes the age crate below pyrage 1.4 panic instead of refusing it."""

needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="age is not here")


def program(*command: object, data: bytes = b"") -> bytes:
    return subprocess.run(
        list(map(str, command)), input=data, capture_output=True, check=True, timeout=60
    ).stdout


@pytest.fixture(scope="module")
def ssh(tmp_path_factory):
    """Make an SSH key of a kind; return its path."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not here")
    folder = tmp_path_factory.mktemp("ssh")
    made = {}

    def make(*options: str):
        if options not in made:
            path = made[options] = folder / f"key{len(made)}"
            passphrase = () if "-N" in options else ("-N", "")
            program("ssh-keygen", "-q", "-C", "me@home", "-f", path, *passphrase, *options)
        return made[options]

    return make


class TestRecipient:
    def test_texts(self) -> None:
        recipient = Recipient(f"  {PUBLIC}\n")
        assert str(recipient) == recipient.text == PUBLIC
        assert repr(recipient) == f"Recipient('{PUBLIC}')"
        assert recipient == Recipient(PUBLIC.upper())
        assert recipient != PUBLIC
        assert len({recipient, Recipient(PUBLIC), generate_identity().recipient}) == 2

    def test_it_crosses_processes(self) -> None:
        again = pickle.loads(pickle.dumps(Recipient(PUBLIC)))
        assert again == Recipient(PUBLIC)
        assert Identity.from_text(SECRET).decrypt(again.encrypt(b"x")) == b"x"

    @pytest.mark.parametrize(
        ("text", "code", "words"),
        [
            ("", "key.invalid", "no public key"),
            ("someone", "key.invalid", "no public key"),
            ("me@example.org", "key.invalid", "no public key"),
            ("github:someone", "key.invalid", "no public key"),
            ("\udcff", "key.invalid", "no public key"),
            ("age1é", "key.invalid", "typing error"),
            ("age1", "key.invalid", "typing error"),
            (PUBLIC[:-1], "key.invalid", "typing error"),
            (PUBLIC[:-1] + "q", "key.invalid", "typing error"),
            (SECRET, "key.invalid", "secret key where a public one belongs"),
            (SECRET.lower(), "key.invalid", "secret key where a public one belongs"),
            ("AGE-PLUGIN-YUBIKEY-1ABC", "key.invalid", "secret key where"),
            ("age1yubikey1qwerty", "key.unsupported", "plugin"),
            ("age1pq1qwerty", "key.unsupported", "post-quantum"),
            ("age1tagpq1qwerty", "key.unsupported", "post-quantum"),
            ("ssh-ed25519", "key.invalid", "damaged or incomplete"),
            ("ssh-ed25519 AAAA", "key.invalid", "damaged or incomplete"),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAA==", "key.invalid", "damaged"),
            (PANICKING, "key.invalid", "damaged or incomplete"),
            ("ecdsa-sha2-nistp256 AAAA", "key.invalid", "no public key"),
        ],
    )
    def test_what_is_none(self, text, code, words) -> None:
        with pytest.raises(InvalidKeyError, match=words) as caught:
            Recipient(text, "-r, number 1")
        assert caught.value.code == code
        assert str(caught.value).startswith("-r, number 1: ")
        assert len(text) < 9 or text not in str(caught.value)

    @pytest.mark.parametrize("bits", [1024, 4104])
    def test_rsa_keys_of_sizes_that_pyrage_refuses(self, bits) -> None:
        """age itself takes larger ones; they are whole, and a message must not say otherwise."""
        numbers = (b"ssh-rsa", b"\1\0\1", b"\0" + b"\xff" * (bits // 8))
        body = b"".join(len(each).to_bytes(4) + each for each in numbers)
        with pytest.raises(InvalidKeyError, match="less than 2048 or more than 4096 bits"):
            Recipient(f"ssh-rsa {base64.b64encode(body).decode()}")

    def test_comments_of_ssh_keys_are_no_part_of_them(self, ssh) -> None:
        text = ssh("-t", "ed25519").with_suffix(".pub").read_text()
        recipient = Recipient(text)
        assert text.endswith(" me@home\n")
        assert str(recipient) == text.removesuffix(" me@home\n")
        assert recipient == Recipient(text.replace("me@home", "Übung macht"))


class TestIdentity:
    def test_texts(self) -> None:
        identity = Identity.from_text(SECRET)
        assert identity.secret() == SECRET
        assert identity.recipient == Recipient(PUBLIC)
        assert identity == Identity.from_text(SECRET)
        assert hash(identity) == hash(Identity.from_text(SECRET))
        assert identity not in (generate_identity(), SECRET)

    @pytest.mark.parametrize("text", ["", "x", SECRET[:-1], SECRET + "Q", PUBLIC, "é", "\udc80"])
    def test_what_is_none(self, text) -> None:
        with pytest.raises(InvalidKeyError, match="damaged or incomplete"):
            Identity.from_text(text)

    def test_it_opens_what_was_sealed_to_it_alone(self) -> None:
        mine, other = generate_identity(), generate_identity()
        sealed = mine.recipient.encrypt(b"for me")
        assert mine.decrypt(sealed) == b"for me"
        with pytest.raises(DecryptionError) as caught:
            other.decrypt(sealed)
        assert caught.value.code == "decrypt.wrong-key"

    def test_every_truncation_and_every_flipped_bit_is_refused(self) -> None:
        identity = generate_identity()
        sealed = identity.recipient.encrypt(b"for me")
        wrong = [sealed[:end] for end in range(len(sealed))]
        wrong += [
            sealed[:at] + bytes((sealed[at] ^ 1 << at % 8,)) + sealed[at + 1 :]
            for at in range(len(sealed))
        ]
        for data in wrong:
            with pytest.raises((DecryptionError, InvalidDiffError)):
                identity.decrypt(data)

    def test_it_does_not_show(self) -> None:
        identity = Identity.from_text(SECRET)
        assert repr(identity) == str(identity) == f"Identity(of {PUBLIC})"
        assert "SECRET" not in f"{identity} {identity!r} {[identity]}"
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="secret"):
                leak(identity)


class TestFilesOfIdentities:
    def test_as_age_keygen_writes_them(self) -> None:
        text = f"# created: today\r\n# public key: {PUBLIC}\r\n{SECRET}\r\n\n \n"
        assert parse_identities(text.encode()) == (Identity.from_text(SECRET),)
        assert parse_identities(f"\ufeff{SECRET}".encode()) == (Identity.from_text(SECRET),)
        other = generate_identity()
        both = parse_identities(f"{SECRET}\n{other.secret()}".encode())
        assert both == (Identity.from_text(SECRET), other)

    @pytest.mark.parametrize(
        ("data", "code", "words"),
        [
            (b"", "key.invalid", "my.key holds no identity"),
            (b"# nothing\n\n", "key.invalid", "holds no identity"),
            (b"\xff\xfe", "key.invalid", "no text"),
            (b"#\n" + SECRET[:-1].encode(), "key.invalid", "my.key, line 2: .* damaged"),
            (SECRET.lower().encode(), "key.invalid", "line 1: no identity"),
            (b"hunter2hunter2", "key.invalid", "line 1: no identity"),
            (PUBLIC.encode(), "key.invalid", "public key, which opens nothing"),
            (b"ssh-ed25519 AAAA", "key.invalid", "public key, which opens nothing"),
            (b"AGE-PLUGIN-YUBIKEY-1ABCDEFG", "key.unsupported", "plugin"),
            (b"AGE-SECRET-KEY-PQ-1ABCDEFG", "key.unsupported", "post-quantum"),
            (b"age-encryption.org/v1\n-> scrypt", "key.protected", "encrypted itself"),
            (b"-----BEGIN AGE ENCRYPTED FILE-----", "key.protected", "encrypted itself"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA", "key.invalid", "no private key"),
            (b"-----BEGIN OPENSSH PRIVATE KEY-----\n\xff", "key.invalid", "no private key"),
            (b"-----BEGIN" + bytes(MAX_FILE), "key.invalid", "more than"),
            (b"#" * MAX_FILE + b"#", "key.invalid", "more than"),
            (SECRET.encode() + b"A" * 9000, "key.invalid", "more than"),
            (b"x\n" * 1001, "key.invalid", "more than 1000 keys"),
        ],
    )
    def test_what_is_none(self, data, code, words) -> None:
        with pytest.raises(InvalidKeyError, match=words) as caught:
            parse_identities(data, "my.key")
        assert caught.value.code == code
        shown = "".join(traceback.format_exception(caught.value))
        for line in data.split(b"\n"):
            assert len(line) < 9 or line.decode("latin-1")[:40] not in shown

    @pytest.mark.parametrize("kind", [("-t", "ed25519"), ("-t", "rsa"), ("-t", "rsa", "-m", "PEM")])
    def test_ssh_keys(self, ssh, kind) -> None:
        path = ssh(*kind)
        (identity,) = parse_identities(path.read_bytes())
        recipient = Recipient(path.with_suffix(".pub").read_text())
        assert identity.decrypt(recipient.encrypt(b"x")) == b"x"
        assert repr(identity) == str(identity) == "Identity(of an SSH key)"
        assert identity.recipient is None
        assert identity == identity
        assert identity != parse_identities(path.read_bytes())[0]
        assert hash(identity) == hash(identity)
        with pytest.raises(InvalidKeyError):
            identity.secret()

    @pytest.mark.parametrize("form", ["RFC4716", "PEM"])
    def test_protected_ssh_keys(self, ssh, form) -> None:
        path = ssh("-t", "rsa", "-m", form, "-N", "hunter2hunter2")
        with pytest.raises(InvalidKeyError, match="protected by a passphrase") as caught:
            parse_identities(path.read_bytes(), "id_rsa")
        assert caught.value.code == "key.protected"
        assert "ssh-keygen -p" in caught.value.hint

    def test_other_ssh_keys(self, ssh) -> None:
        path = ssh("-t", "ecdsa")
        with pytest.raises(InvalidKeyError, match="no private key that can be used"):
            parse_identities(path.read_bytes())
        with pytest.raises(InvalidKeyError, match="no public key"):
            Recipient(path.with_suffix(".pub").read_text())


class TestFilesOfRecipients:
    def test_lines(self, ssh) -> None:
        text = ssh("-t", "ed25519").with_suffix(".pub").read_text()
        found = parse_recipients(f"# archive\n\n{PUBLIC}\n  # me\n{text}".encode())
        assert found == (Recipient(PUBLIC), Recipient(text))

    def test_what_is_wrong_is_named_by_its_line(self) -> None:
        with pytest.raises(InvalidKeyError, match=r"team\.txt, line 3: no public key"):
            parse_recipients(f"# team\n{PUBLIC}\nhunter2\n".encode(), "team.txt")
        with pytest.raises(InvalidKeyError, match="line 1: a secret key") as caught:
            parse_recipients(SECRET.encode())
        assert SECRET not in str(caught.value)
        with pytest.raises(InvalidKeyError, match="holds no recipient"):
            parse_recipients(b"# nobody\n")


@needs_age
class TestAge:
    """The age program as the referee."""

    def test_its_keys(self, tmp_path) -> None:
        key = tmp_path / "key.txt"
        program("age-keygen", "-o", key)
        (identity,) = parse_identities(key.read_bytes())
        assert f"# public key: {identity.recipient}\n" in key.read_text()
        assert program("age", "-d", "-i", key, data=identity.recipient.encrypt(b"ours")) == b"ours"
        theirs = program("age", "-r", identity.recipient, data=b"theirs")
        assert identity.decrypt(theirs) == b"theirs"

    @pytest.mark.parametrize("kind", ["ed25519", "rsa"])
    def test_ssh_keys(self, ssh, kind) -> None:
        path = ssh("-t", kind)
        (identity,) = parse_identities(path.read_bytes())
        recipient = Recipient(path.with_suffix(".pub").read_text())
        assert program("age", "-d", "-i", path, data=recipient.encrypt(b"ours")) == b"ours"
        theirs = program("age", "-R", path.with_suffix(".pub"), data=b"theirs")
        assert identity.decrypt(theirs) == b"theirs"

    def test_a_file_for_several_is_none_of_ours(self) -> None:
        mine, other = generate_identity(), generate_identity()
        both = program("age", "-r", mine.recipient, "-r", other.recipient, data=b"x")
        with pytest.raises(DecryptionError, match="several keys at once"):
            mine.decrypt(both)
