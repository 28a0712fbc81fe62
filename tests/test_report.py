"""The report: as JSON, as XML, and what it says of a real redaction."""

import hashlib
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import pillow_jpeg

import jpegredact as jr
from jpegredact.report import Notice, RegionReport, Report, SideCopyReport

NASTY = [
    "\x00", "\x1f\x7f\x85", "<b>&amp;\"'</b>", "]]>", "\u2028\ufffe\uffff", "e\u0301 \U0001f600",
    "a\tb\nc\rd", "<!-- -->", "\ud800",
]  # fmt: skip


def report(label: str | None = None, message: str = "m") -> Report:
    region = RegionReport(0, "box", (0, 0.5, 8, 9), (0, 0, 8, 16), (2, 1, 1), label, 0.25, label)
    return Report(
        version="0", original="00", redacted="11", original_bytes=1, redacted_bytes=2,
        size=(8, 16), orientation=1, method="inpaint", content_free=True, regions=(region,),
        groups=1, groups_merged=0, blocks=(2, 1, 1), blocks_moved=0,
        tables_appended=((9, "DC 0", (5,)),), bytes_rewritten=3, diff_bytes=4, raw_bytes=0,
        side_copies_policy="default",
        side_copies=(SideCopyReport("comment", 20, 9, "drop", message),),
        header_changes=((20, 9, 0),),
        warnings=(Notice("code", message),),
    )  # fmt: skip


def parse(xml: str) -> ElementTree.Element:
    return ElementTree.fromstring(xml.encode())


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_xml_is_well_formed_whatever_the_label(text) -> None:
    root = parse(report(text, text).to_xml())
    label = root.findtext("regions/item/label")
    expected = "".join(c if c.isprintable() or c in "\t\n" else "\ufffd" for c in text)
    assert label == expected
    assert len(root.findall("regions/item")) == 1


@given(st.text())
def test_any_text(text) -> None:
    made = report(text, text)
    root = parse(made.to_xml())
    assert len(root.findtext("warnings/item/message")) == len(text)
    assert json.loads(made.to_json())["regions"][0]["label"] == text


@pytest.mark.parametrize("text", NASTY[:-1], ids=ascii)
def test_json_can_be_stored_whatever_the_label(text) -> None:
    data = report(text).to_json().encode()
    assert json.loads(data)["regions"][0]["id"] == text


def test_json_and_xml_say_the_same() -> None:
    made = report("face")
    data = json.loads(made.to_json())
    assert data == json.loads(made.to_json(indent=2)) == json.loads(json.dumps(made.to_dict()))
    assert "\n" not in made.to_json()
    root = parse(made.to_xml())
    assert root.tag == "report"
    assert [child.tag for child in root] == list(data)
    assert root.findtext("content_free") == "true"
    assert [item.text for item in root.findall("size/item")] == ["8", "16"]
    assert root.findtext("regions/item/score") == "0.25"
    assert parse(report(None).to_xml()).find("regions/item/label") is None


def test_the_report_of_a_redaction(photo) -> None:
    data = pillow_jpeg(photo, subsampling=2)
    boxes = [jr.Box(10, 20, 50.5, 60, "face", 0.75, "x1"), (40, 40, 90, 90)]
    result = jr.redact(data, boxes, method="pixelate")
    said = json.loads(result.report.to_json())
    assert said["original"] == hashlib.sha256(data).hexdigest()
    assert said["redacted"] == hashlib.sha256(result.jpeg).hexdigest()
    assert (said["original_bytes"], said["redacted_bytes"]) == (len(data), len(result.jpeg))
    assert said["diff_bytes"] == len(result.diff.to_bytes())
    assert said["size"] == [208, 160]
    assert (said["method"], said["content_free"]) == ("pixelate", False)
    first, second = said["regions"]
    assert (first["label"], first["score"], first["id"]) == ("face", 0.75, "x1")
    assert first["box"] == [10, 20, 50.5, 60]
    assert first["snapped"] == [0, 16, 64, 64]
    assert first["blocks"] == [6 * 6, 4 * 3, 4 * 3]  # luma columns 1-6, rows 2-7; chroma 0-3, 1-3
    assert second["snapped"] == [32, 32, 96, 96]
    assert said["groups"] == 3
    assert "cosmetic-method" in [w["code"] for w in said["warnings"]]
    parse(result.report.to_xml())


def test_snapped_stays_within_the_picture(photo) -> None:
    data = pillow_jpeg(photo[:101, :67], subsampling=2)
    (region,) = jr.redact(data, [(60, 90, 67, 101)]).report.regions
    assert region.snapped == (48, 80, 67, 101)


def test_the_report_of_nothing(photo) -> None:
    data = pillow_jpeg(photo)
    result = jr.redact(data, [])
    assert result.jpeg == data
    assert result.diff is None
    said = result.report.to_dict()
    assert said["original"] == said["redacted"] == hashlib.sha256(data).hexdigest()
    assert [w["code"] for w in said["warnings"]] == ["no-regions"]
    parse(result.report.to_xml())
