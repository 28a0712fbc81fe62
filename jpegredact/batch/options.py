"""What a run was told: how each picture is redacted, and what becomes of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..diff.passphrase import RunKey

__all__ = ["UNTOUCHED", "Options", "Owners"]

UNTOUCHED = ("copy", "link", "skip")
"""What becomes of pictures in which nothing is to be redacted."""


@dataclass(frozen=True, slots=True)
class Options:
    """As in `jpegredact.process`, but for three: ``untouched`` is one of `UNTOUCHED`,
    ``scrub_untouched`` says that those pictures' side copies are cleaned, and ``from_log`` is the
    SHA-256 of the log that the run goes by.
    """

    boxes: tuple[tuple[float, float, float, float], ...] = ()
    upright: bool = False
    labels: tuple[str, ...] = ()
    effort: str = "normal"
    threshold: float | None = None
    ellipses: bool = False
    detectors: tuple[str, ...] = ()
    provider: str = "cpu"
    margin: str | None = None
    method: str = "inpaint"
    side_copies: str = "default"
    provenance: str = "drop"
    force: bool = False
    note: bool = False
    embed: bool = False
    untouched: str = "copy"
    scrub_untouched: bool = False
    from_log: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a run's log says it."""
        return {
            "boxes": [list(box) for box in self.boxes],
            "upright": self.upright,
            "labels": list(self.labels),
            "effort": self.effort,
            "threshold": self.threshold,
            "ellipses": self.ellipses,
            "detectors": list(self.detectors),
            "provider": self.provider,
            "margin": self.margin,
            "method": self.method,
            "side_copies": self.side_copies,
            "provenance": self.provenance,
            "force": self.force,
            "note": self.note,
            "embed": self.embed,
            "untouched": self.untouched,
            "scrub_untouched": self.scrub_untouched,
            "from_log": self.from_log,
        }


@dataclass(frozen=True, slots=True)
class Owners:
    """Whom the diffs are sealed to: public keys, and no passphrase. Can be handed to workers."""

    recipients: tuple[str, ...] = ()
    run: RunKey | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a run's log says it."""
        return {"recipients": sorted(self.recipients), "passphrase": self.run is not None}
