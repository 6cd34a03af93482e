"""What the journal keeps comes back as it was, and its statements answer what the engine asks of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ends import Intent, IntentState, Outcome
from bridge.engine.unlisted import missing_pages
from bridge.errors import JournalError
from bridge.journal import Journal
from bridge.journal.rows import moment, read_moment, read_value, value_text
from bridge.model import (
    Action,
    Base,
    Change,
    Conflict,
    FieldValue,
    Op,
    Pair,
    Presence,
    Side,
    Snapshot,
    Unfit,
    Waiting,
)
from tests.unit.desk import Desk, StillClock, at, minute, page, row, stamp

BEFORE = {"title": "before", "status": "Todo"}
EVERY_KIND: dict[str, FieldValue] = {
    "empty": None,
    "yes": True,
    "text": "line\nüber 🙂 \x00 \ud800",
    "number": Decimal("12345678901234567890.123456789"),
    "word": "NaN",
    "date": date(2026, 12, 24),
    "moment": datetime(2026, 12, 24, 10, 0, 0, 123000, tzinfo=UTC),
    "local": datetime(2026, 12, 24, 10, 0),  # noqa: DTZ001 - a local time
    "list": ("a", "b, c"),
}


def loaded(desk: Desk, pair: Pair) -> Pair:
    desk.journal.save_pair(pair)
    return desk.journal.pair(pair.id)


def test_a_record_comes_back_as_it_was_saved() -> None:
    desk = Desk()
    made = desk.journal.add_pair("tasks", ("1", "ü|\\"), "page-1", ("1", "x"))
    stamps = {"text": stamp(1, 0.000001), "": stamp(2)}
    pair = replace(
        made,
        base=Base(Presence.LIVE, dict(EVERY_KIND)),  # type: ignore[arg-type]
        postgres=Snapshot(Presence.LIVE, {**EVERY_KIND, "unfit": Unfit("too long", "x" * 50)}, stamps),
        notion=Snapshot(Presence.AWAY, EVERY_KIND, stamps, "it was moved"),
    )
    assert loaded(desk, pair) == pair
    assert desk.journal.pair_by_key("tasks", ("1", "ü|\\")) == pair
    assert desk.journal.pair_by_page("tasks", "page-1") == pair
    assert list(desk.journal.all_pairs("tasks")) == [pair]


@pytest.mark.parametrize("base", [None, Base(Presence.GONE), Base(Presence.LIVE, {"title": None})])
def test_never_agreed_agreed_on_nothing_and_agreed_on_emptiness_are_three_things(base: Base | None) -> None:
    desk = Desk()
    pair = replace(desk.journal.add_pair("tasks", None, None), base=base)
    assert loaded(desk, pair).base == base


def test_what_the_journal_does_not_know() -> None:
    desk = Desk()
    assert desk.journal.pair_by_key("tasks", ("1",)) is None
    assert desk.journal.pair_by_page("tasks", "page-1") is None
    assert desk.journal.sync_row("other") is None
    assert desk.journal.intent("none") is None
    assert desk.journal.conflict(1) is None
    assert desk.journal.parked_item(1) is None
    assert desk.journal.oldest_pending("tasks") is None
    assert desk.journal.next_attempt("tasks") is None


@pytest.mark.parametrize("names", [{"key": ("1",)}, {"page_id": "page-1"}])
def test_two_records_never_share_a_name(names: dict[str, object]) -> None:
    """S10 in the schema: whatever the engine does, the journal refuses."""
    desk = Desk()
    desk.record("1", BEFORE)
    other = desk.record("2", BEFORE)
    with pytest.raises(JournalError, match="UNIQUE"):
        desk.journal.save_pair(replace(other, **names))  # type: ignore[arg-type]


def test_one_name_in_two_syncs_is_two_records() -> None:
    desk = Desk()
    desk.journal.add_sync("other", "public.other", "ds-2")
    desk.journal.add_pair("tasks", ("1",), "page-1")
    desk.journal.add_pair("other", ("1",), "page-1")
    assert desk.journal.counts("other")["pending"] == 1


def test_adding_a_sync_again_keeps_what_is_known_of_it() -> None:
    desk = Desk()
    desk.journal.update_sync("tasks", watermark=minute(5), paused=1, installation="db-1")
    desk.journal.add_sync("tasks", "public.other", "ds-2")
    state = desk.journal.sync_state("tasks")
    assert (state.watermark, state.paused, state.installation) == (minute(5), True, "db-1")
    found = desk.journal.sync_row("tasks")
    assert found is not None
    assert found["table_name"] == "public.tasks"


def test_moments_are_kept_to_the_microsecond_in_utc_so_that_text_order_is_time_order() -> None:
    east = datetime(2026, 1, 1, 1, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    assert moment(east) == "2025-12-31T23:00:00.000001Z"
    assert read_moment(moment(east)) == east
    assert (moment(None), read_moment(None), read_moment("")) == (None, None, None)


MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - a bound


@settings(deadline=None)  # a busy machine is no finding
@given(MOMENTS, MOMENTS)
def test_the_journal_s_moments_sort_like_moments(one: datetime, other: datetime) -> None:
    assert ((moment(one) or "") < (moment(other) or "")) is (one < other)


@pytest.mark.parametrize("value", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_kind_of_value_survives_as_text(value: FieldValue) -> None:
    assert read_value(value_text(value)) == value


# Events, retention, forgetting


def intent_of(pair: Pair, name: str = "i-1", op: Op = Op.UPDATE, side: Side = Side.NOTION) -> Intent:
    changes = {"title": Change(Unfit("a range", "1 → 2"), "new"), "status": Change(None, None)}
    return Intent(name, pair, Action(side, op, changes, ("1",)), at(5), backfill=True)


def conflict(**changes: object) -> Conflict:
    made = Conflict("title", "b", "ours", "theirs", stamp(1), stamp(2, 59), "last-writer", Side.NOTION)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_an_event_id_is_taken_once_even_if_the_engine_forgot_to_ask() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.add_event(pair, Side.POSTGRES, "update", source="e-1")
    assert desk.journal.known_event("e-1")
    with pytest.raises(JournalError, match="UNIQUE"):
        desk.journal.add_event(pair, Side.POSTGRES, "update", source="e-1")


def test_old_history_is_trimmed_but_never_a_record_s_last_word_nor_what_is_under_way() -> None:
    desk = Desk()
    old, young = desk.record("1", BEFORE), desk.record("2", BEFORE)
    for name, state in (("done", "done"), ("unknown", "unknown"), ("echo", "echo")):
        desk.journal.add_intents([intent_of(old, name)])
        desk.journal.set_intent(name, IntentState(state))
    desk.journal.add_conflict(old, conflict())
    desk.journal.park(old, Waiting("title", Side.NOTION, "too long", "x"))
    desk.clock.seconds = 1000.0
    desk.journal.add_event(young, Side.NOTION, "update")
    desk.journal.trim(at(500))
    assert desk.events("1") == ["insert"], "of several old ones the last"
    assert desk.events("2") == ["update"]
    assert [bool(desk.journal.intent(name)) for name in ("done", "unknown", "echo")] == [False, True, True]
    assert len(desk.conflicts()) == len(desk.parked()) == 1


def test_forgotten_agreements_leave_the_records_linked() -> None:
    """Another database, or the same one restored: what was agreed does not count, and nothing is deleted by that."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.forget_agreements("tasks")
    pair = desk.pair("1")
    assert (pair.base, pair.postgres, pair.page_id) == (None, Snapshot(), "page-1")
    assert pair.notion.presence is Presence.UNSEEN, "what the page was then is not to be agreed on now"
    desk.see(row("1", {**BEFORE, "title": "restored"}))
    assert desk.plan() == []
    assert [found.page_id for found in missing_pages(desk.journal, desk.sync, ())] == ["page-1"]
    desk.see(page("page-1", "1", BEFORE))
    assert desk.planned().action.op is Op.UPDATE
    assert [found["rule"] for found in desk.conflicts()] == ["first-sync"]


def test_a_field_that_is_bound_to_something_else_now_was_never_seen() -> None:
    """A column that was dropped and made anew is empty; its emptiness is nobody's edit."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.forget_field("tasks", "title")
    pair = desk.pair("1")
    assert pair.base == Base(Presence.LIVE, {"status": "Todo"})
    assert pair.postgres.values == pair.notion.values == {"status": "Todo"}
    desk.see(row("1", {"title": None}), page("page-1", "1", BEFORE, edited=minute(1), seen=at(61)))
    fill = desk.planned().action
    assert (fill.side, fill.changes) == (Side.POSTGRES, {"title": Change(None, "before")})
    assert desk.conflicts() == []


def test_when_a_page_was_last_seen_never_goes_back() -> None:
    """Answers may come out of order: were the time to go back, an old listing would pass for news."""
    desk = Desk()
    pair = desk.record("1", BEFORE)
    for seconds in (100, 90):
        desk.journal.page_seen(pair, minute(1), None, at(seconds))
    assert read_moment(desk.row_of("1")["notion_seen"]) == at(100)


def test_when_a_page_was_made_is_not_forgotten_by_an_answer_that_does_not_tell() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.page_seen(pair, minute(1), minute(0), at(100))
    desk.journal.page_seen(pair, None, None, at(110))
    found = desk.row_of("1")
    assert [read_moment(found[name]) for name in ("notion_edited", "notion_created")] == [minute(1), minute(0)]


def test_what_can_be_listed_is_what_is_alive() -> None:
    desk = Desk()
    for key in ("1", "2", "3"):
        desk.record(key, BEFORE)
    desk.see(row("2"), page("page-3", "3", seen=at(10)))
    pair = desk.pair("1")
    desk.journal.save_pair(replace(pair, notion=replace(pair.notion, presence=Presence.AWAY)))
    assert set(desk.journal.live_pages("tasks")) == {"page-2"}
    assert set(desk.journal.with_rows("tasks")) == {desk.pair("1").id, desk.pair("3").id}
    assert [found.key for found in desk.journal.away_pairs("tasks", 9)] == [("1",)]
    counted = desk.journal.counts("tasks")
    assert (counted["linked"], counted["rows"], counted["pages"], counted["pending"]) == (3, 2, 1, 3)
    assert desk.journal.deletions("tasks") == {"into_notion": 1, "into_postgres": 1}
    assert desk.journal.linked("tasks") == 3


def test_the_longest_waiting_record_tells_the_lag() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.record("2", BEFORE)
    desk.clock.seconds = 10.0
    desk.see(row("1", {"title": "new"}))
    desk.clock.seconds = 20.0
    desk.see(row("2", {"title": "new"}))
    assert read_moment(desk.journal.oldest_pending("tasks")) == at(10)
    for intent in desk.plan():
        if intent.pair.key == ("1",):
            desk.answer(intent, Outcome.DONE, page("page-1", "1", {"title": "new"}, seen=at(21)))
    assert desk.plan() == []
    assert read_moment(desk.journal.oldest_pending("tasks")) == at(20)


def test_what_was_journaled_is_there_after_a_restart(tmp_path: Path) -> None:
    clock = StillClock()
    journal = Journal.open(tmp_path / "bridge.db", clock)
    with journal.transaction():
        journal.add_sync("tasks", "public.tasks", "ds")
        pair = journal.add_pair("tasks", ("1",), "page-1")
        journal.add_intents([intent_of(pair)])
    journal.close()
    again = Journal.open(tmp_path / "bridge.db", clock)
    assert again.intents_in_flight("tasks") == [intent_of(pair)]
    again.close()
