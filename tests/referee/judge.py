"""Does a picture show what a region held? Measured against the original and the redacted picture.

What redaction took out is the difference of the two pictures inside the region. A side copy that
still holds it varies there as that difference does; one made from the redacted picture doesn't,
however alike the original and the redacted picture are. So the question is not "does it look like
the original", but "how much of the difference is in it".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import fft, ndimage

from .carver import Finding
from .decode import any_jpeg, resize

__all__ = ["Judgement", "Pictures", "Verdict", "judge", "shows_original"]

Verdict = Literal["shows", "clean", "unrelated", "doubtful", "no detail", "undecoded", "video"]

SAME_PICTURE = 0.6
"""Correlation outside the region from which a finding is a view of the same picture."""
SURELY_SAME = 0.85
"""The same, without any doubt."""
EXACT = 0.98
"""The same, laid over it to the pixel."""
OTHER = 0.6
"""How much fine detail a clean region may have, measured in what was taken out: JPEG noise.

A third of it where the fit leaves doubt: another view of the scene has its own detail there.
"""
NOISE = 3.0
"""Grey levels (standard deviation) of fine detail that are taken for JPEG noise."""
SHOWN = 0.45
"""Correlation with what was taken out, from which on it is still there."""
SHOWN_UNALIKE = 0.6
"""The same in what looks like another picture: chance is not to be taken for it."""
SHARE = 0.4
"""Share of what was taken out, from which on it is still there."""
SEEN = 0.86
"""Correlation with the region alone, anywhere and at any scale, that is no chance."""
SEEN_TAKEN = 0.72
"""Correlation, there, of what is fine in it: a slope of light is like any other."""
EDGES = 0.4
"""The same for its edges alone."""
LEAST_EDGES = 0.2
"""Grey levels a pixel (standard deviation) that are taken for edges."""
DETAIL = 1.5
"""Grey levels (standard deviation) of what was taken out, below which nothing can be told."""
LEAST_PIXELS = 24
"""Pixels of the region in a finding, below which nothing can be told."""

_COARSE, _FINE = 64, 160
_FINEST = 2.5
_NO_BETTER = 0.97
_PLAIN = "orientation 1 stretched"
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
    other
        How much fine detail the region has, in units of the fine detail that was taken out.
    edges
        Correlation of its edges with those that were taken out.
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
    other: float = 0.0
    edges: float = 0.0
    fits: str = ""


def shows_original(judgement: Judgement) -> bool:
    """Whether a finding must be taken to show what was redacted.

    What can't be decoded, and video, must: nobody has shown that it does not. "no detail" is
    neither yes nor no, and a caller has to count it apart.
    """
    return judgement.verdict in ("shows", "doubtful", "undecoded", "video")


def judge(finding: Finding, pictures: Pictures) -> Judgement:
    """Lay a finding over the picture in every way, and measure its region."""
    if finding.grey is None:
        return Judgement("video" if finding.kind.endswith("video") else "undecoded")
    if min(finding.grey.shape) < 4 or float(finding.grey.std()) < DETAIL:
        return Judgement("no detail")
    fit = _aligned(finding.grey, pictures)
    if fit is None:
        return Judgement("no detail")
    measured = _measured(fit, pictures)
    if fit.name != _PLAIN and fit.alike < SURELY_SAME:
        # A gain map looks little like the picture, but lies over it as it is.
        plain = _plain(finding.grey, pictures)
        if plain is not None and plain.verdict == "shows":
            return plain
    same = fit.alike >= SAME_PICTURE
    if measured.verdict == "no detail" or (
        measured.verdict == "shows" and (same or fit.name == _PLAIN)
    ):
        return measured
    # Where it fits exactly the measure can be trusted, whatever noise there is.
    exact = fit.alike >= EXACT and abs(measured.taken_out) < SHOWN / 2
    noise = OTHER if fit.alike >= SURELY_SAME else OTHER / 3
    if same and measured.verdict == "clean" and (exact or measured.other <= noise):
        return measured
    # Another view (a stereo pair's, a crop's), or another picture, or blank where it matters.
    seen, along = _seen_anywhere(finding.grey, pictures)
    if seen >= SEEN and along >= SEEN_TAKEN:
        return replace(
            measured, verdict="shows", to_original=seen, taken_out=along, fits="region alone"
        )
    verdict: Verdict = "doubtful" if same and fit.alike >= SURELY_SAME else "unrelated"
    return replace(measured, verdict=verdict, to_original=seen)


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


def _plain(grey: np.ndarray, pictures: Pictures) -> Judgement | None:
    rows, columns = _shape(pictures.original, min(_FINE, max(grey.shape)))
    fit = _fit(resize(grey, columns, rows), _PLAIN, pictures)
    return None if fit is None else _measured(fit, pictures)


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
    whole = resize(pictures.original, laid.shape[1], laid.shape[0])
    return _laid_over(laid, name, outside, whole)


def _laid_over(laid: np.ndarray, name: str, outside: np.ndarray, whole: np.ndarray) -> _Fit | None:
    valid = outside & ~np.isnan(laid)
    if valid.sum() < LEAST_PIXELS:
        return None
    return _Fit(laid, abs(correlation(laid[valid], whole[valid])), name)


def _shifted(fit: _Fit, pictures: Pictures) -> _Fit:
    """Move and scale a little: previews are often cut a few pixels tighter than the picture."""
    if fit.alike >= _NO_BETTER:
        return fit
    rows, columns = fit.laid.shape
    whole = resize(pictures.original, columns, rows)
    _, outside = _masks(fit.laid.shape, pictures.region)
    best = fit
    reach = max(round(0.03 * max(rows, columns)), 1)
    for scale in (1.0, 0.94, 0.97, 1.03, 1.06):
        start = best.laid if scale == 1.0 else _scaled(fit.laid, scale)
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                name = f"{fit.name} ×{scale} {right:+d}{down:+d}"
                found = _laid_over(_moved(start, down, right), name, outside, whole)
                # A shift must earn its place: among equals the plain laying stays.
                if found is not None and found.alike > best.alike + 0.004:
                    best = found
    return best


def _scaled(laid: np.ndarray, scale: float) -> np.ndarray:
    rows, columns = laid.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    centre = (rows - 1) / 2, (columns - 1) / 2
    at = ((y - centre[0]) / scale + centre[0], (x - centre[1]) / scale + centre[1])
    return np.asarray(ndimage.map_coordinates(laid, at, order=1, cval=np.nan))


def _moved(laid: np.ndarray, down: int, right: int) -> np.ndarray:
    moved: np.ndarray = np.full_like(laid, np.nan)
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
    edges = _edges_in(fit.laid, original, redacted, inside)
    verdict: Verdict = "clean"
    if detail < DETAIL:
        verdict = "no detail"
    elif fit.alike >= SAME_PICTURE:
        shows = abs(along) >= SHOWN or (share >= SHARE and along > SHOWN / 2) or edges >= EDGES
        verdict = "shows" if shows else "clean"
    elif abs(along) >= SHOWN_UNALIKE or edges >= EDGES:
        verdict = "shows"
    return Judgement(
        verdict, fit.alike, correlation(fit.laid[inside], original[inside]),
        correlation(fit.laid[inside], redacted[inside]), along, share, detail,
        _fine_in(fit.laid, original - redacted, inside, gain), edges, fit.name,
    )  # fmt: skip


def _fine_in(laid: np.ndarray, taken: np.ndarray, inside: np.ndarray, gain: float) -> float:
    """Return how much fine detail there is, measured in what was taken out, at the same gain.

    A smooth fill may lie otherwise than in the picture (a gain map has its own): that is no detail.
    """
    fine, wanted = (
        (p - ndimage.gaussian_filter(p, _FINEST))[inside] for p in (np.nan_to_num(laid), taken)
    )
    if float(fine.std()) < NOISE:
        return 0.0
    power = abs(gain) * float(wanted.std())
    return float(fine.std()) / power if power > 1e-3 else 99.0


def _edges_in(
    laid: np.ndarray, original: np.ndarray, redacted: np.ndarray, inside: np.ndarray
) -> float:
    """Return how far a finding has the edges that were taken out.

    Gain maps and depth maps are no linear view of the picture; their edges are at the same places.
    """
    steep = [
        ndimage.gaussian_gradient_magnitude(np.nan_to_num(p.astype(np.float32)), 0.8)[inside]
        for p in (laid, original, redacted)
    ]
    plain = np.stack([np.ones(steep[2].size), steep[2]], axis=1)
    there, taken = _rest(steep[0], plain), _rest(steep[1], plain)
    # A flat region has no edges, and rounding is none; of few pixels chance makes anything.
    if inside.sum() < 8 * LEAST_PIXELS or float(there.std()) < LEAST_EDGES:
        return 0.0
    return correlation(there, taken)


def _rest(values: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """Return what a fit of ``plain`` leaves over."""
    solution, *_ = np.linalg.lstsq(plain, values, rcond=None)
    return np.asarray(values - plain @ solution)


def _slope(of: np.ndarray, values: np.ndarray) -> float:
    centred = of - of.mean()
    power = float((centred * centred).sum())
    return float((centred * (values - values.mean())).sum()) / power if power > 1e-6 else 0.0


_TEMPLATE = 24


def _seen_anywhere(grey: np.ndarray, pictures: Pictures) -> tuple[float, float]:
    """Look for the original's region in all parts of a finding, at any scale, turned.

    Returns the best correlation, and that of the fine detail there.
    """
    region, filled = (_cut(p, pictures.region) for p in (pictures.original, pictures.redacted))
    if min(region.shape, default=0) < 8 or float(region.std()) < 2 * DETAIL:
        return 0.0, 0.0
    high = max(round(_TEMPLATE * region.shape[0] / region.shape[1]), 4)
    template, plain = resize(region, _TEMPLATE, high), resize(filled, _TEMPLATE, high)
    best, part = 0.0, plain
    for turned in _turns(grey):
        rows, columns = turned.shape
        # The template keeps its size, and the finding is scaled: chance likes small templates.
        for step in range(24):
            factor = _TEMPLATE / (columns / 1.12**step)
            wide, tall = round(columns * factor), round(rows * factor)
            if wide > 1.5 * columns or wide > 400:
                break
            if wide < _TEMPLATE or tall < high:
                continue
            small = resize(turned, wide, tall)
            fits = _template(small, template)
            down, right = np.unravel_index(int(np.argmax(fits)), fits.shape)
            if fits[down, right] > best:
                best = float(fits[down, right])
                part = small[down : down + high, right : right + _TEMPLATE]
    # A soft blob is like any other: the fine parts must agree as well.
    fine, other = (p - ndimage.gaussian_filter(p, 2.5) for p in (template - plain, part))
    return best, correlation(fine, other) if float(fine.std()) >= 2 * DETAIL else 0.0


def _cut(picture: np.ndarray, box: Box) -> np.ndarray:
    left, top, right, bottom = box
    rows, columns = picture.shape
    return picture[
        round(top * rows) : round(bottom * rows), round(left * columns) : round(right * columns)
    ]


def _template(picture: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Return the normalised correlation of a template with every part of a picture."""
    shape = template - template.mean()
    norm = max(float(np.sqrt((shape**2).sum())), 1e-3)
    size = tuple(
        fft.next_fast_len(a + b, real=True)
        for a, b in zip(picture.shape, template.shape, strict=True)
    )
    level = picture - picture.mean()  # keeps the differences below exact
    box = np.conj(fft.rfft2(np.ones(template.shape), size))
    spectrum = fft.rfft2(level, size)
    product = fft.irfft2(spectrum * np.conj(fft.rfft2(shape, size)), size)
    total = fft.irfft2(spectrum * box, size)
    square = fft.irfft2(fft.rfft2(level.astype(np.float64) ** 2, size) * box, size)
    spread = square - total**2 / template.size
    down = picture.shape[0] - template.shape[0] + 1
    right = picture.shape[1] - template.shape[1] + 1
    # Flat parts correlate by rounding alone.
    least = template.size * DETAIL**2
    fits = product[:down, :right] / (norm * np.sqrt(np.maximum(spread[:down, :right], least)))
    return np.asarray(fits)
