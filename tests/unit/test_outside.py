"""A row outside of the sync's filter: its page is left as it was, an edit there waits and is told, and nothing that
merely left is ever deleted (S12). One that comes back is merged against what was agreed before."""

from __future__ import annotations

from dataclasses import replace

from bridge.ends import Evidence, Observation, Outcome
from bridge.engine.snapshots import left_already
from bridge.merge import merge
from bridge.model import OUTSIDE, Action, Base, Op, Presence, Side, Snapshot, Value
from tests.unit.desk import Desk, minute, page, row
from tests.unit.worlds import live, make_pair, make_sync

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}
LEFT = Snapshot(Presence.AWAY, BEFORE)
TRASHED = Snapshot(Presence.GONE, BEFORE)
SYNC = make_sync()


def outside(key: str, **more: object) -> Observation:
    return replace(row(key, {}), presence=Presence.AWAY, note=OUTSIDE, **more)  # type: ignore[arg-type]


def test_its_page_stays_and_nothing_waits() -> None:
    pair = make_pair(BEFORE, LEFT, BEFORE)
    decision = merge(pair, SYNC)
    assert (decision.base, decision.actions, decision.waiting) == (pair.base, (), ())


def test_an_edit_of_its_page_waits_and_is_told() -> None:
    decision = merge(make_pair(BEFORE, LEFT, AFTER), SYNC)
    assert decision.actions == ()
    assert [(w.field, w.side, w.kind, w.reason) for w in decision.waiting] == [("", Side.POSTGRES, "away", OUTSIDE)]


def test_a_page_that_never_agreed_with_it_is_told() -> None:
    assert [w.kind for w in merge(make_pair(None, LEFT, BEFORE), SYNC).waiting] == ["away"]


def test_a_row_without_a_page_gets_none() -> None:
    decision = merge(make_pair(None, LEFT, Snapshot()), SYNC)
    assert (decision.actions, decision.waiting) == ((), ())


def test_trashing_its_page_is_agreed_and_takes_no_row_along() -> None:
    decision = merge(make_pair(BEFORE, LEFT, TRASHED), SYNC)
    assert (decision.base, decision.actions) == (Base(Presence.GONE, BEFORE), ())
    back = merge(make_pair(Base(Presence.GONE, BEFORE), live(AFTER), TRASHED), SYNC)
    assert [(action.side, action.op) for action in back.actions] == [(Side.NOTION, Op.RESTORE)]


def test_it_comes_back_and_is_merged_with_what_was_agreed() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(outside("1"))
    assert desk.plan() == []
    desk.see(page("page-1", "1", {"title": "before", "status": "Doing"}, edited=minute(1)))
    assert desk.plan() == []
    assert [item["kind"] for item in desk.parked()] == ["away"]
    desk.see(row("1", AFTER))
    intents = desk.plan()
    changes = {i.action.side: {name: change.new for name, change in i.action.changes.items()} for i in intents}
    assert changes == {Side.POSTGRES: {"status": "Doing"}, Side.NOTION: {"title": "after"}}
    assert (desk.parked(), desk.conflicts()) == ([], [])


def test_a_full_read_does_not_list_it_and_looks_at_it() -> None:
    desk = Desk(replace(SYNC, where="status <> 'Done'"))
    for key in ("1", "2", "3", "4"):
        desk.record(key, BEFORE)
    desk.see(page("page-5", "5", BEFORE))
    looks = {"2": outside("2", evidence=Evidence.LOOK), "4": row("4", AFTER, evidence=Evidence.LOOK)}
    desk.shown_in_full("1", looks=looks)
    shown = [desk.pair(key).postgres.presence for key in "12345"]
    assert shown == [Presence.LIVE, Presence.AWAY, Presence.GONE, Presence.LIVE, Presence.UNSEEN]
    assert desk.pair("4").postgres.values == BEFORE, "of a row that came in meanwhile the outbox tells"
    desk.shown_in_full("1", "4")
    assert desk.pair("2").postgres.presence is Presence.AWAY, "it left before it was deleted: its page stays"


def test_everything_was_forgotten_and_a_full_read_finds_it_outside_again() -> None:
    desk = Desk(replace(SYNC, where="status <> 'Done'"))
    desk.record("1", BEFORE)
    desk.journal.resync("tasks")
    desk.shown_in_full(looks={"1": outside("1", evidence=Evidence.LOOK)})
    assert desk.pair("1").postgres.presence is Presence.AWAY


def test_a_row_that_never_was_in_is_not_noted() -> None:
    desk = Desk()
    desk.see(outside("unknown", evidence=Evidence.LOOK))
    assert list(desk.journal.all_pairs("tasks")) == []


def test_a_changed_key_of_a_row_that_never_was_in_is_not_noted() -> None:
    desk = Desk()
    desk.see(outside("7", old_key=("1",)))
    assert list(desk.journal.all_pairs("tasks")) == []


def test_a_deletion_that_waits_is_not_taken_back_by_a_full_read() -> None:
    """`on_leave = "delete"`: the row was seen to leave. The next start finds it outside, which is no news."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1"))
    desk.see(outside("1", evidence=Evidence.SCAN))
    assert desk.planned().action == Action(Side.NOTION, Op.DELETE)


def test_a_page_whose_row_turns_out_to_be_outside_stops_asking_for_one() -> None:
    desk = Desk()
    desk.see(page("page-1", "1", BEFORE))
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (Side.POSTGRES, Op.CREATE)
    desk.answer(intent, Outcome.STALE, outside("1", evidence=Evidence.LOOK))
    assert desk.plan() == []
    assert [item["reason"] for item in desk.parked()] == [OUTSIDE]


def test_a_row_of_which_nothing_is_known_is_outside_when_it_is_seen_there() -> None:
    """Only of one that left before is that no news."""
    for presence, left in ((Presence.UNSEEN, False), (Presence.LIVE, False), (Presence.GONE, True)):
        pair = make_pair(BEFORE, Snapshot(presence, BEFORE), BEFORE)
        assert left_already(pair, outside("1", evidence=Evidence.SCAN)) is left


def test_a_page_that_comes_out_of_the_trash_beside_it_is_told() -> None:
    """Both had agreed that the record is gone; its row came back, and left the filter."""
    pair = make_pair(Base(Presence.GONE, BEFORE), LEFT, BEFORE)
    decision = merge(pair, SYNC)
    assert (decision.base, decision.actions, [item.kind for item in decision.waiting]) == (pair.base, (), ["away"])
