"""Places of every kind, and an S3 server that fails when told to."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jpegredact.batch.places import Place, open_place
from jpegredact.batch.retrying import Retrying

from .faulty_server import Faulty, served


def not_at_all(seconds: float) -> None:
    """Sleep."""


AT_ONCE = Retrying(sleep=not_at_all)


@pytest.fixture(scope="session")
def server() -> Iterator[Faulty]:
    """The S3 server, started once."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with served() as server:
        yield server


@pytest.fixture
def faulty(s3: object, server: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """Put the server that fails between."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    server.plan()
    yield server
    server.plan()


@pytest.fixture
def s3(
    server: Faulty, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request
) -> Callable[..., Place]:
    """Open places of the S3 server, the usual way: all that is needed is in the environment."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "very-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://{}:{}".format(*server.behind),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    folder = f"{abs(hash(request.node.nodeid)):x}"

    def place(path: str = "", bucket: str = "pictures", retrying: Retrying = AT_ONCE) -> Place:
        end = f"/{path}" if path else ""
        # One of fsspec's objects for all tests: each takes a tenth of a second to make.
        options = {"endpoint_url": os.environ["AWS_ENDPOINT_URL"], "skip_instance_cache": False}
        return open_place(f"s3://{bucket}/{folder}{end}", options, retrying=retrying)

    return place


@pytest.fixture(params=["local", "memory", "s3"])
def opened(request, tmp_path: Path) -> Callable[..., Place]:
    """Open places inside one place, of each kind in turn."""
    if request.param == "s3":
        return request.getfixturevalue("s3")
    base = tmp_path / "base" if request.param == "local" else f"memory:/{tmp_path}"

    def place(path: str = "") -> Place:
        return open_place(f"{base}/{path}" if path else str(base), retrying=AT_ONCE)

    return place
