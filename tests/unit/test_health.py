"""A side that does not answer is left alone, longer each time; the other goes on; what is a bug ends the run.

L3 (recovery): after a fault ends, everything goes on without a restart, and the status says so.
"""

from __future__ import annotations

import pytest

from bridge.engine.health import Health
from bridge.errors import AccessLost, BridgeError, ConfigError, JournalError, LockHeld, SetupError, Stopped, Unavailable
from bridge.model import Side
from tests.unit.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def health(desk: Desk) -> Health:
    return Health(desk.journal, "tasks", desk.clock)


def fail(health: Health, side: Side, error: Exception) -> None:
    def work() -> None:
        raise error

    health.guarded(side, work)


def last_error(desk: Desk) -> str:
    return desk.journal.sync_state("tasks").last_error


def test_at_first_both_sides_are_up(health: Health) -> None:
    assert all(health.up(side) for side in Side)
    assert health.failing() == {}
    assert health.retry_times() == []
    assert health.lasting_failure(1) is None


@pytest.mark.parametrize(
    "error", [Unavailable("no answer"), AccessLost("no right"), SetupError("no such table"), BridgeError("54000")]
)
def test_a_side_that_fails_is_left_alone_and_the_other_is_not(health: Health, desk: Desk, error: BridgeError) -> None:
    done: list[Side] = []
    fail(health, Side.NOTION, error)
    for side in Side:
        health.guarded(side, lambda side=side: done.append(side))  # type: ignore[misc]
    assert done == [Side.POSTGRES]
    assert health.failing() == {Side.NOTION: error}
    assert last_error(desk) == str(error)
    desk.clock.seconds += 1.0
    health.guarded(Side.NOTION, lambda: done.append(Side.NOTION))
    assert done == [Side.POSTGRES, Side.NOTION]
    assert health.failing() == {}
    assert last_error(desk) == ""


def test_each_failure_is_waited_out_longer_up_to_a_minute(health: Health, desk: Desk) -> None:
    waits = []
    for _ in range(9):
        fail(health, Side.NOTION, Unavailable("no answer"))
        waits.append(health.retry_times()[0] - desk.clock.monotonic())
        desk.clock.seconds += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_database_is_asked_again_soon(health: Health, desk: Desk) -> None:
    for _ in range(9):
        desk.clock.seconds += 60.0
        fail(health, Side.POSTGRES, Unavailable("no answer"))
    assert health.retry_times() == [health.retry_at(Side.POSTGRES)] == [desk.clock.monotonic() + 5]


@pytest.mark.parametrize(("named", "waited"), [(600.0, 600.0), (0.0, 1.0), (None, 1.0)])
def test_a_time_that_the_side_names_is_obeyed_and_never_shortens_the_wait(
    health: Health, desk: Desk, named: float | None, waited: float
) -> None:
    fail(health, Side.NOTION, Unavailable("busy", retry_after=named))
    desk.clock.seconds += waited - 0.5
    assert not health.up(Side.NOTION)
    desk.clock.seconds += 0.5
    assert health.up(Side.NOTION)


def test_a_late_success_does_not_end_the_wait(health: Health, desk: Desk) -> None:
    """An answer to a request that was sent before the failure: the side asked for a pause since."""
    fail(health, Side.NOTION, Unavailable("busy", retry_after=600.0))
    health.came_up(Side.NOTION)
    assert not health.up(Side.NOTION)
    assert last_error(desk) == "busy"


def test_after_a_success_the_waits_begin_anew(health: Health, desk: Desk) -> None:
    for _ in range(3):
        fail(health, Side.NOTION, Unavailable("no answer"))
        desk.clock.seconds += 60.0
    health.came_up(Side.NOTION)
    assert health.retry_times() == []
    fail(health, Side.NOTION, Unavailable("no answer"))
    assert health.retry_times() == [desk.clock.monotonic() + 1.0]


def test_the_error_is_told_until_both_sides_are_well(health: Health, desk: Desk) -> None:
    fail(health, Side.POSTGRES, Unavailable("no database"))
    fail(health, Side.NOTION, Unavailable("no Notion"))
    desk.clock.seconds += 60.0
    health.came_up(Side.NOTION)
    assert last_error(desk) == "no Notion"
    health.came_up(Side.POSTGRES)
    assert last_error(desk) == ""


def test_a_side_that_owes_an_answer_is_told_of_and_so_is_its_return(health: Health, desk: Desk) -> None:
    for side in Side:
        health.came_up(side)
    health.waited(Side.NOTION, 9.0)
    assert last_error(desk) == ""
    for seconds in (10.2, 11.0):
        health.waited(Side.NOTION, seconds)
        assert last_error(desk).startswith("Notion has not answered for 10 s")
    health.came_up(Side.POSTGRES)
    assert last_error(desk)
    health.came_up(Side.NOTION)
    assert last_error(desk) == ""


def test_the_end_of_a_silence_may_be_an_error(health: Health, desk: Desk) -> None:
    health.waited(Side.NOTION, 12.0)
    fail(health, Side.NOTION, Unavailable("the connection broke"))
    health.waited(Side.NOTION, 12.0)
    assert last_error(desk) == "the connection broke"


def test_a_stop_is_no_side_s_fault(health: Health, desk: Desk) -> None:
    fail(health, Side.NOTION, Stopped("stopping"))
    assert health.failing() == {}
    assert last_error(desk) == ""


@pytest.mark.parametrize("error", [JournalError("disk full"), ConfigError("no such thing"), KeyError("a bug")])
def test_what_no_waiting_mends_ends_the_run(health: Health, error: Exception) -> None:
    with pytest.raises(type(error)):
        fail(health, Side.NOTION, error)
    assert health.failing() == {}


@pytest.mark.parametrize("error", [JournalError("disk full"), LockHeld("another one"), ValueError("a bug")])
def test_what_a_task_met_and_no_waiting_mends_ends_the_run(health: Health, error: Exception) -> None:
    with pytest.raises(type(error)):
        health.failed(Side.NOTION, error)


def test_a_failure_lasts_when_it_came_often_enough(health: Health, desk: Desk) -> None:
    error = Unavailable("no answer")
    for times in (1, 2, 3):
        assert health.lasting_failure(3) is None
        fail(health, Side.NOTION, error)
        assert health.lasting_failure(times) is error
        desk.clock.seconds += 60.0
    assert health.lasting_failure(3) is error
    health.came_up(Side.NOTION)
    assert health.lasting_failure(1) is None


def test_a_refusal_lasts_at_once_because_no_waiting_mends_it(health: Health) -> None:
    error = AccessLost("no right")
    fail(health, Side.POSTGRES, error)
    assert health.lasting_failure(5) is error


def test_what_does_not_fit_is_bound_anew_once_before_it_lasts(desk: Desk, health: Health) -> None:
    error = SetupError("no such column")
    fail(health, Side.POSTGRES, error)
    assert health.misfit(Side.POSTGRES) is error
    assert health.lasting_failure(5) is None
    assert not health.up(Side.POSTGRES)
    health.try_again(Side.POSTGRES)
    assert health.up(Side.POSTGRES)
    fail(health, Side.POSTGRES, error)
    assert health.lasting_failure(5) is error


def test_what_one_side_fails_for_is_told_until_that_side_answers(health: Health, desk: Desk) -> None:
    for side in Side:
        health.came_up(side)
    fail(health, Side.NOTION, Unavailable("Notion is down"))
    fail(health, Side.POSTGRES, Unavailable("no database"))
    desk.clock.seconds += 1.0
    health.guarded(Side.NOTION, lambda: None)
    assert (list(health.failing()), last_error(desk)) == ([Side.POSTGRES], "no database")
    health.guarded(Side.POSTGRES, lambda: None)
    assert last_error(desk) == ""


def test_what_an_earlier_process_noted_is_told_until_both_sides_have_answered(health: Health, desk: Desk) -> None:
    desk.journal.update_sync("tasks", last_error="no database")
    health.came_up(Side.NOTION)
    assert last_error(desk) == "no database"
    health.came_up(Side.POSTGRES)
    assert last_error(desk) == ""


def test_a_side_that_answers_again_fails_no_more_whatever_it_said(health: Health, desk: Desk) -> None:
    fail(health, Side.NOTION, AccessLost("no right"))
    assert health.lasting_failure(5) is not None
    desk.clock.seconds += 1.0
    health.guarded(Side.NOTION, lambda: None)
    assert health.lasting_failure(5) is None
