"""The log: two forms that say the same, published schemas, strict reading, nothing leaks."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from log_samples import (
    ADDED,
    DIGEST,
    ENTRY,
    FACE,
    JSON_SCHEMA,
    LINE,
    LOGS,
    SIGN,
    XSD,
    line,
    xml_of,
)
from lxml import etree

import jpegredact as jr
from jpegredact.geometry import Boxes
from jpegredact.log import (
    Log,
    LogEntry,
    Sighting,
    json_value,
    public_bytes,
    public_value,
    with_ids,
)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(JSON_SCHEMA)


@given(LOGS)
def test_both_forms_say_the_same_and_fit_their_schemas(log: Log) -> None:
    lines = log.to_json_lines()
    for each in lines.decode().splitlines():
        LINE.validate(json.loads(each))
    xml_of(log.to_xml())
    assert jr.read_log(lines) == log
    assert jr.read_log(log.to_xml()) == log


@given(LOGS)
def test_the_same_log_gives_the_same_bytes(log: Log) -> None:
    assert log.to_json_lines() == copy.deepcopy(log).to_json_lines()
    again = jr.read_log(log.to_json_lines())
    assert (again.to_json_lines(), again.to_xml()) == (log.to_json_lines(), log.to_xml())


def test_the_bytes_are_these() -> None:
    """The format, written out: a change here is a change of the schema."""
    first, second, third = ENTRY.detections
    entry = replace(ENTRY, detections=(first,))
    assert entry.to_json() == (
        '{"record": "file", "schema": 1, "version": "0.1.0", "file": "street/a.jpg", '
        f'"sha256": "{DIGEST}", "size": [400, 300], "orientation": 6, '
        f'"detectors": [{{"name": "centerface", "digest": "{DIGEST}"}}], '
        '"options": {"labels": ["face", "plate"], "effort": "normal", "threshold": 0.35, '
        '"method": "inpaint", "margin": "10%", "side_copies": "default"}, '
        '"detections": [{"id": "face-d4059c3a", "label": "face", "score": 0.875, '
        '"box": [10, 20.5, 50, 60], "decision": "redact", "source": "detector", '
        f'"model": "centerface@{DIGEST}", "threshold": 0.35, "shape": "box", "points": [], '
        '"parts": [], "snapped": [0, 16, 56, 64], "blocks": [42, 12, 12]}], '
        f'"redacted": "{DIGEST[::-1]}", "diff": null, "warnings": [], "error": null}}'
    )
    assert (second.decision, third.source) == ("keep", "log")


def test_a_hand_written_line_is_enough() -> None:
    (entry,) = jr.read_log(line().encode()).entries
    (seen,) = entry.detections
    LINE.validate(json.loads(line()))
    assert (seen.box, seen.decision, seen.source) == ((1, 2, 30, 40), "redact", "log")
    assert seen.id == "region-" + seen.id[-8:]
    assert seen.region == jr.Box(1, 2, 30, 40, id=seen.id)


def test_a_corrected_log_round_trips() -> None:
    first, second, third = ENTRY.detections
    corrected = replace(ENTRY, detections=(replace(first, decision="keep"), second, third))
    for data in (Log((corrected,)).to_json_lines(), Log((corrected,)).to_xml()):
        again = jr.read_log(data)
        assert again == Log((corrected,))
        assert [each.box for each in again.entries[0].to_redact] == [third.box]


def test_a_byte_order_mark_and_empty_lines_are_no_matter() -> None:
    data = b"\xef\xbb\xbf\r\n" + line().encode() + b"\r\n\n"
    assert len(jr.read_log(data).entries) == 1


DETECTION = {"box": [1, 2, 30, 40]}
BAD = {
    "typing error": (line(detections=[{**DETECTION, "desicion": "keep"}]), "log.field", "desicion"),
    "unknown decision": (line(detections=[{**DETECTION, "decision": "Keep"}]), "log.field", "Keep"),
    "true as decision": (line(detections=[{**DETECTION, "decision": True}]), "log.field", "True"),
    "no box": (line(detections=[{"label": "face"}]), "log.field", "box"),
    "three numbers": (line(detections=[{"box": [1, 2, 3]}]), "log.field", "box"),
    "text as number": (line(detections=[{"box": ["1", 2, 3, 4]}]), "log.field", "box"),
    "true as number": (line(detections=[{"box": [True, 2, 3, 4]}]), "log.field", "box"),
    "inverted": (line(detections=[{"box": [5, 5, 1, 9]}]), "log.field", "inverted"),
    "no area": (line(detections=[{"box": [5, 5, 5, 9]}]), "log.field", "no area"),
    "far": (line(detections=[{"box": [0, 0, 1e300, 9]}]), "log.field", "box"),
    "polygon without corners": (
        line(detections=[{**DETECTION, "shape": "polygon"}]), "log.field", "corners"),
    "box with corners": (
        line(detections=[{**DETECTION, "points": [[0, 0], [1, 0], [1, 1]]}]), "log.field",
        "corners"),
    "boxes without parts": (
        line(detections=[{**DETECTION, "shape": "boxes"}]), "log.field", "parts"),
    "box with parts": (
        line(detections=[{**DETECTION, "parts": [[1, 2, 3, 4]]}]), "log.field", "parts"),
    "one corner of a box": (
        line(detections=[{**DETECTION, "points": [[1, 2]]}]), "log.field", "corners"),
    "a box that its parts do not span": (
        line(detections=[{"box": [1, 2, 3, 4], "shape": "boxes", "parts": [[50, 2, 60, 4]]}]),
        "log.field", "correct both"),
    "a box that its corners do not span": (
        line(detections=[{"box": [0, 0, 9, 9], "shape": "polygon",
                          "points": [[0, 0], [9, 0], [4, 8]]}]), "log.field", "correct both"),
    "inverted part": (
        line(detections=[{**DETECTION, "shape": "boxes", "parts": [[3, 2, 1, 4]]}]), "log.field",
        "inverted"),
    "detection is no object": (line(detections=[[1, 2, 3, 4]]), "log.field", "detections[0]"),
    "detections are no list": (line(detections={"box": [1, 2, 3, 4]}), "log.field", "detections"),
    "same id": (line(detections=[{**DETECTION, "id": "a"}, {"box": [0, 0, 9, 9], "id": "a"}]),
                "log.field", "same id"),
    "no record": (line(record=...), "log.field", "record"),
    "other record": (line(record="picture"), "log.field", "record"),
    "no digest": (line(sha256=...), "log.field", "sha256"),
    "digest null": (line(sha256=None), "log.field", "sha256"),
    "short digest": (line(sha256="ab"), "log.field", "sha256"),
    "capital digest": (line(sha256=DIGEST.upper()), "log.field", "sha256"),
    "no file": (line(file=...), "log.field", "file"),
    "orientation 9": (line(orientation=9), "log.field", "orientation"),
    "size of three": (line(size=[1, 2, 3]), "log.field", "size"),
    "size not whole": (line(size=[1.5, 2]), "log.field", "size"),
    "unknown field": (line(comment="x"), "log.field", "comment"),
    "options no object": (line(options=[1]), "log.field", "options"),
    "unknown option": (line(options={"efort": "fast"}), "log.field", "efort"),
    "half a character": (line(file="\ud800"), "log.field", "half"),
    "long text": (line(file="x" * 5000), "log.field", "4096"),
    "schema 2": (line(schema=2), "log.schema", "2"),
    "schema true": (line(schema=True), "log.schema", "True"),
    "no schema": (line(schema=...), "log.field", "schema"),
    "twice": ('{"record": "file", "record": "file"}', "log.syntax", "twice"),
    "not a number": (line().replace("[1, 2, 30, 40]", "[NaN, 2, 30, 40]"), "log.syntax", "NaN"),
    "deep": ("[" * 100_000, "log.syntax", "line 1"),
    "endless number": (line().replace("30", "3" * 5000), "log.syntax", "line 1"),
    "second line": (line() + "\n{", "log.syntax", "line 2"),
    "a list": ("[]", "log.field", "no object"),
    "nothing": (" \n", "log.empty", "empty"),
    "public": (public_bytes([ENTRY], "json").decode(), "log.field", "public"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "words"), BAD.values(), ids=BAD)
def test_bad_lines_are_refused_by_name(text: str, code: str, words: str) -> None:
    with pytest.raises(jr.InvalidLogError) as caught:
        jr.read_log(text.encode("utf-8", "surrogatepass"))
    assert caught.value.code == code
    assert words in str(caught.value)


BAD_XML = {
    "document type": '<!DOCTYPE log [<!ENTITY a "b">]><log schema="1"><file name="&a;"/></log>',
    "not closed": '<log schema="1">',
    "other root": "<logs/>",
    "other child": '<log schema="1"><picture/></log>',
    "unknown attribute": '<log schema="1"><file name="a" sha="b"/></log>',
    "unknown element": '<log schema="1"><file name="a"><face/></file></log>',
    "two boxes": '<log schema="1"><file name="a"><detection><box left="1" top="1" right="2" '
    'bottom="2"/><box left="1" top="1" right="2" bottom="2"/></detection></file></log>',
    "text": '<log schema="1"><file name="a">keep<options/></file></log>',
    "text behind a picture": '<log schema="1"><file name="a"/>keep</log>',
    "text in a box": '<log schema="1"><file name="a"><detection><box left="1" top="1" right="2" '
    'bottom="2">keep</box></detection></file></log>',
    "element in a box": '<log schema="1"><file name="a"><detection><box left="1" top="1" right="2" '
    'bottom="2"><keep/></box></detection></file></log>',
    "element in a label": '<log schema="1"><file name="a"><options><label><b/></label></options>'
    "</file></log>",
    "attribute of a label": '<log schema="1"><file name="a"><options><label decision="keep">face'
    "</label></options></file></log>",
    "attribute of blocks": '<log schema="1"><file name="a"><detection><box left="1" top="1" '
    'right="2" bottom="2"/><blocks sum="1">1</blocks></detection></file></log>',
    "two options": '<log schema="1"><file name="a"><options/><options/></file></log>',
}


@pytest.mark.parametrize("text", BAD_XML.values(), ids=BAD_XML)
def test_bad_xml_is_refused(text: str) -> None:
    with pytest.raises(jr.InvalidLogError) as caught:
        jr.read_log(text.encode())
    assert caught.value.code == "log.syntax"


BOX = '<box left="1" top="2" right="30" bottom="40"/>'


def xml_line(detection: str = BOX, **more: str) -> bytes:
    attributes = {"name": "a.jpg", "sha256": DIGEST, **more}
    said = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        f'<log schema="1"><file {said}><detection>{detection}</detection></file></log>'
    ).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (xml_line("<box/>"), "box"),
        (xml_line(""), "box"),
        (xml_line('<box left="a" top="2" right="30" bottom="40"/>'), "'a'"),
        (xml_line('<box left="1" top="2" right="0x30" bottom="40"/>'), "0x30"),
        (xml_line('<box left="INF" top="2" right="30" bottom="40"/>'), "INF"),
        (xml_line(sha256="b"), "sha256"),
        (xml_line(orientation="1.5"), "orientation"),
        (xml_line(orientation="upright"), "orientation"),
        (public_bytes([ENTRY], "xml"), "public"),
    ],
)
def test_xml_with_bad_values_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(jr.InvalidLogError) as caught:
        jr.read_log(data)
    assert caught.value.code == "log.field"
    assert words in str(caught.value)


def test_xml_of_another_schema() -> None:
    with pytest.raises(jr.InvalidLogError) as caught:
        jr.read_log(xml_line().replace(b'schema="1"', b'schema="2"'))
    assert caught.value.code == "log.schema"
    assert jr.read_log(xml_line()).entries[0].detections[0].box == (1, 2, 30, 40)


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.floats() | st.text(max_size=3)
    | st.sampled_from(["keep", "redact", "polygon", "log", DIGEST]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["box", "id", "name", "code", "labels"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300)
@given(st.data())
def test_what_is_read_fits_the_schema(data: st.DataObject) -> None:
    """Change a field at random: the reader takes nothing that the published schema does not."""
    value = json_value(ENTRY)
    place = data.draw(st.sampled_from([value, value["options"], *value["detections"]]))
    name = data.draw(st.sampled_from(sorted(place)))
    if data.draw(st.booleans()):
        del place[name]
    else:
        place[name] = data.draw(PARTS)
    text = json.dumps(value)
    fits = LINE.is_valid(json.loads(text, parse_constant=str))
    log, said = read_or_refused(text)
    if log is not None:
        assert fits, text
        assert jr.read_log(log.to_json_lines()) == log
    elif fits:  # what no schema can say
        known = ("inverted", "same id", "half a character", "is no JSON")
        assert any(words in said for words in known), said


def read_or_refused(text: str) -> tuple[Log | None, str]:
    try:
        return jr.read_log(text.encode()), ""
    except jr.InvalidLogError as error:
        return None, str(error)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_refused_clearly(data: bytes) -> None:
    for text in (data, b"<log" + data, b'{"record": "file", ' + data):
        with pytest.raises(jr.InvalidLogError):
            jr.read_log(text)


def test_limits_hold() -> None:
    data = line(detections=[{"box": [n, 0, n + 1, 1]} for n in range(5)]).encode()
    with pytest.raises(jr.InvalidLogError, match="at most 4"):
        jr.read_log(data, limits=jr.Limits(max_regions=4))
    with pytest.raises(jr.LimitExceededError):
        jr.read_log(data, limits=jr.Limits(max_bytes=100))
    two = b"\n".join([data, data])
    with pytest.raises(jr.LimitExceededError):
        jr.read_log(two, limits=jr.Limits(max_items=1))
    assert len(jr.read_log(two, limits=jr.Limits(max_items=2)).entries) == 2


def test_ids_do_not_depend_on_what_else_was_found() -> None:
    alone = with_ids([FACE])[0].id
    for others in ([SIGN, FACE], [FACE, SIGN, ADDED], [ADDED, SIGN, FACE]):
        assert [each.id for each in with_ids(others) if each.box == FACE.box] == [alone]
    surer = replace(FACE, score=0.99, decision="keep")
    assert with_ids([surer])[0].id == alone  # the same place
    moved = replace(FACE, box=(10, 20.5, 50, 61))
    assert with_ids([moved])[0].id != alone


def test_ids_are_unique_and_given_ones_stay() -> None:
    ids = [each.id for each in with_ids([FACE, FACE, replace(SIGN, id="mine"), FACE])]
    assert len(set(ids)) == 4
    assert ids[2] == "mine"
    taken = ids[0]
    first, second = with_ids([replace(SIGN, id=taken), FACE])
    assert first.id == taken
    assert second.id != taken


def test_many_of_one_place_take_no_longer_each() -> None:
    start = time.process_time()
    entry = jr.read_log(line(detections=10_000 * [DETECTION]).encode()).entries[0]
    assert len({each.id for each in entry.detections}) == 10_000
    jr.read_log(line(detections=10_000 * [{**DETECTION, "shape": None}]).encode())
    assert time.process_time() - start < 3  # 10 s and more, where each looks at all before it


def test_what_is_given_twice_is_found_in_good_time() -> None:
    fields = ",".join(f'"{number}":1' for number in range(50_000))
    start = time.process_time()
    with pytest.raises(jr.InvalidLogError, match="'49999' stands there twice"):
        jr.read_log(f'{{{fields},"49999":1}}'.encode())
    assert time.process_time() - start < 3


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_values_as_deep_as_json_reads_are_refused(opening: str) -> None:
    """Whatever the depth: a message must not go deeper than the reader did."""
    closing = "]" if opening == "[" else "}"
    for depth in range(850, 1050):
        deep = opening * depth + "1" + closing * depth
        for data in (line(detections=[{"box": 0}]), line(detections=[{"box": [1, 2, 3, 0]}])):
            with pytest.raises(jr.InvalidLogError):
                jr.read_log(data.replace("0}", f"{deep}}}").replace("0]", f"{deep}]").encode())


def test_more_than_memory_holds_is_refused_unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jpegredact.log_reading._MOST_VALUES", 1000)
    many = line(detections=500 * [DETECTION])
    for data in (many.encode(), jr.read_log(line().encode()).to_xml() + 3000 * b"<a/>"):
        with pytest.raises(jr.InvalidLogError, match="more than 1000"):
            jr.read_log(data)


def test_an_orientation_with_a_point_is_a_whole_number() -> None:
    (entry,) = jr.read_log(line(orientation=6.0).encode()).entries
    assert isinstance(entry.orientation, int)
    xml_of(Log((entry,)).to_xml())


def test_entries_are_found_by_the_picture() -> None:
    other = replace(ENTRY, sha256="f" * 64, file="b.jpg")
    assert Log((other, ENTRY)).entry_for(DIGEST) == ENTRY
    copy_of = replace(ENTRY, file="copy.jpg")
    assert Log((ENTRY, copy_of)).entry_for(DIGEST) == ENTRY  # they say the same
    failed = LogEntry.failed("a.jpg", None, OSError(2, "No such file"))
    for log, code in (
        (Log((other,)), "log.mismatch"),
        (Log((failed, other)), "log.mismatch"),
        (Log((ENTRY, replace(copy_of, detections=()))), "log.twice"),
    ):
        with pytest.raises(jr.InvalidLogError) as caught:
            log.entry_for(DIGEST)
        assert caught.value.code == code


def test_failures_are_logged() -> None:
    error = jr.InvalidJpegError("bad", code="jpeg.no-soi", offset=3)
    entries = (
        LogEntry.failed("a.jpg", b"data", error),
        LogEntry.failed("b\udcff.jpg", None, OSError(2, "No such file")),
    )
    log = Log(entries)
    for each in log.to_json_lines().decode().splitlines():
        LINE.validate(json.loads(each))
    xml_of(log.to_xml())
    first, second = jr.read_log(log.to_json_lines()).entries
    assert (first.error.code, first.error.message) == ("jpeg.no-soi", "bad (at byte 3)")
    assert first.sha256 is not None
    assert (second.error.code, second.error.message) == ("io", "No such file")
    assert second.file == "b\ufffd.jpg"
    assert second.sha256 is None


@given(LOGS)
def test_a_public_log_says_nothing_private(log: Log) -> None:
    entry = replace(log.entries[0], redacted="e" * 64, file="private-name")
    value = public_value(entry)
    LINE.validate(value)
    assert set(value) == {"record", "schema", "version", "redacted", "counts"}
    assert sum(each["count"] for each in value["counts"]) == len(entry.to_redact)
    assert {each["label"] for each in value["counts"]} == {s.label for s in entry.to_redact}
    said = public_bytes([entry], "json").decode()
    assert entry.sha256 not in said
    assert "private-name" not in said
    xml_of(public_bytes([entry], "xml"))


def test_there_is_no_public_log_of_nothing() -> None:
    with pytest.raises(jr.InvalidLogError) as caught:
        public_value(replace(ENTRY, redacted=None))
    assert caught.value.code == "log.not-redacted"


def test_xml_holds_what_it_can() -> None:
    seen = with_ids([replace(FACE, label="<&\"'\n")])
    odd = replace(ENTRY, file="a\x00b\x1bc\td", detections=seen)
    root = xml_of(Log((odd,)).to_xml())
    assert root.find("file").get("name") == "a\ufffdb\ufffdc\td"
    assert root.find("file/detection").get("label") == "<&\"'\n"
    assert jr.read_log(Log((odd,)).to_xml()).entries[0].detections[0].label == "<&\"'\n"


def test_the_xsd_refuses_too() -> None:
    """The schema is no paper tiger: it sees what the reader sees."""
    good = Log((ENTRY,)).to_xml().decode()
    for old, new in (
        ('decision="keep"', 'decision="Keep"'),
        ("<box ", "<bax "),
        ('left="10"', 'left="ten"'),
        (f'sha256="{DIGEST}"', 'sha256="ab"'),
        ('schema="1"', 'schema="2"'),
        ('orientation="6"', 'orientation="9"'),
    ):
        assert old in good
        bad = good.replace(old, new, 1).encode()
        assert not XSD.validate(etree.fromstring(bad))
        with pytest.raises(jr.InvalidLogError):
            jr.read_log(bad)


def test_a_mask_is_read_back_as_its_bounds() -> None:
    import numpy as np

    array = np.zeros((20, 30), bool)
    array[3:7, 4:9] = True
    seen = with_ids([Sighting.of(jr.Mask(array, "face"), "person")])
    entry = replace(ENTRY, detections=seen)
    (again,) = jr.read_log(Log((entry,)).to_json_lines()).entries[0].detections
    assert again.region == jr.Box(4, 3, 9, 7, "face", id=seen[0].id)


def test_a_polygon_is_read_back_as_one() -> None:
    polygon = jr.Polygon(((1, 2), (30, 2), (15, 40.5)), "face", 0.5, "p")
    entry = replace(ENTRY, detections=(Sighting.of(polygon, "person"),))
    for data in (Log((entry,)).to_json_lines(), Log((entry,)).to_xml()):
        (again,) = jr.read_log(data).entries[0].detections
        assert again.region == polygon


def test_what_lies_across_a_seam_is_read_back_in_two_parts() -> None:
    boxes = Boxes(((390, 10, 400, 60), (0, 10, 30.5, 60)), "face", 0.5, "seam")
    entry = replace(ENTRY, detections=(Sighting.of(boxes, "detector"),))
    for data in (Log((entry,)).to_json_lines(), Log((entry,)).to_xml()):
        (again,) = jr.read_log(data).entries[0].detections
        assert again.region == boxes
        assert again.box == (0, 10, 400, 60)
    first, second = json.loads(Log((entry,)).to_coco())["annotations"]
    assert (first["bbox"], second["bbox"]) == ([390, 10, 10, 50], [0, 10, 30.5, 50])
    assert first["detection_id"] == second["detection_id"] == "seam"


class TestCoco:
    """What a reader such as pycocotools expects, and what it must not learn."""

    failed = LogEntry.failed("bad.jpg", b"x", jr.InvalidJpegError("bad"))
    empty = replace(ENTRY, file="empty.jpg", detections=())
    outline = replace(
        ENTRY,
        file="outline.jpg",
        detections=(Sighting.of(jr.Polygon(((0, 0), (10, 0), (10, 20)), "face"), "person"),),
    )
    value = json.loads(Log((ENTRY, failed, empty, outline)).to_coco())

    def test_structure(self) -> None:
        assert set(self.value) == {"info", "licenses", "images", "annotations", "categories"}
        for name in ("images", "annotations", "categories"):
            ids = [each["id"] for each in self.value[name]]
            assert ids == list(range(1, len(ids) + 1))
        images = {each["id"]: each for each in self.value["images"]}
        categories = {each["id"] for each in self.value["categories"]}
        assert [each["file_name"] for each in images.values()] == [
            "street/a.jpg", "empty.jpg", "outline.jpg",
        ]  # fmt: skip
        for each in self.value["annotations"]:
            image = images[each["image_id"]]
            assert each["category_id"] in categories
            left, top, width, height = each["bbox"]
            assert 0 <= left < left + width <= image["width"]
            assert 0 <= top < top + height <= image["height"]
            assert each["area"] > 0
            assert each["iscrowd"] == 0
            (outline,) = each["segmentation"]
            assert len(outline) >= 6
            assert len(outline) % 2 == 0

    def test_boxes_and_areas(self) -> None:
        first, _, _, last = self.value["annotations"]
        assert first["bbox"] == [10, 20.5, 40, 39.5]
        assert first["area"] == 40 * 39.5
        assert (first["score"], first["detection_id"]) == (0.875, ENTRY.detections[0].id)
        assert last["area"] == 100
        assert last["segmentation"] == [[0, 0, 10, 0, 10, 20]]

    def test_a_false_hit_is_a_category_of_its_own(self) -> None:
        names = {each["id"]: each for each in self.value["categories"]}
        found = [
            (names[each["category_id"]]["name"], names[each["category_id"]]["supercategory"],
             each["decision"], each["source"])
            for each in self.value["annotations"]
        ]  # fmt: skip
        assert found == [
            ("face", "region", "redact", "detector"),
            ("not-plate", "false-hit", "keep", "detector"),
            ("face", "region", "redact", "log"),
            ("face", "region", "redact", "person"),
        ]


def test_coco_needs_sizes() -> None:
    entry = replace(ENTRY, size=None)
    with pytest.raises(jr.InvalidLogError) as caught:
        Log((entry,)).to_coco()
    assert caught.value.code == "log.size"
    assert json.loads(Log((replace(entry, detections=()),)).to_coco())["images"] == []
