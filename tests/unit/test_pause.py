"""Pause and resume, and what a person may say to a sync that stopped itself before a mass deletion (S12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.ends import Outcome
from bridge.engine.decisions import carry_out, stopped_deletions
from bridge.engine.resolving import DecisionRefused
from bridge.errors import BreakerTripped
from bridge.model import MIRROR, Deletes, Op, Side
from tests.unit.desk import Desk, page, row
from tests.unit.worlds import make_sync

BEFORE = {"title": "before", "status": "Todo"}


def test_a_pause_lasts_until_it_is_ended() -> None:
    desk = Desk()
    assert carry_out(desk.journal, "pause", {"syncs": ["tasks"]}) == {"paused": ["tasks"]}
    assert desk.journal.sync_state("tasks").paused
    assert carry_out(desk.journal, "resume", {"syncs": ["tasks"]}) == {"resumed": ["tasks"]}
    assert not desk.journal.sync_state("tasks").paused


@pytest.mark.parametrize("word", ["pause", "resume"])
def test_a_sync_that_was_never_made_is_refused_and_nothing_is_changed(word: str) -> None:
    desk = Desk()
    with pytest.raises(DecisionRefused, match="'other'"):
        carry_out(desk.journal, word, {"syncs": ["tasks", "other"]})
    assert not desk.journal.sync_state("tasks").paused


def emptied(rows: int = 12, deletes: Deletes | None = None) -> Desk:
    """Every row was deleted at once, and the breaker stopped it."""
    desk = Desk(make_sync(deletes=deletes or Deletes()))
    for number in range(rows):
        desk.record(str(number), BEFORE)
    desk.see(*(row(str(number)) for number in range(rows)))
    with pytest.raises(BreakerTripped) as raised:
        desk.plan()
    desk.journal.stop("tasks", raised.value)
    return desk


def states(desk: Desk) -> Mapping[str, str]:
    return {str(pair.key): pair.postgres.presence.value for pair in desk.journal.all_pairs("tasks")}


@pytest.mark.parametrize("deletes", ["", "yes"])
def test_a_stopped_sync_needs_a_word_about_the_deletions(deletes: str) -> None:
    desk = emptied()
    with pytest.raises(DecisionRefused, match="needs a word from you") as raised:
        carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": deletes})
    assert "--allow-deletes" in str(raised.value), "the breaker's own words say how"
    assert desk.journal.sync_state("tasks").breaker


def test_allowed_deletions_go_on_and_only_those() -> None:
    desk = emptied()
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "allow"})
    state = desk.journal.sync_state("tasks")
    assert (state.breaker, state.allowed) == ("", {Side.NOTION: 12, Side.POSTGRES: 0})
    intents = desk.plan()
    assert [intent.action.op for intent in intents] == [Op.DELETE] * 12
    for intent in intents:
        desk.answer(intent, Outcome.DONE)
    assert desk.plan() == []
    desk.see(row("99", BEFORE))
    desk.plan()
    assert desk.journal.sync_state("tasks").allowed[Side.NOTION] == 0, "the word was about those deletions"


def test_what_was_deleted_shortly_before_counts_as_allowed() -> None:
    """Half of them were through when the other half tripped the breaker."""
    desk = Desk(replace(make_sync(), max_deletes=3, max_deletes_percent=0.0))
    for number in range(8):
        desk.record(str(number), BEFORE)
    desk.see(*(row(str(number)) for number in range(3)))
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
    desk.see(*(row(str(number)) for number in range(3, 6)))
    with pytest.raises(BreakerTripped, match="6 of") as raised:
        desk.plan()
    desk.journal.stop("tasks", raised.value)
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "allow"})
    assert desk.journal.sync_state("tasks").allowed[Side.NOTION] == 6
    assert len(desk.plan()) == 3


@pytest.mark.parametrize("rule", ["mirror", "column:deleted_at"])
def test_undone_deletions_bring_every_record_back(rule: str) -> None:
    desk = emptied(deletes=Deletes(rule, rule))
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "undo"})
    assert desk.journal.sync_state("tasks").breaker == ""
    intents = desk.plan()
    assert [(intent.action.side, intent.action.op) for intent in intents] == [(Side.POSTGRES, Op.CREATE)] * 12
    assert {found["rule"] for found in desk.conflicts()} == {"deletion-rejected"}
    for intent in intents:
        assert intent.pair.key is not None
        desk.answer(intent, Outcome.DONE, row(intent.pair.key[0], BEFORE))
    assert desk.plan() == []
    assert set(states(desk).values()) == {"live"}
    assert desk.journal.parked("tasks") == []


def test_undoing_replaces_what_waited_for_a_yes() -> None:
    """A held deletion is an open parked item already; it is answered with no, not doubled."""
    desk = Desk(make_sync(deletes=Deletes("hold", "hold")))
    pair = desk.record("1", BEFORE)
    desk.see(row("1"))
    assert desk.plan() == []
    assert [item["kind"] for item in desk.parked()] == ["held"]
    desk.journal.stop("tasks", BreakerTripped("stopped", hint="", side="notion", deletes=1))
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "undo"})
    assert [item["state"] for item in desk.journal.parked("tasks", "")] == ["cleared", "rejected"]
    assert desk.planned().action.op is Op.CREATE
    assert desk.journal.parked_of(pair)[0]["state"] == "rejected", "kept until it is carried out"


FOLLOWED_ONE_WAY = [Deletes("mirror", "ignore"), Deletes("mirror", "hold"), Deletes("mirror", "mirror")]


def asked_about_pages(deletes: Deletes) -> Desk:
    """Six rows were deleted, and the sync asks before their pages go; two other pages were trashed, and their rows
    stay, wait for a yes, or are few enough to go."""
    desk = Desk(replace(make_sync(deletes=deletes), max_deletes=5, max_deletes_percent=0.0))
    for number in range(20):
        desk.record(str(number), BEFORE)
    desk.see(page("page-18", "18"), page("page-19", "19"))
    if deletes.to_postgres != "mirror":
        assert desk.plan() == []
    desk.see(*(row(str(number)) for number in range(6)))
    with pytest.raises(BreakerTripped, match="delete 6 of") as raised:
        desk.plan()
    desk.journal.stop("tasks", raised.value)
    return desk


@pytest.mark.parametrize("deletes", FOLLOWED_ONE_WAY)
def test_a_word_ends_with_its_deletions_whatever_waits_on_the_other_side(deletes: Deletes) -> None:
    desk = asked_about_pages(deletes)
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "allow"})
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
    desk.plan()
    desk.clock.seconds += 86_400
    desk.see(*(row(str(number)) for number in range(6, 12)))
    with pytest.raises(BreakerTripped):
        desk.plan()


def test_a_word_is_about_as_many_as_were_asked_about() -> None:
    desk = asked_about_pages(MIRROR)
    desk.see(row("6"))
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "allow"})
    with pytest.raises(BreakerTripped, match="delete 7 of"):
        desk.plan()


@pytest.mark.parametrize("deletes", FOLLOWED_ONE_WAY)
def test_what_the_other_side_deleted_is_not_undone(deletes: Deletes) -> None:
    desk = asked_about_pages(deletes)
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "undo"})
    made = [(intent.action.side, intent.action.op) for intent in desk.plan()]
    followed = [(Side.POSTGRES, Op.DELETE)] * 2 if deletes == MIRROR else []
    assert sorted(made) == sorted([(Side.POSTGRES, Op.CREATE)] * 6 + followed)


def test_undoing_touches_nothing_that_was_not_deleted() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    gone = desk.record("3", BEFORE)
    desk.see(row("2", BEFORE), row("3"), page("page-3", "3"))
    desk.plan()
    desk.journal.stop("tasks", BreakerTripped("stopped", hint="", side="notion", deletes=1))
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "undo"})
    assert desk.journal.parked("tasks", "") == []
    assert desk.journal.pair(gone.id).base is not None


def test_a_row_that_came_back_after_both_were_deleted_is_none_of_those_that_are_asked_about() -> None:
    desk = Desk()
    back = desk.record("1", BEFORE)
    desk.see(row("1"), page("page-1", "1"))
    assert desk.plan() == []
    desk.see(row("1", BEFORE))
    desk.journal.stop("tasks", BreakerTripped("stopped", hint="", side="postgres", deletes=1))
    assert list(stopped_deletions(desk.journal, "tasks")) == []
    carry_out(desk.journal, "resume", {"syncs": ["tasks"], "deletes": "undo"})
    assert desk.journal.parked_of(back) == []
