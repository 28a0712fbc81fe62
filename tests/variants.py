"""One picture in every coding process, by cjpeg, jpegtran and Pillow; no jpegredact in it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import jpegmaker12
import numpy as np
import pictures
import progressive_maker as maker
import pytest

PROGRAMS = ("cjpeg", "jpegtran", "djpeg")
HAVE_PROGRAMS = all(shutil.which(name) for name in PROGRAMS)
needs_programs = pytest.mark.skipif(
    not HAVE_PROGRAMS, reason="cjpeg, jpegtran and djpeg are not installed"
)

# ---------------------------------------------------------------------------
# Scan scripts (libjpeg's wizard.txt), for three components
# ---------------------------------------------------------------------------

_CHROMA = "1:1-63,0,0; 2:1-63,0,0;"

PROGRESSIVE_SCRIPTS: Mapping[str, str] = {
    "one-go": f"0,1,2:0-0,0,0; 0:1-63,0,0; {_CHROMA}",
    "single-coefficients": (
        "0,1,2:0-0,0,0; 0:63-63,0,0; 0:1-1,0,0; 0:2-2,0,0; 0:3-3,0,0; 0:4-31,0,0; "
        f"0:32-62,0,0; {_CHROMA}"
    ),
    "deep": (
        "0,1,2:0-0,0,3; 0:1-63,0,3; 1:1-63,0,3; 2:1-63,0,3; "
        + " ".join(
            f"0,1,2:0-0,{bit},{bit - 1}; 0:1-63,{bit},{bit - 1}; 1:1-63,{bit},{bit - 1}; "
            f"2:1-63,{bit},{bit - 1};"
            for bit in (3, 2, 1)
        )
    ),
    "dc-by-component": f"0:0-0,0,1; 1:0-0,0,1; 2:0-0,0,0; 0:1-63,0,0; {_CHROMA}"
    " 1:0-0,1,0; 0:0-0,1,0;",
    "dc-in-pairs": f"1,2:0-0,0,0; 0:0-0,0,0; 0:1-63,0,0; {_CHROMA}",
    "dc-refined-late": (
        "0,1,2:0-0,0,2; 0:1-5,0,1; 1:1-63,0,1; 2:1-63,0,1; 0:6-63,0,1; 0,1,2:0-0,2,1; "
        "0:1-63,1,0; 2:1-63,1,0; 0:0-0,1,0; 1:1-63,1,0; 1,2:0-0,1,0;"
    ),
    "ac-before-other-dc": "0:0-0,0,0; 0:1-63,0,0; 2:0-0,0,0; 2:1-63,0,0; 1:0-0,0,0; 1:1-63,0,0;",
    "last-bit-left-out": "0,1,2:0-0,0,1; 0:1-63,0,2; 1:1-63,0,1; 2:1-63,0,1; 0:1-63,2,1;",
    "missing-bands": "0,1,2:0-0,0,0; 0:1-9,0,0; 0:20-40,0,1; 1:5-63,0,0;",
    "dc-alone": "0,1,2:0-0,0,0;",
    "unequal-depths": (
        "0,1,2:0-0,0,0; 0:1-20,0,4; 0:21-63,0,1; 0:1-20,4,3; 0:1-20,3,2; 0:1-63,2,1; "
        f"0:1-20,1,0; {_CHROMA}"
    ).replace("0:1-63,2,1; 0:1-20,1,0;", "0:1-20,2,1; 0:1-63,1,0;"),
    "photoshop": (
        "0,1,2:0-0,0,1; 0:1-2,0,1; 0:3-5,0,1; 0:6-63,0,1; 1:1-63,0,1; 2:1-63,0,1; "
        "0,1,2:0-0,1,0; 0:1-63,1,0; 1:1-63,1,0; 2:1-63,1,0;"
    ),
    "mozjpeg": (
        "0:0-0,0,0; 1,2:0-0,0,0; 0:1-8,0,2; 1:1-8,0,0; 2:1-8,0,0; 0:9-63,0,2; 0:1-63,2,1; "
        "0:1-63,1,0; 1:9-63,0,0; 2:9-63,0,0;"
    ),
}

SEQUENTIAL_SCRIPTS: Mapping[str, str] = {"apart": "0;1;2;", "luma-last": "2;1;0;", "pair": "0;1 2;"}


# ---------------------------------------------------------------------------
# Programs
# ---------------------------------------------------------------------------


def _run(program: str, data: bytes, arguments: tuple[str, ...], scans: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        if scans:
            script = Path(folder, "scans.txt")
            script.write_text(scans.replace(";", ";\n"))
            arguments = (*arguments, "-scans", str(script))
        return subprocess.run(
            [program, *arguments], input=data, capture_output=True, check=True, timeout=120
        ).stdout


def by_cjpeg(picture: np.ndarray, *arguments: str, scans: str = "") -> bytes:
    """Let cjpeg encode RGB pixels."""
    height, width = picture.shape[:2]
    ppm = b"P6\n%d %d\n255\n" % (width, height) + picture.tobytes()
    return _run("cjpeg", ppm, arguments, scans)


def by_jpegtran(jpeg: bytes, *arguments: str, scans: str = "") -> bytes:
    """Let jpegtran code the same coefficients in another way; all segments are kept."""
    return _run("jpegtran", jpeg, ("-copy", "all", *arguments), scans)


# ---------------------------------------------------------------------------
# Variants: a name -> how to make it
# ---------------------------------------------------------------------------

PROCESSES: Mapping[str, tuple[str, ...]] = {
    "sequential": (),
    "optimised": ("-optimize",),
    "progressive": ("-progressive",),
    "arithmetic": ("-arithmetic",),
    "arithmetic-progressive": ("-arithmetic", "-progressive"),
}
SAMPLINGS = ("1x1", "2x1", "1x2", "2x2", "4x1", "4x2", "3x1", "2x2,2x1,1x2", "1x1,2x2,2x1")
RESTARTS = ("1", "1B", "7B")
SIZES = ((1, 1), (7, 9), (17, 33), (250, 121))


OF_EACH_KIND: Mapping[str, tuple[str, ...]] = {
    "2x2": ("-sample", "2x2"),
    "1x1": ("-sample", "1x1"),
    "restarts": ("-sample", "2x1", "-restart", "3B"),
    "grey": ("-grayscale",),
    "progressive": ("-progressive", "-sample", "2x2"),
    "arithmetic": ("-arithmetic", "-sample", "1x2"),
}
"""What cjpeg is told for one picture of each kind."""


def photo(width: int = 122, height: int = 93) -> np.ndarray:
    """Return a photo-like picture with a flat, smooth corner: EOB runs grow long there."""
    picture = pictures.photo(width, height).copy()
    picture[: height // 3, width // 2 :] = 170
    return picture


def synthetic() -> dict[str, Callable[[], bytes]]:
    """Return the variants of made pictures."""
    found: dict[str, Callable[[], bytes]] = {}

    def add(name: str, *arguments: str, scans: str = "", size: tuple[int, int] = (122, 93)) -> None:
        found[name] = lambda: by_cjpeg(photo(*size), *arguments, scans=scans)

    for process, arguments in PROCESSES.items():
        add(process, *arguments, "-quality", "88", "-sample", "2x2")
        found[f"{process} cmyk"] = lambda arguments=arguments: by_jpegtran(cmyk(False), *arguments)
        found[f"{process} ycck"] = lambda arguments=arguments: by_jpegtran(cmyk(True), *arguments)
        if process in ("sequential", "optimised"):
            continue  # the rest of these is in tests/guarantees/helpers.py
        add(f"{process} grey", *arguments, "-grayscale")
        add(f"{process} rgb", *arguments, "-rgb")
        for sampling in SAMPLINGS:
            add(f"{process} {sampling}", *arguments, "-sample", sampling)
        for restart in RESTARTS:
            add(f"{process} restart {restart}", *arguments, "-restart", restart)
        for size in SIZES:
            sides = "x".join(map(str, size))
            add(f"{process} of {sides}", *arguments, "-sample", "2x2", size=size)
    for name, script in PROGRESSIVE_SCRIPTS.items():
        add(f"scans {name}", "-quality", "93", scans=script)
        add(f"scans {name} arithmetic", "-arithmetic", "-quality", "93", scans=script)
    for name in ("deep", "single-coefficients", "dc-refined-late"):
        add(f"scans {name} 2x2 restart", "-restart", "1", "-sample", "2x2", "-quality", "50",
            scans=PROGRESSIVE_SCRIPTS[name])  # fmt: skip
    for name, script in SEQUENTIAL_SCRIPTS.items():
        add(f"scans {name} arithmetic", "-arithmetic", scans=script)
        add(f"scans {name}", "-optimize", scans=script)
    return found


@cache
def cmyk(transformed: bool) -> bytes:
    """Return a CMYK picture, or one with a transformed (YCCK) frame."""
    jpeg = pictures.pillow_jpeg(photo(97, 73), "CMYK", quality=85)
    if transformed:
        jpeg = jpeg.replace(b"Adobe\0\x64\0\0\0\0\0", b"Adobe\0\x64\0\0\0\0\2")
    return jpeg


def twelve_bit() -> dict[str, Callable[[], bytes]]:
    """Return 12-bit pictures in every process; the arithmetic ones are by jpegtran."""
    found: dict[str, Callable[[], bytes]] = {}
    for name, factors in {
        "grey": ((1, 1),), "4:4:4": ((1, 1),) * 3, "4:2:0": ((2, 2), (1, 1), (1, 1)),
        "four": ((1, 1),) * 4,
    }.items():  # fmt: skip
        for restart in (0, 5):
            tail = f"12-bit {name} restart {restart}"

            def sequential(factors=factors, restart=restart) -> bytes:
                parts = jpegmaker12.random_parts_12(75, 59, factors)
                return jpegmaker12.make_jpeg_12(75, 59, parts, restart=restart)

            def progressive(factors=factors, restart=restart) -> bytes:
                parts = jpegmaker12.random_parts_12(75, 59, factors)
                scans = maker.steps(len(factors), 3)
                return maker.make_progressive(
                    maker.Picture(75, 59, parts, scans, restart), precision=12
                )

            found[f"sequential {tail}"] = sequential
            found[f"progressive {tail}"] = progressive
            if not HAVE_PROGRAMS:
                continue
            for process in ("arithmetic", "arithmetic-progressive"):
                arguments = PROCESSES[process] + (("-restart", f"{restart}B") if restart else ())
                found[f"{process} {tail}"] = lambda make=sequential, arguments=arguments: (
                    arithmetic_12(make(), *arguments)
                )
    return found


def arithmetic_12(jpeg: bytes, *arguments: str) -> bytes:
    """Return a 12-bit picture, arithmetic-coded.

    The coder does not ask for the precision, and jpegtran knows 8 bits only: the
    frame header says 8 while it works.
    """
    plain = jpegmaker12.with_precision(jpeg, 8)
    return jpegmaker12.with_precision(by_jpegtran(plain, *arguments), 12)


OF_PHOTOS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "optimised": (("-optimize",), ""),
    "restart": (("-restart", "1"), ""),
    "grey": (("-grayscale", "-optimize"), ""),
    "progressive": (("-progressive",), ""),
    "progressive restart": (("-progressive", "-restart", "2"), ""),
    "deep": ((), PROGRESSIVE_SCRIPTS["deep"]),
    "mozjpeg": ((), PROGRESSIVE_SCRIPTS["mozjpeg"]),
    "arithmetic": (("-arithmetic",), ""),
    "arithmetic restart": (("-arithmetic", "-restart", "1"), ""),
    "arithmetic progressive": (("-arithmetic", "-progressive"), ""),
}
"""What jpegtran makes of a photo: arguments, scan script (for three components)."""


def of_photo(jpeg: bytes, name: str, components: int) -> bytes | None:
    """Return a photo in a variant; None where the script or jpegtran does not suit it."""
    arguments, script = OF_PHOTOS[name]
    if script and components != 3:
        return None
    try:
        return by_jpegtran(jpeg, *arguments, scans=script)
    except subprocess.CalledProcessError:
        if name == "grey":  # it makes YCbCr pictures grey, no others
            return None
        raise
