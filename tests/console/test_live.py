"""The live console shows what the journal says, at most four times a second, and leaves the screen as it was."""

from __future__ import annotations

import io
import os
import pty
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import ConsoleDimensions

from bridge.console.live import LiveConsole
from bridge.console.view import State, View
from bridge.engine.health import Health
from bridge.engine.opening import Bridge
from bridge.errors import AccessLost, BreakerTripped, BridgeError, Unavailable
from bridge.journal import Journal
from bridge.model import Conflict, Side, Stamp, Sync, Waiting
from bridge.notion.limiter import Limiter
from tests.console.conftest import NOON, terminal

ENTER_SCREEN, LEAVE_SCREEN, SHOW_CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


@dataclass(slots=True)
class StillClock:
    """Stands still until it is moved, or goes on by `step` with each look."""

    seconds: float = 0.0
    step: float = 0.0

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the console never sleeps")


@dataclass(slots=True)
class Seat:
    """A console with everything that it looks at."""

    live: LiveConsole
    screen: io.StringIO
    clock: StillClock
    journal: Journal
    worker: SimpleNamespace
    stop: threading.Event
    wakes: int = 0

    def wake(self) -> None:
        self.wakes += 1

    def written(self) -> str:
        return self.screen.getvalue()


@pytest.fixture
def seat(journal: Journal, sync: Sync) -> Seat:
    clock = StillClock()
    pacing = SimpleNamespace(next_poll=4.0)
    worker = SimpleNamespace(sync=sync, swept=True, pacing=pacing, health=Health(journal, sync.name, clock))
    bridge = SimpleNamespace(
        journal=journal,
        sides=SimpleNamespace(limiter=Limiter(clock, 180), stop=threading.Event()),
        loop=SimpleNamespace(workers=[worker]),
    )
    console, screen = terminal(live=True)
    live = LiveConsole(cast("Bridge", bridge), console, clock)
    made = Seat(live, screen, clock, journal, worker, bridge.sides.stop)
    bridge.loop.wake = made.wake
    return made


def test_shows_what_the_journal_says(seat: Seat, sync: Sync) -> None:
    stamp = Stamp(NOON, NOON)
    with seat.journal.transaction():
        pair = seat.journal.add_pair(sync.name, ("7",), None)
        seat.journal.add_event(pair, Side.POSTGRES, "update", {"title": ("a", "b")}, stamp=stamp)
        seat.journal.add_event(pair, Side.NOTION, "write", {"title": ("a", "b")})
        conflict = Conflict("status", "x", "y", "z", stamp, stamp, "manual", None)
        seat.journal.add_conflict(pair, conflict)
        seat.journal.park(pair, Waiting("title", Side.NOTION, "too long", "b"))
    view = seat.live.view()
    assert view.syncs[0].pending == 1
    assert view.state is State.WORKING
    assert [(change.into, change.op, dict(change.changes)) for change in view.changes] == [
        (Side.NOTION, "update", {"title": ("a", "b")})
    ]
    assert [(c.key, c.field, c.winner) for c in view.conflicts] == [(("7",), "status", None)]
    assert [(p.field, p.reason) for p in view.parked] == [("title", "too long")]
    assert (view.rate.used, view.rate.budget) == (0, 180)


def test_a_write_stays_shown_when_many_edits_follow(seat: Seat, sync: Sync) -> None:
    with seat.journal.transaction():
        pair = seat.journal.add_pair(sync.name, ("7",), None)
        seat.journal.add_event(pair, Side.NOTION, "write-create", {"title": (None, "b")})
    assert len(seat.live.view().changes) == 1
    with seat.journal.transaction():
        for number in range(500):
            seat.journal.add_event(pair, Side.POSTGRES, "update", {"title": ("b", str(number))})
    assert [change.op for change in seat.live.view().changes] == ["create"]


def test_what_waits_is_shown_however_much_came_after_it(seat: Seat, sync: Sync) -> None:
    """A title that says "1 to decide" with nothing below it, or no title at all, would hide what holds up the sync."""
    stamp = Stamp(NOON, NOON)
    with seat.journal.transaction():
        for number in range(200):
            pair = seat.journal.add_pair(sync.name, (str(number),), None)
            rule, winner = ("manual", None) if number == 0 else ("tie", Side.NOTION)
            seat.journal.add_conflict(pair, Conflict("status", "x", "y", "z", stamp, stamp, rule, winner))
            seat.journal.park(pair, Waiting("title", Side.NOTION, "too long", "b"))
        for row in seat.journal.conflicts(sync.name)[50:]:
            seat.journal.set_conflict(row["id"], "resolved", "notion", "z")
        for row in seat.journal.parked(sync.name)[1:]:
            seat.journal.set_parked(row["id"], "cleared")
    view = seat.live.view()
    assert [c.key for c in view.conflicts][:3] == [("0",), ("49",), ("48",)]
    assert [p.key for p in view.parked] == [("0",)]


def test_the_last_changes_are_found_behind_their_echoes(seat: Seat, sync: Sync) -> None:
    with seat.journal.transaction():
        pair = seat.journal.add_pair(sync.name, ("7",), None)
        seat.journal.add_event(pair, Side.NOTION, "write-create", {"title": (None, "b")})
        for _ in range(1000):
            seat.journal.add_event(pair, Side.NOTION, "echo")
    assert [change.op for change in seat.live.view().changes] == ["create"]


def test_a_sync_that_never_ran_is_being_read(seat: Seat, sync: Sync) -> None:
    """The console opens before the first round, when the journal may be empty."""
    seat.worker.sync = cast("Sync", SimpleNamespace(name="new", table=sync.table, data_source=sync.data_source))
    assert seat.live.view().state is State.READING


def test_a_suspended_field_is_never_called_in_step(seat: Seat, sync: Sync) -> None:
    with seat.journal.transaction():
        seat.journal.update_sync(sync.name, suspended='{"title": ["it is gone", "Take it out."]}')
    view = seat.live.view()
    assert view.state is State.ASKING
    assert [field.hint for field in view.syncs[0].suspended] == ["Take it out."]


@pytest.mark.parametrize(
    ("error", "side"), [(AccessLost("it is not shared"), Side.NOTION), (Unavailable("no route"), Side.POSTGRES)]
)
def test_names_the_side_that_is_down(seat: Seat, error: BridgeError, side: Side) -> None:
    seat.worker.health.failed(side, error)
    view = seat.live.view()
    assert view.syncs[0].down is side
    assert view.state is State.DOWN


def test_draws_at_most_four_times_a_second(seat: Seat) -> None:
    with seat.live:
        first = len(seat.written())
        assert first > 0
        seat.live.notes = (("colleague", "edits"),)
        seat.live.refresh()
        assert len(seat.written()) == first
        seat.clock.seconds = 0.25
        seat.live.refresh()
        assert len(seat.written()) > first


def test_what_looks_the_same_is_not_drawn_again(seat: Seat) -> None:
    """The next look at Notion is told in whole seconds; another size of the window looks different."""
    with seat.live:
        first = len(seat.written())
        for quarter in (1.0, 1.25):
            seat.clock.seconds = quarter
            seat.live.refresh()
        assert len(seat.written()) > first
        second = len(seat.written())
        seat.clock.seconds = 1.6
        seat.live.refresh()
        assert len(seat.written()) == second
        seat.live._console.size = ConsoleDimensions(100, 30)
        seat.clock.seconds = 1.9
        seat.live.refresh()
        assert len(seat.written()) > second


def test_leaves_the_screen_as_it_was(seat: Seat) -> None:
    with seat.live:
        assert ENTER_SCREEN in seat.written()
    _, after = seat.written().split(LEAVE_SCREEN)
    assert "tasks: 0 rows, 0 pages, in step" in after


def test_leaves_the_screen_after_an_error_too(seat: Seat) -> None:
    with pytest.raises(ZeroDivisionError), seat.live:
        raise ZeroDivisionError
    assert LEAVE_SCREEN in seat.written()


class Keyboard:
    """Presses keys as the thread that reads them would."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def press(self, *keys: str) -> View:
        for key in keys:
            self._seat.live._press(key)
        self._seat.live.refresh()
        return self._seat.live.view()


@pytest.fixture
def terminals() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(theirs)
    os.close(ours)


@pytest.fixture
def keyboard(seat: Seat, terminals: tuple[int, int]) -> Keyboard:
    _, seat.live._keyboard = terminals
    return Keyboard(seat)


def test_p_pauses_and_resumes(seat: Seat, keyboard: Keyboard, sync: Sync) -> None:
    assert keyboard.press("p").state is State.PAUSED
    assert seat.journal.sync_state(sync.name).paused
    assert ("p", "resume") in seat.live.view().keys
    assert keyboard.press("p").state is State.IN_STEP
    assert not seat.journal.sync_state(sync.name).paused
    assert seat.wakes == 2, "the loop is woken, and need not come round by itself"


def test_a_breaker_is_not_resumed_with_a_key(seat: Seat, keyboard: Keyboard, sync: Sync) -> None:
    with seat.journal.transaction():
        seat.journal.update_sync(sync.name, paused=1)
        seat.journal.stop(sync.name, BreakerTripped("25 of 30 rows", hint="", side="postgres", deletes=25))
    view = keyboard.press("p")
    assert view.state is State.STOPPED
    assert "needs a word from you" in view.message


def test_q_stops_the_bridge_and_says_so(seat: Seat, keyboard: Keyboard) -> None:
    assert keyboard.press("q").message.startswith("stopping")
    assert seat.stop.is_set()


def test_a_review_gets_the_terminal_and_gives_it_back(seat: Seat, keyboard: Keyboard, tmp_path: Path) -> None:
    end = tmp_path / "end"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(end)!r}).exists(): time.sleep(0.01)"
    seat.live._review = (sys.executable, "-c", wait)
    with seat.live:
        assert ("c", "review conflicts") in seat.live.view().keys
        keyboard.press("c")
        assert seat.written().endswith(SHOW_CURSOR + LEAVE_SCREEN)
        drawn = len(seat.written())
        seat.clock.seconds = 10.0
        seat.live.refresh()
        assert len(seat.written()) == drawn, "the terminal is not ours now"
        end.touch()
        assert seat.live._reviewing is not None
        seat.live._reviewing.wait(60)
        seat.live.refresh()
        assert ENTER_SCREEN in seat.written()[drawn:]


def test_a_review_that_is_open_at_the_end_is_ended(seat: Seat, keyboard: Keyboard) -> None:
    seat.live._review = (sys.executable, "-c", "import time; time.sleep(3600)")
    with seat.live:
        keyboard.press("c")
        reviewing = seat.live._reviewing
        assert reviewing is not None
    assert reviewing.returncode is not None


def test_nothing_is_counted_anew_while_nothing_changes(seat: Seat, sync: Sync) -> None:
    """With many records counting is dear, and a console that idles must cost nothing."""
    asked: list[str] = []
    seat.journal.store._connection.set_trace_callback(asked.append)
    seat.live.view()
    first = len(asked)
    assert first > 0
    seat.live.view()
    assert len(asked) == first
    seat.journal.add_pair(sync.name, ("1",), None)
    assert seat.live.view().syncs[0].pending == 1


def test_a_frame_that_takes_long_is_drawn_less_often(seat: Seat) -> None:
    with seat.live:
        seat.clock.step = 0.5  # of each look at the clock
        seat.clock.seconds = 10.0
        seat.live.refresh()
        drawn = len(seat.written())
        seat.clock.step = 0.0
        seat.live.notes = (("colleague", "edits"),)
        seat.clock.seconds += 2.0
        seat.live.refresh()
        assert len(seat.written()) == drawn
        seat.clock.seconds += 60.0
        seat.live.refresh()
        assert len(seat.written()) > drawn
