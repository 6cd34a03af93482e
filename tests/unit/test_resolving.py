"""A decision counts for what was seen, many are made at once, and each can be taken back.

S4 and J8: nothing that came since is run over, by a decision or by its undoing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bridge.ends import Evidence, Outcome
from bridge.engine.cases import Case, Cases
from bridge.engine.decisions import carry_out
from bridge.engine.resolving import DecisionRefused
from bridge.errors import ConfigError
from bridge.model import Policy, Side, Sync
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync

MANUAL = make_sync(policy=Policy.MANUAL)
PAGE_WINS = make_sync(policy=Policy.NOTION_WINS)


def divided(sync: Sync = MANUAL, keys: tuple[str, ...] = ("1",), ours: str | None = "ours") -> Desk:
    """A conflict about the title of each record: `ours` or `theirs`, and before it `before`."""
    desk = Desk(sync)
    for key in keys:
        desk.record(key, {"title": "before", "status": "Todo"})
    for key in keys:
        desk.see(
            row(key, {"title": ours}, stamp=stamp(100)),
            page(f"page-{key}", key, {"title": "theirs"}, edited=minute(1), seen=at(101), stamp=stamp(60, 59)),
        )
    written(desk)
    assert len(desk.conflicts()) == len(keys)
    return desk


def written(desk: Desk, seconds: float = 200.0) -> None:
    """Everything that is planned is written, and seen."""
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
        values = {name: change.new for name, change in intent.action.changes.items()}
        key = intent.pair.key
        assert key is not None
        if intent.action.side is Side.POSTGRES:
            desk.see(row(key[0], values, stamp=stamp(seconds)))
        else:
            desk.see(page(f"page-{key[0]}", key[0], values, seen=at(seconds)))
    assert desk.plan() == []


def ask(desk: Desk, kind: str, **arguments: Any) -> dict[str, Any]:
    return carry_out(desk.journal, kind, arguments)


def case(desk: Desk, number: int = 1) -> Case:
    found = desk.journal.conflict(number)
    assert found is not None
    return Cases(desk.journal).of(found)


def titles(desk: Desk, key: str = "1") -> tuple[object, object]:
    pair = desk.pair(key)
    return pair.postgres.values["title"], pair.notion.values["title"]


# Who and when


def test_a_record_that_survives_tells_when_it_was_edited_and_by_whom() -> None:
    """The conflict knows when the row was deleted; when the page was edited only its history knows."""
    desk = Desk()
    desk.record("1", {"title": "before", "status": "Todo"})
    edit = page("page-1", "1", {"title": "edited"}, edited=minute(1), seen=at(101), stamp=stamp(60, 59), author="ada")
    desk.see(row("1", stamp=stamp(100), author="app"), edit)
    desk.plan()
    found = case(desk)
    assert (found.field, found.rule) == ("", "edit-survives")
    assert found.when == {Side.POSTGRES: (at(100), at(100)), Side.NOTION: (at(60), at(119))}
    assert dict(found.who) == {Side.POSTGRES: "app", Side.NOTION: "ada"}


# What was seen


def test_an_edit_made_since_the_conflict_can_be_replaced_by_who_saw_it() -> None:
    desk = divided()
    desk.see(row("1", {"title": "newer"}, stamp=stamp(150)))
    with pytest.raises(DecisionRefused, match="changed in postgres"):
        ask(desk, "resolve", id=1, take="notion")
    seen = case(desk)
    assert seen.moved_on == (Side.POSTGRES,)
    ask(desk, "resolve", id=1, take="notion", seen=seen.seen())
    written(desk)
    assert titles(desk) == ("theirs", "theirs")


def test_what_came_after_the_look_is_not_run_over() -> None:
    """It is back at a value that the conflict shows, and still not what the person saw."""
    desk = divided(PAGE_WINS)
    seen = case(desk).seen()
    desk.see(row("1", {"title": "before"}, stamp=stamp(300)))
    with pytest.raises(DecisionRefused, match="changed in postgres"):
        ask(desk, "resolve", id=1, take="postgres", seen=seen)
    assert case(desk).state == "decided"


def test_an_edit_between_the_decision_and_its_writing_overtakes_it() -> None:
    desk = divided()
    desk.see(row("1", {"title": "newer"}, stamp=stamp(150)))
    ask(desk, "resolve", id=1, take="base", seen=case(desk).seen())
    desk.see(row("1", {"title": "newest"}, stamp=stamp(160)))
    assert desk.plan() == []
    assert case(desk).take == "overtaken"
    assert titles(desk) == ("newest", "theirs")


@pytest.mark.parametrize("seen", [{}, {"postgres": "ours"}, {"postgres": "ours", "notion": "other"}])
def test_half_of_what_was_seen_is_not_enough(seen: Mapping[str, str]) -> None:
    with pytest.raises(DecisionRefused, match="was changed in"):
        ask(divided(), "resolve", id=1, take="base", seen=dict(seen))


# Many at once


def test_many_are_decided_in_one_request_and_one_refusal_stops_no_other() -> None:
    desk = divided(keys=("1", "2", "3"))
    desk.see(row("2", {"title": "newer"}, stamp=stamp(150)))
    choices = [{"id": number, "take": "notion"} for number in (1, 2, 3, 9)]
    answer = ask(desk, "resolve-many", choices=choices)
    assert [item["id"] for item in answer["resolved"]] == [1, 3]
    assert [(item["id"], item["exit_code"]) for item in answer["refused"]] == [(2, 1), (9, 2)]
    written(desk)
    assert [titles(desk, key)[0] for key in ("1", "2", "3")] == ["theirs", "newer", "theirs"]


def test_a_value_that_nobody_can_take_stops_no_other_decision() -> None:
    desk = divided(keys=("1", "2"))
    answer = ask(desk, "resolve-many", choices=[{"id": 1, "take": "nobody"}, {"id": 2, "take": "notion"}])
    assert ([item["id"] for item in answer["resolved"]], [item["id"] for item in answer["refused"]]) == ([2], [1])
    assert [item["exit_code"] for item in answer["refused"]] == [2]


@pytest.mark.parametrize("choice", [{"take": "base"}, {"id": "1", "take": "base"}, {"id": 1, "take": "base", "x": 1}])
def test_a_choice_that_is_none_is_refused_before_anything_is_done(choice: dict[str, Any]) -> None:
    desk = divided()
    with pytest.raises(ConfigError, match="does not fit"):
        ask(desk, "resolve-many", choices=[{"id": 1, "take": "notion"}, choice])
    assert case(desk).state == "open"


# Taking back


def test_a_decision_that_is_not_being_written_is_as_if_it_had_never_been_made() -> None:
    desk = divided()
    ask(desk, "resolve", id=1, take="notion")
    assert ask(desk, "undo", id=1) == {"id": 1, "state": "open", "take": None}
    assert desk.plan() == []
    assert titles(desk) == ("ours", "theirs")
    ask(desk, "resolve", id=1, take="postgres")
    written(desk)
    assert titles(desk) == ("ours", "ours")


def test_a_decision_that_could_not_be_written_is_as_if_it_had_never_been_made() -> None:
    """Else what was chosen would pass for agreed on, and the other side's value for a later edit, which wins."""
    desk = divided()
    ask(desk, "resolve", id=1, take="notion")
    desk.answer(desk.planned(), Outcome.RETRY, reason="busy")
    ask(desk, "undo", id=1)
    desk.clock.seconds += 600.0
    assert desk.plan() == []
    assert titles(desk) == ("ours", "theirs")
    assert case(desk).waits


def test_after_it_was_written_a_winner_gets_its_value_back() -> None:
    desk = divided(PAGE_WINS)
    ask(desk, "resolve", id=1, take="postgres")
    written(desk)
    assert titles(desk) == ("ours", "ours")
    assert ask(desk, "undo", id=1)["take"] == "notion"
    written(desk, 300.0)
    assert titles(desk) == ("theirs", "theirs")


def test_a_winner_gets_its_value_back_from_what_was_typed() -> None:
    """What both sides hold is none of the values of the conflict, and nobody's edit."""
    desk = divided(PAGE_WINS)
    ask(desk, "resolve", id=1, take="value", value="mine")
    written(desk)
    assert ask(desk, "undo", id=1) == {"id": 1, "state": "resolving", "take": "notion"}
    written(desk, 300.0)
    assert titles(desk) == ("theirs", "theirs")


@pytest.mark.parametrize(("take", "value"), [("value", "mine"), ("base", None), ("postgres", None), ("notion", None)])
def test_after_it_was_written_one_that_had_waited_waits_again_and_both_sides_get_their_own_back(
    take: str, value: str | None
) -> None:
    desk = divided()
    before = desk.conflicts()
    stamps = [side.stamps["title"] for side in (desk.pair("1").postgres, desk.pair("1").notion)]
    ask(desk, "resolve", id=1, take=take, **({"value": value} if value else {}))
    written(desk)
    assert ask(desk, "undo", id=1) == {"id": 1, "state": "resolving", "take": "undone"}
    written(desk, 300.0)
    assert titles(desk) == ("ours", "theirs")
    # Empty either way: what was taken.
    found = [{**conflict, "value": None} for conflict in desk.conflicts()]
    assert found == before, "the same one, with the times of the edits, and no other"
    assert case(desk).waits
    base = desk.pair("1").base
    assert base is not None
    assert base.values["title"] == "before"
    assert [side.stamps["title"] for side in (desk.pair("1").postgres, desk.pair("1").notion)] == stamps
    ask(desk, "resolve", id=1, take="notion")
    written(desk, 400.0)
    assert titles(desk) == ("theirs", "theirs")


def test_a_side_that_somebody_had_emptied_is_empty_again() -> None:
    desk = divided(ours=None)
    ask(desk, "resolve", id=1, take="value", value="mine")
    written(desk)
    ask(desk, "undo", id=1)
    written(desk, 300.0)
    assert titles(desk) == (None, "theirs")
    assert case(desk).waits


def parting() -> Desk:
    """A decision is being taken back, and nothing is written yet."""
    desk = divided()
    ask(desk, "resolve", id=1, take="value", value="mine")
    written(desk)
    ask(desk, "undo", id=1)
    return desk


def test_while_it_is_being_taken_back_nothing_is_decided_about_it() -> None:
    desk = parting()
    for kind, arguments in (("resolve", {"take": "base"}), ("undo", {})):
        with pytest.raises(DecisionRefused, match="is being taken back"):
            ask(desk, kind, id=1, **arguments)


def test_an_edit_made_before_anything_was_put_back_is_carried_over() -> None:
    """Both sides had agreed on what was taken, and then somebody changed one of them."""
    desk = parting()
    desk.see(row("1", {"title": "newer"}, stamp=stamp(300)))
    written(desk, 400.0)
    assert titles(desk) == ("newer", "newer")
    assert (case(desk).state, case(desk).take) == ("resolved", "overtaken")


def test_everything_is_forgotten_while_it_is_taken_back() -> None:
    """World 12872: a `resync`. What the sides hold is decided as in a first sync, and recorded."""
    desk = parting()
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
    desk.journal.resync("tasks")
    desk.see(
        row("1", {"title": "ours", "status": "Todo"}, evidence=Evidence.SCAN),
        page("page-1", "1", {"title": "theirs", "status": "Todo"}, edited=minute(3), seen=at(300)),
    )
    written(desk, 400.0)
    assert titles(desk) == ("ours", "ours")
    assert [(row["rule"], row["state"]) for row in desk.conflicts()] == [
        ("manual", "resolved"),
        ("first-sync", "decided"),
    ]


@pytest.mark.parametrize("edited", list(Side))
def test_an_edit_made_while_it_was_put_back_waits_like_any_other(edited: Side) -> None:
    desk = parting()
    first, second = sorted(desk.plan(), key=lambda intent: intent.action.side is edited)
    assert first.action.side is edited.other
    desk.answer(first, Outcome.DONE)
    own = {Side.POSTGRES: "ours", Side.NOTION: "theirs"}
    looks = {
        Side.POSTGRES: lambda title: row("1", {"title": title}, stamp=stamp(300)),
        Side.NOTION: lambda title: page("page-1", "1", {"title": title}, edited=minute(5), seen=at(301)),
    }
    desk.see(looks[edited.other](own[edited.other]), looks[edited]("newer"))
    desk.answer(second, Outcome.STALE)
    assert desk.plan() == []
    held = {**own, edited: "newer"}
    assert titles(desk) == (held[Side.POSTGRES], held[Side.NOTION])
    assert [found["state"] for found in desk.conflicts()] == ["resolved", "open"]


def undecided() -> Desk:
    """A first sync that waits for a person: the page's title is empty."""
    desk = Desk(make_sync(policy=Policy.MANUAL, first_sync=None))
    desk.see(row("1", {"title": "ours", "status": "Todo"}, stamp=stamp(1)))
    desk.see(page("page-1", "1", {"title": None, "status": "Todo"}, seen=at(2)))
    assert desk.plan() == []
    return desk


def test_where_one_side_would_not_wait_it_is_decided_anew() -> None:
    """A first sync that a person decided, where one side was empty: it could not be told apart from a new column."""
    desk = undecided()
    ask(desk, "resolve", id=1, take="postgres")
    written(desk)
    assert ask(desk, "undo", id=1) == {"id": 1, "state": "decided", "take": "undone"}
    assert case(desk).to_decide
    assert not case(desk).moved_on
    ask(desk, "resolve", id=1, take="notion")
    written(desk, 300.0)
    assert titles(desk) == (None, None)


def test_what_was_typed_and_taken_back_can_be_decided_anew() -> None:
    """Both sides hold what was typed, which is none of the values of the conflict, and nobody's edit."""
    desk = undecided()
    ask(desk, "resolve", id=1, take="value", value="typed")
    written(desk)
    assert ask(desk, "undo", id=1)["state"] == "decided"
    ask(desk, "resolve", id=1, take="postgres")
    written(desk, 300.0)
    assert titles(desk) == ("ours", "ours")


def test_an_edit_made_since_is_not_undone_with_the_decision() -> None:
    desk = divided(PAGE_WINS)
    ask(desk, "resolve", id=1, take="postgres")
    written(desk)
    desk.see(row("1", {"title": "newer"}, stamp=stamp(300)))
    with pytest.raises(DecisionRefused, match="in postgres is not what was taken"):
        ask(desk, "undo", id=1)


def test_an_edit_of_the_page_made_since_is_not_undone_with_the_decision() -> None:
    desk = divided(PAGE_WINS)
    ask(desk, "resolve", id=1, take="postgres")
    written(desk)
    desk.see(page("page-1", "1", {"title": "newer", "status": "Todo"}, edited=minute(6), seen=at(400)))
    with pytest.raises(DecisionRefused, match="in notion is not what was taken"):
        ask(desk, "undo", id=1)


def test_while_it_is_being_written_it_is_not_taken_back() -> None:
    desk = divided()
    ask(desk, "resolve", id=1, take="notion")
    intent = desk.planned()
    with pytest.raises(DecisionRefused, match="is not what was taken"):
        ask(desk, "undo", id=1)
    desk.answer(intent, Outcome.DONE)
    assert case(desk).state == "resolving"


def test_a_decision_that_was_just_written_is_taken_back_like_any_other() -> None:
    """Both sides hold it, and nothing was merged since."""
    desk = divided()
    ask(desk, "resolve", id=1, take="postgres")
    write = desk.planned()
    desk.answer(write, Outcome.DONE, page("page-1", "1", {"title": "ours", "status": "Todo"}, seen=at(200)))
    assert case(desk).state == "resolving"
    assert ask(desk, "undo", id=1) == {"id": 1, "state": "resolving", "take": "undone"}
    written(desk, 300.0)
    assert (titles(desk), case(desk).state) == (("ours", "theirs"), "open")


def test_a_rule_s_decision_and_an_open_conflict_have_nothing_to_take_back() -> None:
    for sync in (MANUAL, PAGE_WINS):
        with pytest.raises(DecisionRefused, match="was not decided by a person"):
            ask(divided(sync), "undo", id=1)


def test_where_somebody_made_both_sides_equal_nobody_decided_and_nothing_is_taken_back() -> None:
    """Seed 21 of the worlds (of 100 steps): the edit that ended the conflict was taken back in place of a decision."""
    desk = divided()
    desk.see(row("1", {"title": "theirs"}, stamp=stamp(300)))
    written(desk, 400.0)
    assert (case(desk).state, case(desk).take) == ("resolved", "agreed")
    for kind, more in (("undo", {}), ("resolve", {"take": "postgres"})):
        with pytest.raises(DecisionRefused, match="ended without a decision: both sides agree by now"):
            ask(desk, kind, id=1, **more)
    assert titles(desk) == ("theirs", "theirs")


def test_a_decision_that_an_edit_has_overtaken_is_none_to_take_back() -> None:
    desk = divided()
    ask(desk, "resolve", id=1, take="notion")
    for side in (row("1", {"title": None}, stamp=stamp(300)), page("page-1", "1", {"title": None}, seen=at(301))):
        desk.see(side)
    written(desk, 400.0)
    assert (case(desk).state, case(desk).take) == ("resolved", "overtaken")
    with pytest.raises(DecisionRefused, match="ended without a decision: a later edit came first"):
        ask(desk, "undo", id=1)


def test_a_record_that_was_acknowledged_is_listed_again() -> None:
    desk = Desk()
    desk.record("1", {"title": "before", "status": "Todo"})
    desk.see(row("1", None, stamp=stamp(100)), page("page-1", "1", {"title": "edited"}, edited=minute(1), seen=at(101)))
    desk.plan()
    assert case(desk).rule == "edit-survives"
    ask(desk, "resolve", id=1, take="notion")
    assert case(desk).state == "resolved"
    assert ask(desk, "undo", id=1)["state"] == "decided"


def test_several_are_taken_back_at_once() -> None:
    desk = divided(keys=("1", "2"))
    ask(desk, "resolve-many", choices=[{"id": number, "take": "base"} for number in (1, 2)])
    answer = ask(desk, "undo-many", ids=[1, 2, 7])
    assert [item["state"] for item in answer["undone"]] == ["open", "open"]
    assert [item["id"] for item in answer["refused"]] == [7]
