"""What lies behind EOI: named without a gap, gain maps redacted, the MPF index put right."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import container_files as files
import jpegio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import jpegredact as jr
from jpegredact.container import jpegwalk
from jpegredact.container.images import gainmap, mpf
from jpegredact.container.images.carrier import read_images
from jpegredact.container.images.gainmap_xmp import least_packet
from jpegredact.container.model import POLICIES, Policy, Scrubbed
from jpegredact.limits import DEFAULT_LIMITS
from jpegredact.redaction.methods import as_method
from jpegredact.redaction.redact import redact_picture

LARGE_THUMBNAIL, GAIN_MAP, STEREO = 0x40010002, 0, 0x020002
ISO_NOTE = files.segment(0xE2, files.ISO + bytes(4))
ISO_DATA = files.segment(0xE2, files.ISO + bytes(61))


def actions(answer: Scrubbed) -> dict[str, str]:
    return {copy.kind: action for copy, action in answer.outcomes}


def entries(data: bytes) -> list[mpf.Entry]:
    segment = next(
        one for one in files.segments_of(data) if data[one.offset + 4 :].startswith(b"MPF\0")
    )
    index = mpf.read_index(data, segment)
    assert not index.problem
    return list(index.entries)


def redacting(jpeg: bytes) -> bytes | None:
    """Do what a real renderer does: the middle of it."""
    with Image.open(io.BytesIO(jpeg)) as image:
        width, height = image.size
    area = files.MIDDLE
    box = (area.left * width, area.top * height, area.right * width, area.bottom * height)
    return redact_picture(jpeg, [jr.Box(*box)], as_method("inpaint"), (0.0, False), DEFAULT_LIMITS)


class TestGainMaps:
    @pytest.mark.parametrize("by", [files.xmp(files.HDRGM), files.xmp(files.APPLE), ISO_DATA])
    @pytest.mark.parametrize("order", [">", "<"])
    def test_is_redacted_and_found_again(self, by: bytes, order: str) -> None:
        small = files.gain_map(by)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)], order)
        out, answer, kept = files.scrubbed(data, renderer=files.Renderer(redacting))
        assert actions(answer) == {"mpf-index": "edit", "gain-map": "redact"}
        primary, listed = entries(out)
        assert primary.size == files.end_of_picture(out) == listed.offset
        new = out[listed.offset : listed.offset + listed.size]
        assert [new] == files.kept_bytes(kept)
        assert listed.offset + listed.size == len(out)
        assert_redacted(small, new)
        assert gainmap.gain_map_kind(new) == gainmap.gain_map_kind(small)

    def test_pillow_finds_it(self) -> None:
        # Pillow leaves pictures with hdrgm XMP alone, and not those of Apple
        small = files.gain_map(files.xmp(files.APPLE), files.segment(0xE1, b"Exif\0\0" + bytes(90)))
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)])
        out, _, _ = files.scrubbed(data, renderer=files.Renderer(redacting))
        with Image.open(io.BytesIO(out)) as image:
            assert (image.format, image.n_frames) == ("MPO", 2)
            image.seek(1)
            image.load()
            assert image.size == (24, 16)

    def test_nothing_beside_the_coded_picture(self) -> None:
        thumbnail = files.picture(16, 16)
        small = files.gain_map(
            files.segment(0xE1, b"Exif\0\0MM\0*" + struct.pack(">IHI", 8, 0, 0) + thumbnail),
            files.xmp(files.HDRGM),
            files.segment(0xE2, files.mpf_content([])),
            files.segment(0xED, b"Photoshop 3.0\0" + thumbnail),
            files.segment(0xFE, b"a comment"),
            files.segment(0xEE, b"Adobe\0d\0\0\0\0\0"),
        )
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)])
        _, _, (kept,) = files.scrubbed(data)
        assert thumbnail[20:] not in kept.new
        shape = jpegwalk.walk(kept.new, 0, len(kept.new))
        assert shape is not None
        assert [one.code for one in shape.segments if one.code >= 0xE0] == [0xE0, 0xE1, 0xEE]
        before, after = (files.pictures.read_blocks(one)[0] for one in (small, kept.new))
        assert (before == after).all()

    @pytest.mark.parametrize(
        "hidden",
        [
            files.HDRGM.replace("<rdf:RDF", "<!-- " + "QUJD" * 50 + " --><rdf:RDF"),
            files.HDRGM.replace("<rdf:RDF", "<!-- " + "12, 34, " * 600 + " --><rdf:RDF"),
        ],
        ids=["base64", "numbers"],
    )
    def test_its_xmp_has_nothing_else(self, hidden: str) -> None:
        small = files.gain_map(files.xmp(hidden))
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)])
        _, answer, (kept,) = files.scrubbed(data)
        assert actions(answer) == {"mpf-index": "edit", "gain-map": "redact"}
        assert files.xmp(files.HDRGM) in kept.new
        assert len(kept.new) == len(files.gain_map(files.xmp(files.HDRGM)))

    def test_its_segments_have_nothing_more_than_they_should(self) -> None:
        thumbnail = files.noise(27, 5)
        header = b"JFIF\0\1\1\0\0\1\0\1\3\3" + thumbnail
        plain = files.gain_map()
        small = plain[:2] + b"".join(
            (
                files.segment(0xE0, header), files.xmp(files.HDRGM),
                files.segment(0xE2, files.ISO + files.noise(400, 6)),
                files.segment(0xE2, b"ICC_PROFILE\0\1\1" + files.noise(400, 7)),
                files.segment(0xEE, b"Adobe\0d\0\0\0\0\0" + files.noise(20, 8)),
            )
        ) + plain[20:]  # fmt: skip
        new = gainmap.cleaned(small)
        assert new == files.with_segments(plain, files.xmp(files.HDRGM))

    def test_two_frames_are_no_gain_map(self) -> None:
        small = files.gain_map(ISO_DATA)
        shape = jpegwalk.header(small, 0, len(small))
        assert shape is not None
        frame = next(one for one in shape.segments if one.code == 0xC0)
        twice = small[: frame.end] + small[frame.offset :]
        assert gainmap.cleaned(small) == small
        assert gainmap.cleaned(twice) is None
        assert gainmap.cleaned(small[:-2]) is None
        other = small[: frame.offset] + files.segment(0xF0, b"any") + small[frame.offset :]
        assert gainmap.cleaned(other) is None

    def test_one_without_an_end_is_none(self) -> None:
        data = files.picture() + files.gain_map(ISO_DATA)[:-2]
        assert files.kinds(files.images_of(data).copies) == ["trailer-jpeg"]

    def test_a_list_for_each_channel_stays(self) -> None:
        items = "<rdf:li>1.5</rdf:li><rdf:li>-2e-1</rdf:li><rdf:li>0</rdf:li>"
        maximum = f"<hdrgm:GainMapMax><rdf:Seq>{items}</rdf:Seq></hdrgm:GainMapMax>"
        text = files.HDRGM.replace(' hdrgm:GainMapMax="2.3"', "").replace(
            "/></rdf:RDF>",
            f">\n{maximum}\n<hdrgm:Gamma> 1 </hdrgm:Gamma><hdrgm:Other>1</hdrgm:Other>"
            "<dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>Ann Ok</dc:title>"
            "</rdf:Description></rdf:RDF>",
        )
        new = least_packet(text.encode())
        assert new is not None
        assert f"{maximum}<hdrgm:Gamma>1</hdrgm:Gamma></rdf:Description>".encode() in new
        assert b"Ann" not in new
        assert b"Other" not in new
        assert least_packet(new) == new

    @pytest.mark.parametrize("text", [
        files.HDRGM.replace("hdrgm:", "x:"), files.HDRGM[:-3], '<!DOCTYPE x [<!ENTITY a "1">]>'
        + files.HDRGM, files.HDRGM.replace("rdf:Description", "rdf:Other"), "",
    ])  # fmt: skip
    def test_xmp_that_can_not_be_read_tells_nothing(self, text: str) -> None:
        assert least_packet(text.encode()) is None

    def test_three_stay_and_none_is_larger_than_the_picture(self) -> None:
        small = files.gain_map(files.xmp(files.HDRGM))
        large = files.gain_map(ISO_DATA, width=96, height=64)
        data = files.picture(48, 32) + large + 5 * small
        segments = [one for one in files.segments_of(data) if one.code == 0xE2]
        images = read_images(data, segments, len(files.picture(48, 32)), None, 48 * 32)
        found = [copy.actions.default for copy in images.copies]
        assert found == ["drop", "redact", "redact", "redact", "drop", "drop"]

    @pytest.mark.parametrize("change", [lambda jpeg: None, lambda jpeg: jpeg + b"more"])
    def test_goes_when_it_can_not_be_redacted(self, change: object) -> None:
        small = files.gain_map(ISO_DATA)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)], front=[ISO_NOTE])
        out, answer, _ = files.scrubbed(data, renderer=files.Renderer(change))
        assert actions(answer) == {
            "mpf-index": "drop", "gain-map": "drop", "gain-map-note": "drop",
        }  # fmt: skip
        assert out == files.picture()

    def test_strict_drops_it(self) -> None:
        small = files.gain_map(ISO_DATA)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)], front=[ISO_NOTE])
        renderer = files.Renderer()
        out, _, _ = files.scrubbed(data, "strict", renderer)
        assert out == files.picture()
        assert not renderer.asked

    def test_without_an_index(self) -> None:
        small = files.gain_map(files.xmp(files.HDRGM))
        data = files.picture() + small + files.MP4
        out, answer, kept = files.scrubbed(data)
        assert actions(answer) == {"gain-map": "redact", "trailer-video": "drop"}
        assert out == files.picture() + kept[0].new

    def test_by_the_length_in_the_directory(self) -> None:
        small = files.gain_map()
        data = files.picture() + small
        assert files.kinds(files.images_of(data).copies) == ["trailer-jpeg"]
        assert files.kinds(files.images_of(data, len(small)).copies) == ["gain-map"]
        assert files.kinds(files.images_of(data, len(small) + 1).copies) == ["trailer-jpeg"]

    @pytest.mark.parametrize(
        "item",
        [
            '<Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="801"/>',
            "<Container:Item Item:Length='801' Item:Semantic='GainMap'/>",
            "<rdf:li><Item:Length>801</Item:Length><Item:Semantic>GainMap</Item:Semantic></rdf:li>",
        ],
    )
    def test_the_length_in_the_directory(self, item: str) -> None:
        first = '<rdf:li><Container:Item Item:Semantic="Primary" Item:Length="0"/></rdf:li>'
        last = '<rdf:li><Container:Item Item:Semantic="MotionPhoto" Item:Length="9"/></rdf:li>'
        assert gainmap.length_in_directory((first + item + last).encode()) == 801
        assert gainmap.length_in_directory((first + last).encode()) is None

    def test_the_picture_itself_is_no_gain_map(self) -> None:
        # an Ultra HDR primary says hdrgm:Version too, and has the ISO note
        text = files.HDRGM.replace('hdrgm:GainMapMax="2.3" hdrgm:HDRCapacityMax="2.3"', "")
        second = files.with_segments(files.picture(16, 16), ISO_NOTE, files.xmp(text))
        assert files.kinds(files.images_of(files.picture() + second).copies) == ["trailer-jpeg"]

    def test_a_note_that_is_too_long_goes(self) -> None:
        note = files.segment(0xE2, files.ISO + files.noise(400))
        data = files.with_segments(files.picture(), note) + files.gain_map(ISO_DATA)
        out, answer, _ = files.scrubbed(data)
        assert actions(answer) == {"gain-map-note": "drop", "gain-map": "redact"}
        assert out == files.picture() + files.gain_map(ISO_DATA)

    def test_zeros_before_it_go(self) -> None:
        """XMP says then that there is no padding."""
        small = files.gain_map(ISO_DATA)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, bytes(12), small)])
        out, answer, (kept,) = files.scrubbed(data)
        assert actions(answer)["padding"] == "drop"
        assert out.endswith(b"\xff\xd9" + kept.new)
        assert entries(out)[1].offset == len(out) - len(kept.new)

    def test_what_lies_between_goes(self) -> None:
        small = files.gain_map(ISO_DATA)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"any text", small)])
        out, answer, (kept,) = files.scrubbed(data)
        assert actions(answer)["trailer"] == "drop"
        assert entries(out)[1].offset == files.end_of_picture(out) == len(out) - len(kept.new)

    def test_reading_again_changes_nothing(self) -> None:
        small = files.gain_map(ISO_DATA, files.segment(0xFE, b"a comment"))
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)])
        out, _, _ = files.scrubbed(data, renderer=files.Renderer(redacting))
        assert out != data
        assert files.scrubbed(out, renderer=files.Renderer(redacting))[0] == out


def assert_redacted(old: bytes, new: bytes) -> None:
    """The middle of a gain map has changed, its edges have not (read with jpegio)."""
    before, after = (files.pictures.read_blocks(data)[0] for data in (old, new))
    assert before.shape == after.shape
    assert (before != after).any()
    rows, columns = before.shape[:2]
    inside = np.zeros((rows, columns), bool)
    inside[:rows, :columns] = True
    changed = (before != after).any(axis=2)
    left, right = columns * files.MIDDLE.left, columns * files.MIDDLE.right
    assert not changed[:, : int(left)].any()
    assert not changed[:, int(np.ceil(right)) :].any()


BROKEN = {
    "a number without a list": (
        b"MPF\0MM\0*" + struct.pack(">IHHHIII", 8, 1, 0xB001, 4, 1, 2, 0)
    ),
    "an offset outside": b"MPF\0MM\0*" + struct.pack(">I", 0xFFFFFFFF) + bytes(20),
    "a directory that is its own next": (
        b"MPF\0MM\0*" + struct.pack(">IHHHI4sI", 8, 1, 0xB000, 7, 4, b"0100", 8)
    ),
    "65,535 tags": b"MPF\0II*\0" + struct.pack("<IH", 8, 0xFFFF) + bytes(40),
    "4 billion pictures": files.mpf_content([(0, 0, 0, 0, 0)]).replace(
        struct.pack(">HHII", 0xB001, 4, 1, 1), struct.pack(">HHII", 0xB001, 4, 1, 0xFFFFFFFF)
    ),
    "a list of 4 GB": files.mpf_content([(0, 0, 0, 0, 0)]).replace(
        struct.pack(">HHI", 0xB002, 7, 16), struct.pack(">HHI", 0xB002, 7, 0xFFFFFFFF)
    ),
    "two primaries": files.mpf_content([(0, 9, 0, 0, 0), (0, 9, 0, 0, 0)]),
    "a list upon its directory": files.mpf_content([(0, 0, 0, 0, 0)]).replace(
        struct.pack(">HHII", 0xB002, 7, 16, 50), struct.pack(">HHII", 0xB002, 7, 16, 12)
    ),
    "identifiers upon the list": files.mpf_content([(0, 9, 0, 0, 0)], uids=True).replace(
        struct.pack(">HHII", 0xB003, 7, 33, 78), struct.pack(">HHII", 0xB003, 7, 33, 62)
    ),
    "too few identifiers": files.mpf_content([(0, 9, 0, 0, 0)] * 1, uids=True).replace(
        struct.pack(">HHII", 0xB003, 7, 33, 78), struct.pack(">HHII", 0xB003, 7, 32, 78)
    ),
    "a list twice": files.mpf_content([(0, 9, 0, 0, 0)], uids=True).replace(
        struct.pack(">HHII", 0xB003, 7, 33, 78), struct.pack(">HHII", 0xB002, 7, 16, 78)
    ),
    "only a name": b"MPF\0",
}  # fmt: skip


class TestIndex:
    def build(self, order: str = ">", uids: bool = True) -> tuple[bytes, bytes, bytes]:
        large, small = files.picture(32, 24, 7), files.gain_map(ISO_DATA)
        data = files.multi_picture(
            files.picture(),
            [(LARGE_THUMBNAIL, b"", large), (GAIN_MAP, bytes(5), small)], order, uids,
        )  # fmt: skip
        return data, large, small

    @pytest.mark.parametrize("order", [">", "<"])
    @pytest.mark.parametrize("uids", [False, True])
    def test_is_rebuilt_without_what_went(self, order: str, uids: bool) -> None:
        data, large, small = self.build(order, uids)
        out, answer, (kept,) = files.scrubbed(data)
        assert actions(answer) == {
            "mpf-index": "edit", "mpf-image": "drop", "padding": "drop", "gain-map": "redact",
        }  # fmt: skip
        primary, listed = entries(out)
        assert out[listed.offset :][: listed.size] == kept.new == small
        assert large not in out
        # its only dependent went, and with it the number of the entry
        assert primary.dependents == (0, 0)
        assert primary.attributes == 0x20030000
        if uids:
            assert out.count(b"A" * 33) == out.count(b"C" * 33) == 1
            assert b"B" * 33 not in out

    def test_dependents_are_renumbered(self) -> None:
        data, _, _ = self.build(uids=False)
        at = data.index(b"MPF\0") + 4
        second = data.index(struct.pack(">H", 2) + bytes(2), at + 50)
        data = data[:second] + struct.pack(">HH", 2, 3) + data[second + 4 :]
        out, _, _ = files.scrubbed(data)
        assert entries(out)[0].dependents == (0, 2)
        assert entries(out)[0].attributes == 0xA0030000

    def test_offsets_that_may_not_fit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data, _, small = self.build()
        monkeypatch.setattr("jpegredact.container.images.carrier._LARGEST_OFFSET", len(data) - 1)
        out, answer, _ = files.scrubbed(data)
        assert actions(answer)["mpf-index"] == "drop"
        assert out == files.picture() + small

    def test_keep_redacts_each(self) -> None:
        data, large, small = self.build()
        renderer = files.Renderer(redacting)
        out, answer, kept = files.scrubbed(data, "keep", renderer)
        assert actions(answer)["mpf-image"] == "redact"
        assert len(renderer.asked) == 2
        for entry, one in zip(entries(out)[1:], kept, strict=True):
            assert out[entry.offset :][: entry.size] == one.new
        assert large not in out
        assert small not in out

    def test_keep_warns_where_it_can_not(self) -> None:
        data, large, _ = self.build()
        out, answer, _ = files.scrubbed(data, "keep", files.Renderer(lambda jpeg: None))
        assert actions(answer)["mpf-image"] == "warn"
        assert actions(answer)["gain-map"] == "drop"
        assert large in out
        assert len(entries(out)) == 2

    def test_goes_with_the_last_picture(self) -> None:
        thumbnail = files.picture(32, 24, 7)
        data = files.multi_picture(files.picture(), [(LARGE_THUMBNAIL, bytes(9), thumbnail)])
        out, answer, kept = files.scrubbed(data)
        assert out == files.picture()
        assert not kept
        assert actions(answer) == {"mpf-index": "drop", "padding": "drop", "mpf-image": "drop"}

    def test_a_stereo_view_goes(self) -> None:
        data = files.multi_picture(files.picture(), [(STEREO, b"", files.picture(seed=2))])
        (index, view), size = files.images_of(data).copies, (48, 32)
        assert (index.kind, view.kind, view.size) == ("mpf-index", "mpf-image", size)
        assert "stereo" in view.detail
        assert files.scrubbed(data)[0] == files.picture()

    def test_an_index_of_nothing_stays(self) -> None:
        # a picture that was taken out of such a file has one without a list
        own = b"MPF\0MM\0*" + struct.pack(">IHHHI4sI", 8, 1, 0xB000, 7, 4, b"0100", 0)
        data = files.with_segments(files.picture(), files.segment(0xE2, own))
        assert files.scrubbed(data)[0] == data
        assert files.scrubbed(data, "strict")[0] == files.picture()
        more = files.with_segments(files.picture(), files.segment(0xE2, own + b"hidden"))
        assert files.scrubbed(more)[0] == files.picture()

    def test_hidden_bytes_in_it_are_zeroed(self) -> None:
        small = files.gain_map(ISO_DATA)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)])
        segment = next(one for one in files.segments_of(data) if one.code == 0xE2)
        longer = files.segment(0xE2, data[segment.offset + 4 : segment.end] + b"hidden")
        data = data[: segment.offset] + longer + data[segment.end :]
        offset = data.index(small) - segment.offset - 8
        data = data.replace(
            struct.pack(">II", len(small), offset - 6), struct.pack(">II", len(small), offset)
        )
        out, _, _ = files.scrubbed(data)
        assert len(entries(out)) == 2
        assert b"hidden" not in out

    def test_an_entry_beside_its_picture_is_found_by_size(self) -> None:
        small = files.gain_map(ISO_DATA)
        data = files.multi_picture(files.picture(), [(GAIN_MAP, b"", small)])
        segment = files.segments_of(data)[1]
        data = files.with_segments(data, files.segment(0xEB, bytes(900)))
        assert segment.code == 0xE2
        # the segment before it has moved base and picture alike: move the picture once more
        at = files.end_of_picture(data) - 2
        data = data[:at] + data[at:]
        entry_at = data.index(struct.pack(">I", len(small))) + 4
        wrong = struct.unpack(">I", data[entry_at : entry_at + 4])[0] + 900
        data = data[:entry_at] + struct.pack(">I", wrong) + data[entry_at + 4 :]
        out, answer, _ = files.scrubbed(data)
        assert actions(answer)["mpf-index"] == "edit"
        assert entries(out)[1].offset == files.end_of_picture(out)

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_broken_one_goes(self, name: str) -> None:
        small = files.gain_map(ISO_DATA)
        data = files.with_segments(files.picture(), files.segment(0xE2, BROKEN[name])) + small
        assert any(index.problem for index in files.images_of(data).indexes)
        out, answer, (kept,) = files.scrubbed(data)
        # the gain map says itself what it is, and stays
        assert actions(answer) == {"mpf-index": "drop", "gain-map": "redact"}
        assert out == files.picture() + kept.new
        out, answer, _ = files.scrubbed(data, "keep")
        assert actions(answer)["mpf-index"] == "warn"
        assert out.startswith(data[: files.end_of_picture(data)])


class TestHostile:
    SEED = files.multi_picture(
        files.picture(16, 16),
        [
            (LARGE_THUMBNAIL, b"", files.picture(16, 16, 2)),
            (GAIN_MAP, b"\0", files.gain_map(ISO_DATA)),
        ],
        uids=True,
    )  # fmt: skip

    @settings(max_examples=150)
    @given(
        changes=st.lists(
            st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=12
        ),
        cut=st.integers(0, len(SEED)),
        policy=st.sampled_from(POLICIES),
    )
    def test_any_bytes(self, changes: list[tuple[int, int]], cut: int, policy: Policy) -> None:
        data = bytearray(self.SEED)
        for at, value in changes:
            data[at] = value
        data = bytes(data[:cut] if cut > 400 else data)
        end = min(files.end_of_picture(self.SEED), len(data))
        segment = next(one for one in files.segments_of(self.SEED) if one.code == 0xE2)
        images = read_images(data, [segment], end)
        answer, kept = images.decide(files.request(policy))
        late = images.index_edits(kept, files.new_offset(answer.edits))
        files.applied(data, sorted(answer.edits + late))
        if policy == "strict":
            assert (
                files.applied(data, answer.edits)[end - (segment.end - segment.offset) :] == b""
                or late == []
            )

    def test_many_indexes(self) -> None:
        content = files.mpf_content([(0, 9, 0, 0, 0), *[(0, 9, 500, 0, 0)] * 60])
        data = files.with_segments(files.picture(), *[files.segment(0xE2, content)] * 500)
        assert files.scrubbed(data)[0] == files.picture()

    def test_a_segment_that_is_none_of_these_goes(self) -> None:
        data = files.with_segments(
            files.picture(), files.segment(0xE2, b"no MPF\0MM\0*" + bytes(99))
        )
        answer, _ = read_images(data, files.segments_of(data)[1:], len(data)).decide(
            files.request()
        )
        assert files.applied(data, answer.edits) == files.picture()


GAIN_MAP_FILES = (
    "0c28929b_uhdr_sample.jpg", "12c03e37_TestHDR.jpeg", "2e4310a0_apple_gainmap_old.jpg",
    "317a9853_small_uhdr.jpg", "8278514e_rgba.uhdr", "e5811d0c_s01.vipsth.jpg",
    "f37db77e_small_gainmap_image.jpg", "7cf00873_proRawImage.dng",
)  # fmt: skip


@pytest.mark.parametrize("name", GAIN_MAP_FILES)
def test_exiftool_still_finds_the_gain_map(corpus: Path, name: str, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not here")
    data = (corpus / name).read_bytes()
    out, answer, (kept,) = files.scrubbed(data, renderer=files.Renderer(redacting))
    assert actions(answer)["gain-map"] == "redact"
    file = tmp_path / "out.jpg"
    file.write_bytes(out)
    command = ["exiftool", "-b", "-MPImage2", str(file)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == kept.new
    assert not warnings_of(file) - warnings_of(corpus / name)
    jpegio.read(str(file))


def warnings_of(file: Path) -> set[str]:
    command = ["exiftool", "-validate", "-warning", "-error", "-a", "-s3", str(file)]
    said = subprocess.run(command, capture_output=True, check=False, text=True).stdout
    return set(said.splitlines()[1:]) - {""}


def test_every_trailer_of_the_corpus_goes(corpus: Path) -> None:
    seen = set()
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.walk(data, 0, len(data)) if data[:2] == b"\xff\xd8" else None
        if shape is None or not shape.closed or shape.end == len(data):
            continue
        images = read_images(data, [], shape.end)
        assert sum(copy.length for copy in images.copies) == len(data) - shape.end
        answer, _ = images.decide(files.request("strict"))
        assert files.applied(data, answer.edits) == data[: shape.end]
        seen |= set(files.kinds(images.copies))
    assert seen >= {"gain-map", "trailer-jpeg", "trailer-video", "trailer", "padding"}
