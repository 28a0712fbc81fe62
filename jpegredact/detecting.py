"""`detect`: what is in a picture; and `Detecting`, the same as `process` calls it.

Joins files, the codec's view of the file, and detection; knows no redaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .codec.reader import read_jpeg
from .files import Source, read_source
from .geometry import Polygon
from .limits import Limits, checked
from .redaction.opening import require_last_block
from .redaction.side_copies import app1_contents, orientation_of

if TYPE_CHECKING:
    from .detection import Detection, Detector, Model

__all__ = ["Detecting", "detect"]

BoxTuple = tuple[float, float, float, float]


def detect(
    jpeg: Source,
    labels: Iterable[str] = ("face",),
    *,
    threshold: float | Mapping[str, float] | None = None,
    effort: str = "normal",
    detectors: Sequence[Detector | str] = (),
    margins: Mapping[str, float] | None = None,
    panorama: bool | None = None,
    provider: str = "cpu",
    threads: int | None = None,
    limits: Limits | None = None,
) -> list[Detection]:
    """Find faces, licence plates, text, or what a detector of one's own finds.

    What it gives can go to `redact` as boxes. Detectors miss things: look at the result.

    Parameters
    ----------
    jpeg
        Bytes, a path, or a binary file.
    labels
        Of "face", "plate", "text", and what ``detectors`` have; none: all that they have.
    threshold
        The score from which something counts, one for all or by label; None for what each
        network works best with. Lower finds more, and more that is nothing.
    effort
        "fast" looks once, "normal" also in tiles at full size, "thorough" also at other
        scales, mirrored, and less sure.
    detectors
        Objects with ``labels`` and ``detect``, names of entry points, or TOML files that
        describe a network. A label that one of them has is left to them.
    margins
        By label, how far boxes grow on each side, as a share of their size; 0.12 for faces, 0.2
        for plates and 0.1 for text unless said otherwise.
    panorama
        Whether the picture goes all around, so that its left and right edges are one; None: as
        its XMP says.
    provider, threads
        What onnxruntime runs networks with ("cpu", "cuda", ...), and on how many threads.
    limits
        Bounds on what is taken on; see `Limits`.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
        Also for coded data that ends before the last block.
    DetectorError
        No such label or weights, weights that can't be had, pixels that can't be decoded.
    OSError
        A path that can't be read.
    """
    options = Detecting(tuple(detectors), margins, panorama, provider, threads, limits)
    return _detected(jpeg, labels, threshold, effort, options, None)


def _detected(
    jpeg: Source,
    labels: Iterable[str],
    threshold: float | Mapping[str, float] | None,
    effort: str,
    options: Detecting,
    near: Sequence[BoxTuple] | None,
) -> list[Detection]:
    from .detection import Picture, Search, Settings, is_full_turn

    if isinstance(labels, str):
        raise TypeError("labels are a list of names, such as ['face']")
    limits = checked(options.limits)
    data = read_source(jpeg, limits)
    parsed = read_jpeg(data, limits)
    require_last_block(data, parsed, limits)
    frame, orientation = parsed.frame, orientation_of(data, parsed)
    panorama = options.panorama
    if panorama is None:
        panorama = is_full_turn(app1_contents(data, parsed), frame.width, frame.height)
    search = Search(
        tuple(labels), options.detectors, threshold, effort, options.margins or {},
        Settings(options.provider, options.threads), None if near is None else tuple(near),
    )  # fmt: skip
    picture = Picture(data, orientation, panorama)
    return search.run(picture, orientation, (frame.width, frame.height))


class _Head(NamedTuple):
    """A face as an ellipse: see `Detection.ellipse`."""

    box: Polygon
    label: str
    score: float
    model: Model


def _head(found: Detection) -> Detection | _Head:
    shape = found.ellipse()
    if found.label != "face" or not isinstance(shape, Polygon):
        return found
    return _Head(shape, found.label, found.score, found.model)


@dataclass(frozen=True, slots=True)
class Detecting:
    """`detect` with some of its options, to be handed to `process` as its ``detector``."""

    detectors: tuple[Detector | str, ...] = ()
    margins: Mapping[str, float] | None = None
    panorama: bool | None = None
    provider: str = "cpu"
    threads: int | None = None
    limits: Limits | None = None
    ellipses: bool = False
    """Give a face as an ellipse around the head (`Detection.ellipse`), not as its box.

    What a second look finds stays a box."""

    def __call__(
        self, jpeg: bytes, labels: Sequence[str], *, threshold: float | None, effort: str
    ) -> Sequence[Detection | _Head]:
        """Return what `detect` finds."""
        found = _detected(jpeg, labels, threshold, effort, self, None)
        return [_head(each) for each in found] if self.ellipses else found

    def again(
        self, jpeg: bytes, near: Sequence[BoxTuple], *, threshold: float | None, effort: str
    ) -> list[Detection]:
        """Return the faces that `detect` finds near boxes, and perhaps others."""
        return _detected(jpeg, ("face",), threshold, effort, self, near)

    def models(self, labels: Iterable[str]) -> list[Model]:
        """Return the built-in weights that look for these labels; those of others aren't known."""
        from .detection import built_in

        # Which labels detectors of the user's own take over is not known before they look.
        return [] if self.detectors else built_in(labels)

    def identity(self, labels: Iterable[str]) -> list[Model]:
        """Return all that may look, which a run over many files must not go on without.

        Raises
        ------
        DetectorError
            A detector is not there, or its description is wrong.
        """
        from .detection import identity_of

        return identity_of(labels, self.detectors)
