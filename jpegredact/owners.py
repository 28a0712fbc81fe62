"""Who can open the diffs that are made: the keys they are sealed to, and where they may stand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from .diff import Document
from .errors import InvalidKeyError
from .limits import Limits
from .redaction.redact import Outcome
from .results import UnblurDiff

if TYPE_CHECKING:
    from .diff.keys import Recipient
    from .diff.passphrase import RunKey
    from .keyring import PassphraseLike, RecipientLike

__all__ = ["Owners", "with_diff"]


class Owners(NamedTuple):
    """Who can open a diff: those of no owner are plain."""

    recipients: tuple[Recipient, ...] = ()
    run: RunKey | None = None
    embed: bool = False
    """Whether it is to be in the redacted file."""

    @classmethod
    def of(
        cls, recipients: Iterable[RecipientLike], passphrase: PassphraseLike | RunKey | None,
        embed: bool,
    ) -> Owners:  # fmt: skip
        """Read the keys, before any work is done for them."""
        if embed and passphrase is not None:
            raise InvalidKeyError(
                "a diff that a passphrase opens is not embedded: whoever has the picture could "
                "try passphrases for as long as they like",
                code="key.embed-passphrase",
                hint="seal it to recipients, or store it apart",
            )
        owners = cls()
        if not isinstance(recipients, tuple) or recipients or passphrase is not None:
            from .keyring import as_recipients, as_run

            owners = cls(as_recipients(recipients), as_run(passphrase), embed)
        if embed and not owners.recipients:
            raise InvalidKeyError(
                "a plain diff is not embedded: whoever has the picture would have the original",
                code="key.embed-plain",
                hint="name recipients",
            )
        return owners

    def seal(self, diff: UnblurDiff, limits: Limits) -> UnblurDiff:
        """Return a diff that is theirs."""
        if not self.recipients and self.run is None:
            return diff
        return diff.seal(self.recipients, self.run, limits=limits)


def with_diff(outcome: Outcome, diff: UnblurDiff, limits: Limits) -> Outcome:
    """Return a redaction with its sealed diff in the file; the diff itself stays as it is.

    Raises
    ------
    LimitExceededError, VerificationError
    """
    from .redaction.embedding import embed

    assert not isinstance(diff.stored, Document)  # noqa: S101  (it has owners)
    jpeg = embed(outcome.jpeg, diff.stored, limits)
    return outcome._replace(jpeg=jpeg, sha256=hashlib.sha256(jpeg).digest())
