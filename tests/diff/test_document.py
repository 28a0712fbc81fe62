"""A diff's parts <-> bytes: what is refused, and that no damage goes unnoticed."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jpegmaker import grey, make_jpeg

import jpegredact as jr
from jpegredact.diff import Document, FileRecord, GroupRecord, Public, RegionRecord, Window
from jpegredact.diff.cbor import MAGIC, decode, encode
from jpegredact.errors import DiffError, InvalidDiffError, JpegRedactError, LimitExceededError
from jpegredact.limits import Limits

PICTURE = make_jpeg(
    32, 24, [grey(np.arange(12).reshape(3, 4) ** 2, {1: 2})], restart=3, padding=0
)
RESULT = jr.redact(PICTURE, [jr.Box(8, 8, 20, 16, "face", 0.5, "a"), (16, 0, 32, 16)])
REAL = RESULT.diff.to_bytes()


# --- round trips ---

names = st.none() | st.text(max_size=8)
finite = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
digests = st.binary(min_size=32, max_size=32)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    regions = tuple(
        RegionRecord(
            draw(st.sampled_from(["box", "polygon", "mask"])),
            draw(st.tuples(finite, finite, finite, finite)),
            tuple(draw(st.lists(st.tuples(finite, finite), max_size=3))),
            draw(names), draw(st.none() | finite), draw(names),
        )
        for _ in range(draw(st.integers(1, 3)))
    )  # fmt: skip
    keys = st.frozensets(st.integers(0, len(regions) - 1), min_size=1)
    told = (
        tuple(draw(st.lists(st.integers(0, 256), max_size=4))),
        draw(st.binary(min_size=8, max_size=8)),
        draw(st.binary(min_size=8, max_size=8)),
        draw(st.binary(min_size=8, max_size=8)),
        tuple(sorted(draw(st.sets(st.integers(0, 2**20), max_size=3)))),
    )
    groups = tuple(
        GroupRecord(
            tuple(sorted(key)),
            tuple(
                Window(k, draw(st.integers(0, 99)), draw(st.integers(0, 99)), 3, 4)
                for k in sorted(draw(st.sets(st.integers(0, 3), min_size=1)))
            ),
            draw(st.binary(max_size=9)),
            tuple(draw(st.lists(st.binary(max_size=9), max_size=3))),
            tuple((n, 9, b"\1\2") for n in sorted(draw(st.sets(st.integers(0, 99), max_size=3)))),
            *told,
        )
        for key in draw(st.sets(keys, max_size=3))
    )
    patches = []
    at = 0
    for gap, length, new in draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.binary(max_size=9)), max_size=3)
    ):
        patches.append((at + gap, length, new))
        at += gap + length
    size = draw(st.integers(1, 65535)), draw(st.integers(1, 65535))
    sample = draw(st.none() | st.tuples(st.integers(1, 999), st.integers(0, 2**32 - 1)))
    file = FileRecord(
        draw(st.integers(0, 2**50)), draw(digests), tuple(patches), (), sample
    )
    return Document(
        Public(draw(digests), size, tuple(draw(digests) for _ in groups)),
        tuple(group if draw(st.booleans()) else None for group in groups),
        tuple(region if draw(st.booleans()) else None for region in regions),
        draw(st.sampled_from([file, None])),
    )


@given(documents())
@settings(max_examples=150)
def test_round_trip(document) -> None:
    data = document.to_bytes()
    assert data.startswith(MAGIC)
    assert Document.from_bytes(data) == document
    assert Document.from_bytes(data).to_bytes() == data


def test_a_general_reader_reads_a_diff() -> None:
    cbor2 = pytest.importorskip("cbor2")
    public = cbor2.loads(REAL)
    public = getattr(public, "value", public)
    assert set(public) == {"format", "version", "redacted", "size", "fills", "records"}
    kinds = [cbor2.loads(record[:-8])["kind"] for record in public["records"]]
    assert kinds == ["group"] * 3 + ["region"] * 2 + ["file"]
    region = cbor2.loads(public["records"][3][:-8])
    assert region["box"] == [8, 8, 20, 16]
    assert (region["label"], region["score"], region["id"]) == ("face", 0.5, "a")


def test_the_same_input_gives_the_same_diff() -> None:
    again = jr.redact(PICTURE, [jr.Box(8, 8, 20, 16, "face", 0.5, "a"), (16, 0, 32, 16)])
    assert again.diff.to_bytes() == REAL
    assert jr.UnblurDiff.from_bytes(REAL) == RESULT.diff
    assert jr.UnblurDiff.from_bytes(bytearray(REAL)) == RESULT.diff


def test_a_group_tells_nothing_of_the_whole_file() -> None:
    """Design section 6: no digest of the original and no other box in what is handed on alone."""
    document = RESULT.diff.document
    alone = [r for r in decode(REAL, 3)["records"] if decode(r[:-8])["kind"] != "file"]
    for record in alone:
        assert document.file.sha256 not in record
    for record in alone[:3]:
        assert set(decode(record[:-8])) == {
            "kind", "regions", "windows", "shape", "blocks", "odd", "tables", "frame", "coding",
            "around",
            "lacking",
        }  # fmt: skip


# --- damage ---


@pytest.mark.parametrize("length", range(len(REAL)))
def test_every_truncation_is_refused(length) -> None:
    with pytest.raises(InvalidDiffError) as caught:
        Document.from_bytes(REAL[:length])
    assert caught.value.code in ("diff.magic", "diff.truncated")


@pytest.mark.parametrize("change", [1, 0x20, 0x80, 0xFF])
def test_no_changed_byte_goes_unnoticed(change) -> None:
    """Each is refused, or gives another diff, and that one never restores anything else."""
    whole = Document.from_bytes(REAL)
    for at in range(len(REAL)):
        data = REAL[:at] + bytes([REAL[at] ^ change]) + REAL[at + 1 :]
        try:
            changed = Document.from_bytes(data)
        except DiffError:
            continue
        assert changed != whole
        assert changed.to_bytes() == data
        for regions in (None, [0], [1]):
            try:
                back = jr.restore(RESULT.jpeg, data, regions=regions)
            except JpegRedactError:
                continue
            assert regions is not None or back == PICTURE


@given(st.binary(max_size=60))
@settings(max_examples=200)
def test_any_bytes(data) -> None:
    for start in (b"", MAGIC, REAL[:40]):
        with pytest.raises(DiffError):
            Document.from_bytes(start + data)


# --- refusals, one by one ---


def with_check(record: bytes) -> bytes:
    return record + hashlib.sha256(record).digest()[:8]


def rebuilt(public: dict, records: list | None = None) -> bytes:
    if records is not None:
        public = {**public, "records": [with_check(encode(r)) for r in records]}
    return MAGIC + encode(public)


PUBLIC = decode(REAL, 3)
RECORDS = [decode(record[:-8]) for record in PUBLIC["records"]]
GROUP, REGION, FILE = 0, 3, 5


def without(record: dict, name: str) -> dict:
    return {key: value for key, value in record.items() if key != name}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_missing_public_fields(name) -> None:
    with pytest.raises(InvalidDiffError):
        Document.from_bytes(rebuilt(without(PUBLIC, name)))


@pytest.mark.parametrize(
    ("number", "name"),
    [(n, name) for n in (GROUP, REGION, FILE) for name in sorted(RECORDS[n])],
)
def test_missing_fields_of_records(number, name) -> None:
    records = [*RECORDS]
    records[number] = without(records[number], name)
    data = rebuilt(PUBLIC, records)
    if name in ("label", "score", "id"):
        assert getattr(Document.from_bytes(data).regions[0], name) is None
    else:
        with pytest.raises(InvalidDiffError):
            Document.from_bytes(data)


@pytest.mark.parametrize("number", [GROUP, REGION, FILE])
def test_unknown_fields_of_records(number) -> None:
    records = [*RECORDS]
    records[number] = {**records[number], "zz": 1}
    with pytest.raises(InvalidDiffError):
        Document.from_bytes(rebuilt(PUBLIC, records))
    with pytest.raises(InvalidDiffError):
        Document.from_bytes(rebuilt({**PUBLIC, "zz": 1}))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("format", "jrdifg", "diff.magic"),
        ("format", b"jrdiff", "diff.record"),
        ("version", 2, "diff.version"),
        ("version", 0, "diff.version"),
        ("version", True, "diff.record"),
        ("version", 1.0, "diff.record"),
        ("redacted", b"short", "diff.record"),
        ("redacted", "x" * 32, "diff.record"),
        ("size", [0, 1], "diff.record"),
        ("size", [1, 65536], "diff.record"),
        ("size", [1], "diff.record"),
        ("size", [1, 2, 3], "diff.record"),
        ("size", [1, True], "diff.record"),
        ("size", {}, "diff.record"),
        ("fills", [], "diff.record"),
        ("fills", [b"x" * 31] * 3, "diff.record"),
        ("fills", [b"x" * 32] * 4, "diff.record"),
        ("records", [], "diff.record"),
        ("records", [1], "diff.record"),
        ("records", [b""] * 6, "diff.damaged"),
        ("records", [b"\0"] * 6, "diff.damaged"),
        ("records", [b""], "diff.record"),
    ],
)
def test_bad_public_fields(name, value, code) -> None:
    with pytest.raises(InvalidDiffError) as caught:
        Document.from_bytes(rebuilt({**PUBLIC, name: value}))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        (GROUP, "kind", "region"),
        (GROUP, "kind", "other"),
        (GROUP, "kind", 1),
        (GROUP, "regions", []),
        (GROUP, "regions", [1, 0]),
        (GROUP, "regions", [0, 0]),
        (GROUP, "regions", [2]),
        (GROUP, "regions", [-1]),
        (GROUP, "regions", [True]),
        (GROUP, "regions", [2**32]),
        (GROUP, "windows", []),
        (GROUP, "windows", [[0, 0, 0, 1]]),
        (GROUP, "windows", [[4, 0, 0, 1, 1]]),
        (GROUP, "windows", [[0, -1, 0, 1, 1]]),
        (GROUP, "windows", [[0, 0, 0, 0, 1]]),
        (GROUP, "windows", [[0, 0, 0, 1, 2**14 + 1]]),
        (GROUP, "windows", [[0, 2**14, 0, 1, 1]]),
        (GROUP, "windows", [[0, 0, 0, 1, True]]),
        (GROUP, "windows", [[1, 0, 0, 1, 1], [0, 0, 0, 1, 1]]),
        (GROUP, "windows", [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]),
        (GROUP, "shape", "x"),
        (GROUP, "blocks", None),
        (GROUP, "blocks", b"abc"),
        (GROUP, "blocks", [b"abc", 1]),
        (GROUP, "odd", [[0, 8]]),
        (GROUP, "odd", [[0, 0, b""]]),
        (GROUP, "odd", [[0, 8, b""]]),
        (GROUP, "odd", [[0, 8, b"ab"]]),
        (GROUP, "odd", [[1, 8, b"a"], [1, 8, b"a"]]),
        (GROUP, "odd", [[-1, 8, b"a"]]),
        (GROUP, "odd", [[0, 10**6, bytes(125000)]]),
        (GROUP, "tables", [258]),
        (GROUP, "tables", [-1]),
        (GROUP, "tables", 3),
        (GROUP, "frame", bytes(7)),
        (GROUP, "coding", "x" * 8),
        (GROUP, "around", bytes(9)),
        (GROUP, "around", [0] * 8),
        (GROUP, "lacking", [1, 1]),
        (GROUP, "lacking", [2, 1]),
        (GROUP, "lacking", [-1]),
        (REGION, "shape", "circle"),
        (REGION, "box", [0, 0, 8]),
        (REGION, "box", [0, 0, 8, "8"]),
        (REGION, "box", [0, 0, 8, True]),
        (REGION, "points", [[1]]),
        (REGION, "points", [3]),
        (REGION, "points", None),
        (REGION, "label", 5),
        (REGION, "label", True),
        (REGION, "score", "1"),
        (REGION, "score", True),
        (REGION, "id", b"x"),
        (FILE, "length", -1),
        (FILE, "length", "1"),
        (FILE, "sha256", b""),
        (FILE, "patches", [[0, 1]]),
        (FILE, "patches", [[-1, 1, b""]]),
        (FILE, "patches", [[0, -1, b""]]),
        (FILE, "patches", [[5, 2, b""], [6, 1, b""]]),
        (FILE, "patches", [[0, 1, "x"]]),
    ],
)
def test_bad_fields_of_records(number, name, value) -> None:
    records = [*RECORDS]
    records[number] = {**records[number], name: value}
    with pytest.raises(InvalidDiffError) as caught:
        Document.from_bytes(rebuilt(PUBLIC, records))
    assert caught.value.code == "diff.record"


@pytest.mark.parametrize(
    "order", [[5, 0, 1, 2, 3, 4], [3, 0, 1, 2, 4, 5], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 5]]
)
def test_records_out_of_order(order) -> None:
    with pytest.raises(InvalidDiffError):
        Document.from_bytes(rebuilt(PUBLIC, [RECORDS[n] for n in order]))


def test_null_marks_are_not_canonical() -> None:
    records = [*RECORDS]
    records[REGION] = {**records[REGION], "label": None}
    with pytest.raises(InvalidDiffError) as caught:
        Document.from_bytes(rebuilt(PUBLIC, records))
    assert caught.value.code == "diff.record"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_bytes=len(REAL) - 1), "limit.bytes"),
        (Limits(max_groups=2), "limit.groups"),
        (Limits(max_regions=1), "limit.regions"),
    ],
)
def test_limits(limits, code) -> None:
    for read in (Document.from_bytes, jr.UnblurDiff.from_bytes):
        with pytest.raises(LimitExceededError) as caught:
            read(REAL, limits)
        assert caught.value.code == code
    Document.from_bytes(REAL, Limits(max_bytes=len(REAL), max_groups=3, max_regions=2))


# --- forged diffs meet the picture ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("windows", [[0, 0, 0, 2**14, 2**14]]),
        ("windows", [[1, 0, 0, 1, 1]]),
        ("windows", [[0, 1, 1, 1, 1]]),
        ("shape", b""),
        ("shape", bytes(40)),
        ("shape", b"\xff" * 40),
        ("blocks", []),
        ("blocks", [b""]),
        ("blocks", [bytes(400)]),
        ("blocks", [b"\xff" * 400]),
        ("blocks", [b"\x7f" * 400]),
        ("blocks", [b"\1"] * 9),
        ("odd", [[0, 8, b"a"]]),
        ("odd", [[10**6, 8, b"a"]]),
        ("odd", [[0, 63 * 31, bytes(245)]]),
        ("tables", []),
        ("tables", [0, 0, 0, 0]),
        ("tables", [257] * 4),
        ("tables", [1] * 100),
    ],
)
@pytest.mark.parametrize("number", range(3))
def test_forged_groups_are_a_clear_error(number, name, value) -> None:
    records = [*RECORDS]
    records[number] = {**records[number], name: value}
    data = rebuilt(PUBLIC, records)
    for regions in (None, [0], [1]):
        try:
            back = jr.restore(RESULT.jpeg, data, regions=regions)
        except JpegRedactError:
            continue
        assert regions is not None or back == PICTURE


@pytest.mark.parametrize("patches", [[[10**6, 0, b"x"]], [[0, 10**6, b""]], [[0, 2, b"\xff\xd9"]]])
def test_forged_patches_are_a_clear_error(patches) -> None:
    records = [*RECORDS]
    records[FILE] = {**records[FILE], "patches": patches}
    with pytest.raises(DiffError):
        jr.restore(RESULT.jpeg, rebuilt(PUBLIC, records))


def test_a_diff_without_groups_restores_nothing_else() -> None:
    whole = RESULT.diff.document
    empty = whole._replace(groups=(), public=whole.public._replace(fills=()))
    with pytest.raises(DiffError):
        jr.restore(RESULT.jpeg, empty.to_bytes())


def test_infinite_boxes_and_huge_numbers_of_a_forged_region() -> None:
    records = [*RECORDS]
    for box in ([-math.inf, 0, math.inf, 1], [0, 0, 2**63, 1e308], [5, 5, 1, 1]):
        records[REGION] = {**records[REGION], "box": box}
        data = rebuilt(PUBLIC, records)
        try:
            assert jr.restore(RESULT.jpeg, data) == PICTURE
        except InvalidDiffError:
            continue


# --- regions that strain the diff ---


@pytest.mark.parametrize(
    "box", [(0, 0, 1e300, 1e300), (-1e300, -1e300, 8, 8), (0, 0, 2**70, 8), (0.1, 0.1, 1e17, 8)]
)
def test_huge_boxes_can_be_recorded(box) -> None:
    result = jr.redact(PICTURE, [box])
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == PICTURE


@pytest.mark.parametrize(
    "score",
    [np.float32(0.25), np.float64(0.25), np.int64(1), 1],
    ids=repr,
)
def test_numpy_scores_can_be_recorded(score) -> None:
    result = jr.redact(PICTURE, [jr.Box(0, 0, 8, 8, score=score)])
    assert jr.UnblurDiff.from_bytes(result.diff.to_bytes()).regions[0].score == score
    result.report.to_json()


@pytest.mark.parametrize(
    "marks",
    [{"label": 5}, {"id": 7}, {"score": "1"}, {"score": math.nan}, {"label": "\ud800"}],
    ids=repr,
)
def test_marks_that_can_not_be_recorded_are_the_callers_mistake(marks) -> None:
    try:
        result = jr.redact(PICTURE, [jr.Box(0, 0, 8, 8, **marks)])
    except jr.InvalidRegionError:
        return
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == PICTURE
