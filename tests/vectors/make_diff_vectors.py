"""Makes the test vectors of diffs: ``python tests/vectors/make_diff_vectors.py [--fresh]``.

Each is one file in ``tests/vectors/diff``: header lines ``name: value``, an empty line, and the
bytes of a diff. What each header means stands in the README there. Plain diffs come out the same
each time; sealed ones are random, so that those that are there stay, unless ``--fresh``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1]
FOLDER = TESTS / "vectors" / "diff"
sys.path[:0] = [path for path in (str(TESTS), str(TESTS.parent)) if path not in sys.path]

import cbor2  # noqa: E402
from age_maker import envelope  # noqa: E402
from jpegmaker import make_jpeg, random_parts  # noqa: E402

import jpegredact as jr  # noqa: E402
from jpegredact.diff.cbor import MAGIC, encode  # noqa: E402
from jpegredact.diff.keys import Identity, parse_identities  # noqa: E402
from jpegredact.diff.padding import pad  # noqa: E402
from jpegredact.diff.passphrase import RunKey  # noqa: E402

WORDS = "these are the words of a test"
Fields = dict[str, Any]


class Vector(NamedTuple):
    """A diff, what it is used on, and what must come of that."""

    expect: str
    comment: str
    diff: bytes
    jpeg: str = "redacted.jpg"
    regions: str = ""
    keys: tuple[str, ...] = ()
    passphrase: str = ""
    result: bytes = b""

    def to_bytes(self) -> bytes:
        headers = {
            "expect": self.expect, "comment": self.comment, "jpeg": self.jpeg,
            "regions": self.regions, "identity": " ".join(self.keys),
            "passphrase": self.passphrase,
            "result": hashlib.sha256(self.result).hexdigest() if self.result else "",
        }  # fmt: skip
        lines = [f"{name}: {value}\n" for name, value in headers.items() if value]
        return "".join(lines).encode() + b"\n" + self.diff


def original() -> bytes:
    return make_jpeg(40, 24, random_parts(40, 24, ((1, 1),), 11), restart=4)


BOXES = [jr.Box(0, 0, 12, 12, "face", 0.75, "a"), jr.Box(24.5, 8, 40, 24, "plate")]
TOUCHING = [jr.Box(0, 0, 16, 16), jr.Box(16, 8, 32, 16)]


def pictures() -> dict[str, bytes]:
    """Return the files that diffs are used on."""
    result = jr.redact(original(), BOXES)
    small = jr.redact(original(), BOXES[:1])
    return {
        "original.jpg": original(),
        "redacted.jpg": result.jpeg,
        "revealed-0.jpg": jr.restore(result.jpeg, result.diff, regions=[0]),
        "commented.jpg": commented(result.jpeg),
        "touching-commented.jpg": commented(jr.redact(original(), TOUCHING).jpeg),
        "redacted-once.jpg": small.jpeg,
    }


def commented(jpeg: bytes) -> bytes:
    """Return a file with a comment more."""
    at = jpeg.index(b"\xff\xda")
    return jpeg[:at] + b"\xff\xfe\x00\x06mine" + jpeg[at:]


def identity(name: str) -> Identity:
    return parse_identities((FOLDER / name).read_bytes(), name)[0]


def fields_of(diff: jr.UnblurDiff) -> Fields:
    """Return the fields of a diff, read by cbor2."""
    found = cbor2.loads(diff.to_bytes())
    fields = getattr(found, "value", found)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


def stored(fields: Fields) -> bytes:
    return MAGIC + cbor2.dumps(fields, canonical=True)


def put(items: list, at: int, new: Any) -> list:
    out = [*items]
    out[at] = new
    return out


def with_check(record: Any) -> bytes:
    """Return a record with the first 8 bytes of its SHA-256."""
    coded = encode(record)
    return coded + hashlib.sha256(coded).digest()[:8]


def plain() -> Iterator[tuple[str, Vector]]:
    """Yield the vectors that come out the same each time."""
    result = jr.redact(original(), BOXES)
    data, fields = result.diff.to_bytes(), fields_of(result.diff)
    files = pictures()
    one = result.diff.extract([1])
    part = jr.restore(result.jpeg, one)
    yield "plain", Vector("restored", "a whole diff", data, result=original())
    yield "plain-one-region", Vector(
        "revealed", "a whole diff, and one region of it", data, regions="1",
        result=jr.restore(result.jpeg, result.diff, regions=[1]),
    )  # fmt: skip
    yield "plain-rest", Vector(
        "restored", "the file says in a note what is revealed", data, "revealed-0.jpg",
        result=original(),
    )  # fmt: skip
    yield "part", Vector("revealed", "a part for one region", one.to_bytes(), result=part)
    yield "part-rest", Vector(
        "revealed", "a part, where another region was revealed", one.to_bytes(),
        "revealed-0.jpg", result=jr.restore(files["revealed-0.jpg"], one),
    )  # fmt: skip
    yield "part-another-region", Vector(
        "InvalidRegionError region.index", "a part does not have the other region",
        one.to_bytes(), regions="0",
    )  # fmt: skip
    yield "dropped", Vector(
        "revealed", "without the first region and the file record",
        result.diff.drop([0]).to_bytes(), result=part,
    )  # fmt: skip
    yield "empty", Vector("InvalidDiffError diff.magic", "no bytes at all", b"")
    yield "truncated", Vector("InvalidDiffError diff.truncated", "a byte less", data[:-1])
    yield "truncated-in-a-head", Vector("InvalidDiffError diff.truncated", "4 bytes", data[:4])
    yield "trailing", Vector("InvalidDiffError diff.trailing", "a byte more", data + b"\0")
    yield "wrong-tag", Vector(
        "InvalidDiffError diff.magic", "tag 55800 in place of 55799", b"\xd9\xd9\xf8" + data[3:]
    )
    yield "no-tag", Vector("InvalidDiffError diff.magic", "no tag in front", data[3:])
    yield "a-jpeg", Vector("InvalidDiffError diff.not-embedded", "a JPEG", result.jpeg)
    size = encode("size") + encode([40, 24])
    assert data.count(size) == 1
    for name, comment, other in (
        ("long-number", "24 in two bytes more than it takes", b"\x82\x18\x28\x19\x00\x18"),
        ("long-length", "the length of an array in a byte of its own", b"\x98\x02\x18\x28\x18\x18"),
        ("indefinite", "an array of indefinite length", b"\x9f\x18\x28\x18\x18\xff"),
    ):
        yield f"not-canonical-{name}", Vector(
            "InvalidDiffError diff.cbor", comment, data.replace(size, encode("size") + other)
        )
    first, second = encode("size") + encode([40, 24]), encode("fills") + encode(fields["fills"])
    assert first + second in data
    yield "not-canonical-order", Vector(
        "InvalidDiffError diff.cbor", "map keys out of order",
        data.replace(first + second, second + first),
    )  # fmt: skip
    yield "version-2", Vector(
        "InvalidDiffError diff.version", "of a later version", stored({**fields, "version": 2})
    )
    yield "another-field", Vector(
        "InvalidDiffError diff.record", "a field that nobody knows", stored({**fields, "x": 1})
    )
    record = fields["records"][0]
    damaged = bytes([record[0], record[1] ^ 1]) + record[2:]
    yield "damaged-record", Vector(
        "InvalidDiffError diff.damaged", "a bit of a record",
        stored({**fields, "records": put(fields["records"], 0, damaged)}),
    )  # fmt: skip
    yield "swapped-kinds", Vector(
        "InvalidDiffError diff.record", "a group's and a region's record swapped",
        stored({**fields, "records": [fields["records"][k] for k in (2, 1, 0, 3, 4)]}),
    )  # fmt: skip
    group = cbor2.loads(record[:-8])
    huge = {**group, "windows": [[k, 0, 0, 16384, 16384] for k in range(4)]}
    yield "oversized-windows", Vector(
        "LimitExceededError limit.cells", "windows of 2^30 blocks",
        stored({**fields, "records": put(fields["records"], 0, with_check(huge))}),
    )  # fmt: skip
    yield "oversized-array", Vector(
        "InvalidDiffError diff.truncated", "an array that claims 2^32 - 1 items",
        MAGIC + b"\x9a\xff\xff\xff\xff" + bytes(100),
    )  # fmt: skip
    yield "oversized-string", Vector(
        "InvalidDiffError diff.truncated", "a byte string that claims 2^63 bytes",
        MAGIC + b"\x5b\x80" + bytes(107),
    )  # fmt: skip
    yield "deep", Vector(
        "InvalidDiffError diff.cbor", "arrays nine deep", MAGIC + b"\x81" * 9 + b"\0"
    )
    yield "another-picture", Vector(
        "DiffMismatchError diff.coding", "used on the same picture with one region redacted less",
        data, "redacted-once.jpg",
    )  # fmt: skip
    yield "metadata", Vector(
        "DiffMismatchError diff.metadata", "used on a file with a comment more", data,
        "commented.jpg",
    )  # fmt: skip
    touching = jr.redact(original(), TOUCHING).diff
    for name, diff in (("touching", touching), ("touching-part", touching.extract([1]))):
        yield f"{name}-metadata", Vector(
            "DiffMismatchError diff.metadata",
            "a comment more, and regions side by side: blocks beside one lie in the other",
            diff.to_bytes(), "touching-commented.jpg",
        )  # fmt: skip
    unsorted = {**group, "lacking": [2, 1]}
    yield "lacking-not-ascending", Vector(
        "InvalidDiffError diff.record", "numbers of lacking blocks out of order",
        stored({**fields, "records": put(fields["records"], 0, with_check(unsorted))}),
    )  # fmt: skip


def sealed() -> Iterator[tuple[str, Callable[[], Vector]]]:
    """Yield how the sealed ones are made."""
    owner, stranger = identity("owner.key"), identity("stranger.key")
    result, small = jr.redact(original(), BOXES), jr.redact(original(), BOXES[:1])
    whole, keys = small.diff.seal([owner.recipient]), ("owner.key",)
    fields = fields_of(whole)
    manifest = cbor2.loads(owner.decrypt(fields["envelopes"][0]))
    once = "redacted-once.jpg"

    def good(comment: str, diff: jr.UnblurDiff, *keys: str, words: str = "") -> Vector:
        return Vector("restored", comment, diff.to_bytes(), keys=keys, passphrase=words,
                      result=original())  # fmt: skip

    def bad(expect: str, comment: str, **changes: Any) -> Callable[[], Vector]:
        return lambda: Vector(expect, comment, stored({**fields, **changes}), once, keys=keys)

    def forged(index: int, padded: bytes, **changes: Any) -> Fields:
        """Return a diff whose record is another one, with a manifest that says so."""
        number, bare, _ = manifest["records"][index]
        new = Identity.from_bare(bare).recipient
        assert new is not None
        record = new.encrypt(padded)
        entry = [number, bare, hashlib.sha256(record).digest()]
        listed = {**manifest, "records": put(list(manifest["records"]), index, entry), **changes}
        return {
            "sealed": put(fields["sealed"], number, record),
            "envelopes": [owner.recipient.encrypt(encode(listed))],
        }

    run_identity = identity("run.key")
    run = RunKey(run_identity.recipient, envelope(WORDS, run_identity.secret().encode()))
    ssh = (FOLDER / "ssh-ed25519.pub").read_text().strip()
    yield "sealed", lambda: good("to one owner", result.diff.seal([owner.recipient]), *keys)
    yield "sealed-two-owners", lambda: good(
        "to two owners, opened by the second",
        small.diff.seal([stranger.recipient, owner.recipient]), *keys,
    )._replace(jpeg=once)  # fmt: skip
    yield "sealed-ssh", lambda: good(
        "to an SSH key", small.diff.seal([ssh]), "ssh-ed25519.key"
    )._replace(jpeg=once)
    yield "sealed-passphrase", lambda: good(
        "to a passphrase: the run identity's envelope has work factor 4",
        small.diff.seal([], run), words=WORDS,
    )._replace(jpeg=once)  # fmt: skip
    yield "sealed-part", lambda: Vector(
        "revealed", "a part for one region, to somebody else",
        result.diff.seal([owner.recipient])
        .extract([1], identities=[owner], recipients=[stranger.recipient]).to_bytes(),
        keys=("stranger.key",), result=jr.restore(result.jpeg, result.diff.extract([1])),
    )  # fmt: skip
    yield "sealed-dropped", lambda: Vector(
        "revealed", "without the first region and the file record",
        result.diff.seal([owner.recipient]).drop([0], identities=[owner]).to_bytes(),
        keys=keys, result=jr.restore(result.jpeg, result.diff.extract([1])),
    )  # fmt: skip
    yield "sealed-rekeyed", lambda: Vector(
        "restored", "the owner's records, to somebody else",
        whole.rekey([stranger.recipient], identities=[owner]).to_bytes(), once,
        keys=("stranger.key",), result=original(),
    )  # fmt: skip
    yield "sealed-no-key", lambda: bad(
        "DecryptionError decrypt.no-key", "no key is given"
    )()._replace(keys=())
    yield "sealed-wrong-recipient", lambda: bad(
        "DecryptionError decrypt.wrong-key", "sealed to somebody else"
    )()._replace(keys=("stranger.key",))
    yield "sealed-wrong-passphrase", lambda: good(
        "", small.diff.seal([], run), words="others"
    )._replace(expect="DecryptionError decrypt.wrong-passphrase",
               comment="another passphrase", jpeg=once, result=b"")  # fmt: skip
    costly = envelope(WORDS, run_identity.secret().encode(), told="23")
    yield "sealed-costly-passphrase", lambda: good(
        "", small.diff.seal([], RunKey(run_identity.recipient, costly)), words=WORDS
    )._replace(expect="DecryptionError decrypt.work-factor",
               comment="an envelope that asks for 2^23 rounds of scrypt", jpeg=once,
               result=b"")  # fmt: skip
    records = fields["sealed"]
    yield "sealed-swapped", bad(
        "DiffMismatchError diff.manifest", "two records swapped",
        sealed=[records[1], records[0], records[2]],
    )  # fmt: skip
    yield "sealed-deleted", bad(
        "DiffMismatchError diff.manifest", "a record deleted", sealed=put(records, 2, None)
    )
    other = fields_of(small.diff.seal([owner.recipient]))
    yield "sealed-replayed", bad(
        "DiffMismatchError diff.manifest", "a record of another sealing of the same diff",
        sealed=put(records, 0, other["sealed"][0]),
    )  # fmt: skip
    yield "sealed-other-envelope", bad(
        "DiffMismatchError diff.manifest", "the envelope of another sealing of the same diff",
        envelopes=other["envelopes"],
    )  # fmt: skip
    yield "sealed-other-public", bad(
        "DiffMismatchError diff.manifest", "another size in the public part", size=[40, 25]
    )
    yield "sealed-damaged-record", bad(
        "DiffMismatchError diff.manifest", "the last byte of a record",
        sealed=put(records, 0, records[0][:-1] + bytes([records[0][-1] ^ 1])),
    )  # fmt: skip
    yield "sealed-damaged-envelope", bad(
        "DecryptionError decrypt.wrong-key", "the last byte of the envelope",
        envelopes=[fields["envelopes"][0][:-1] + bytes([fields["envelopes"][0][-1] ^ 1])],
    )  # fmt: skip
    yield "sealed-no-envelope", bad("InvalidDiffError diff.record", "no owner", envelopes=[])
    yield "sealed-and-plain", bad("InvalidDiffError diff.record", "records too", records=[])
    record = small.diff.document.records()[0]
    assert record is not None
    padded = pad(record)
    for name, comment, content in (
        ("nonzero", "something else than zeros", padded[:-1] + b"\1"),
        ("short", "a byte less than a power of two", padded[:-1]),
        ("long", "twice the size that it takes", padded.ljust(2 * len(padded), b"\0")),
        ("length", "a length beyond its end", b"\x7f" + padded[1:]),
        ("none", "no padding at all", record),
    ):
        yield f"sealed-bad-padding-{name}", bad(
            "InvalidDiffError diff.padding", f"a record's padding: {comment}",
            **forged(0, content),
        )  # fmt: skip
    yield "sealed-wrong-record-key", bad(
        "DecryptionError decrypt.wrong-key", "the manifest has another record's identity",
        envelopes=[owner.recipient.encrypt(encode({**manifest, "records": [
            [0, manifest["records"][1][1], manifest["records"][0][2]],
            *map(list, manifest["records"][1:]),
        ]}))],
    )  # fmt: skip
    yield "sealed-manifest-order", bad(
        "DiffMismatchError diff.manifest", "the manifest lists records out of order",
        envelopes=[owner.recipient.encrypt(
            encode({**manifest, "records": [list(r) for r in manifest["records"][::-1]]})
        )],
    )  # fmt: skip
    canonical = owner.decrypt(fields["envelopes"][0])
    yield "sealed-manifest-not-canonical", bad(
        "DiffMismatchError diff.manifest", "the manifest has a long length",
        envelopes=[owner.recipient.encrypt(canonical.replace(b"\x62id\x50", b"\x62id\x58\x10"))],
    )  # fmt: skip


def main(fresh: bool) -> None:
    for name, data in pictures().items():
        (FOLDER / name).write_bytes(data)
    made = {name: vector.to_bytes() for name, vector in plain()}
    for name, make in sealed():
        path = FOLDER / f"{name}.vector"
        made[name] = path.read_bytes() if path.exists() and not fresh else make().to_bytes()
    for path in FOLDER.glob("*.vector"):
        if path.stem not in made:
            path.unlink()
    for name, data in made.items():
        (FOLDER / f"{name}.vector").write_bytes(data)
    print(f"{len(made)} vectors, {sum(map(len, made.values()))} bytes")


if __name__ == "__main__":
    main("--fresh" in sys.argv)
