"""Every exception of this package.

::

    JpegRedactError
    ├── InvalidJpegError        the bytes are no whole, decodable JPEG
    ├── UnsupportedJpegError    a JPEG (or another format) that can't be redacted in place
    ├── LimitExceededError      more bytes, pixels, segments, ... than `Limits` allows
    ├── InvalidRegionError      a box, polygon, mask or method that makes no sense here
    ├── DiffError
    │   ├── InvalidDiffError    the bytes are no diff, or a damaged one
    │   ├── DiffMismatchError   a good diff, but of another picture or another state of it
    │   └── DecryptionError     a sealed diff that the keys given do not open
    ├── InvalidKeyError         a recipient, an identity or a passphrase that can't be used
    ├── InvalidLogError         the bytes are no log, or it says nothing about this picture
    ├── BatchError              a run over many files can't start or go on as it was asked for
    │   └── UnsafeNameError     a name that could lead elsewhere, or to another file's output
    ├── DetectorError           a detector or its weights can't be had, or don't work
    ├── SideCopyError           another copy in the file can't be cleared; nothing was returned
    └── VerificationError       a guarantee could not be kept; nothing was returned

`JpegRedactError` itself is never raised. Anything else that escapes from a
function of this package, but for ``TypeError`` (a wrong call), ``OSError`` (a
path that can't be read or written) and what a user's own method raises, is a bug.
"""

from __future__ import annotations

__all__ = [
    "BatchError",
    "DecryptionError",
    "DetectorError",
    "DiffError",
    "DiffMismatchError",
    "InvalidDiffError",
    "InvalidJpegError",
    "InvalidKeyError",
    "InvalidLogError",
    "InvalidRegionError",
    "JpegRedactError",
    "LimitExceededError",
    "SideCopyError",
    "UnsafeNameError",
    "UnsupportedJpegError",
    "VerificationError",
]


class JpegRedactError(Exception):
    """The root of all errors of this package.

    Parameters
    ----------
    message
        What was wrong, in one sentence.
    code
        A stable name for programs, such as ``"jpeg.truncated"``.
    offset
        Byte offset in the input where the trouble was found, if there is one.
    hint
        What the caller can do about it.
    """

    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        offset: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        text = self.message
        if self.offset is not None:
            text += f" (at byte {self.offset})"
        if self.hint:
            text += f"; {self.hint}"
        return text


class InvalidJpegError(JpegRedactError):
    """The bytes are no whole, decodable JPEG."""

    default_code = "jpeg.invalid"


class UnsupportedJpegError(JpegRedactError):
    """A JPEG, or another format, that can't be redacted in place."""

    default_code = "jpeg.unsupported"


class LimitExceededError(JpegRedactError):
    """The input asks for more than `Limits` allows."""

    default_code = "limit"


class InvalidRegionError(JpegRedactError):
    """A box, polygon, mask or method that makes no sense for this picture."""

    default_code = "region.invalid"


class DiffError(JpegRedactError):
    """Something is wrong with an unblur-diff."""

    default_code = "diff"


class InvalidDiffError(DiffError):
    """The bytes are no diff, or a damaged one."""

    default_code = "diff.invalid"


class DiffMismatchError(DiffError):
    """A good diff, but of another picture, or of another state of this one."""

    default_code = "diff.mismatch"


class DecryptionError(DiffError):
    """A sealed diff that the keys given do not open. Never says anything of a key."""

    default_code = "decrypt"


class InvalidKeyError(JpegRedactError):
    """A recipient, an identity or a passphrase that can't be used. Never shows it."""

    default_code = "key.invalid"


class InvalidLogError(JpegRedactError):
    """The bytes are no log of this package, or it says nothing about this picture."""

    default_code = "log.invalid"


class BatchError(JpegRedactError):
    """A run over many files can't start, or can't go on, as it was asked for."""

    default_code = "batch"


class UnsafeNameError(BatchError):
    """A name that could lead out of its folder, or to the output of another file."""

    default_code = "name.unsafe"


class DetectorError(JpegRedactError):
    """A detector, or the weights that it needs, can't be had or doesn't work."""

    default_code = "detector"

    @property
    def is_of_the_picture(self) -> bool:
        """Whether the next picture need not share it."""
        return self.code in ("detector.pixels", "detector.run")


class VerificationError(JpegRedactError):
    """A guarantee could not be kept, so nothing was returned."""

    default_code = "verification"


class SideCopyError(JpegRedactError):
    """Another copy of the picture in the file can't be cleared, so nothing was returned."""

    default_code = "side-copy"
