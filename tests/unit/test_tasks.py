"""Work beside the main thread: results in order, in one thread, together; failures handed over; nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bridge.engine.tasks import Deliver, Lane, Tasks, ThreadTasks, WakeUps
from tests.inline import InlineTasks
from tests.unit.desk import until

WAIT_S = 30.0


@pytest.fixture
def tasks() -> Iterator[ThreadTasks]:
    made = ThreadTasks()
    yield made
    made.close()


def no_error(error: Exception) -> None:
    raise error


def taken(tasks: Tasks) -> None:
    """Takes results until no task is under way."""
    rounds = 0
    while tasks.running():
        tasks.take(WAIT_S)
        rounds += 1
        assert rounds < 1000


@pytest.fixture(params=["threads", "inline"])
def either(request: pytest.FixtureRequest, tasks: ThreadTasks) -> Tasks:
    return tasks if request.param == "threads" else InlineTasks(lambda seconds: None)


def test_results_come_in_order_and_the_end_comes_last(either: Tasks) -> None:
    told: list[object] = []

    def work(deliver: Deliver) -> None:
        for number in range(100):
            deliver(lambda number=number: told.append(number))  # type: ignore[misc]

    either.start("one", work, no_error, lambda: told.append("ended"))
    taken(either)
    assert told == [*range(100), "ended"]


def test_what_a_task_raises_is_handed_over_before_its_end(either: Tasks) -> None:
    told: list[str] = []

    def work(deliver: Deliver) -> None:
        deliver(lambda: told.append("found"))
        raise KeyError("lost")

    either.start("one", work, lambda error: told.append(repr(error)), lambda: told.append("ended"))
    taken(either)
    assert told == ["found", "KeyError('lost')", "ended"]


def test_a_task_is_under_way_until_its_end_was_taken(tasks: ThreadTasks) -> None:
    done = threading.Event()
    tasks.start("tasks:write1", lambda _: done.set(), no_error, lambda: None)
    until(done, "the work is done")
    assert tasks.running("tasks:write")
    assert tasks.running("tasks:write1")
    assert not tasks.running("tasks:write0")
    assert not tasks.running("other")
    taken(tasks)
    assert not tasks.running()


def test_inline_a_task_is_under_way_only_while_it_works() -> None:
    tasks, seen = InlineTasks(lambda seconds: None), []
    tasks.start("poll", lambda _: seen.append(tasks.running("poll")), no_error, lambda: seen.append(tasks.running()))
    assert seen == [True, False]


def test_inline_time_passes_by_sleeping() -> None:
    slept: list[float] = []
    tasks = InlineTasks(slept.append)
    tasks.take(0.5)
    tasks.wake()
    tasks.close()
    assert slept == [0.5]


def test_a_persons_change_waits_for_no_listing(tasks: ThreadTasks) -> None:
    """Listings wait for the rate limit, each in its thread; there may be more of them than threads."""
    allowed, written = threading.Event(), threading.Event()
    for number in range(50):
        tasks.start(f"{number}:poll", lambda _: until(allowed, "listings may go on"), no_error, lambda: None)
        tasks.start(f"{number}:sweep", lambda _: until(allowed, "so may sweeps"), no_error, lambda: None, Lane.BULK)
    tasks.start("one:write0", lambda _: written.set(), no_error, lambda: None, Lane.EDITS)
    until(written, "the change is written")
    allowed.set()
    taken(tasks)


def test_results_are_called_in_the_thread_that_takes_them(tasks: ThreadTasks) -> None:
    threads: dict[str, threading.Thread] = {}

    def note(where: str) -> None:
        threads[where] = threading.current_thread()

    def work(deliver: Deliver) -> None:
        note("work")
        deliver(lambda: note("result"))
        raise ValueError

    tasks.start("one", work, lambda _: note("failed"), lambda: note("ended"))
    taken(tasks)
    assert threads.pop("work") is not threading.main_thread()
    assert set(threads.values()) == {threading.main_thread()}


def test_results_that_are_there_together_are_taken_together() -> None:
    told: list[str] = []

    @contextmanager
    def together() -> Iterator[None]:
        told.append("begin")
        yield
        told.append("commit")

    tasks = ThreadTasks(together)
    done = threading.Event()

    def work(deliver: Deliver) -> None:
        for name in ("a", "b"):
            deliver(lambda name=name: told.append(name))  # type: ignore[misc]
        done.set()

    tasks.start("one", work, no_error, lambda: None)
    until(done, "both results are there")
    tasks.take(0)
    assert told[:4] == ["begin", "a", "b", "commit"]
    tasks.close()


def test_a_result_that_fails_ends_what_is_taken_together() -> None:
    """The transaction around them is rolled back with everything in it."""
    ends: list[str] = []

    @contextmanager
    def together() -> Iterator[None]:
        try:
            yield
        except KeyError:
            ends.append("rolled back")
            raise

    tasks = ThreadTasks(together)

    def work(deliver: Deliver) -> None:
        raise KeyError("a bug")

    tasks.start("one", work, no_error, lambda: None)
    with pytest.raises(KeyError):
        tasks.take(WAIT_S)
    assert ends == ["rolled back"]
    tasks.close()


def test_no_more_than_some_are_taken_at_a_time(tasks: ThreadTasks) -> None:
    """The loop has other things to do between them."""
    told: list[int] = []
    done = threading.Event()

    def work(deliver: Deliver) -> None:
        for number in range(200):
            deliver(lambda number=number: told.append(number))  # type: ignore[misc]
        done.set()

    tasks.start("one", work, no_error, lambda: None)
    until(done, "all results are there")
    tasks.take(0)
    assert told == list(range(64))
    taken(tasks)
    assert told == list(range(200))


def test_a_wait_ends_when_it_is_woken(tasks: ThreadTasks) -> None:
    """No result, and no timeout within the life of a test: only the wake-up can end the wait."""
    waiting = threading.Thread(target=lambda: tasks.take(10 * WAIT_S))
    waiting.start()
    tasks.wake()
    waiting.join(WAIT_S)
    assert not waiting.is_alive()


def test_nothing_there_nothing_taken(tasks: ThreadTasks) -> None:
    tasks.take(0)
    tasks.take(0.001)


def test_closing_waits_for_what_is_under_way_and_takes_it() -> None:
    tasks, told = ThreadTasks(), []
    begun, go_on = threading.Event(), threading.Event()

    def work(deliver: Deliver) -> None:
        begun.set()
        until(go_on, "the test lets the work go on")
        deliver(lambda: told.append("found"))

    tasks.start("one", work, no_error, lambda: told.append("ended"))
    until(begun, "the work has begun")
    threading.Thread(target=go_on.set).start()
    tasks.close()
    assert told == ["found", "ended"]
    assert not tasks.running()


# The listener


def listening(wait: Callable[[float], bool], woken: Callable[[], None], stop: threading.Event) -> None:
    listener = WakeUps(wait, woken, stop)
    listener.start()
    listener.join()


def test_the_listener_wakes_for_each_notification_and_not_for_silence() -> None:
    stop, woken = threading.Event(), []
    answers = [True, False, True]

    def wait(seconds: float) -> bool:
        if not answers:
            stop.set()
            return False
        return answers.pop(0)

    listening(wait, lambda: woken.append(1), stop)
    assert len(woken) == 2


def test_the_listener_does_not_begin_after_the_end() -> None:
    stop = threading.Event()
    stop.set()
    asked: list[float] = []

    def wait(seconds: float) -> bool:
        asked.append(seconds)
        return False

    listening(wait, lambda: None, stop)
    assert asked == []


def test_at_the_end_everything_that_was_found_is_taken() -> None:
    """More than are taken together."""
    tasks, told = ThreadTasks(), list[int]()

    def work(deliver: Deliver) -> None:
        for number in range(1000):
            deliver(lambda number=number: told.append(number))  # type: ignore[misc]

    tasks.start("one", work, no_error, lambda: None)
    tasks.close()
    assert told == list(range(1000))
    assert not tasks.running()
