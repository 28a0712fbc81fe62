"""What ExifTool finds in a file: every picture it can extract, and what it warns of."""

from __future__ import annotations

import atexit
import base64
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from . import hdrp
from .carver import Finding, carve_bytes
from .decode import small_grey
from .streams import Stream

__all__ = ["ExifTool", "needs_exiftool", "shared"]

HAVE_EXIFTOOL = shutil.which("exiftool") is not None
needs_exiftool = pytest.mark.skipif(not HAVE_EXIFTOOL, reason="exiftool is not installed")

_PREVIEW = re.compile(
    r"Thumbnail|Preview|JpgFromRaw|OtherImage|MPImage|GainMap|EmbeddedImage|DepthMap|DepthImage|"
    r"ScreenNail|Embedded(?:Video|Audio)|MotionPhoto|HDRPMakerNote|RatioImage|ImageData|"
    r"RawThermal|OriginalImage|JpegData|ConfidenceMap|Portrait|MaskImage|SegmentationMap|"
    r"TrailerImage|HiddenData|ImageUIDList",
    re.IGNORECASE,
)
"""Names of tags whose binary value is a picture or a film."""
_NO_PICTURE = re.compile(
    r"Hash|Offset|Length|Size|Count|Pad|Width|Height|Type|Valid|ImageUIDList|Number", re.IGNORECASE
)
_BY_NAME = (
    "ThumbnailImage", "PreviewImage", "JpgFromRaw", "JpgFromRaw2", "OtherImage", "ThumbnailTIFF",
    "PreviewTIFF", "PhotoshopThumbnail", "PhotoshopBGRThumbnail", "MPImage2", "MPImage3",
    "GainMapImage", "HDRGainMapImage", "EmbeddedImage", "EmbeddedImage1", "DepthMapImage",
    "DepthMapTiff", "DepthImage", "ConfidenceMap", "MotionPhotoVideo", "EmbeddedVideoFile",
    "EmbeddedVideo", "EmbeddedAudioFile", "ScreenNail", "RatioImage", "RawThermalImage",
    "OriginalImage", "HDRPMakerNote", "ImageData", "PreviewPICT", "ObjectPreviewData",
    "TrailerSignature", "SurroundShotVideo", "DualShotExtra", "DualShotDepthMap",
)  # fmt: skip
"""What is asked for by name, too: some values are extracted only then."""
_SHORTEST = 64
"""Bytes: shorter values are numbers, whatever their name."""
_READY = re.compile(rb"\{ready(\d+)\}\r?\n")


class ExifTool:
    """One ExifTool process that takes file after file."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["exiftool", "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._count = 0

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None and self._process.poll() is None:
            self._process.stdin.write(b"-stay_open\nFalse\n")
            self._process.stdin.close()
            self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def run(self, *arguments: str) -> bytes:
        """Return what ExifTool prints for these arguments."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._count += 1
        lines = [*arguments, f"-execute{self._count}", ""]
        self._process.stdin.write("\n".join(lines).encode())
        self._process.stdin.flush()
        out = bytearray()
        while True:
            line = self._process.stdout.readline()
            assert line, "exiftool ended"
            mark = _READY.search(line)
            if mark:
                return bytes(out + line[: mark.start()])
            out += line

    def values(self, path: Path) -> dict[str, bytes]:
        """Return every binary value: its group and name -> its bytes; embedded files' too."""
        out = self.run(
            "-j", "-b", "-a", "-u", "-ee", "-G1:4", "-all",
            *(f"-{name}" for name in _BY_NAME), str(path),
        )  # fmt: skip
        if not out.strip():
            return {}
        return {
            key: base64.b64decode(value[7:])
            for key, value in json.loads(out)[0].items()
            if isinstance(value, str) and value.startswith("base64:")
        }

    def pictures(self, data: bytes) -> list[Finding]:
        """Return all pictures that ExifTool extracts; those in them too."""
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            Path(file.name).write_bytes(data)
            values = self.values(Path(file.name))
        return [
            finding
            for key, value in values.items()
            if not key.startswith("ICC_Profile")
            for finding in _in_value(key, value)
        ]

    def complaints(self, data: bytes) -> Counter[str]:
        """Return what ``-validate`` has to say, each kind of complaint counted.

        Offsets in a message are taken out: a file that got shorter has others.
        """
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            Path(file.name).write_bytes(data)
            out = self.run("-validate", "-a", "-warning", "-error", "-s3", file.name)
        lines = out.decode("utf-8", "replace").splitlines()
        # Garbage behind a segment stays where it is when that segment goes: the same garbage.
        lines = [re.sub(r"after JPEG \w+ segment", "after a segment", line) for line in lines]
        return Counter(
            re.sub(r"\b(?:0x[0-9a-f]+|\d+)\b", "#", line)
            for line in lines
            if line and not re.match(r"OK$|\d+ Warnings?\b", line)  # sums of the rest
        )

    def tags(self, data: bytes, *arguments: str) -> dict[str, object]:
        """Return tags by group and name."""
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            Path(file.name).write_bytes(data)
            out = self.run("-j", "-G1", *arguments, file.name)
        found: dict[str, object] = json.loads(out)[0] if out.strip() else {}
        return found


def _in_value(key: str, value: bytes) -> Iterator[Finding]:
    name = key.split(":")[-1]
    place = f"exiftool {key}"
    opened = hdrp.opened(value)
    found = list(carve_bytes(Stream(place, value if opened is None else opened, ((0, 0),))))
    yield from found
    if (
        found
        or len(value) < _SHORTEST
        or not _PREVIEW.search(name)
        or _NO_PICTURE.search(name)
        or not any(value)
    ):
        return
    whole = small_grey(value)
    unread = Finding(place, "unread", 0, len(value), None, None)
    if whole is None:
        yield replace(unread, kind="video" if "Video" in name else "unread")
    else:
        yield replace(unread, kind="extracted", size=whole[1], grey=np.asarray(whole[0]))


@cache
def shared() -> ExifTool:
    """Return this process's ExifTool; it ends with the process."""
    tool = ExifTool()
    atexit.register(tool.close)
    return tool
