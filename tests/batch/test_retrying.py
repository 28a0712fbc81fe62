"""Trying again: what, how often, and how long it takes at most."""

from __future__ import annotations

import errno
import pickle

import pytest

from jpegredact.batch.retrying import Retrying, is_transient, status_of


class StoreError(Exception):
    """An error as stores' packages have them."""

    def __init__(self, **attributes: object) -> None:
        super().__init__("as planned")
        self.__dict__.update(attributes)


def botocore(status: int, code: str = "Whatever") -> StoreError:
    return StoreError(
        response={"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": code}}
    )


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


ClientPayloadError = type("ClientPayloadError", (Exception,), {})
Deeper = type("Deeper", (ClientPayloadError,), {"status": 400})
TRANSIENT = [
    TimeoutError(), ConnectionResetError(), BrokenPipeError(), OSError(errno.ETIMEDOUT, "x"),
    OSError(errno.EHOSTUNREACH, "x"), ClientPayloadError(), Deeper(),
    botocore(500), botocore(502), botocore(503, "SlowDown"), botocore(429), botocore(408),
    botocore(409, "ConditionalRequestConflict"), botocore(400, "RequestTimeout"),
    StoreError(status=503), StoreError(status_code=500), StoreError(code=504),
    raised_from(OSError(errno.EIO, "x"), botocore(500)), raised_from(ValueError(), TimeoutError()),
]  # fmt: skip
FINAL = [
    FileNotFoundError(), PermissionError(), FileExistsError(), OSError(errno.ENOSPC, "x"),
    OSError(errno.EIO, "x"), ValueError(), botocore(403), botocore(404), botocore(400),
    botocore(412), botocore(409, "BucketAlreadyExists"), botocore(501), StoreError(status=401),
    StoreError(code="InvalidName"), raised_from(PermissionError(), botocore(403)), MemoryError(),
]  # fmt: skip


@pytest.mark.parametrize("error", TRANSIENT, ids=repr)
def test_what_is_tried_again(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_what_is_not(error: Exception) -> None:
    assert not is_transient(error)


def test_statuses() -> None:
    assert status_of(raised_from(OSError(), botocore(416))) == 416
    assert status_of(StoreError(code=7)) is None
    assert status_of(OSError(errno.EIO, "x")) is None


def test_number_and_delays_are_bounded() -> None:
    waits: list[float] = []
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise TimeoutError("always")

    with pytest.raises(TimeoutError):
        Retrying(sleep=waits.append).run(fail)
    assert calls == 5
    for wait, most in zip(waits, (0.5, 1, 2, 4), strict=True):
        assert most / 2 <= wait <= most
    with pytest.raises(TimeoutError):
        Retrying(tries=9, first=3, most=4, sleep=waits.append).run(fail)
    assert max(waits[-8:]) <= 4


def test_the_first_success_counts() -> None:
    results = [TimeoutError(), botocore(500), "good"]

    def call() -> object:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    waits: list[float] = []
    assert Retrying(sleep=waits.append).run(call) == "good"
    assert len(waits) == 2


def test_what_would_not_help_is_raised_at_once() -> None:
    def fail() -> None:
        raise PermissionError("no")

    def never(_: float) -> None:
        raise AssertionError

    with pytest.raises(PermissionError):
        Retrying(sleep=never).run(fail)


def test_it_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(Retrying(tries=2))) == Retrying(tries=2)
