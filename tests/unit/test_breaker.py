"""A mass deletion is asked about before its first page or row goes (S12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.ends import Outcome
from bridge.errors import BreakerTripped, ExitCode
from bridge.model import (
    Base,
    Deletes,
    Op,
    Presence,
    Side,
    Sync,
    Value,
    Waiting,
)
from tests.unit.desk import Desk, page, row
from tests.unit.worlds import make_sync

BEFORE = {"title": "before", "status": "Todo"}


def records(count: int, sync: Sync) -> Desk:
    desk = Desk(sync)
    for number in range(count):
        values: Mapping[str, Value] = BEFORE
        desk.record(str(number), values)
    return desk


def limited(count: int, percent: float, deletes: Deletes | None = None) -> Sync:
    return replace(make_sync(deletes=deletes or Deletes()), max_deletes=count, max_deletes_percent=percent)


@pytest.mark.parametrize("side", list(Side))
def test_more_deletions_than_allowed_stop_the_sync_before_the_first(side: Side) -> None:
    desk = records(20, limited(3, 10.0))
    for number in range(4):
        desk.see(page(f"page-{number}", str(number)) if side is Side.NOTION else row(str(number)))
    with pytest.raises(BreakerTripped) as raised:
        desk.plan()
    what = "rows of public.tasks" if side is Side.NOTION else "pages of 'Tasks'"
    assert f"would delete 4 of 20 {what} (allowed without asking: 3 or 10 %)" in raised.value.message
    assert "--allow-deletes" in raised.value.hint
    assert "--undo-deletes" in raised.value.hint
    assert raised.value.exit_code is ExitCode.BREAKER
    assert desk.journal.intents_in_flight("tasks") == []
    assert desk.pair("0").base == Base(Presence.LIVE, BEFORE), "nothing is agreed either"


@pytest.mark.parametrize(("count", "percent"), [(4, 0.0), (0, 20.0)])
def test_both_limits_must_be_passed(count: int, percent: float) -> None:
    desk = records(20, limited(count, percent))
    desk.see(*(row(str(number)) for number in range(4)))
    assert len(desk.plan()) == 4


def test_deletions_just_made_count_with_those_to_make() -> None:
    """A mass deletion that is seen bit by bit is one all the same."""
    desk = records(20, limited(3, 10.0))
    desk.see(*(row(str(number)) for number in range(3)))
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
    desk.see(row("3"))
    with pytest.raises(BreakerTripped, match="4 of 20"):
        desk.plan()
    desk.clock.seconds = 61.0
    assert len(desk.plan()) == 1, "a minute later they are two different things"


def test_deletions_of_rows_that_the_outbox_has_not_told_yet_count_too() -> None:
    desk = records(20, limited(3, 10.0))
    desk.see(*(page(f"page-{number}", str(number)) for number in range(3)))
    for position, intent in enumerate(desk.plan()):
        [key] = intent.pair.key or ()
        desk.answer(intent, Outcome.DONE, row(key), position=position)
        assert desk.state(intent) == "echo"
    desk.see(page("page-3", "3"))
    with pytest.raises(BreakerTripped, match="4 of 20"):
        desk.plan()


@pytest.mark.parametrize(("count", "stops"), [(9, False), (10, True)])
def test_an_emptied_side_is_always_asked_about_unless_it_was_tiny(count: int, *, stops: bool) -> None:
    desk = records(count, limited(1000, 100.0))
    desk.see(*(row(str(number)) for number in range(count)))
    if stops:
        with pytest.raises(BreakerTripped, match=f"{count} of {count}"):
            desk.plan()
    else:
        assert len(desk.plan()) == count


def test_all_but_one_is_not_emptied() -> None:
    desk = records(10, limited(1000, 100.0))
    desk.see(*(row(str(number)) for number in range(9)))
    assert len(desk.plan()) == 9


@pytest.mark.parametrize("rule", ["hold", "ignore"])
def test_deletions_that_nobody_follows_stop_nothing(rule: str) -> None:
    desk = records(12, limited(1, 1.0, Deletes(rule, "mirror")))
    desk.see(*(row(str(number)) for number in range(12)))
    assert desk.plan() == []
    assert len(desk.parked()) == (12 if rule == "hold" else 0)


def test_a_deletion_that_was_answered_with_no_is_not_counted() -> None:
    desk = records(12, limited(1, 1.0))
    for number in range(12):
        pair = desk.pair(str(number))
        desk.journal.park(pair, Waiting("", Side.NOTION, "undone", None, "held"))
        desk.journal.set_parked(number + 1, "rejected")
    desk.see(*(row(str(number)) for number in range(12)))
    assert {intent.action.op for intent in desk.plan()} == {Op.CREATE}


def test_a_word_lets_through_what_it_was_about_and_no_more() -> None:
    desk = records(20, limited(3, 10.0))
    desk.journal.allow("tasks", Side.NOTION, 4)
    desk.see(*(row(str(number)) for number in range(4)))
    assert len(desk.plan()) == 4
    desk.see(row("4"))
    with pytest.raises(BreakerTripped):
        desk.plan()
    assert desk.journal.sync_state("tasks").allowed[Side.NOTION] == 4


@pytest.mark.parametrize("side", list(Side))
def test_a_word_about_one_side_s_deletions_is_none_about_the_other_s(side: Side) -> None:
    desk = records(20, limited(3, 10.0))
    desk.journal.allow("tasks", side.other, 100)
    gone = [page(f"page-{n}", str(n)) if side is Side.POSTGRES else row(str(n)) for n in range(4)]
    desk.see(*gone)
    with pytest.raises(BreakerTripped) as tripped:
        desk.plan()
    assert (tripped.value.side, tripped.value.deletes) == (side.value, 4)


def test_deletions_that_were_made_are_of_those_that_a_word_lets_through() -> None:
    desk = records(20, limited(3, 10.0))
    desk.journal.allow("tasks", Side.NOTION, 4)
    desk.see(*(row(str(number)) for number in range(4)))
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
    desk.see(*(row(str(number)) for number in range(4, 7)))
    with pytest.raises(BreakerTripped, match="delete 7 of 20"):
        desk.plan()


def test_records_that_somebody_said_stay_are_none_of_those_that_are_left() -> None:
    """All others are gone: the side is emptied."""
    desk = records(20, limited(1000, 100.0))
    for number in range(10):
        desk.journal.park(desk.pair(str(number)), Waiting("", Side.NOTION, "undone", None, "held"))
        desk.journal.set_parked(number + 1, "rejected")
    desk.see(*(row(str(number)) for number in range(20)))
    with pytest.raises(BreakerTripped, match="delete 10 of 10"):
        desk.plan()
