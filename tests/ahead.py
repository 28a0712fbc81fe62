"""Make small pictures be walked from two ends, as only large ones are."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from jpegredact import background
from jpegredact.codec import ahead, walk


@contextmanager
def everywhere(dense: int = 8, step: int = 2, pieces: int = 4) -> Iterator[list[bool]]:
    """Look ahead in every scan without restart markers; yields whether both met, each time."""
    met: list[bool] = []

    def meet(*arguments: object) -> ahead.Found | None:
        found = ahead.meet(*arguments)  # type: ignore[arg-type]
        met.append(found is not None)
        return found

    with (
        mock.patch.multiple(walk, _LONG=16, _SPARSE=1, _AT_ONCE_PASSED=pieces, meet=meet),
        mock.patch.multiple(ahead, _DENSE=dense, _STEP=step),
        mock.patch.object(background, "_WORTH_A_THREAD", 0),
    ):
        yield met
