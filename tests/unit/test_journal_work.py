"""What is under way comes back as it was: writes, conflicts, parked items, and what the engine asks about them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.ends import Evidence, Intent, IntentState, Outcome
from bridge.errors import JournalError
from bridge.journal.rows import read_moment, read_value, wanted
from bridge.model import (
    Action,
    Change,
    Conflict,
    Op,
    Pair,
    Side,
    Unfit,
    Waiting,
)
from tests.unit.desk import Desk, at, page, row, stamp

BEFORE = {"title": "before", "status": "Todo"}


def intent_of(pair: Pair, name: str = "i-1", op: Op = Op.UPDATE, side: Side = Side.NOTION) -> Intent:
    changes = {"title": Change(Unfit("a range", "1 → 2"), "new"), "status": Change(None, None)}
    return Intent(name, pair, Action(side, op, changes, ("1",)), at(5), backfill=True)


def test_a_write_comes_back_as_it_was_decided() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.add_intents([intent_of(pair)])
    assert desk.journal.intent("i-1") == (intent_of(pair), "open")
    assert desk.journal.intent_of_pair(pair) == (intent_of(pair), "open")
    assert desk.journal.intents_in_flight("tasks") == [intent_of(pair)]


@pytest.mark.parametrize(
    ("state", "flying", "busy"),
    [
        ("open", True, True),
        ("unknown", True, True),
        ("echo", False, True),
        ("done", False, False),
        ("stale", False, False),
        ("retry", False, False),
        ("refused", False, False),
    ],
)
def test_which_writes_hold_their_record(state: str, *, flying: bool, busy: bool) -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.add_intents([intent_of(pair)])
    desk.journal.set_intent("i-1", IntentState(state))
    desk.journal.soil(pair.id)
    assert bool(desk.journal.intents_in_flight("tasks")) is flying
    assert (desk.journal.intent_of_pair(pair) is not None) is busy
    assert desk.journal.dirty_pairs("tasks", 10) == ([] if busy else [pair])
    assert desk.journal.counts("tasks")["pending"] == 1


def test_a_full_read_of_the_table_ends_all_waiting_for_echoes() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    for name, state in (("i-1", "echo"), ("i-2", "unknown")):
        desk.journal.add_intents([intent_of(pair, name)])
        desk.journal.set_intent(name, IntentState(state))
    desk.journal.end_echoes("tasks")
    states = [found[1] for name in ("i-1", "i-2") if (found := desk.journal.intent(name))]
    assert states == ["done", "unknown"]


def test_which_writes_into_the_database_need_no_proof_any_more() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    for name, side, state in (
        ("row-open", Side.POSTGRES, "open"),
        ("row-unknown", Side.POSTGRES, "unknown"),
        ("row-done", Side.POSTGRES, "done"),
        ("row-echo", Side.POSTGRES, "echo"),
        ("page-done", Side.NOTION, "done"),
    ):
        desk.journal.add_intents([intent_of(pair, name, side=side)])
        desk.journal.set_intent(name, IntentState(state))
    assert sorted(desk.journal.settled_rows("tasks")) == ["row-done", "row-echo"]


def test_writes_and_deletions_are_counted_by_when_they_ended() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    for number, (op, state) in enumerate(
        [(Op.DELETE, "done"), (Op.DELETE, "retry"), (Op.UPDATE, "done"), (Op.DELETE, "done")]
    ):
        desk.clock.seconds = number * 60.0
        desk.journal.add_intents([intent_of(pair, f"i-{number}", op)])
        desk.journal.set_intent(f"i-{number}", IntentState(state))
    assert desk.journal.deletes_since("tasks", Side.NOTION, at(1)) == 1
    assert desk.journal.deletes_since("tasks", Side.NOTION, at(0)) == 2
    assert desk.journal.deletes_since("tasks", Side.POSTGRES, at(0)) == 0
    assert desk.journal.writes_since("tasks", at(0)) == {(Side.NOTION, "delete"): 2, (Side.NOTION, "update"): 1}


def test_an_attempt_at_a_page_is_found_by_its_exact_key() -> None:
    desk = Desk()
    desk.see(row("A", BEFORE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="it was not found")
    assert [intent.pair.key for intent in desk.journal.creates_given_up("tasks", ("A",))] == [("A",)]
    assert desk.journal.creates_given_up("tasks", ("a",)) == []


def test_what_a_write_wants_tells_the_same_from_another() -> None:
    one = Action(Side.NOTION, Op.UPDATE, {"a": Change("old", "1"), "b": Change(None, "2")})
    same = Action(Side.NOTION, Op.UPDATE, {"b": Change("newer", "2"), "a": Change("old", "1")})
    assert wanted(one, "") == wanted(same, ""), "what is there before does not matter, nor the order"
    assert wanted(one, "a") == wanted(same, "a")
    for other in (replace(one, op=Op.CREATE), replace(one, changes={"a": Change("old", "1")})):
        assert wanted(other, "") != wanted(one, "")


# Conflicts


def conflict(**changes: object) -> Conflict:
    made = Conflict("title", "b", "ours", "theirs", stamp(1), stamp(2, 59), "last-writer", Side.NOTION)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_same_conflict_is_recorded_once_and_any_other_beside_it() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    assert desk.journal.add_conflict(pair, conflict())
    assert not desk.journal.add_conflict(pair, conflict())
    assert not desk.journal.add_conflict(pair, conflict(rule="tie", winner=Side.POSTGRES)), "merged again, decided once"
    others = [
        conflict(field="status"),
        conflict(base="c"),
        conflict(postgres="theirs", notion="ours"),
        conflict(postgres_stamp=stamp(3)),
        conflict(notion_stamp=None),
        conflict(postgres="1"),
        conflict(postgres=Decimal(1)),
    ]
    assert all(desk.journal.add_conflict(pair, other) for other in others)
    assert len(desk.conflicts()) == 1 + len(others)
    assert desk.journal.add_conflict(desk.record("2", BEFORE), conflict())


def test_a_conflict_of_the_first_run_is_named_by_its_values_alone() -> None:
    """Nothing has changed yet, so that when it was read says nothing: a second first run finds the same conflict."""
    desk = Desk()
    pair = desk.record("1", BEFORE)
    assert desk.journal.add_conflict(pair, conflict(rule="first-sync"))
    assert not desk.journal.add_conflict(pair, conflict(rule="first-sync", postgres_stamp=stamp(99)))
    assert desk.journal.add_conflict(pair, conflict(rule="first-sync", notion="another"))


def test_a_conflict_is_kept_with_all_that_a_person_needs() -> None:
    desk = Desk()
    desk.journal.add_conflict(desk.record("1", BEFORE), conflict())
    found = desk.journal.conflict(1)
    assert found is not None
    assert [read_value(found[name]) for name in ("base", "postgres", "notion")] == ["b", "ours", "theirs"]
    assert [read_moment(found[name]) for name in ("postgres_earliest", "notion_earliest", "notion_latest")] == [
        at(1),
        at(2),
        at(61),
    ]
    assert (found["rule"], found["winner"], found["state"]) == ("last-writer", "notion", "decided")


def test_open_conflicts_are_listed_counted_and_ended() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.add_conflict(pair, conflict())
    desk.journal.add_conflict(pair, conflict(winner=None, field="status"))
    assert desk.journal.conflict_count("tasks") == 1
    assert [found["id"] for found in desk.journal.open_conflicts_of(pair)] == [2]
    assert [found["id"] for found in desk.journal.conflicts("", "decided")] == [1]
    desk.journal.set_conflict(2, "resolving", "base", "b")
    assert desk.journal.conflict_count("tasks") == 1, "chosen is not yet written"
    desk.journal.set_conflict(2, "resolved", "base", "b")
    assert desk.journal.conflict_count("tasks") == 0
    assert desk.journal.conflicts("other") == []


# Parked items


@pytest.mark.parametrize("state", ["open", "dropped", "approved", "rejected"])
def test_one_field_of_one_record_is_parked_once(state: str) -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    item = Waiting("title", Side.NOTION, "too long", "x")
    desk.journal.park(pair, item)
    desk.journal.set_parked(1, state)
    with pytest.raises(JournalError, match="UNIQUE"):
        desk.journal.park(pair, item)
    desk.journal.set_parked(1, "cleared")
    desk.journal.park(pair, item)
    assert [found["id"] for found in desk.journal.parked_of(pair)] == [2]


def test_a_renewed_item_is_open_again() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.park(pair, Waiting("title", Side.NOTION, "too long", "x"))
    desk.journal.set_parked(1, "dropped")
    assert desk.journal.parked_count("tasks") == 0
    desk.journal.renew_parked(1, Waiting("title", Side.NOTION, "no such option", "y", "refused"), "y")
    found = desk.journal.parked_item(1)
    assert found is not None
    assert (found["state"], found["ended_at"], found["kind"], found["wanted"]) == ("open", None, "refused", "y")
    assert desk.journal.parked_count("tasks") == 1


def test_what_waits_in_a_new_page_is_told_with_the_key_that_it_gets() -> None:
    desk = Desk()
    desk.see(page("page-1", None, {"title": "new", "status": Unfit("no", "x")}))
    creation = desk.planned()
    assert [row["key"] for row in desk.parked()] == [None]
    made = row("7", {"title": "new", "status": None}, evidence=Evidence.RECEIPT)
    desk.answer(creation, Outcome.DONE, made)
    [parked] = desk.parked()
    assert parked["key"] == '["7"]'
    again = desk.journal.store.row("parked_get", id=parked["id"])
    assert again is not None
    assert again["key"] == '["7"]'


def ended(desk: Desk, name: str, key: str, state: str, side: Side = Side.NOTION, *, empty: bool = False) -> Intent:
    """A write of this record that came to this end."""
    intent = intent_of(desk.pair(key), name, side=side)
    if empty:
        intent = replace(intent, action=replace(intent.action, changes={}))
    desk.journal.add_intents([intent])
    desk.journal.set_intent(name, IntentState(state))
    return intent


def two_records() -> Desk:
    desk = Desk()
    for key in ("1", "2"):
        desk.record(key, BEFORE)
    return desk


@pytest.mark.parametrize(
    ("since", "took"),
    [
        ([("2", "done", Side.NOTION)], True),
        ([("2", "echo", Side.NOTION)], True),
        ([("2", "retry", Side.NOTION)], False),
        ([("2", "done", Side.POSTGRES)], False),
        ([("1", "done", Side.NOTION)], False),
        ([("2", "done", Side.NOTION), ("1", "retry", Side.POSTGRES)], True),
        ([("2", "done", Side.NOTION), ("1", "retry", Side.NOTION)], False),
    ],
)
def test_whether_a_side_has_taken_another_record_since_it_failed_for_this_one(
    since: list[tuple[str, str, Side]], *, took: bool
) -> None:
    desk = two_records()
    failed = ended(desk, "failed", "1", "retry")
    for number, (key, state, side) in enumerate(since):
        ended(desk, f"later-{number}", key, state, side)
    assert desk.journal.took_another(failed) is took


def test_the_last_write_into_a_page_is_one_that_wrote_a_value() -> None:
    """What was only told, or its key alone, ran over nothing; one without an answer may have."""
    desk = two_records()
    ended(desk, "made", "1", "done")
    ended(desk, "told", "1", "done", empty=True)
    assert [intent.id for intent in desk.journal.last_page_writes(desk.pair("1"))] == ["made"]
    ended(desk, "lost", "1", "unknown")
    assert [intent.id for intent in desk.journal.last_page_writes(desk.pair("1"))] == ["lost", "made"]
