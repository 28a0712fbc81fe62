"""Workers that die, raise, can't start, or are left alone by their parent."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batch import pool_tasks
from jpegredact.batch.pool import Died, Workers
from jpegredact.errors import BatchError


def work_off(tasks: Any, jobs: int = 2, **more: Any) -> list[tuple[Any, Any]]:
    with Workers(pool_tasks.maker, jobs) as workers:
        return list(workers.work_off(tasks, **more))


def leave(
    tasks: Any, error: BaseException, when: Callable[[], bool] = lambda: True
) -> list[int | None]:
    """Leave two workers by an exception when the first task is done; return who they were."""
    pids = []

    def consume() -> None:
        with Workers(pool_tasks.maker, 2) as workers:
            for _ in workers.work_off(tasks):
                pids.extend(each.process.pid for each in workers._workers)
                assert wait_until(when)
                raise error

    with pytest.raises(type(error)):
        consume()
    return pids


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Any, seconds: float = 20) -> bool:
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_task_is_done_once(jobs: int) -> None:
    tasks = [("echo", number) for number in range(200)]
    done = work_off(tasks, jobs)
    assert sorted(done) == [(task, task[1]) for task in tasks]


def test_nothing_to_do_starts_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workers, "_start", None)
    assert work_off([]) == []


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    tasks = [("echo", 1), ("die once", str(tmp_path / "mark")), *[("echo", n) for n in range(9)]]
    done = dict(work_off(tasks, 1))
    assert done.pop(tasks[1]) == "done at last"
    assert done == {task: task[1] for task in tasks if task[0] == "echo"}


def test_a_task_on_which_two_die_is_reported_and_the_rest_is_done() -> None:
    tasks = [("echo", 1), ("die",), *[("echo", n) for n in range(2, 30)], ("die",)]
    done = work_off(tasks)
    assert Counter(task for task, _ in done) == Counter(tasks)
    assert [result for task, result in done if task == ("die",)] == [Died(3)] * 2
    assert all(result == task[1] for task, result in done if task != ("die",))


def test_an_exception_that_nobody_expected_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    done = dict(work_off([("raise",), ("echo", 1)], 1))
    assert done[("raise",)].why == "ValueError: nobody expected this"
    assert done[("echo", 1)] == 1
    assert "Traceback" not in capfd.readouterr().err


def test_workers_that_can_not_start_end_it() -> None:
    with (
        pytest.raises(BatchError, match="no weights") as caught,
        Workers(pool_tasks.bad_maker, 2) as workers,
    ):
        list(workers.work_off([("echo", 1)]))
    assert caught.value.code == "batch.workers"


def test_workers_that_die_before_they_are_ready_end_it() -> None:
    with pytest.raises(BatchError, match="exit code 7"), Workers(pool_tasks.dying_maker, 2) as pool:
        list(pool.work_off([("echo", 1)]))


def test_a_worker_killed_while_it_is_idle_is_replaced() -> None:
    with Workers(pool_tasks.maker, 2) as workers:
        pids: set[int] = set()

        def tasks() -> Iterator[tuple[Any, ...]]:
            yield from [("sleep", 0.2)] * 4
            while len(pids) < 2:
                yield ("sleep", 0.05)
            yield ("sleep", 1)  # meanwhile the other one has nothing to do
            yield ("echo", "behind")
            yield from [("sleep", 0.1)] * 6

        killed = None
        seen = []
        for task, result in workers.work_off(tasks()):
            seen.append((task, result))
            if task[0] == "sleep":
                pids.add(result)
            if task == ("echo", "behind"):
                idle = [each for each in workers._workers if not each.given]
                killed = (idle or workers._workers)[0].process
                killed.kill()
                killed.join()
        assert killed is not None
        assert ("echo", "behind") in [task for task, _ in seen]
        assert not [result for _, result in seen if isinstance(result, Died)]
        assert Counter(task for task, _ in seen)[("sleep", 0.1)] == 6


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_what_a_worker_said_before_it_died_counts(size: int) -> None:
    """A result that is whole on its way is taken; nothing is done twice."""
    with Workers(pool_tasks.maker, 1) as workers:
        done = workers.work_off([("pid",), ("large", size)])
        _, pid = next(done)
        time.sleep(0.3)  # it has said all it can without being listened to
        os.kill(pid, signal.SIGKILL)
        assert [len(result) for _, result in done] == [size]


def test_large_tasks_and_large_results_do_not_wait_for_each_other() -> None:
    tasks = [("large", 4_000_000, bytes(4_000_000)) for _ in range(6)]
    assert [len(result) for _, result in work_off(tasks, 1)] == [4_000_000] * 6


def test_stop_finishes_what_was_begun() -> None:
    taken = []
    done: list[int] = []

    def tasks() -> Iterator[tuple[Any, ...]]:
        for number in range(1000):
            taken.append(number)
            yield ("echo", number)

    with Workers(pool_tasks.maker, 2) as workers:
        for _, result in workers.work_off(tasks(), lambda: len(done) >= 20):
            done.append(result)
    assert sorted(done) == taken[: len(done)]
    assert 20 <= len(done) <= len(taken) < 40


def test_tasks_that_raise_come_after_what_was_begun() -> None:
    def tasks() -> Iterator[tuple[Any, ...]]:
        yield ("sleep", 0.3)
        yield ("echo", 1)
        raise OSError("the list can't be read")

    done: list[Any] = []
    with pytest.raises(OSError, match="the list"), Workers(pool_tasks.maker, 2) as workers:
        done.extend(task for task, _ in workers.work_off(tasks()))  # one by one
    assert sorted(done) == [("echo", 1), ("sleep", 0.3)]


def test_an_error_of_the_caller_lets_workers_finish(tmp_path: Path) -> None:
    begun, mark = tmp_path / "begun", tmp_path / "mark"
    tasks = [("echo", 1), ("touch", str(mark), 0.5, str(begun)), ("echo", 2)]
    leave(tasks, OSError("full"), begun.exists)
    assert mark.exists()


def test_an_interrupt_does_not_wait() -> None:
    begun = time.monotonic()
    pids = leave([("echo", 1), *[("sleep", 60)] * 9], KeyboardInterrupt())
    assert time.monotonic() - begun < 30
    assert pids
    assert not any(is_alive(pid) for pid in pids if pid)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_workers_end_when_their_parent_is_killed() -> None:
    """Though they are on a task that takes a minute: another run may follow at once."""
    with pool_tasks.start_parent() as parent:
        try:
            assert parent.stdout is not None
            pids = [int(pid) for pid in parent.stdout.readline().split()]
            assert pids
            children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
            if children.exists():
                pids = [int(pid) for pid in children.read_text().split()]
            time.sleep(0.5)
            assert all(map(is_alive, pids))
        finally:
            parent.kill()
    assert wait_until(lambda: not any(map(is_alive, pids)))
