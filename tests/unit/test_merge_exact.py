"""What was agreed is kept exactly, where the page can only show less: the minute of a time.

S5 (carried exactly): whatever brings the row back, its seconds come with it. And what the page cannot show is not
written to it: other seconds of the minute that it shows.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.merge import REJECTED, Said, merge
from bridge.model import Base, Decision, Direction, FieldValue, Op, Pair, Presence, Side, Snapshot, Unfit
from tests.unit.worlds import live, make_field, make_pair, make_sync, stamp

SYNC = make_sync()
EXACT, MINUTE = "10:15:30", "10:15"  # the second stands for the first; see PlainCodec
BASE = {"title": EXACT, "status": "Todo"}
SHOWN = {"title": MINUTE, "status": "Todo"}
GONE = Snapshot(Presence.GONE, BASE)


def created(decision: Decision) -> dict[str, object]:
    [action] = decision.actions
    assert (action.side, action.op) == (Side.POSTGRES, Op.CREATE)
    return {name: change.new for name, change in action.changes.items()}


def agreed_deletion_undone() -> tuple[Pair, Said]:
    return make_pair(Base(Presence.GONE, BASE), GONE, live(SHOWN)), Said()


def deletion_rejected() -> tuple[Pair, Said]:
    return make_pair(BASE, GONE, live(SHOWN)), Said(deletion=REJECTED)


@pytest.mark.parametrize("case", [agreed_deletion_undone, deletion_rejected])
def test_a_row_comes_back_with_its_seconds(case: Callable[[], tuple[Pair, Said]]) -> None:
    pair, said = case()
    assert created(merge(pair, SYNC, said)) == BASE


def test_an_edit_of_another_field_survives_beside_the_exact_time() -> None:
    pair = make_pair(BASE, GONE, live({**SHOWN, "status": "Done"}))
    assert created(merge(pair, SYNC)) == {"title": EXACT, "status": "Done"}


def test_an_edit_of_the_time_itself_is_what_comes_back() -> None:
    pair = make_pair(BASE, GONE, live({**SHOWN, "title": "10:16"}))
    assert created(merge(pair, SYNC))["title"] == "10:16"


def test_what_was_never_agreed_comes_as_it_is_shown() -> None:
    pair = make_pair(None, Snapshot(), live(SHOWN))
    assert created(merge(pair, SYNC)) == SHOWN


def test_what_is_not_readable_still_waits() -> None:
    pair = make_pair(BASE, GONE, live({**SHOWN, "title": Unfit("too long", "x")}))
    decision = merge(pair, SYNC)
    assert created(decision) == {"status": "Todo"}
    assert [item.field for item in decision.waiting] == ["title"]


def test_what_neither_side_can_hold_is_not_agreed_on() -> None:
    unfit = Unfit("too large", "x")
    decision = merge(make_pair({}, {"title": unfit}, {"title": unfit}), SYNC)
    assert decision.base is not None
    assert dict(decision.base.values) == {}


def test_values_that_a_person_gave_each_side_are_not_agreed_on() -> None:
    said = Said({"title": {Side.POSTGRES: "ours", Side.NOTION: "theirs"}})
    decision = merge(make_pair({"title": "before"}, {"title": "ours"}, {"title": "theirs"}), SYNC, said)
    assert (decision.base, decision.actions) == (Base(Presence.LIVE, {"title": "before"}), ())


def test_at_a_first_sync_a_value_that_does_not_fit_is_recorded_and_the_other_side_s_stands() -> None:
    unfit = Unfit("two people", "Ada, Bob")
    page: dict[str, FieldValue] = {"title": unfit, "status": "Todo"}
    decision = merge(make_pair(None, {"title": "Ada", "status": "Todo"}, page), SYNC)
    [conflict], [action] = decision.conflicts, decision.actions
    assert (conflict.rule, conflict.notion, conflict.winner) == ("first-sync", unfit, Side.POSTGRES)
    assert (action.side, action.changes["title"].new, decision.waiting) == (Side.NOTION, "Ada", ())


@pytest.mark.parametrize("side", list(Side))
def test_where_both_were_edited_what_one_side_cannot_hold_is_told_of_that_side(side: Side) -> None:
    unfit = Unfit("two people", "Ada, Bob")
    edited = {one: {"title": unfit if one is side else "new", "status": "Todo"} for one in Side}
    decision = merge(make_pair(BASE, edited[Side.POSTGRES], edited[Side.NOTION]), SYNC)
    assert (decision.actions, decision.conflicts) == ((), ())
    assert [(item.field, item.side, item.value) for item in decision.waiting] == [("title", side.other, unfit)]


@pytest.mark.parametrize("known", list(Side))
def test_an_edit_at_an_unknown_time_is_neither_the_earlier_nor_the_later_one(known: Side) -> None:
    sides = {
        side: live({"title": side, "status": "Todo"}, {"title": stamp(60)} if side is known else {}) for side in Side
    }
    decision = merge(make_pair(BASE, sides[Side.POSTGRES], sides[Side.NOTION]), SYNC)
    assert [(found.rule, found.winner) for found in decision.conflicts] == [("tie", Side.POSTGRES)]


LATER = "10:15:45"  # the same minute


def test_other_seconds_of_the_minute_that_the_page_shows_are_agreed_on_without_a_write() -> None:
    decision = merge(make_pair(BASE, {**BASE, "title": LATER}, live(SHOWN)), SYNC)
    assert decision == Decision(Base(Presence.LIVE, {**BASE, "title": LATER}))
    after = make_pair(decision.base, {**BASE, "title": LATER}, live({**SHOWN, "title": "10:16"}))
    [action] = merge(after, SYNC).actions
    assert (action.side, action.changes["title"].new) == (Side.POSTGRES, "10:16"), "an edit in Notion is one"


def test_beside_another_change_they_are_not_written_either() -> None:
    decision = merge(make_pair(BASE, {"title": LATER, "status": "Done"}, live(SHOWN)), SYNC)
    [action] = decision.actions
    assert (action.side, set(action.changes)) == (Side.NOTION, {"status"})
    assert decision.base is not None
    assert decision.base.values["title"] == LATER


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [
        (MINUTE, EXACT, MINUTE),  # nothing tells yet that the page cannot show seconds
        (EXACT, LATER, EXACT),  # it can
        (EXACT, MINUTE + ":59x", MINUTE),
        (EXACT, None, MINUTE),
    ],
)
def test_what_the_page_may_show_is_written(before: str, now: str | None, shown: str) -> None:
    pair = make_pair({**BASE, "title": before}, {**BASE, "title": now}, live({**SHOWN, "title": shown}))
    [action] = merge(pair, SYNC).actions
    assert (action.side, action.changes["title"].new) == (Side.NOTION, now)


def test_an_edit_of_the_page_beside_other_seconds_is_a_conflict_as_before() -> None:
    decision = merge(make_pair(BASE, {**BASE, "title": LATER}, live({**SHOWN, "title": "10:16"})), SYNC)
    assert [conflict.field for conflict in decision.conflicts] == ["title"]


def test_a_column_that_takes_its_values_from_notion_gets_them_back() -> None:
    sync = make_sync((make_field("title", Direction.TO_POSTGRES), make_field("status")))
    [action] = merge(make_pair(BASE, {**BASE, "title": LATER}, live(SHOWN)), sync).actions
    assert action.side is Side.POSTGRES
