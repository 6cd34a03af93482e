"""A bridge that is to run for ever waits for a side that is not there yet, says so once, and ends for all else."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bridge.engine.patience import when_there
from bridge.errors import AccessLost, BridgeError, LockHeld, SetupError, Unavailable
from tests.unit.desk import StillClock, until


class Opening:
    """Fails with each of these, then opens."""

    def __init__(self, *errors: BridgeError, then: Callable[[], None] = lambda: None) -> None:
        self._errors = list(errors)
        self._then = then
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self._errors:
            raise self._errors.pop(0)
        self._then()
        return "open"


def attempt(opening: Opening, stop: threading.Event | None = None) -> tuple[str | None, list[str], list[float]]:
    told: list[str] = []
    clock = StillClock()
    stop = stop or threading.Event()
    found = when_there(opening, lambda error: told.append(error.message), clock=clock, stop=stop)
    return found, told, clock.slept


def test_a_side_that_is_there_is_not_waited_for() -> None:
    assert attempt(Opening()) == ("open", [], [])


def test_it_waits_a_little_longer_each_time_and_says_each_word_once() -> None:
    errors = [Unavailable("no answer")] * 5 + [Unavailable("starting up")]
    assert attempt(Opening(*errors)) == ("open", ["no answer", "starting up"], [1, 2, 4, 8, 10, 10])


def test_a_time_that_the_side_names_is_obeyed() -> None:
    assert attempt(Opening(Unavailable("busy", retry_after=40.0)))[2] == [40.0]


@pytest.mark.parametrize("error", [AccessLost("no"), SetupError("no such table"), LockHeld("another one")])
def test_what_no_waiting_mends_ends_the_start(error: BridgeError) -> None:
    with pytest.raises(type(error)):
        attempt(Opening(Unavailable("no answer"), error))


def test_a_side_that_says_nothing_is_told_of_while_it_is_waited_for() -> None:
    told: list[str] = []
    heard = threading.Event()

    def tell(error: Unavailable) -> None:
        told.append(error.message)
        heard.set()

    opening = Opening(then=lambda: until(heard, "the silence is told"))
    assert when_there(opening, tell, clock=StillClock(), stop=threading.Event(), silent_s=0.0) == "open"
    assert told == ["A side has not answered for 0 s."]


def test_a_stop_ends_the_waiting() -> None:
    stop = threading.Event()
    stop.set()
    opening = Opening()
    assert attempt(opening, stop) == (None, [], [])
    assert opening.tries == 0


def test_an_error_that_comes_of_the_stop_is_none() -> None:
    stop = threading.Event()

    def stopped() -> None:
        stop.set()
        raise Unavailable("the bridge is stopping")

    assert attempt(Opening(then=stopped), stop) == (None, [], [])
