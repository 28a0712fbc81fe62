"""Does a picture show what a region held? Measured against the original and the redacted picture.

What redaction took out is the difference of the two pictures inside the region. A side copy that
still holds it varies there as that difference does; one made from the redacted picture doesn't,
however alike the original and the redacted picture are. So the question is not "does it look like
the original", but "how much of the difference is in it".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import fft, ndimage

from .carver import Finding
from .decode import any_jpeg, resize

__all__ = ["Judgement", "Pictures", "Verdict", "judge", "shows_original"]

Verdict = Literal["shows", "clean", "unrelated", "no detail", "undecoded", "video"]

SAME_PICTURE = 0.6
"""Correlation outside the region from which a finding is a view of the same picture."""
SHOWN = 0.45
"""Correlation with what was taken out, from which on it is still there."""
SHARE = 0.4
"""Share of what was taken out, from which on it is still there."""
SEEN = 0.8
"""Correlation with the region alone, anywhere and at any scale, that is no chance."""
DETAIL = 1.5
"""Grey levels (standard deviation) of what was taken out, below which nothing can be told."""
LEAST_PIXELS = 24
"""Pixels of the region in a finding, below which nothing can be told."""

_COARSE, _FINE = 64, 160
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The original and the redacted picture in grey, and the region as fractions of the sides."""

    original: np.ndarray
    redacted: np.ndarray
    region: Box
    size: tuple[int, int]

    @classmethod
    def of(cls, original: bytes, redacted: bytes, box: Box) -> Pictures | None:
        """Decode both; ``box`` in pixels of the stored picture. None: can't be decoded."""
        first, second = any_jpeg(original), any_jpeg(redacted)
        if first is None or second is None or first[0].shape != second[0].shape:
            return None
        width, height = first[1]
        region = (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
        return cls(first[0], second[0], region, first[1])


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was measured.

    Attributes
    ----------
    alike
        Correlation with the picture outside the region (the same in original and redacted one).
    to_original, to_redacted
        Correlation of the region with the original's and with the redacted picture's.
    taken_out
        Correlation of the region with what redaction took out of it.
    share
        How much of that is in it: about 1 in an untouched copy, 0 in a clean one.
    detail
        Standard deviation, in grey levels, of what was taken out, at the finding's size.
    fits
        How the finding was laid over the picture.
    """

    verdict: Verdict
    alike: float = 0.0
    to_original: float = 0.0
    to_redacted: float = 0.0
    taken_out: float = 0.0
    share: float = 0.0
    detail: float = 0.0
    fits: str = ""


def shows_original(judgement: Judgement) -> bool:
    """Whether a finding must be taken to show what was redacted.

    What can't be decoded, and video, must: nobody has shown that it does not. "no detail" is
    neither yes nor no, and a caller has to count it apart.
    """
    return judgement.verdict in ("shows", "undecoded", "video")


def judge(finding: Finding, pictures: Pictures) -> Judgement:
    """Lay a finding over the picture in every way, and measure its region."""
    if finding.grey is None:
        return Judgement("video" if finding.kind.endswith("video") else "undecoded")
    if min(finding.grey.shape) < 4 or float(finding.grey.std()) < DETAIL:
        return Judgement("no detail")
    best = _aligned(finding.grey, pictures)
    if best is None or best.alike < SAME_PICTURE:
        seen = _seen_anywhere(finding.grey, pictures)
        if seen >= SEEN:
            return Judgement("shows", to_original=seen, fits="region alone")
        if best is None or best.alike < SAME_PICTURE:
            alike = best.alike if best else 0.0
            return Judgement("unrelated", alike=alike, to_original=seen)
    return _measured(best, pictures)


# ---------------------------------------------------------------------------
# Laying a finding over the picture
# ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fit:
    """The finding in the picture's own frame; NaN where it shows nothing."""

    laid: np.ndarray
    alike: float
    name: str


def _aligned(grey: np.ndarray, pictures: Pictures) -> _Fit | None:
    shape = _shape(pictures.original, min(_COARSE, max(grey.shape)))
    found = [
        fit
        for turn, turned in enumerate(_turns(grey), start=1)
        for name, laid in _layings(turned, pictures.original.shape, shape)
        if (fit := _fit(laid, f"orientation {turn} {name}", pictures)) is not None
    ]
    if not found:
        return None
    best = max(found, key=lambda fit: fit.alike)
    turn = int(best.name.split()[1])
    turned = list(_turns(grey))[turn - 1]
    name = best.name.split(" ", 2)[2]
    fine = _shape(pictures.original, min(_FINE, max(grey.shape)))
    again = next(laid for n, laid in _layings(turned, pictures.original.shape, fine) if n == name)
    fit = _fit(again, best.name, pictures)
    return None if fit is None else _shifted(fit, pictures)


def _shape(original: np.ndarray, longest: int) -> tuple[int, int]:
    rows, columns = original.shape
    factor = longest / max(rows, columns)
    return max(round(rows * factor), 4), max(round(columns * factor), 4)


def _turns(grey: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the eight Exif orientations of a picture."""
    for picture in (grey, grey.T):
        for rows in (1, -1):
            for columns in (1, -1):
                yield picture[::rows, ::columns]


def _layings(
    grey: np.ndarray, whole: tuple[int, int], shape: tuple[int, int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the finding stretched over the picture; and where shapes differ, fitted and cropped."""
    rows, columns = shape
    yield "stretched", resize(grey, columns, rows)
    own, other = grey.shape[1] / grey.shape[0], whole[1] / whole[0]
    if abs(own / other - 1) < 0.02:
        return
    height, width = grey.shape
    # Fitted: the picture lies within bars, and only that part is looked at.
    if own > other:
        inner = max(round(height * other), 1)
        left = (width - inner) // 2
        yield "with bars", resize(grey[:, left : left + inner], columns, rows)
    else:
        inner = max(round(width / other), 1)
        top = (height - inner) // 2
        yield "with bars", resize(grey[top : top + inner], columns, rows)
    # Cropped: it shows the middle of the picture only.
    laid = np.full(shape, np.nan, np.float32)
    if own > other:
        part = max(round(columns / own), 1) if columns / own < rows else rows
        top = (rows - part) // 2
        laid[top : top + part] = resize(grey, columns, part)
    else:
        part = min(max(round(rows * own), 1), columns)
        left = (columns - part) // 2
        laid[:, left : left + part] = resize(grey, part, rows)
    yield "cropped", laid


def _masks(shape: tuple[int, int], region: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return what is surely inside, and what is surely outside of the region."""
    rows, columns = shape
    left, top, right, bottom = region
    y, x = np.mgrid[:rows, :columns]
    inside = (
        (x >= left * columns) & (x + 1 <= right * columns)
        & (y >= top * rows) & (y + 1 <= bottom * rows)
    )  # fmt: skip
    touched = (
        (x + 2 > left * columns) & (x - 1 < right * columns)
        & (y + 2 > top * rows) & (y - 1 < bottom * rows)
    )  # fmt: skip
    return inside, ~touched


def _fit(laid: np.ndarray, name: str, pictures: Pictures) -> _Fit | None:
    _, outside = _masks(laid.shape, pictures.region)
    valid = outside & ~np.isnan(laid)
    if valid.sum() < LEAST_PIXELS:
        return None
    whole = resize(pictures.original, laid.shape[1], laid.shape[0])
    return _Fit(laid, abs(correlation(laid[valid], whole[valid])), name)


def _shifted(fit: _Fit, pictures: Pictures) -> _Fit:
    """Move and scale a little: previews are often cut a few pixels tighter than the picture."""
    rows, columns = fit.laid.shape
    best = fit
    for scale in (1.0, 0.94, 0.97, 1.03, 1.06):
        start = best if scale == 1.0 else _Fit(_scaled(fit.laid, scale), 0.0, fit.name)
        reach = max(round(0.03 * max(rows, columns)), 1)
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                moved = _moved(start.laid, down, right)
                found = _fit(moved, f"{fit.name} ×{scale} {right:+d}{down:+d}", pictures)
                # A shift must earn its place: among equals the plain laying stays.
                if found is not None and found.alike > best.alike + 0.004:
                    best = found
    return best


def _scaled(laid: np.ndarray, scale: float) -> np.ndarray:
    rows, columns = laid.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    centre = (rows - 1) / 2, (columns - 1) / 2
    at = ((y - centre[0]) / scale + centre[0], (x - centre[1]) / scale + centre[1])
    return ndimage.map_coordinates(laid, at, order=1, cval=np.nan)


def _moved(laid: np.ndarray, down: int, right: int) -> np.ndarray:
    moved = np.full_like(laid, np.nan)
    rows, columns = laid.shape
    moved[max(down, 0) : rows + min(down, 0), max(right, 0) : columns + min(right, 0)] = laid[
        max(-down, 0) : rows - max(down, 0), max(-right, 0) : columns - max(right, 0)
    ]
    return moved


# ---------------------------------------------------------------------------
# Measuring
# ---------------------------------------------------------------------------


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the normalised correlation; 0 where one of them is flat."""
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-6 * a.size else 0.0


def _measured(fit: _Fit, pictures: Pictures) -> Judgement:
    rows, columns = fit.laid.shape
    inside, outside = _masks(fit.laid.shape, pictures.region)
    shown = ~np.isnan(fit.laid)
    inside, outside = inside & shown, outside & shown
    original = resize(pictures.original, columns, rows)
    redacted = resize(pictures.redacted, columns, rows)
    if inside.sum() < LEAST_PIXELS:
        return Judgement("no detail", alike=fit.alike, fits=fit.name)
    y, x = np.mgrid[:rows, :columns]
    plain = np.stack([np.ones(inside.sum()), redacted[inside], x[inside], y[inside]], axis=1)
    there = _rest(fit.laid[inside], plain)
    taken = _rest((original - redacted)[inside], plain)
    detail = float(taken.std())
    # How strongly the finding follows the picture at all, from the outside.
    gain = _slope(original[outside], fit.laid[outside])
    share = _slope(taken, there) / gain if abs(gain) > 1e-3 else 0.0
    along = correlation(there, taken)
    verdict: Verdict = "clean"
    if detail < DETAIL:
        verdict = "no detail"
    elif abs(along) >= SHOWN or share >= SHARE:
        verdict = "shows"
    return Judgement(
        verdict, fit.alike, correlation(fit.laid[inside], original[inside]),
        correlation(fit.laid[inside], redacted[inside]), along, share, detail, fit.name,
    )  # fmt: skip


def _rest(values: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """Return what a fit of ``plain`` leaves over."""
    solution, *_ = np.linalg.lstsq(plain, values, rcond=None)
    return np.asarray(values - plain @ solution)


def _slope(of: np.ndarray, values: np.ndarray) -> float:
    centred = of - of.mean()
    power = float((centred * centred).sum())
    return float((centred * (values - values.mean())).sum()) / power if power > 1e-6 else 0.0


def _seen_anywhere(grey: np.ndarray, pictures: Pictures) -> float:
    """Return the best correlation of the region's original with any part, at any scale, turned."""
    left, top, right, bottom = pictures.region
    rows, columns = pictures.original.shape
    region = pictures.original[
        round(top * rows) : round(bottom * rows), round(left * columns) : round(right * columns)
    ]
    if min(region.shape, default=0) < 8 or float(region.std()) < 2 * DETAIL:
        return 0.0
    best = 0.0
    for turned in _turns(grey):
        width = min(24, turned.shape[1])
        while width <= turned.shape[1]:
            height = max(round(width * region.shape[0] / region.shape[1]), 1)
            # At a fixed size of the template: chance correlations of small ones are high.
            factor = 24 / width
            small = resize(
                turned, max(round(turned.shape[1] * factor), 24),
                max(round(turned.shape[0] * factor), 1),
            )  # fmt: skip
            template = resize(region, 24, max(round(24 * height / width), 4))
            if small.shape[0] >= template.shape[0] and small.shape[1] >= template.shape[1]:
                best = max(best, _template(small, template))
            width = max(round(width * 1.15), width + 1)
    return best


def _template(picture: np.ndarray, template: np.ndarray) -> float:
    """Return the highest normalised correlation of a template with any part of a picture."""
    shape = template - template.mean()
    norm = float(np.sqrt((shape**2).sum()))
    if norm < 1e-3:
        return 0.0
    size = tuple(a + b for a, b in zip(picture.shape, template.shape, strict=True))
    product = fft.irfft2(fft.rfft2(picture, size) * np.conj(fft.rfft2(shape, size)), size)
    box = np.ones(template.shape, np.float32)
    spectrum = np.conj(fft.rfft2(box, size))
    total = fft.irfft2(fft.rfft2(picture, size) * spectrum, size)
    square = fft.irfft2(fft.rfft2(picture.astype(np.float64) ** 2, size) * spectrum, size)
    spread = square - total**2 / template.size
    down = picture.shape[0] - template.shape[0] + 1
    right = picture.shape[1] - template.shape[1] + 1
    # Flat parts correlate by rounding alone.
    least = template.size * DETAIL**2
    fits = product[:down, :right] / (norm * np.sqrt(np.maximum(spread[:down, :right], least)))
    return float(np.abs(fits).max())
