"""What a key opens, and what anybody can write into a picture: sealed diffs, notes, boxes, keys.

    python -m tests.fuzz.sealed --count 20000 --seed 1 [TARGET...]

Sealed diffs are damaged inside, by who knows their keys: records, padding, manifests, what a
passphrase opens. They are sealed again then, so that the damage is read. Sealing is random, so the
same seed gives the same damage in other bytes. An input begins with a byte that says of which pair
it is; the rest is a diff or a JPEG. Each escape is written to tests/fuzz/crashes, where
test_sealed.py replays it.
"""

from __future__ import annotations

import hashlib
import random
import sys
import warnings
from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import jpegredact as jr
from jpegredact.container.segments.diffbox import make_box
from jpegredact.diff import Document
from jpegredact.diff.cbor import MAGIC, decode, encode
from jpegredact.diff.keys import (
    Recipient,
    generate_identity,
    parse_identities,
    parse_recipients,
)
from jpegredact.diff.padding import pad
from jpegredact.diff.passphrase import Passphrase
from jpegredact.pipeline import bring_back

from . import findings, mutations, seeds
from .structure import SOS, Piece, pieces, together
from .targets import BrokenPromise, Meter, kept

from age_maker import envelope  # isort: skip - on the path since `seeds`

VECTORS = seeds.TESTS / "vectors" / "diff"
OWNER, RUN, PART = (
    parse_identities((VECTORS / f"{name}.key").read_bytes())[0]
    for name in ("owner", "run", "stranger")
)
WORDS = Passphrase("known to everybody")
SSH, SSH_PUBLIC = (
    (VECTORS / f"ssh-ed25519.{kind}").read_bytes() for kind in ("key", "pub")
)
COM = 0xFE
NOTE = b"jrdiff-revealed\0"
_CHECK = 8


class Sample(NamedTuple):
    """A picture that was redacted under two boxes that overlap, and one more."""

    original: bytes
    redacted: bytes
    document: Document

    def state(self, regions: frozenset[int]) -> bytes:
        """Return the file with these regions back."""
        return jr.restore(self.redacted, jr.UnblurDiff(self.document), regions=sorted(regions))


@cache
def samples() -> tuple[Sample, ...]:
    """Return one of each made picture that can be redacted; the same each time."""
    found = []
    for jpeg in seeds.made_pictures():
        try:
            frame = jr.inspect(jpeg).frame
            width, height = frame.width, frame.height
            boxes = [(0, 0, width / 2, height / 2), (width / 4, height / 4, width * 0.7, height),
                     (width - 4, 0, width, 5)]  # fmt: skip
            done = jr.redact(jpeg, boxes)
            assert done.diff is not None
            sample = Sample(jpeg, done.jpeg, done.diff.document)
            for count in (1, 2):
                for regions in combinations(range(3), count):
                    sample.state(frozenset(regions))  # where tables have room for all of them
            if len(sample.document.groups) > 2:
                found.append(sample)
        except jr.JpegRedactError:
            continue
    return tuple(found[:255])


def taken(data: bytes) -> tuple[Sample, bytes]:
    """Return which sample an input is of, and the rest of it."""
    every = samples()
    return every[(data[0] if data else 0) % len(every)], data[1:]


# ---------------------------------------------------------------------------
# The promises
# ---------------------------------------------------------------------------


def use_sealed(meter: Meter, data: bytes) -> str:
    """Parse, open, hand on and restore a sealed diff: only what it vouches for comes back."""
    sample, stored = taken(data)
    diff = meter(jr.UnblurDiff.from_bytes, stored)
    if diff.to_bytes() != stored or jr.UnblurDiff(diff.stored).to_bytes() != stored:
        raise BrokenPromise("a diff that would be written otherwise")
    opened = meter(diff.open, [OWNER, PART], WORDS)
    held = [number for number, region in enumerate(opened.regions) if region is not None]
    if diff.is_sealed:
        for fresh in (False, True):
            again = meter(opened.rekey, [PART.recipient], fresh=fresh).to_bytes()
            if jr.UnblurDiff.from_bytes(again).open([PART]).document != opened.document:
                raise BrokenPromise("another diff once its owners change")
    for number in held[:2]:
        part = meter(opened.extract, [number], recipients=[PART.recipient]).to_bytes()
        document = jr.UnblurDiff.from_bytes(part).open([PART]).document
        if document.file is not None and len(opened.regions) > 1:
            raise BrokenPromise("a part that holds the file record")
        if any(g is not None and g.regions != (number,) for g in document.groups):
            raise BrokenPromise("a part that holds what lies under another region")
        meter(opened.drop, [number])
    back = meter(bring_back, sample.redacted, opened)
    file = opened.document.file
    if back.original and (file is None or hashlib.sha256(back.data).digest() != file.sha256):
        raise BrokenPromise("called the original, and is not")
    return "done" if back.data == sample.original else "another result"


def use_noted(meter: Meter, data: bytes) -> str:
    """Restore from a file whose note may be forged: what was asked for comes back, and no more."""
    sample, jpeg = taken(data)
    diff = jr.UnblurDiff(sample.document)
    for regions in ([0], [2]):
        done = meter(bring_back, jpeg, diff, regions=regions)
        if not done.original and done.data != sample.state(frozenset((*regions, *done.besides))):
            raise BrokenPromise("other regions than those that it says are back")
        alone = {g.regions for g in sample.document.groups if g is not None and len(g.regions) == 1}
        if done.besides and alone & {(n,) for n in done.besides} - _shown(jpeg, sample):
            raise BrokenPromise("a region that nobody can have asked for before")
    part = meter(jr.restore, jpeg, diff.extract([1]))
    jr.inspect(part)
    return "done" if jr.restore(jpeg, diff) == sample.original else "another result"


def _shown(jpeg: bytes, sample: Sample) -> set[tuple[int, ...]]:
    """Return the regions of the groups that a file's note names."""
    payloads = [p.data[4:] for p in pieces(jpeg) if p.code == COM and p.data[4:].startswith(NOTE)]
    note = decode(b"".join(payload[len(NOTE) + 8 :] for payload in payloads))
    groups = [sample.document.groups[fill["group"]] for fill in note["fills"]]
    return {group.regions for group in groups if group is not None}


def use_boxed(meter: Meter, data: bytes) -> str:
    """Restore from what is embedded in a file: if it says the original, a diff vouches for it."""
    _, jpeg = taken(data)
    meter(jr.audit, jpeg)
    done = meter(bring_back, jpeg, identities=[OWNER])
    if done.original:
        file = jr.UnblurDiff.from_bytes(jpeg).open([OWNER]).document.file
        if file is None or hashlib.sha256(done.data).digest() != file.sha256:
            raise BrokenPromise("called the original, and is not")
        return "done"
    jr.inspect(done.data)
    return "another result"


def use_keys(meter: Meter, data: bytes) -> str:
    """Read identities, or recipients; what is read can be used."""
    try:
        identities = meter(parse_identities, data)
    except jr.InvalidKeyError as error:
        if _tells(error, data):
            raise BrokenPromise(f"a message that holds a key: {error}") from error
        for recipient in meter(parse_recipients, data):
            meter(recipient.encrypt, b"x")
        return "recipients"
    for identity in identities:
        if identity.recipient is not None:
            assert identity.decrypt(identity.recipient.encrypt(b"x")) == b"x"
        if identities and "SECRET" in repr(identity):
            raise BrokenPromise("a repr that holds a key")
    return "identities"


def _tells(error: jr.JpegRedactError, data: bytes) -> bool:
    """Whether a message holds sixteen characters of a secret key that was given."""
    words = str(error).upper().encode(errors="replace")
    keys = [*SSH.upper().split(b"\n")[1:5], *(k.secret()[16:].encode() for k in (OWNER, RUN, PART))]
    return any(key[at : at + 16] in words for key in keys for at in range(len(key) - 15))


PROMISES: dict[str, findings.Promise] = {
    "sealed": use_sealed, "noted": use_noted, "boxed": use_boxed, "keys": use_keys,
}  # fmt: skip


def _target(promise: findings.Promise) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        kept(promise, Meter(len(data)), data)

    return target


TARGETS = {name: _target(promise) for name, promise in PROMISES.items()}


# ---------------------------------------------------------------------------
# Sealed by hand, so that anything can be said in it
# ---------------------------------------------------------------------------


class Plan(NamedTuple):
    """What a sealed diff is made of, before it is sealed."""

    public: dict[str, Any]
    records: list[dict[str, Any] | None]
    run: bool


def plan_of(sample: Sample, kept_records: frozenset[int] | None, run: bool) -> Plan:
    """Return the plan of a sample's diff, or of a part of it."""
    records = [
        None if record is None or (kept_records is not None and number not in kept_records)
        else decode(record[:-_CHECK])
        for number, record in enumerate(sample.document.records())
    ]  # fmt: skip
    return Plan(dict(sample.document.public.fields()), records, run)


def sealed(rng: random.Random, plan: Plan, damage: str = "", theirs: Plan | None = None) -> bytes:
    """Seal a plan, something in it damaged: what is sealed, or what holds it together."""
    public, records, run = plan
    stranger = theirs or plan
    if damage == "record":
        held = [number for number, record in enumerate(records) if record is not None]
        if held:
            at = rng.choice(held)
            kind = records[at]["kind"]  # type: ignore[index]
            other = [r for r in stranger.records if r is not None and r["kind"] == kind]
            changed = mutations.damaged_inside(rng, records[at], rng.choice(other or [None]))
            records = [*records[:at], changed, *records[at + 1 :]]
    coded = [None if record is None else _padded(rng, record, damage) for record in records]
    if damage == "order":
        rng.shuffle(coded)
    keys = [generate_identity() for _ in coded]
    boxes = [
        None if record is None else Recipient.of(key).encrypt(record)
        for key, record in zip(keys, coded, strict=True)
    ]
    if damage == "public":
        public = mutations.damaged_inside(rng, public, stranger.public)
    manifest: Any = {
        "id": rng.randbytes(16),
        "public": hashlib.sha256(encode(public)).digest(),
        "records": [
            [number, key.bare(), hashlib.sha256(box).digest()]
            for number, (key, box) in enumerate(zip(keys, boxes, strict=True))
            if box is not None
        ],
    }
    if damage == "manifest":
        manifest = mutations.damaged_inside(rng, manifest, None)
    words = encode(manifest)
    if damage == "manifest bytes":
        words = mutations.mutate_bytes(rng, words, words)
    whole: Any = {**public, "sealed": boxes}
    owners = (RUN,) if run else (OWNER, PART)
    whole["envelopes"] = [Recipient.of(key).encrypt(words) for key in owners]
    if damage == "envelopes":
        whole["envelopes"] = [Recipient.of(OWNER).encrypt(rng.randbytes(rng.randrange(400)))
                              for _ in range(rng.choice((1, 3, 70)))]  # fmt: skip
    if run:
        text = RUN.secret().encode()
        if damage == "run":
            text = mutations.mutate_bytes(rng, text, text)
        whole["run"] = envelope(WORDS.reveal(), text)
        if damage == "run bytes":
            whole["run"] = mutations.mutate_bytes(rng, whole["run"], whole["envelopes"][0])
    if damage == "map":
        whole = mutations.damaged_inside(rng, whole, None)
    return MAGIC + encode(whole)


def _padded(rng: random.Random, record: Any, damage: str) -> bytes:
    coded = encode(record)
    coded += hashlib.sha256(coded).digest()[:_CHECK]
    if damage == "record bytes" and rng.random() < 0.4:
        coded = mutations.mutate_bytes(rng, coded, coded)
    padded = pad(coded)
    if damage == "padding" and rng.random() < 0.4:
        padded = mutations.mutate_bytes(rng, padded, coded)
    return padded


DAMAGE = (
    *4 * ("record",), *2 * ("manifest",), "record bytes", "padding", "order", "public",
    "manifest bytes", "envelopes", "run", "run bytes", "map", "bytes",
)  # fmt: skip


def damaged_diff(rng: random.Random, sample: Sample) -> bytes:
    """Return a sealed diff of a sample, damaged somewhere."""
    count = len(sample.document.records())
    some = frozenset(n for n in range(count) if rng.random() < 0.7) if rng.random() < 0.3 else None
    damage = rng.choice(DAMAGE)
    plan = plan_of(sample, some, damage.startswith("run") or rng.random() < 0.1)
    data = sealed(rng, plan, damage, plan_of(rng.choice(samples()), None, False))
    return mutations.mutate_bytes(rng, data, data) if damage == "bytes" else data


def noted(jpeg: bytes, payloads: list[bytes]) -> bytes:
    """Put COM segments in front of the first scan, in place of those that are there."""
    parts = [p for p in pieces(jpeg) if p.code != COM or not p.data[4:].startswith(NOTE)]
    scan = next(at for at, part in enumerate(parts) if part.code == SOS)
    new = [
        Piece(COM, bytes((0xFF, COM)) + (len(payload) + 2).to_bytes(2) + payload)
        for payload in payloads
    ]
    return together([*parts[:scan], *new, *parts[scan:]])


def damaged_note(rng: random.Random, sample: Sample) -> bytes:
    """Return a state of a sample, its note forged, or the file damaged, or both."""
    regions = frozenset(rng.sample(range(3), rng.choice((1, 1, 2))))
    jpeg = sample.state(regions)
    head = NOTE + sample.document.public.redacted[:8]
    held = [p.data[4:] for p in pieces(jpeg) if p.code == COM and p.data[4:].startswith(head)]
    if not held or rng.random() < 0.2:
        return mutations.mutate(rng, jpeg, rng.choice(samples()).redacted)
    note = decode(b"".join(payload[len(head) :] for payload in held))
    if rng.random() < 0.3:
        note = {**note, "regions": sorted(rng.sample(range(4), rng.choice((1, 2, 3, 4))))}
    if rng.random() < 0.3:
        note = {**note, "fills": note["fills"][rng.randrange(3) :]}
    if rng.random() < 0.6:
        note = mutations.damaged_inside(rng, note, None)
    content = encode(note)
    if rng.random() < 0.2:
        content = mutations.mutate_bytes(rng, content, content)
    room = rng.choice((65533, 65533, 200, 30)) - len(head)
    payloads = [head + content[at : at + room] for at in range(0, len(content), max(room, 1))]
    return noted(rng.choice((jpeg, jpeg, sample.redacted)), payloads)


def damaged_box(rng: random.Random, sample: Sample) -> bytes:
    """Return a redacted file with one or two diffs in it, damaged in their boxes or inside."""
    boxes = []
    for number in range(1, rng.choice((2, 2, 3))):
        diff = damaged_diff(rng, sample) if rng.random() < 0.4 else sealed(
            rng, plan_of(sample, None, False)
        )
        box = make_box(diff, number)
        if rng.random() < 0.4:
            box = mutations.mutate_bytes(rng, box, box)
        boxes.append(box)
    jpeg = sample.redacted[:2] + b"".join(boxes) + sample.redacted[2:]
    return mutations.mutate(rng, jpeg, sample.redacted) if rng.random() < 0.3 else jpeg


@cache
def key_files() -> tuple[bytes, ...]:
    """Return files of keys of each kind."""
    lines = "\n".join(key.secret() for key in (OWNER, RUN))
    public = "\n".join(str(key.recipient) for key in (OWNER, RUN, PART))
    return (f"# a comment\n{lines}\r\n\n".encode(), SSH, SSH_PUBLIC,
            f"{public}\n# more\n".encode() + SSH_PUBLIC)  # fmt: skip


def damaged(target: str, seed: int, number: int) -> bytes:
    """Return an input of a run."""
    rng = random.Random(f"{target} {seed} {number}")
    if target == "keys":
        return mutations.mutate_bytes(rng, rng.choice(key_files()), rng.choice(key_files()))
    every = samples()
    at = rng.randrange(len(every))
    make = {"sealed": damaged_diff, "noted": damaged_note, "boxed": damaged_box}[target]
    return bytes([at]) + make(rng, every[at])


def first_inputs(target: str) -> list[bytes]:
    """Return what a run of a target starts from."""
    if target == "keys":
        return list(key_files())
    rng, found = random.Random(1), []
    for at, sample in enumerate(samples()):
        if target == "noted":
            data = sample.state(frozenset((0, 2)))
        else:
            data = sealed(rng, plan_of(sample, None, False))
            if target == "boxed":
                data = sample.redacted[:2] + make_box(data, 1) + sample.redacted[2:]
        found.append(bytes([at]) + data)
    return found


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.exit(findings.main("tests.fuzz.sealed", __doc__, PROMISES, damaged))
