"""Sealing: what comes back, who can open it, and that parts can't be exchanged."""

from __future__ import annotations

import copy
import hashlib
import pickle
import shutil
import subprocess
import traceback
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from age_maker import envelope
from hypothesis import given, settings
from hypothesis import strategies as st

from jpegredact.diff import sealed as module
from jpegredact.diff.cbor import decode, encode
from jpegredact.diff.keys import Recipient, generate_identity
from jpegredact.diff.padding import pad, padded_size
from jpegredact.diff.passphrase import Passphrase, RunKey
from jpegredact.diff.sealed import Opened, Sealed, open_sealed, seal_records, subset
from jpegredact.errors import (
    DecryptionError,
    DiffMismatchError,
    InvalidDiffError,
    InvalidKeyError,
    LimitExceededError,
)
from jpegredact.limits import DEFAULT_LIMITS, Limits

PUBLIC = b"what anyone may read"
RECORDS = (b"first", b"", None, b"fourth" * 1000)
WORDS = "correct horse battery staple"
ALICE, BOB, EVE = (generate_identity() for _ in range(3))


@pytest.fixture(scope="module")
def run_key() -> RunKey:
    """A run key that opens in no time."""
    identity = generate_identity()
    return RunKey(identity.recipient, envelope(WORDS, identity.secret().encode()))


@pytest.fixture
def diff() -> Sealed:
    return seal(PUBLIC, RECORDS, [ALICE.recipient, BOB.recipient])


def seal(
    public: bytes, records: Sequence[bytes | None], owners: Sequence[Recipient],
    run: RunKey | None = None, limits: Limits = DEFAULT_LIMITS,
) -> Sealed:  # fmt: skip
    return whole(seal_records(records), public, owners, run, limits)


def whole(opened: Opened, public: bytes, *owners: Any) -> Sealed:
    """Return all the records, as they are sealed, for these owners."""
    return subset(opened, opened.indices, public, *owners)


def contents(opened: Opened) -> dict[int, bytes]:
    return {index: opened.record(index) for index in opened.indices}


WHOLE = {i: record for i, record in enumerate(RECORDS) if record is not None}


class TestThereAndBack:
    def test_each_owner_opens_it(self, diff) -> None:
        assert [record is None for record in diff.records] == [r is None for r in RECORDS]
        assert len(diff.envelopes) == 2
        assert diff.run is None
        ids = set()
        for owner in (ALICE, BOB):
            opened = open_sealed(PUBLIC, diff, [EVE, owner])
            assert contents(opened) == WHOLE
            assert opened.sealed == diff
            ids.add(opened.id)
        assert len(ids) == 1
        assert len(ids.pop()) == 16

    def test_so_does_the_passphrase(self, run_key) -> None:
        diff = seal(PUBLIC, RECORDS, [ALICE.recipient], run_key)
        assert len(diff.envelopes) == 2
        assert diff.run == run_key.envelope
        assert contents(open_sealed(PUBLIC, diff, passphrase=Passphrase(WORDS))) == WHOLE
        assert contents(open_sealed(PUBLIC, diff, [EVE], Passphrase(WORDS))) == WHOLE
        alone = seal(PUBLIC, RECORDS, [], run_key)
        assert contents(open_sealed(PUBLIC, alone, passphrase=Passphrase(WORDS))) == WHOLE

    def test_a_key_that_opens_spares_the_passphrase(self, run_key, monkeypatch) -> None:
        diff = seal(PUBLIC, RECORDS, [ALICE.recipient], run_key)
        monkeypatch.setattr(module, "open_run", None)
        assert contents(open_sealed(PUBLIC, diff, [ALICE], Passphrase(WORDS))) == WHOLE

    def test_the_same_owner_twice_counts_once(self) -> None:
        assert len(seal(PUBLIC, RECORDS, [ALICE.recipient] * 3).envelopes) == 1

    @settings(max_examples=25)
    @given(st.binary(), st.lists(st.none() | st.binary(max_size=3000), max_size=8), st.data())
    def test_any_records(self, public, records, data) -> None:
        diff = seal(public, records, [ALICE.recipient, BOB.recipient])
        opened = open_sealed(public, diff, [BOB])
        assert [
            opened.record(i) if i in opened.indices else None for i in range(len(records))
        ] == records
        chosen = data.draw(st.sets(st.sampled_from(opened.indices))) if opened.indices else set()
        part = open_sealed(b"p", subset(opened, chosen, b"p", [EVE.recipient]), [EVE])
        assert contents(part) == {i: records[i] for i in sorted(chosen)}

    def test_nothing_repeats(self) -> None:
        once, again = (seal(PUBLIC, [b"x", b"x"], [ALICE.recipient]) for _ in range(2))
        assert len({*once.records, *again.records}) == 4
        assert len({*once.envelopes, *again.envelopes}) == 2

    def test_a_record_that_is_not_there(self, diff) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        assert opened.indices == (0, 1, 3)
        for index in (2, 4, -1):
            with pytest.raises(DecryptionError) as caught:
                opened.record(index)
            assert caught.value.code == "decrypt.no-record"

    def test_sizes_tell_little(self) -> None:
        """But for the header's random part, all short records are of one size."""
        made = seal(PUBLIC, [bytes(n) for n in (0, 1, 500, 1016)], [ALICE.recipient])
        assert {len(r) - r.index(b"\n", r.index(b"\n---") + 1) for r in made.records} == {1057}
        long = seal(PUBLIC, [bytes(100_000)], [ALICE.recipient]).records[0]
        assert len(long) < padded_size(100_000) + 600

    def test_nothing_shows(self, diff) -> None:
        shown = b"".join(r for r in diff.records if r) + b"".join(diff.envelopes)
        for secret in (b"first", b"fourth", b"AGE-SECRET-KEY", PUBLIC):
            assert secret not in shown
        for record in WHOLE.values():
            assert hashlib.sha256(record).digest() not in shown
        opened = open_sealed(PUBLIC, diff, [ALICE])
        assert "AGE-SECRET" not in f"{opened} {opened!r}"
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="secret"):
                leak(opened)


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not here")
def test_the_age_program_opens_envelopes_and_records(tmp_path, diff) -> None:
    def opened(data: bytes, secret: str) -> bytes:
        (tmp_path / "key").write_text(secret)
        done = subprocess.run(
            ["age", "-d", "-i", tmp_path / "key"], input=data, capture_output=True, check=True
        )
        return done.stdout

    manifest = decode(opened(diff.envelopes[1], BOB.secret()))
    assert set(manifest) == {"id", "public", "records"}
    assert manifest["public"] == hashlib.sha256(PUBLIC).digest()
    for index, secret, digest in manifest["records"]:
        assert opened(diff.records[index], f"AGE-SECRET-KEY-1{secret}") == pad(RECORDS[index])
        assert hashlib.sha256(diff.records[index]).digest() == digest


class TestOwners:
    """Diffs made from a diff, without sealing their records anew."""

    def test_a_part(self, diff) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        part = subset(opened, [3, 3], b"its public part", [EVE.recipient])
        assert part.records == (None, None, None, diff.records[3])
        theirs = open_sealed(b"its public part", part, [EVE])
        assert contents(theirs) == {3: RECORDS[3]}
        assert theirs.id == opened.id
        for owner in (ALICE, BOB):
            with pytest.raises(DecryptionError):
                open_sealed(b"its public part", part, [owner])
        with pytest.raises(DecryptionError):
            open_sealed(PUBLIC, diff, [EVE])
        manifest = EVE.decrypt(part.envelopes[0])
        for index in (0, 1):
            assert hashlib.sha256(diff.records[index]).digest() not in manifest
            assert opened.identity(index).bare().encode() not in manifest

    def test_a_part_has_only_what_there_is(self, diff) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        part = open_sealed(PUBLIC, subset(opened, [0], PUBLIC, [EVE.recipient]), [EVE])
        for source, index in ((opened, 2), (opened, 9), (part, 1)):
            with pytest.raises(DecryptionError) as caught:
                subset(source, [index], PUBLIC, [BOB.recipient])
            assert caught.value.code == "decrypt.no-record"

    def test_other_owners(self, diff, run_key) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        changed = whole(opened, PUBLIC, [EVE.recipient], run_key)
        assert changed.records == diff.records
        assert open_sealed(PUBLIC, changed, [EVE]).id == opened.id
        assert contents(open_sealed(PUBLIC, changed, passphrase=Passphrase(WORDS))) == WHOLE
        with pytest.raises(DecryptionError):
            open_sealed(PUBLIC, changed, [ALICE])

    def test_other_owners_and_fresh_records(self, diff) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        changed = whole(opened.sealed_anew(), PUBLIC, [EVE.recipient])
        assert not {r for r in changed.records if r} & {r for r in diff.records if r}
        fresh = open_sealed(PUBLIC, changed, [EVE])
        assert contents(fresh) == WHOLE
        assert fresh.id != opened.id
        stale = changed._replace(envelopes=diff.envelopes)
        with pytest.raises(DiffMismatchError):
            open_sealed(PUBLIC, stale, [ALICE])

    def test_nobody(self, diff) -> None:
        for make in (
            lambda: seal(PUBLIC, RECORDS, []),
            lambda: whole(open_sealed(PUBLIC, diff, [BOB]), PUBLIC, []),
        ):
            with pytest.raises(InvalidKeyError) as caught:
                make()
            assert caught.value.code == "key.none"


class TestKeysThatDoNotOpen:
    @pytest.mark.parametrize(
        ("identities", "words", "code"),
        [
            ((), None, "decrypt.no-key"),
            ((EVE,), None, "decrypt.wrong-key"),
            ((EVE, EVE), WORDS, "decrypt.wrong-key"),
            ((), WORDS, "decrypt.wrong-key"),
        ],
    )
    def test_codes(self, diff, identities, words, code) -> None:
        passphrase = None if words is None else Passphrase(words)
        with pytest.raises(DecryptionError) as caught:
            open_sealed(PUBLIC, diff, identities, passphrase)
        assert caught.value.code == code
        shown = "".join(traceback.format_exception(caught.value))
        assert "AGE-SECRET" not in shown
        assert WORDS not in shown

    def test_the_passphrase(self, run_key) -> None:
        diff = seal(PUBLIC, RECORDS, [ALICE.recipient], run_key)
        with pytest.raises(DecryptionError, match="passphrase") as caught:
            open_sealed(PUBLIC, diff)
        assert caught.value.code == "decrypt.no-key"
        with pytest.raises(DecryptionError) as caught:
            open_sealed(PUBLIC, diff, passphrase=Passphrase("x"))
        assert caught.value.code == "decrypt.wrong-passphrase"
        other = diff._replace(run=envelope(WORDS, EVE.secret().encode()))
        with pytest.raises(DecryptionError) as caught:
            open_sealed(PUBLIC, other, passphrase=Passphrase(WORDS))
        assert caught.value.code == "decrypt.wrong-key"
        costly = diff._replace(run=envelope(WORDS, b"x", told="23"))
        with pytest.raises(DecryptionError) as caught:
            open_sealed(PUBLIC, costly, passphrase=Passphrase(WORDS))
        assert caught.value.code == "decrypt.work-factor"


def forged(sealed: list[bytes] | tuple, **fields) -> Sealed:
    """A diff with a manifest of one's own: anyone who knows a recipient can make one."""
    manifest = {"id": bytes(16), "public": hashlib.sha256(PUBLIC).digest(), "records": [], **fields}
    return Sealed(tuple(sealed), (ALICE.recipient.encrypt(encode(manifest)),), None)


def entry(index: int, sealed: bytes, identity=EVE) -> list:
    return [index, identity.bare(), hashlib.sha256(sealed).digest()]


def mismatch(diff: Sealed, public: bytes = PUBLIC, owner=ALICE) -> str:
    """Check that a diff is refused, whole, before any record is opened; return why."""
    with pytest.raises(DiffMismatchError) as caught:
        open_sealed(public, diff, [owner])
    assert caught.value.code == "diff.manifest"
    assert "AGE-SECRET" not in "".join(traceback.format_exception(caught.value))
    return caught.value.message


class TestTampering:
    """By someone who may change the diff, and may hold the identities of some records."""

    def test_swapped(self, diff) -> None:
        a, b, *rest = diff.records
        assert "record 0 is another" in mismatch(diff._replace(records=(b, a, *rest)))

    def test_moved(self, diff) -> None:
        a, b, _, d = diff.records
        assert "record 3 is missing" in mismatch(diff._replace(records=(a, b, d, None)))
        assert "record 3 is missing" in mismatch(diff._replace(records=(a, b, None)))

    def test_removed(self, diff) -> None:
        for index in (0, 1, 3):
            records = list(diff.records)
            records[index] = None
            assert f"record {index} is missing" in mismatch(diff._replace(records=tuple(records)))
        mismatch(diff._replace(records=()))

    def test_added(self, diff) -> None:
        records = (*diff.records[:2], diff.records[0], diff.records[3])
        assert "record 2 does not belong" in mismatch(diff._replace(records=records))
        records = (*diff.records, diff.records[0])
        assert "record 4 does not belong" in mismatch(diff._replace(records=records))

    def test_replayed_from_another_diff(self, diff) -> None:
        other = seal(PUBLIC, RECORDS, [ALICE.recipient])
        records = (other.records[0], *diff.records[1:])
        assert "record 0 is another" in mismatch(diff._replace(records=records))

    def test_forged_by_someone_who_was_handed_the_record(self, diff) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        part = open_sealed(PUBLIC, subset(opened, [0], PUBLIC, [EVE.recipient]), [EVE])
        record = part.identity(0).recipient.encrypt(pad(b"forged"))
        assert part.identity(0).decrypt(record) == pad(b"forged")
        assert "record 0 is another" in mismatch(diff._replace(records=(record, *diff.records[1:])))

    def test_an_envelope_of_another_diff(self, diff) -> None:
        other = seal(PUBLIC, RECORDS, [ALICE.recipient])
        mismatch(diff._replace(envelopes=other.envelopes))

    def test_a_stale_envelope_of_a_diff_with_more(self, diff) -> None:
        opened = open_sealed(PUBLIC, diff, [ALICE])
        less = subset(opened, [0, 1], PUBLIC, [ALICE.recipient])
        assert "record 3 is missing" in mismatch(less._replace(envelopes=diff.envelopes))
        assert "record 3 does not belong" in mismatch(diff._replace(envelopes=less.envelopes))

    def test_another_public_part(self, diff) -> None:
        assert "public part" in mismatch(diff, PUBLIC + b"!")

    def test_any_byte(self, diff) -> None:
        for index in (0, 1, 3):
            for change in (lambda r: r[:-1], lambda r: r + b"\0", lambda r: b"\0" + r[1:]):
                records = list(diff.records)
                records[index] = change(records[index])
                assert f"record {index} is another" in mismatch(
                    diff._replace(records=tuple(records))
                )

    def test_a_damaged_envelope_does_not_keep_other_owners_out(self, diff) -> None:
        for junk in (b"", b"x", diff.envelopes[0][:-1], diff.envelopes[0][:50], bytes(10**6)):
            broken = diff._replace(envelopes=(junk, diff.envelopes[1]))
            assert contents(open_sealed(PUBLIC, broken, [BOB])) == WHOLE
            with pytest.raises(DecryptionError) as caught:
                open_sealed(PUBLIC, broken, [ALICE])
            assert caught.value.code == "decrypt.wrong-key"

    def test_the_first_that_agrees_counts(self, diff) -> None:
        stranger = forged(diff.records).envelopes
        both = diff._replace(envelopes=stranger + diff.envelopes)
        assert contents(open_sealed(PUBLIC, both, [ALICE])) == WHOLE

    def test_no_record_is_opened_before_all_are_checked(self, diff, monkeypatch) -> None:
        monkeypatch.setattr(module, "unpad", None)
        mismatch(diff._replace(records=(*diff.records[:3], diff.records[0])))


class TestOddManifests:
    """Whoever knows an owner's public key can write one, and anything in it."""

    SEALED = EVE.recipient.encrypt(pad(b"x"))

    def test_a_good_one_first(self) -> None:
        diff = forged([self.SEALED], records=[entry(0, self.SEALED)])
        assert contents(open_sealed(PUBLIC, diff, [ALICE])) == {0: b"x"}

    @pytest.mark.parametrize(
        "fields",
        [
            {"id": bytes(15)}, {"id": "x" * 16}, {"id": None}, {"public": None}, {"public": b""},
            {"more": 1}, {"records": {}}, {"records": 5}, {"records": [5]}, {"records": [[]]},
            {"records": [[0, EVE.bare()]]}, {"records": [[0, EVE.bare(), b"x", 1]]},
            {"records": [[0, EVE.bare(), b"x"]]}, {"records": [[False, EVE.bare(), b"x"]]},
            {"records": [[0, b"x", b"x"]]}, {"records": [[0.0, EVE.bare(), b"x"]]},
            {"records": [entry(-1, SEALED)]}, {"records": [entry(1, SEALED)]},
            {"records": [entry(2**64 - 1, SEALED)]},
            {"records": [entry(0, SEALED), entry(0, SEALED)]},
            {"records": [[0, EVE.bare()[:-1], hashlib.sha256(SEALED).digest()]]},
            {"records": [[0, "é", hashlib.sha256(SEALED).digest()]]},
            {"records": [[0, "", hashlib.sha256(SEALED).digest()]]},
            {"records": [0] * 400},
        ],
    )  # fmt: skip
    def test_fields(self, fields) -> None:
        mismatch(forged([self.SEALED], **{"records": [entry(0, self.SEALED)], **fields}))

    def test_records_out_of_order(self) -> None:
        entries = [entry(1, self.SEALED), entry(0, self.SEALED)]
        assert "out of order" in mismatch(forged([self.SEALED] * 2, records=entries))

    @pytest.mark.parametrize("plain", [b"", b"\xa0", b"\xff" * 9, b"[]", b"\x9f\xff", bytes(200)])
    def test_bytes(self, plain) -> None:
        mismatch(Sealed((self.SEALED,), (ALICE.recipient.encrypt(plain),), None))

    def test_not_in_the_one_form(self) -> None:
        good = forged([self.SEALED], records=[entry(0, self.SEALED)])
        plain = ALICE.decrypt(good.envelopes[0])
        for other in (plain + b"\0", plain[:-1], plain.replace(b"\x50", b"\x58\x10", 1)):
            mismatch(good._replace(envelopes=(ALICE.recipient.encrypt(other),)))

    def test_a_large_one_is_not_even_decrypted(self) -> None:
        large = ALICE.recipient.encrypt(bytes(10_000))
        with pytest.raises(DecryptionError):
            open_sealed(PUBLIC, Sealed((), (large,), None), [ALICE])

    def test_an_identity_of_something_else(self) -> None:
        diff = forged([self.SEALED], records=[entry(0, self.SEALED, BOB)])
        opened = open_sealed(PUBLIC, diff, [ALICE])
        with pytest.raises(DecryptionError) as caught:
            opened.record(0)
        assert caught.value.code == "decrypt.wrong-key"

    @pytest.mark.parametrize(
        ("sealed", "code"),
        [
            (EVE.recipient.encrypt(b""), "diff.padding"),
            (EVE.recipient.encrypt(pad(b"x")[:-1]), "diff.padding"),
            (EVE.recipient.encrypt(pad(b"x")[:-1] + b"x"), "diff.padding"),
            (b"", "diff.age"),
            (b"no age file", "diff.age"),
        ],
        ids=range(5),
    )
    def test_what_is_no_record(self, sealed, code) -> None:
        opened = open_sealed(PUBLIC, forged([sealed], records=[entry(0, sealed)]), [ALICE])
        with pytest.raises(InvalidDiffError) as caught:
            opened.record(0)
        assert caught.value.code == code


class TestLimits:
    def test_owners(self, diff) -> None:
        with pytest.raises(LimitExceededError) as caught:
            open_sealed(PUBLIC, diff, [ALICE], limits=Limits(max_owners=1))
        assert caught.value.code == "limit.owners"
        with pytest.raises(LimitExceededError):
            seal(PUBLIC, RECORDS, [ALICE.recipient, BOB.recipient], limits=Limits(max_owners=1))
        with pytest.raises(LimitExceededError):
            open_sealed(PUBLIC, diff._replace(envelopes=diff.envelopes * 33), [ALICE])

    def test_identities(self, diff) -> None:
        with pytest.raises(LimitExceededError) as caught:
            open_sealed(PUBLIC, diff, [EVE] * 257)
        assert caught.value.code == "limit.identities"

    def test_many_records(self) -> None:
        """As many as a diff may have; the manifest's bounds must leave room for them."""
        numbers = count()
        records = [b"%d" % next(numbers) for _ in range(3000)]
        diff = seal(PUBLIC, records, [ALICE.recipient])
        opened = open_sealed(PUBLIC, diff, [ALICE])
        assert opened.record(2999) == b"2999"
        assert len(diff.envelopes[0]) < 115 * len(records) + 600
