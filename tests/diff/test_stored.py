"""Sealed diffs as bytes: what anybody sees of them, and what comes of tampering with them.

cbor2 reads them, and the keys open them, one by one: no parser of jpegredact is asked what is in
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import cbor2
import numpy as np
import pytest
import secret_picture as secret
from guarantees import pairs
from jpegmaker import make_jpeg
from secret_picture import REGIONS

import jpegredact as jr
from jpegredact.diff.cbor import MAGIC
from jpegredact.diff.keys import Identity, generate_identity
from jpegredact.diff.padding import pad, padded_size, unpad
from jpegredact.errors import InvalidKeyError

ALICE, BOB, EVE = (generate_identity() for _ in range(3))
PUBLIC = ["format", "version", "redacted", "size", "fills"]
AGE = b"age-encryption.org/v1\n-> X25519 "

Fields = dict[str, Any]


def loads(data: bytes) -> Any:
    found = cbor2.loads(data)
    return getattr(found, "value", found)


def fields_of(diff: jr.UnblurDiff | bytes) -> Fields:
    return loads(diff if isinstance(diff, bytes) else diff.to_bytes())


def stored(fields: Fields) -> bytes:
    return MAGIC + cbor2.dumps(fields, canonical=True)


def plain_manifest(fields: Fields, owner: Identity, envelope: int = 0) -> Fields:
    return loads(owner.decrypt(fields["envelopes"][envelope]))


def identities_of(manifest: Fields) -> dict[int, Identity]:
    return {index: Identity.from_bare(bare) for index, bare, _ in manifest["records"]}


@pytest.fixture(scope="module")
def sealed() -> jr.UnblurDiff:
    return secret.redacted().diff.seal([ALICE.recipient])


# ---------------------------------------------------------------------------
# What shows
# ---------------------------------------------------------------------------


def test_the_search_finds_what_a_plain_diff_holds() -> None:
    """Else the tests below would mean nothing."""
    plain = secret.redacted().diff.to_bytes()
    found = secret.traces(plain)
    assert "bytes of the original" in found
    assert "the original's digest" in found
    assert sum(trace.startswith("mark") for trace in found) >= 3 * len(REGIONS)
    assert len(secret.taken_out()) > 1000
    assert not secret.traces(secret.redacted().jpeg)


def test_only_the_public_part_shows(sealed) -> None:
    """Every byte is accounted for: what the redacted file tells, and age files."""
    data = sealed.to_bytes()
    fields = fields_of(sealed)
    assert list(fields) == sorted([*PUBLIC, "sealed", "envelopes"], key=lambda k: (len(k), k))
    assert stored(fields) == data
    assert fields["format"] == "jrdiff"
    assert fields["version"] == 1
    assert fields["redacted"] == hashlib.sha256(secret.redacted().jpeg).digest()
    assert list(fields["size"]) == [480, 320]
    assert all(type(fill) is bytes and len(fill) == 32 for fill in fields["fills"])
    assert len(fields["sealed"]) == len(fields["fills"]) + len(REGIONS) + 1
    assert all(part.startswith(AGE) for part in fields["sealed"] + fields["envelopes"])
    assert not secret.traces(data)


def test_fills_tell_what_the_redacted_file_tells(sealed) -> None:
    """Redacted again in the same places, its originals are those fills."""
    again = jr.redact(secret.redacted().jpeg, REGIONS)
    blocks = [loads(record[:-8])["blocks"] for record in fields_of(again.diff)["records"][:4]]
    for mine, theirs in zip(again.diff.document.groups, blocks, strict=True):
        assert list(mine.blocks) == theirs
    assert len({*fields_of(sealed)["fills"]}) == len(blocks)


def test_sizes_are_those_of_padding(sealed) -> None:
    fields = fields_of(sealed)
    manifest = plain_manifest(fields, ALICE)
    plain = loads(secret.redacted().diff.to_bytes())["records"]
    for index, key in identities_of(manifest).items():
        padded = key.decrypt(fields["sealed"][index])
        assert len(padded) == padded_size(len(plain[index]))
        assert unpad(padded) == plain[index]


def test_what_is_said_of_a_sealed_diff(sealed) -> None:
    diff = jr.UnblurDiff.from_bytes(sealed.to_bytes())
    assert diff.is_sealed
    assert not diff.is_open
    assert (diff.owners, diff.has_passphrase) == (1, False)
    for shown in (repr(diff), repr(diff.stored.public), str(diff)):
        assert not secret.traces(shown.encode())
    for ask in (lambda: diff.regions, lambda: diff.document, diff.unsealed,
                lambda: diff.extract([0]), lambda: diff.drop([0]), diff.open,
                lambda: jr.restore(secret.redacted().jpeg, diff)):  # fmt: skip
        with pytest.raises(jr.DecryptionError) as caught:
            ask()
        assert caught.value.code == "decrypt.no-key"
    with pytest.raises(jr.DecryptionError):
        diff.rekey([BOB.recipient])
    with pytest.raises(InvalidKeyError):
        diff.seal([BOB.recipient])
    assert "AGE-SECRET" not in repr(diff.open([ALICE]))


def test_another_sealing_is_another(sealed) -> None:
    """No two have a record, a manifest or a key in common."""
    again = secret.redacted().diff.seal([ALICE.recipient])
    a, b = fields_of(sealed), fields_of(again)
    assert {name: a[name] for name in PUBLIC} == {name: b[name] for name in PUBLIC}
    assert not {*a["sealed"]} & {*b["sealed"]}
    one, two = plain_manifest(a, ALICE), plain_manifest(b, ALICE)
    assert one["id"] != two["id"]
    keys = [bare for manifest in (one, two) for _, bare, _ in manifest["records"]]
    assert len({*keys}) == len(keys)


# ---------------------------------------------------------------------------
# A part
# ---------------------------------------------------------------------------


def everything(data: bytes, owner: Identity) -> dict[str, bytes]:
    """Open all that an owner can, and all that opens with what was in there."""
    fields = fields_of(data)
    manifest = owner.decrypt(fields["envelopes"][0])
    found = {"as it is": data, "manifest": manifest}
    for index, key in identities_of(loads(manifest)).items():
        for number, record in enumerate(fields["sealed"]):
            if record is None or number != index:
                continue
            found[f"record {index}"] = unpad(key.decrypt(record))
    return found


def test_a_part_for_one_region(sealed) -> None:
    """No thumbnail byte, no other box, no digest of the original, no other group."""
    part = sealed.open([ALICE]).extract([2], recipients=[BOB.recipient])
    opened = everything(part.to_bytes(), BOB)
    assert len(opened) == 4  # itself, the manifest, a group, a region
    for what, data in opened.items():
        traces = secret.traces(data, (0, 1))
        assert not traces, f"{what} has {traces}"
    kinds = [loads(opened[name][:-8]) for name in opened if name.startswith("record")]
    assert [record["kind"] for record in kinds] == ["group", "region"]
    assert kinds[0]["regions"] == [2]
    assert kinds[1]["label"] == REGIONS[2].label
    document = part.document
    assert [n for n, group in enumerate(document.groups) if group] == [
        n for n, g in enumerate(secret.redacted().diff.document.groups) if g.regions == (2,)
    ]
    assert document.file is None
    assert fields_of(part)["envelopes"] != fields_of(sealed)["envelopes"]


def test_a_part_of_an_overlap_has_neither_it_nor_the_other(sealed) -> None:
    opened = sealed.open([ALICE])
    for regions, groups in (([0], [(0,)]), ([1], [(1,)]), ([0, 1], [(0,), (0, 1), (1,)])):
        part = opened.extract(regions, recipients=[BOB.recipient])
        records = everything(part.to_bytes(), BOB)
        found = [loads(data[:-8]) for name, data in records.items() if name.startswith("record")]
        seen = sorted(tuple(each["regions"]) for each in found if each["kind"] == "group")
        assert seen == groups
        others = [n for n in range(3) if n not in regions]
        for data in records.values():
            assert not secret.traces(data, others)


def test_the_keys_of_a_part_open_no_other_record(sealed) -> None:
    part = sealed.open([ALICE]).extract([2], recipients=[BOB.recipient])
    keys = identities_of(plain_manifest(fields_of(part), BOB))
    for index, record in enumerate(fields_of(sealed)["sealed"]):
        for number, key in keys.items():
            if number != index:
                with pytest.raises(jr.DecryptionError):
                    key.decrypt(record)
    for envelope in fields_of(sealed)["envelopes"]:
        for key in (BOB, *keys.values()):
            with pytest.raises(jr.DecryptionError):
                key.decrypt(envelope)


@pytest.mark.parametrize("kind", ["busy", "loud", "lone"])
def test_a_part_does_not_depend_on_what_it_does_not_hold(kind: str) -> None:
    """Two originals that differ under region 0 alone, and their thumbnails: the same part."""
    parts = pairs.photo(160, 120, pairs.HALVED)
    boxes = [(16, 16, 64, 64), (40, 40, 80, 80), (104, 72, 150, 112)]
    inside = pairs.touched(160, 120, parts, boxes[:1])
    inside -= pairs.touched(160, 120, parts, boxes[1:])
    made = []
    for seed, what in ((1, "flat"), (2, kind)):
        other = pairs.with_inside(parts, inside, what, seed)
        jpeg = make_jpeg(160, 120, other, restart=7)
        body = bytes([seed]) * 500  # no picture: it is zeroed
        made.append(jpeg[:2] + b"\xff\xe9\x01\xf6" + body + jpeg[2:])
    one, two = (jr.redact(jpeg, boxes) for jpeg in made)
    assert made[0] != made[1]
    assert one.jpeg == two.jpeg
    for regions in ([1], [2], [1, 2]):
        assert one.diff.extract(regions) == two.diff.extract(regions)
    assert one.diff.extract([0]) != two.diff.extract([0])
    for regions in ([0, 1, 2], [0]):
        assert one.diff.drop([0]) == two.diff.drop([0])
        assert one.diff.extract(regions) != two.diff.extract(regions)


# ---------------------------------------------------------------------------
# Tampering
# ---------------------------------------------------------------------------


def swapped(items: list, a: int, b: int) -> list:
    out = [*items]
    out[a], out[b] = out[b], out[a]
    return out


def replaced(items: list, at: int, new: Any) -> list:
    return [*items[:at], new, *items[at + 1 :]]


class Material:
    """A sealed diff, and what somebody may have to tamper with it."""

    def __init__(self) -> None:
        plain = secret.redacted().diff
        self.sealed = plain.seal([ALICE.recipient])
        self.good = fields_of(self.sealed)
        opened = self.sealed.open([ALICE])
        self.other = fields_of(plain.seal([ALICE.recipient]))
        self.fresh = fields_of(opened.rekey([ALICE.recipient], fresh=True))
        self.of_another_picture = fields_of(
            jr.redact(secret.original(4), REGIONS).diff.seal([ALICE.recipient])
        )
        self.part = fields_of(opened.extract([2], recipients=[EVE.recipient]))
        self.less = fields_of(opened.drop([2]))
        keys = identities_of(plain_manifest(self.part, EVE))
        self.group, self.region = sorted(keys)
        records = plain.document.records()
        self.forged = keys[self.group].recipient.encrypt(pad(records[0]))
        self.relabelled = keys[self.region].recipient.encrypt(pad(records[-2]))


@pytest.fixture(scope="module")
def material() -> Material:
    return Material()


TAMPERED: dict[str, Callable[[Material], Fields]] = {
    "groups swapped": lambda m: {"sealed": swapped(m.good["sealed"], 0, 1)},
    "regions swapped": lambda m: {"sealed": swapped(m.good["sealed"], -2, -3)},
    "a group deleted": lambda m: {"sealed": replaced(m.good["sealed"], 0, None)},
    "a region deleted": lambda m: {"sealed": replaced(m.good["sealed"], -2, None)},
    "the file record deleted": lambda m: {"sealed": replaced(m.good["sealed"], -1, None)},
    "everything deleted": lambda m: {"sealed": [None] * len(m.good["sealed"])},
    "a record doubled": lambda m: {"sealed": replaced(m.good["sealed"], 0, m.good["sealed"][1])},
    "replayed from another sealing": lambda m: {
        "sealed": replaced(m.good["sealed"], 0, m.other["sealed"][0])
    },
    "replayed from another picture": lambda m: {
        "sealed": replaced(m.good["sealed"], 0, m.of_another_picture["sealed"][0])
    },
    "forged by the holder of a part": lambda m: {
        "sealed": replaced(m.good["sealed"], m.group, m.forged)
    },
    "relabelled by the holder of a part": lambda m: {
        "sealed": replaced(m.good["sealed"], m.region, m.relabelled)
    },
    "a damaged record": lambda m: {
        "sealed": replaced(m.good["sealed"], 1, m.good["sealed"][1][:-1] + b"\0")
    },
    "a record cut short": lambda m: {
        "sealed": replaced(m.good["sealed"], 1, m.good["sealed"][1][:-1])
    },
    "the envelope of another sealing": lambda m: {"envelopes": m.other["envelopes"]},
    "a stale envelope": lambda m: {**m.fresh, "envelopes": m.good["envelopes"]},
    "a stale envelope of more": lambda m: {**m.less, "envelopes": m.good["envelopes"]},
    "an envelope of less": lambda m: {"envelopes": m.less["envelopes"]},
    "the envelope of a part": lambda m: {"envelopes": m.part["envelopes"]},
    "a damaged envelope": lambda m: {
        "envelopes": [m.good["envelopes"][0][:-1] + b"\0"]
    },
    "a manifest of anyone's": lambda m: {
        "envelopes": [ALICE.recipient.encrypt(cbor2.dumps({"id": bytes(16)}))]
    },
    "another redacted file": lambda m: {"redacted": m.of_another_picture["redacted"]},
    "another size": lambda m: {"size": [m.good["size"][0], m.good["size"][1] + 1]},
    "fills swapped": lambda m: {"fills": swapped(m.good["fills"], 0, 1)},
    "another fill": lambda m: {"fills": replaced(m.good["fills"], 0, bytes(32))},
    "a fill less": lambda m: {"fills": m.good["fills"][1:]},
    "all of another picture's": lambda m: m.of_another_picture,
}  # fmt: skip


def tampered(material: Material, how: str) -> bytes:
    return stored({**material.good, **TAMPERED[how](material)})


def test_untouched_it_opens(material) -> None:
    data = stored(material.good)
    assert data == material.sealed.to_bytes()
    assert jr.restore(secret.redacted().jpeg, data, identities=[ALICE]) == secret.original()


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering(material, how) -> None:
    """By someone who may change the diff and holds a part: never a picture."""
    data = tampered(material, how)
    assert data != material.sealed.to_bytes()
    for regions in (None, [2], []):
        with pytest.raises((jr.DiffMismatchError, jr.DecryptionError)) as caught:
            jr.restore(secret.redacted().jpeg, data, regions=regions, identities=[ALICE])
        assert not secret.traces(str(caught.value).encode())
    for work in (lambda diff: diff.extract([0], identities=[ALICE]),
                 lambda diff: diff.rekey([BOB.recipient], identities=[ALICE]),
                 lambda diff: diff.drop([0], identities=[ALICE])):  # fmt: skip
        if how != "all of another picture's":
            with pytest.raises((jr.DiffMismatchError, jr.DecryptionError)):
                work(jr.UnblurDiff.from_bytes(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"envelopes": []}, {"envelopes": [None]}, {"envelopes": "x"}, {"sealed": {}},
        {"sealed": []}, {"sealed": ["x"] * 8}, {"sealed": [5] * 8}, {"run": "x"}, {"run": None},
        {"more": 1}, {"records": []}, {"version": 2}, {"format": "x"}, {"size": [1, 2, 3]},
        {"size": [0, 5]}, {"redacted": b"x"}, {"fills": [b""]}, {"fills": None},
    ],
)  # fmt: skip
def test_what_is_no_diff(material, changes) -> None:
    data = stored({**material.good, **changes})
    with pytest.raises(jr.InvalidDiffError):
        jr.UnblurDiff.from_bytes(data)


@pytest.mark.parametrize("name", ["format", "version", "redacted", "size", "fills", "envelopes"])
def test_missing_fields(material, name) -> None:
    data = stored({key: value for key, value in material.good.items() if key != name})
    with pytest.raises(jr.InvalidDiffError):
        jr.UnblurDiff.from_bytes(data)


def test_a_forged_diff_of_ones_own_tells_nothing(material) -> None:
    """Who knows an owner's key can make a whole diff, of another original even: the redacted
    file can't tell them apart, and age proves no sender. Its file record proves itself only.
    """
    other = jr.redact(secret.original(4), REGIONS).diff.seal([ALICE.recipient])
    with pytest.raises(jr.DiffMismatchError):
        jr.restore(secret.redacted().jpeg, other, identities=[ALICE])


# ---------------------------------------------------------------------------
# Owners
# ---------------------------------------------------------------------------


def test_several_owners_and_the_other_way_round() -> None:
    owners = [generate_identity() for _ in range(5)]
    result = jr.redact(secret.original(), REGIONS, recipients=[o.recipient for o in owners])
    assert result.diff.is_sealed
    data = result.diff.to_bytes()
    assert result.report.diff_bytes == len(data)
    for owner in owners:
        assert jr.restore(result.jpeg, data, identities=[EVE, owner]) == secret.original()
    with pytest.raises(jr.DecryptionError) as caught:
        jr.restore(result.jpeg, data, identities=[EVE])
    assert caught.value.code == "decrypt.wrong-key"


def test_who_extracts_or_drops_stays_the_owner() -> None:
    diff = secret.redacted().diff.seal([ALICE.recipient, BOB.recipient])
    for made in (diff.extract([0], identities=[BOB]), diff.drop([0], identities=[BOB])):
        data = made.to_bytes()
        assert jr.UnblurDiff.from_bytes(data).open([BOB]).is_open
        with pytest.raises(jr.DecryptionError):
            jr.UnblurDiff.from_bytes(data).open([ALICE])


def test_rekey_leaves_the_records(sealed) -> None:
    new = sealed.rekey([BOB.recipient, EVE.recipient], identities=[ALICE])
    a, b = fields_of(sealed), fields_of(new)
    assert b["sealed"] == a["sealed"]
    assert len(b["envelopes"]) == 2
    with pytest.raises(jr.DecryptionError):
        jr.restore(secret.redacted().jpeg, new.to_bytes(), identities=[ALICE])
    for owner in (BOB, EVE):
        back = jr.restore(secret.redacted().jpeg, new.to_bytes(), identities=[owner])
        assert back == secret.original()
    old = stored({**b, "envelopes": a["envelopes"]})  # it revokes nothing
    assert jr.restore(secret.redacted().jpeg, old, identities=[ALICE]) == secret.original()


def test_fresh_records_open_with_no_older_key(sealed) -> None:
    new = fields_of(sealed.rekey([BOB.recipient], identities=[ALICE], fresh=True))
    keys = identities_of(plain_manifest(fields_of(sealed), ALICE))
    assert not {*new["sealed"]} & {*fields_of(sealed)["sealed"]}
    for record in new["sealed"]:
        for key in keys.values():
            with pytest.raises(jr.DecryptionError):
                key.decrypt(record)


def test_a_dropped_region_is_in_no_record(sealed) -> None:
    left = sealed.open([ALICE]).drop([0])
    opened = everything(left.to_bytes(), ALICE)
    found = [loads(data[:-8]) for name, data in opened.items() if name.startswith("record")]
    assert [each["kind"] for each in found] == ["group", "group", "region", "region"]
    assert not any(0 in each.get("regions", ()) for each in found)
    for data in opened.values():
        assert not secret.traces(data, [0])
    manifest = plain_manifest(fields_of(left), ALICE)
    assert [index for index, _, _ in manifest["records"]] == [
        index for index, record in enumerate(fields_of(left)["sealed"]) if record is not None
    ]


def test_an_array_of_boxes_and_a_passphrase_is_no_key() -> None:
    with pytest.raises(InvalidKeyError):
        jr.redact(secret.original(), np.array([[0, 0, 9, 9]]), recipients=["hunter2"])
    with pytest.raises(TypeError):
        jr.redact(secret.original(), [(0, 0, 9, 9)], recipients=str(ALICE.recipient))
