"""What is said of a run while it goes on, where there is no terminal."""

from __future__ import annotations

import pytest

from jpegredact.batch.engine import Summary
from jpegredact.batch.work import Done
from jpegredact.cli import progress


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


def work(clock: Clock, total: int | None, count: int, each: float) -> None:
    summary = Summary(before=7)
    with progress.progress(total) as tell:
        for number in range(count):
            clock.now += each
            done = Done(f"{number}.jpg", "redacted", "{}", found=2)
            summary.add(done)
            tell(done, summary)


def test_a_line_every_ten_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(clock, 107, 25, 1.0)
    assert capsys.readouterr().err == (
        "17 of 107 pictures, 1.0/s, 90 s left, 20 regions, 0 failed\n"
        "27 of 107 pictures, 1.0/s, 80 s left, 40 regions, 0 failed\n"
    )


def test_no_time_left_is_said_where_nobody_knows_how_many(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    work(clock, None, 2, 10.0)
    assert capsys.readouterr().err.splitlines()[0] == "8 pictures, 0.1/s, 2 regions, 0 failed"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.4, "3 s"), (99, "99 s"), (100, "2 min"), (5_900, "98 min"), (36_000, "10 h 0 min")],
)
def test_spans(seconds: float, words: str) -> None:
    assert progress._span(seconds) == words


def test_names_never_reach_the_terminal_as_commands(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress(1) as tell:
        tell(Done("\x1b[2Jé\n.jpg", "failed", "{}", "name.unsafe", "no\x07"), Summary())
    assert capsys.readouterr().err == "\\x1b[2Jé\\x0a.jpg: no\\x07 [name.unsafe]\n"
