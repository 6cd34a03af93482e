"""What people are told: history and the newest changes, and a status that equals what can be counted (S27)."""

from __future__ import annotations

import json
from decimal import Decimal

from bridge.ends import Outcome
from bridge.engine.decisions import carry_out
from bridge.engine.notices import Notices, history, recent_writes
from bridge.engine.status import SyncStatus, sync_status
from bridge.errors import BreakerTripped
from bridge.model import Conflict, Policy, Side, Stamp, Waiting
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync

BEFORE = {"title": "before", "status": "Todo"}


# Notices


def test_only_what_is_new_is_told_and_only_once() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    notices = Notices(desk.journal)
    assert list(notices.new()) == []
    desk.see(row("1", {"title": "new"}, stamp=stamp(5)))
    [notice] = notices.new()
    assert (notice.kind, notice.side, notice.key, notice.at) == ("update", Side.POSTGRES, ("1",), at(5))
    assert notice.changes == {"title": ("before", "new")}
    assert not notice.by_bridge
    assert list(notices.new()) == []


def test_echoes_and_repetitions_are_not_told() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    notices = Notices(desk.journal)
    desk.see(page("page-1", "1", {"title": "new"}, edited=minute(1), seen=at(61), author="ada"))
    intent = desk.planned()
    desk.see(row("1", {"title": "new"}, origin=intent.id, event_id="e-1"), row("1", {"title": "new"}, event_id="e-2"))
    assert [(notice.kind, notice.text) for notice in notices.new()] == [("update", "ada"), ("write", "")]
    assert [notice.kind for notice in recent_writes(desk.journal, 2)] == ["write"]
    told = history(desk.journal.events_of(desk.pair("1")))
    assert [notice.kind for notice in told] == ["insert", "link", "insert", "update", "write"]


def test_a_write_tells_how_long_after_the_edit_it_came() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    notices = Notices(desk.journal)
    desk.see(row("1", {"title": "new"}, stamp=stamp(10)))
    intent = desk.planned()
    desk.clock.seconds = 12.5
    desk.answer(intent, Outcome.DONE, page("page-1", "1", {"title": "new"}, seen=at(12)))
    update, write = notices.new()
    assert (update.delay_seconds, write.delay_seconds, write.by_bridge) == (None, 2.5, True)
    [newest] = recent_writes(desk.journal, 1)
    assert newest.delay_seconds == 2.5


def test_a_write_that_a_person_asked_for_is_as_old_as_their_word() -> None:
    """The row was deleted long ago; that its deletion was taken back is what the write carries over."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", stamp=stamp(10)))
    desk.journal.stop("tasks", BreakerTripped("1 of 1 pages", hint="", side="notion", deletes=1))
    desk.clock.seconds = 3600.0
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "undo"})
    desk.clock.seconds = 3601.5
    desk.answer(desk.planned(), Outcome.DONE, row("1", BEFORE))
    [restored, *_] = recent_writes(desk.journal, 5)
    assert (restored.side, restored.delay_seconds) == (Side.POSTGRES, 1.5)


def test_a_change_that_is_put_back_is_as_old_as_the_wish() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}, stamp=stamp(10)))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {**BEFORE, "title": "new"}, seen=at(12)))
    [made] = recent_writes(desk.journal, 1)
    desk.clock.seconds = 3600.0
    carry_out(desk.journal, "put-back", {"event": made.id})
    desk.clock.seconds = 3602.0
    for intent in desk.plan():
        seen = row("1", BEFORE) if intent.action.side is Side.POSTGRES else page("page-1", "1", BEFORE, seen=at(3602))
        desk.answer(intent, Outcome.DONE, seen)
    assert [notice.delay_seconds for notice in recent_writes(desk.journal, 2)] == [2.0, 2.0]


def test_an_edit_of_which_only_the_minute_is_known_has_no_delay() -> None:
    """It may have been made at the minute's beginning or just now: whatever number was told would be wrong."""
    desk = Desk()
    desk.record("1", BEFORE)
    for number, (first, last) in enumerate(((60, 118), (116, 118))):
        desk.see(page("page-1", "1", {"title": f"new {number}"}, stamp=Stamp(at(first), at(last)), seen=at(118)))
        desk.clock.seconds = 119.0
        desk.answer(desk.planned(), Outcome.DONE, row("1", {"title": f"new {number}"}))  # the page was seen just now
    assert [notice.delay_seconds for notice in recent_writes(desk.journal, 2)] == [1.0, None]


def test_what_notion_computes_is_as_old_as_its_first_sight() -> None:
    """Its page's time is that of an edit, which may have been long before what it is computed from changed, and before
    another edit that was carried since."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.clock.seconds = 102.0
    desk.see(page("page-1", "1", {"status": "Doing"}, stamp=Stamp(at(100), at(102))))
    desk.answer(desk.planned(), Outcome.DONE, row("1", {**BEFORE, "status": "Doing"}))
    desk.journal.update_sync("tasks", columns='{"title": [2, "text", "t", "formula"]}')
    desk.clock.seconds = 118.0
    desk.see(page("page-1", "1", {"title": "new"}, stamp=Stamp(at(60), at(118)), seen=at(118)))
    intent = desk.planned()
    desk.clock.seconds = 119.0
    desk.answer(intent, Outcome.DONE, row("1", {"title": "new"}))
    assert recent_writes(desk.journal, 1)[0].delay_seconds == 1.0


def test_a_change_that_nothing_told_of_has_no_delay_and_not_that_of_the_one_before() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}, stamp=stamp(10)))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {**BEFORE, "title": "new"}, seen=at(12)))
    desk.clock.seconds = 500.0
    desk.see(row("1", {"title": "newer"}))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {**BEFORE, "title": "newer"}, seen=at(502)))
    assert recent_writes(desk.journal, 1)[0].delay_seconds is None


def test_a_decided_conflict_counts_from_the_decision() -> None:
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}, stamp=stamp(10)), page("page-1", "1", {"title": "theirs"}, edited=minute(0)))
    assert desk.plan() == []
    [conflict] = desk.conflicts()
    desk.clock.seconds = 3600.0
    carry_out(desk.journal, "resolve", {"id": conflict["id"], "take": "postgres"})
    desk.clock.seconds = 3601.5
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {**BEFORE, "title": "ours"}, seen=at(3601)))
    assert recent_writes(desk.journal, 1)[0].delay_seconds == 1.5
    assert desk.plan() == []
    [conflict] = desk.conflicts()
    assert (conflict["state"], conflict["resolved_at"]) == ("resolved", "2026-11-22T11:00:00.000000Z")


def test_what_a_trigger_adds_to_our_write_happened_then() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"status": "Doing"}, stamp=stamp(10)))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {**BEFORE, "status": "Doing"}, seen=at(12)))
    desk.clock.seconds = 3600.0
    desk.see(page("page-1", "1", {"title": "new"}, stamp=Stamp(at(3599), at(3600)), seen=at(3600)))
    desk.answer(desk.planned(), Outcome.DONE, row("1", {"title": "new", "status": "Touched"}))
    desk.clock.seconds = 3601.0
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {"title": "new", "status": "Touched"}, seen=at(3601)))
    [write, *_] = recent_writes(desk.journal, 1)
    assert (write.side, write.delay_seconds) == (Side.NOTION, 1.0)


def test_clocks_that_disagree_never_tell_a_negative_delay() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    notices = Notices(desk.journal)
    desk.see(row("1", {"title": "new"}, stamp=stamp(500)))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {"title": "new"}, seen=at(12)))
    assert list(notices.new())[-1].delay_seconds == 0.0


def test_conflicts_say_who_won_or_that_they_wait() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    notices = Notices(desk.journal)
    decided = Conflict("title", "b", "ours", "theirs", None, None, "tie", Side.NOTION)
    desk.journal.add_conflict(pair, decided)
    desk.journal.add_conflict(pair, Conflict("", "live", "live", "deleted", None, None, "manual", None))
    first, second = notices.new()
    assert (first.kind, first.side, first.text) == ("conflict", Side.NOTION, "tie: notion wins")
    assert first.changes == {"title": ("ours", "theirs")}
    assert (second.side, second.text) == (Side.POSTGRES, "manual: waits for you")
    assert second.changes == {"the record": ("live", "deleted")}


def test_parked_items_say_why() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    notices = Notices(desk.journal)
    desk.journal.park(pair, Waiting("title", Side.NOTION, "too long", "x"))
    desk.journal.park(pair, Waiting("", Side.POSTGRES, "waits for your approval", None, "held"))
    assert [(found.kind, found.side, found.text, dict(found.changes)) for found in notices.new()] == [
        ("parked", Side.NOTION, "too long", {"title": (None, "x")}),
        ("parked", Side.POSTGRES, "waits for your approval", {"the record": (None, None)}),
    ]
    assert list(notices.new()) == []


def test_a_notice_is_json() -> None:
    desk = Desk()
    desk.record("1", {"title": "a", "status": None})
    notices = Notices(desk.journal)
    desk.see(row("1", {"status": Decimal("1.5")}, stamp=stamp(5)), page("page-9", None, BEFORE, author="ada"))
    first, second = (json.loads(json.dumps(notice.as_json())) for notice in notices.new())
    assert first.pop("id") < second["id"]
    assert first == {
        "at": "2026-11-22T10:00:05+00:00",
        "kind": "update",
        "sync": "tasks",
        "side": "postgres",
        "key": ["1"],
        "changes": {"status": [None, {"number": "1.5"}]},
        "text": "",
        "delay_seconds": None,
    }
    assert (second["key"], second["text"]) == (None, "ada")


# Status


def status(desk: Desk, outbox: int | None = 0) -> SyncStatus:
    return sync_status(desk.journal, "tasks", desk.clock, outbox)


def in_step() -> Desk:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.update_sync("tasks", swept_at=at(0))
    return desk


def test_a_sync_that_never_ran_is_not_in_step() -> None:
    found = sync_status(Desk().journal, "other", Desk().clock, 3)
    assert (found.in_step, found.pending, found.last_error) == (False, 3, "never synced")


def test_two_sides_that_were_never_listed_in_full_are_not_known_to_be_in_step() -> None:
    desk = Desk()
    assert not status(desk).in_step
    desk.journal.update_sync("tasks", swept_at=at(0))
    assert status(desk).in_step


def test_in_step_means_that_nothing_is_left() -> None:
    desk = in_step()
    found = status(desk)
    assert found.in_step
    assert (found.linked, found.pending, found.conflicts, found.parked, found.lag_seconds) == (1, 0, 0, 0, 0.0)
    assert not status(desk, outbox=1).in_step
    assert status(desk, outbox=None).in_step, "a database that does not answer is told as such, not as work"


def test_each_thing_that_is_left_is_counted_and_ends_the_step() -> None:
    desk = in_step()
    desk.see(row("1", {"title": "new"}))
    desk.clock.seconds = 7.5
    found = status(desk, outbox=2)
    assert (found.in_step, found.pending, found.outbox, found.lag_seconds) == (False, 3, 2, 7.5)

    for change in ({"paused": 1}, {"breaker": "stopped", "stopped_side": "notion"}, {"last_error": "no answer"}):
        desk = in_step()
        desk.journal.update_sync("tasks", **change)
        assert not status(desk).in_step, change

    desk = in_step()
    desk.journal.add_conflict(desk.pair("1"), Conflict("title", "b", "o", "t", None, None, "manual", None))
    assert (status(desk).in_step, status(desk).conflicts) == (False, 1)

    desk = in_step()
    desk.journal.park(desk.pair("1"), Waiting("title", Side.NOTION, "too long", "x"))
    assert (status(desk).in_step, status(desk).parked) == (False, 1)


def test_a_clock_that_was_set_back_tells_no_negative_lag() -> None:
    desk = in_step()
    desk.see(row("1", {"title": "new"}))
    desk.clock.seconds = -100.0
    assert status(desk).lag_seconds == 0.0


def test_a_status_is_json() -> None:
    desk = in_step()
    desk.see(row("1", {"title": "new"}, stamp=stamp(1)))
    desk.clock.seconds = 2.0
    desk.journal.update_sync("tasks", last_error="no answer")
    assert json.loads(json.dumps(status(desk).as_json())) == {
        "name": "tasks",
        "in_step": False,
        "linked": 1,
        "pending": 1,
        "conflicts": 0,
        "parked": 0,
        "breaker": None,
        "paused": False,
        "lag_seconds": 2.0,
        "last_event_at": "2026-11-22T10:00:01.000000Z",
        "last_error": "no answer",
        "outbox": 0,
        "resync": False,
        "left_out": 0,
        "not_captured": None,
        "suspended": [],
        "swept_at": "2026-11-22T10:00:00.000000Z",
    }
