"""Work beside other work: done once, by whoever comes first, and its errors are heard."""

import threading
from unittest import mock

import pytest

import jpegredact as jr
from jpegredact.background import Beside

LARGE = 1 << 20


def test_who_asks_does_what_nobody_has_begun() -> None:
    with Beside(LARGE) as beside:
        go_on = threading.Event()
        first = beside.begin(lambda: go_on.wait(10))
        names = [beside.begin(lambda: threading.current_thread().name) for _ in range(3)]
        assert [later.result() for later in names] == ["MainThread"] * 3
        go_on.set()
        assert first.result() is True
    assert "jpegredact" not in {thread.name for thread in threading.enumerate()}


def test_each_work_is_done_once() -> None:
    done: list[int] = []
    for _ in range(50):
        with Beside(LARGE) as beside:
            work = [beside.begin(lambda k=k: done.append(k)) for k in range(20)]
            for later in reversed(work):
                later.result()
    assert sorted(done) == sorted([*range(20)] * 50)


def test_small_work_gets_no_thread() -> None:
    with Beside(100) as beside:
        assert not beside.threaded
        assert beside.begin(lambda: threading.current_thread().name).result() == "MainThread"


def test_errors_reach_who_asks() -> None:
    with Beside(LARGE) as beside:
        later = beside.begin(lambda: 1 // 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                later.result()


def test_what_is_not_begun_can_be_done_without() -> None:
    with Beside(LARGE) as beside:
        go_on = threading.Event()
        beside.begin(lambda: go_on.wait(10))
        later = beside.begin(lambda: 5)
        assert later.if_begun() is None
        go_on.set()
        with pytest.raises(LookupError):
            later.result()
        begun = threading.Event()
        again = beside.begin(lambda: begun.set() or 6)
        assert begun.wait(10)
        assert again.if_begun() == 6


def test_after_an_error_the_rest_is_dropped() -> None:
    done: list[int] = []

    def fail() -> None:
        with Beside(LARGE) as beside:
            begun, go_on = threading.Event(), threading.Event()
            beside.begin(lambda: begun.set() or go_on.wait(10))
            for k in range(100):
                beside.begin(lambda k=k: done.append(k))
            begun.wait(10)
            join = beside._thread.join

            def let_it_end() -> None:  # the queue has been emptied by then
                go_on.set()
                join()

            beside._thread.join = let_it_end
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not done


def test_an_interrupt_while_the_thread_starts_leaves_none_behind() -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with (
        mock.patch("threading.Thread.start", interrupted),
        pytest.raises(KeyboardInterrupt),
        Beside(LARGE),
    ):
        raise AssertionError
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def test_where_no_thread_can_be_had_all_works_without(photo) -> None:
    from pictures import pillow_jpeg

    data = pillow_jpeg(photo)
    usual = jr.redact(data, [(8, 8, 40, 40)])
    with (
        mock.patch("jpegredact.background._WORTH_A_THREAD", 0),
        mock.patch("threading.Thread.start", side_effect=RuntimeError("can't start new thread")),
    ):
        done = jr.redact(data, [(8, 8, 40, 40)])
        assert jr.restore(done.jpeg, done.diff) == data
    assert (done.jpeg, done.diff) == (usual.jpeg, usual.diff)
