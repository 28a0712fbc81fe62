"""Run identities: one scrypt a run, none for what asks for too much, no passphrase shown."""

from __future__ import annotations

import copy
import pickle
import shutil
import subprocess
import time
import traceback

import pyrage
import pytest
from age_maker import envelope, header, payload, scrypt_stanza
from terminal import at_terminal

from jpegredact.diff import passphrase as module
from jpegredact.diff.keys import generate_identity
from jpegredact.diff.passphrase import MAX_ENVELOPE, Passphrase, RunKey, open_run
from jpegredact.errors import DecryptionError, InvalidDiffError, InvalidKeyError

WORDS = "correct horse battery staple"


@pytest.fixture(scope="module")
def run_key() -> RunKey:
    """A real one: it costs seconds."""
    return RunKey.create(Passphrase(WORDS))


@pytest.fixture(autouse=True)
def nothing_opened(monkeypatch) -> None:
    monkeypatch.setattr(module, "_opened", {})


@pytest.fixture
def scrypts(monkeypatch) -> list[bytes]:
    """What pyrage was asked to open with a passphrase."""
    asked = []
    decrypt = pyrage.passphrase.decrypt
    monkeypatch.setattr(
        pyrage.passphrase, "decrypt", lambda data, words: asked.append(data) or decrypt(data, words)
    )
    return asked


def test_there_and_back(run_key, scrypts) -> None:
    identity = open_run(run_key.envelope, Passphrase(WORDS))
    assert identity.recipient == run_key.recipient
    assert 180 < len(run_key.envelope) < 400
    assert open_run(run_key.envelope, Passphrase(WORDS)) is identity
    assert len(scrypts) == 1, "once for all diffs of a run"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("age") is None, reason="age is not here")
def test_the_age_program_opens_it(run_key, tmp_path) -> None:
    (tmp_path / "run.age").write_bytes(run_key.envelope)
    command = ["age", "-d", "-o", "run.key", "run.age"]
    assert at_terminal(command, WORDS, cwd=tmp_path)[0] == 0
    public = subprocess.run(
        ["age-keygen", "-y", tmp_path / "run.key"], capture_output=True, check=True, text=True
    ).stdout
    assert public.strip() == str(run_key.recipient)


def test_a_run_key_holds_no_secret(run_key) -> None:
    again = pickle.loads(pickle.dumps(run_key))
    assert again == run_key
    assert "AGE-SECRET" not in repr(run_key)
    assert b"AGE-SECRET" not in pickle.dumps(run_key)


def test_a_wrong_passphrase_and_a_damaged_envelope() -> None:
    good = envelope(WORDS, generate_identity().secret().encode())
    wrong = [(good, "x"), (good, WORDS + "\n"), (good, WORDS.upper()), (good[:-1], WORDS)]
    wrong.append((good[:-1] + bytes((good[-1] ^ 1,)), WORDS))
    wrong.append((good.replace(b"--- ", b"--- A"), WORDS))
    for data, words in wrong:
        with pytest.raises(DecryptionError) as caught:
            open_run(data, Passphrase(words))
        assert caught.value.code == "decrypt.wrong-passphrase"
        assert WORDS not in "".join(traceback.format_exception(caught.value))
    assert not module._opened, "only what opened is kept"


@pytest.mark.parametrize("factor", ["21", "22", "23", "30", "99", "999999999"])
def test_a_costly_work_factor_is_never_computed(factor, scrypts) -> None:
    started = time.process_time()
    with pytest.raises(DecryptionError) as caught:
        open_run(envelope(WORDS, b"x", told=factor), Passphrase(WORDS))
    assert caught.value.code == "decrypt.work-factor"
    assert factor in str(caught.value)
    assert not scrypts
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"age-encryption.org/v1\n--- \n", header() + payload(b"x"),
        generate_identity().recipient.encrypt(b"x"),
        header(scrypt_stanza(WORDS, 1), scrypt_stanza("other", 1)) + payload(b"x"),
        header(scrypt_stanza(WORDS, 1), b"-> x-grease\nAAAA\n") + payload(b"x"),
        header(b"-> X25519 " + b"A" * 43 + b"\nAAAA\n", scrypt_stanza(WORDS, 1)) + payload(b"x"),
        *(envelope(WORDS, b"x", told=t) for t in ("", "0", "04", "+4", "-4", "4 4", "four", "٤",
                                                  "1e1", "99999999999999999999999")),
        envelope(WORDS, bytes(MAX_ENVELOPE)),
    ],
    ids=lambda _: "",  # some are random
)  # fmt: skip
def test_what_is_no_passphrase_envelope(data, scrypts) -> None:
    with pytest.raises(InvalidDiffError) as caught:
        open_run(data, Passphrase(WORDS))
    assert caught.value.code == "diff.age"
    assert not scrypts


@pytest.mark.parametrize("plain", [b"", b"hello", b"\xff", b"AGE-SECRET-KEY-1ABC", bytes(74)])
def test_what_opens_but_is_no_identity(plain) -> None:
    with pytest.raises(DecryptionError) as caught:
        open_run(envelope(WORDS, plain), Passphrase(WORDS))
    assert caught.value.code == "decrypt.run"


def test_the_cache_is_small_and_tells_passphrases_apart(scrypts) -> None:
    made = [(envelope(f"{WORDS} {n}", generate_identity().secret().encode()), n) for n in range(20)]
    for data, n in made:
        open_run(data, Passphrase(f"{WORDS} {n}"))
    assert len(module._opened) == 16
    open_run(made[-1][0], Passphrase(f"{WORDS} 19"))
    assert len(scrypts) == 20
    with pytest.raises(DecryptionError):
        open_run(made[-1][0], Passphrase(f"{WORDS} 18"))
    open_run(made[0][0], Passphrase(f"{WORDS} 0"))
    assert len(scrypts) == 22


def test_too_fast_a_machine_is_told_so(monkeypatch) -> None:
    made = envelope(WORDS, b"x", told="21")
    monkeypatch.setattr(pyrage.passphrase, "encrypt", lambda data, words: made)
    with pytest.raises(InvalidKeyError, match="work factor 21") as caught:
        RunKey.create(Passphrase(WORDS))
    assert caught.value.code == "key.work-factor"


def test_a_passphrase_does_not_show() -> None:
    passphrase = Passphrase(WORDS)
    assert f"{passphrase} {passphrase!r} {[passphrase]}".count("Passphrase(...)") == 3
    assert passphrase.reveal() == WORDS
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="secret"):
            leak(passphrase)


@pytest.mark.parametrize("text", ["", "x" * 4097, "hunter2\udcff", "\ud800"])
def test_what_is_no_passphrase(text) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        Passphrase(text)
    assert caught.value.code == "key.passphrase"
    assert "hunter2" not in str(caught.value)


def test_any_other_text_is_one() -> None:
    for words in (" ", "\n", "0", "пароль", "🐎🔋", "x" * 4096):
        secret = generate_identity()
        data = envelope(words, secret.secret().encode())
        assert open_run(data, Passphrase(words)) == secret
