"""A detector that sees what it is told to, called as `jpegredact.detect` is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

DIGEST = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"


@dataclass(frozen=True)
class Model:
    name: str
    sha256: str = ""


@dataclass
class Seen:
    label: str
    score: float
    box: tuple[float, float, float, float]
    model: object = field(default_factory=lambda: Model("fakenet", DIGEST))
    parts: tuple[tuple[float, float, float, float], ...] = ()


FACE = Seen("face", 0.91, (20, 30, 60.5, 70))
SIGN = Seen("plate", 0.42, (100, 90, 140, 110), "platenet@beef")


class Detector:
    """Sees a face and a sign in every picture, and notes how it was asked."""

    def __init__(self, *seen: Seen) -> None:
        self.seen = seen
        self.error: Exception | None = None
        self.calls: list[tuple[bytes, tuple[str, ...], float | None, str]] = []

    def __call__(
        self, jpeg: bytes, labels: Sequence[str], *, threshold: float | None, effort: str
    ) -> list[Seen]:
        self.calls.append((jpeg, tuple(labels), threshold, effort))
        if self.error is not None:
            raise self.error
        return [
            each
            for each in self.seen
            if each.label in labels and each.score >= (threshold or 0)
        ]

    def models(self, labels: Sequence[str]) -> list[str]:
        return [f"{label}-looker@{DIGEST}" for label in labels]
