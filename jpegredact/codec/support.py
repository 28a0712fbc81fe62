"""Which pictures can be redacted in place. Knows frames and scans; decodes nothing."""

from __future__ import annotations

from ..errors import InvalidJpegError, UnsupportedJpegError
from ..limits import DEFAULT_LIMITS, Limits
from . import markers as m
from .layout import scan_layout
from .model import Frame, JpegData

__all__ = ["check_density", "refusal", "require_supported"]

_SMALL = 1 << 20
"""Blocks, over all scans, that no file is too short for."""


def refusal(code: int, offset: int) -> UnsupportedJpegError | None:
    """Return why a frame header with this marker can't be redacted, or None if it can."""
    if code in m.SEQUENTIAL or code in m.PROGRESSIVE:
        return None
    if code == m.JPEG_LS:
        return UnsupportedJpegError(
            "this is a JPEG-LS (SOF55, ITU-T T.87), which has no DCT blocks",
            code="jpeg.jpeg-ls",
            offset=offset,
        )
    name = m.marker_name(code)
    if code in (m.DHP, m.EXP):
        return UnsupportedJpegError(
            f"a hierarchical JPEG (several frames; {name})", code="jpeg.hierarchical", offset=offset
        )
    process = m.PROCESSES.get(code, "a process that T.81 reserves")
    return UnsupportedJpegError(
        f"the picture is coded as {name} ({process}), which can't be redacted in place",
        code="jpeg.hierarchical" if process.startswith("hierarchical")
        else "jpeg.lossless" if process.startswith("lossless")
        else "jpeg.process",
        offset=offset,
    )  # fmt: skip


def require_supported(jpeg: JpegData, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise an error unless the picture's coding process and scans can be redacted in place.

    Raises
    ------
    UnsupportedJpegError, InvalidJpegError, LimitExceededError
    """
    frame = jpeg.frame
    _check_frame(frame)
    if not jpeg.scans:
        raise InvalidJpegError(
            "no scan: the picture is missing", code="jpeg.no-scan", offset=jpeg.length
        )
    if frame.progressive:
        _check_progression(jpeg)
    else:
        _check_sequence(jpeg)
    visits = 0
    for scan in jpeg.scans:
        layout = scan_layout(jpeg, scan)
        visits += layout.mcus * layout.units
        limits.check("max_visits", visits, "blocks in all scans", scan.header.offset)
    check_density(jpeg, jpeg.length, limits)


def check_density(jpeg: JpegData, length: int, limits: Limits) -> None:
    """Raise an error if a file of this length has too many blocks for each of its bytes.

    Raises
    ------
    LimitExceededError
    """
    frame = jpeg.frame
    if not (frame.progressive or frame.arithmetic):
        return
    layouts = [scan_layout(jpeg, scan) for scan in jpeg.scans]
    visits = sum(layout.mcus * layout.units for layout in layouts)
    # An arithmetic-coded block costs some four times as much.
    dense = max(visits - _SMALL, 0) * (4 if frame.arithmetic else 1) // length
    limits.check("max_density", dense, "blocks a byte", frame.offset)


def _check_frame(frame: Frame) -> None:
    unsupported = refusal(frame.code, frame.offset)
    if unsupported is not None:
        raise unsupported
    if frame.precision not in (8, 12):
        raise UnsupportedJpegError(
            f"samples of {frame.precision} bits; DCT-based pictures have 8 or 12",
            code="jpeg.precision",
            offset=frame.offset,
        )
    if frame.dnl_height is not None and frame.dnl_height != frame.height:
        raise UnsupportedJpegError(
            "the DNL segment does not say the height that the frame header says",
            code="jpeg.dnl",
            offset=frame.dnl,
        )
    if frame.height == 0:
        raise UnsupportedJpegError(
            "the frame header leaves the height open, and no DNL segment behind the first scan "
            "gives it",
            code="jpeg.dnl",
            offset=frame.offset,
        )


def _check_sequence(jpeg: JpegData) -> None:
    seen: set[int] = set()
    for scan in jpeg.scans:
        for component in scan.components:
            if component.index in seen:
                raise UnsupportedJpegError(
                    "a component is coded in two scans of a sequential picture",
                    code="jpeg.component-twice",
                    offset=scan.header.offset,
                )
            seen.add(component.index)


def _check_progression(jpeg: JpegData) -> None:
    """Check each scan's parameters (T.81 G.1.1.1), and that it goes on where others stopped.

    libjpeg only warns where it does not; what is shown then depends on the reader.
    """
    positions = [[-1] * 64 for _ in jpeg.components]
    for scan in jpeg.scans:
        (first, last), (high, low) = scan.spectral, scan.approximation
        if (
            (last != 0 if first == 0 else len(scan.components) > 1)
            or not first <= last <= 63
            or high not in (0, low + 1)
            or low > 13
        ):
            raise InvalidJpegError(
                "a progressive scan with parameters that T.81 forbids",
                code="jpeg.scan-header",
                offset=scan.header.offset,
            )
        for component in scan.components:
            bits = positions[component.index]
            if any(max(bit, 0) != high for bit in bits[first : last + 1]):
                raise UnsupportedJpegError(
                    "the scans contradict each other about what is coded already; readers differ",
                    code="jpeg.progression",
                    offset=scan.header.offset,
                )
            bits[first : last + 1] = [low] * (last + 1 - first)
