"""Pages: may it be believed? Listings lag, answers overtake each other, and a minute holds two edits.

S12 (absence is no deletion), S15 (complete), S3 (no lost update), N8 and N9 of the faults.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Evidence, Observation, Outcome
from bridge.engine.settle import Settler
from bridge.engine.unlisted import missing_pages
from bridge.journal.rows import read_moment, read_value
from bridge.model import Change, Direction, Op, Presence, Side, Value
from tests.unit.desk import BOT, Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_field, make_sync

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}


def scan(page_id: str, key: str | None, values: dict[str, Value] | None, *, edited: int, seen: float) -> Observation:
    return page(page_id, key, values, evidence=Evidence.SCAN, edited=minute(edited), seen=at(seen))


def test_a_listing_that_shows_what_is_known_writes_nothing() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    before, history = desk.row_of("1"), desk.events("1")
    assert desk.see(scan("page-1", "1", BEFORE, edited=5, seen=300)) == []
    assert desk.row_of("1") == before
    assert desk.events("1") == history


def test_a_listing_with_a_later_minute_is_believed() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    assert desk.see(scan("page-1", "1", AFTER, edited=1, seen=61)) == []
    assert desk.pair("1").notion.values == AFTER


@pytest.mark.parametrize(("edited", "looked"), [(0, True), (-1, False)])
def test_a_listing_with_the_same_minute_is_doubted_and_an_older_one_ignored(edited: int, *, looked: bool) -> None:
    """Within one minute two edits bear one time: only a look can tell which came last."""
    desk = Desk()
    pair = desk.record("1", BEFORE)
    doubtful = desk.see(scan("page-1", "1", AFTER, edited=edited, seen=30))
    assert [found.id for found in doubtful] == ([pair.id] if looked else [])
    assert desk.pair("1").notion.values == BEFORE


def test_a_poll_that_came_while_a_page_was_in_doubt_does_not_make_its_change_later() -> None:
    """`tests/system/test_options.py`, one run of eight: a listing showed that a page had changed, and while it was
    looked at a poll told that all else was unchanged. The change passed for one after that poll: what a removed option
    had left counted as a person's edit, which emptied the row."""
    desk = Desk()
    desk.record("1", BEFORE)
    assert desk.see(scan("page-1", "1", AFTER, edited=0, seen=30)), "it is in doubt"
    assert desk.see(scan("page-1", "1", AFTER, edited=0, seen=50), confirmed=at(50)), "still"
    desk.see(page("page-1", "1", AFTER, edited=minute(0), seen=at(55), stamp=stamp(0, 55)))
    assert desk.pair("1").notion.stamps["title"].earliest < at(30)
    desk.see(page("page-1", "1", BEFORE, edited=minute(1), seen=at(80), stamp=stamp(0, 80)))
    assert desk.pair("1").notion.stamps["title"].earliest == at(55), "what came after the look is later"


def test_a_listing_that_shows_what_a_removed_option_leaves_is_doubted_whatever_its_minute() -> None:
    """The look that follows reads the options as well."""
    desk = Desk()
    pair = desk.record("1", {"title": "before", "status": "an option"})
    doubtful = desk.see(scan("page-1", "1", {"title": "before", "status": None}, edited=5, seen=301))
    assert [found.id for found in doubtful] == [pair.id]
    assert desk.pair("1").notion.values["status"] == "an option"


def test_a_listing_whose_minute_is_not_told_is_doubted() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    unknown = replace(scan("page-1", "1", AFTER, edited=0, seen=30), edited=None)
    assert len(desk.see(unknown)) == 1
    desk.see(page("page-2", "2", BEFORE, seen=at(1)))
    assert len(desk.see(scan("page-2", "2", AFTER, edited=3, seen=200))) == 1, "the minute was never known before"


@pytest.mark.parametrize(
    ("known", "shown"), [(Presence.LIVE, Presence.GONE), (Presence.GONE, Presence.LIVE), (Presence.AWAY, Presence.LIVE)]
)
def test_a_listing_alone_neither_deletes_nor_revives(known: Presence, shown: Presence) -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.save_pair(replace(pair, notion=replace(pair.notion, presence=known)), dirty=False)
    doubtful = desk.see(replace(scan("page-1", "1", BEFORE, edited=5, seen=300), presence=shown))
    assert [found.id for found in doubtful] == [pair.id]
    assert desk.pair("1").notion.presence is known
    assert desk.plan() == []


def test_each_doubtful_page_is_looked_at_once() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    twice = scan("page-1", "1", AFTER, edited=0, seen=30)
    assert [found.id for found in desk.see(twice, twice)] == [pair.id]


def test_a_changed_key_property_is_news_like_a_value() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    assert len(desk.see(scan("page-1", "77", BEFORE, edited=0, seen=30))) == 1
    assert desk.see(scan("page-1", "77", BEFORE, edited=1, seen=61)) == []
    assert desk.pair("1").page_key == ("77",)
    assert desk.planned().action.key == ("1",), "the page is told its key again"


def test_a_computed_value_is_believed_within_the_minute() -> None:
    """A formula changes without an edit, so no minute tells of it; nobody can edit it, so a stale one is harmless."""
    total = make_field("total", Direction.TO_POSTGRES, computed=True)
    desk = Desk(make_sync((make_field("title"), total)))
    desk.record("1", {"title": "a", "total": "1"})
    assert desk.see(scan("page-1", "1", {"title": "a", "total": "2"}, edited=0, seen=30)) == []
    assert desk.planned().action.changes == {"total": Change("1", "2")}
    assert len(desk.see(scan("page-1", "1", {"title": "b", "total": "3"}, edited=0, seen=31))) == 1


def test_a_listing_that_was_asked_before_our_own_write_is_not_news() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER))
    intent = desk.planned()
    assert desk.see(scan("page-1", "1", {**BEFORE, "status": "Doing"}, edited=1, seen=61)) == []
    assert desk.pair("1").notion.values == BEFORE, "the answer to the write will show it"
    desk.answer(intent, Outcome.DONE, page("page-1", "1", AFTER, edited=minute(2), seen=at(130)))
    assert desk.see(scan("page-1", "1", BEFORE, edited=1, seen=131)) == []
    assert desk.pair("1").notion.values == AFTER


def test_a_listing_is_taken_while_only_the_row_is_being_written() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(61)))
    assert desk.planned().action.side is Side.POSTGRES
    desk.see(scan("page-1", "1", {**AFTER, "status": "Doing"}, edited=2, seen=121))
    assert desk.pair("1").notion.values["status"] == "Doing"


@pytest.mark.parametrize(("seen", "taken"), [(99.0, False), (100.0, True), (101.0, True)])
def test_a_look_that_was_asked_before_the_newest_one_is_not_news(seen: float, *, taken: bool) -> None:
    """Answers travel at different speeds."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", BEFORE, edited=minute(1), seen=at(100)))
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(seen)))
    assert (desk.pair("1").notion.values == AFTER) is taken


def test_a_deletion_is_taken_from_a_look() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", seen=at(100), stamp=stamp(60, 59)))
    assert desk.events("1")[-1] == "delete"
    assert desk.planned().action.op is Op.DELETE


def test_pages_that_a_listing_did_not_show_are_only_named() -> None:
    desk = Desk()
    for key in ("1", "2", "3"):
        desk.record(key, BEFORE)
    desk.see(page("page-3", "3", seen=at(10)))
    assert [pair.key for pair in missing_pages(desk.journal, desk.sync, {"page-1"})] == [("2",)]
    assert desk.pair("2").notion.live


# What an answer shows beside our own write


def glimpsed(desk: Desk) -> list[tuple[str, str | None, Value]]:
    return [
        (found["field"], found["winner"], read_value(found["notion"]))  # type: ignore[misc]
        for found in desk.conflicts()
        if found["rule"] == "edited-while-written"
    ]


EDITED: dict[str, Value] = {**BEFORE, "title": "edited meanwhile"}


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        ([Outcome.DONE], True),
        ([Outcome.UNKNOWN, Outcome.DONE], True),
        ([Outcome.RETRY], False),  # not written, so not run over: the next poll shows the edit
        ([Outcome.REFUSED], False),
        ([Outcome.UNKNOWN, Outcome.STALE], False),
    ],
)
def test_an_edit_that_is_seen_while_we_write_is_kept_if_the_write_runs_over_it(
    outcomes: list[Outcome], *, kept: bool
) -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER))
    intent = desk.planned()
    assert desk.see(scan("page-1", "1", EDITED, edited=1, seen=61)) == []
    assert glimpsed(desk) == []
    for outcome in outcomes:
        desk.answer(intent, outcome)
    assert glimpsed(desk) == ([("title", "postgres", "edited meanwhile")] if kept else [])


def test_an_edit_that_is_seen_while_we_write_outlives_the_process() -> None:
    """Worlds, seed 13799: the bridge was killed before the write was answered, and what it had seen went with it."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER))
    desk.planned()
    assert desk.see(scan("page-1", "1", EDITED, edited=1, seen=61)) == []
    desk.settler = Settler(desk.journal, desk.sync, desk.clock, BOT)
    [intent] = desk.journal.intents_in_flight("tasks")
    desk.answer(intent, Outcome.DONE, page("page-1", "1", AFTER, edited=minute(2), seen=at(130)))
    assert glimpsed(desk) == [("title", "postgres", "edited meanwhile")]


def test_an_edit_that_is_seen_after_our_write_ran_over_it_is_kept_once() -> None:
    """The listing was asked before the write, and its answer came after it."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", AFTER, edited=minute(2), seen=at(130)))
    for _ in range(2):
        assert desk.see(scan("page-1", "1", EDITED, edited=1, seen=131)) == []
    assert glimpsed(desk) == [("title", "postgres", "edited meanwhile")]
    assert desk.pair("1").notion.values == AFTER


def test_an_edit_that_is_seen_while_the_next_write_is_under_way_is_kept_of_the_last_one_too() -> None:
    """Worlds, seed 4892: a look showed the edit that a write was running over. When its answer came that write was
    made, and the next one planned, of another field."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", AFTER, edited=minute(2), seen=at(130)))
    desk.see(row("1", {**AFTER, "status": "Done"}))
    assert set(desk.planned().action.changes) == {"status"}
    assert desk.see(page("page-1", "1", EDITED, edited=minute(1), seen=at(65))) == []
    assert glimpsed(desk) == [("title", "postgres", "edited meanwhile")]


@pytest.mark.parametrize("shown", ["theirs", "ours", "before"])
def test_an_edit_that_a_look_showed_while_its_field_was_being_written_is_kept(shown: str) -> None:
    """Seed 100570 of the worlds: the look was taken, and the query on which the write relied was behind."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours", "status": "Todo"}))
    write = desk.planned()
    desk.see(page("page-1", "1", {"title": shown, "status": "Done"}, edited=minute(0), seen=at(5)))
    answer = page("page-1", "1", {"title": "ours", "status": "Done"}, evidence=Evidence.RECEIPT, seen=at(6))
    desk.answer(write, Outcome.DONE, answer)
    kept = [(read_value(found["notion"]), found["rule"]) for found in desk.conflicts()]
    assert kept == ([("theirs", "edited-while-written")] if shown == "theirs" else [])
    assert desk.planned().action.side is Side.POSTGRES, "the edit of the other field is carried"


@pytest.mark.parametrize(("looked", "kept"), [(AFTER, True), (EDITED, False), (None, False)])
def test_an_edit_that_a_doubted_answer_showed_is_kept_if_the_look_does_not_show_it(
    looked: dict[str, Value] | None, *, kept: bool
) -> None:
    """World 184: the answer bears the minute of our own write, so that the page is looked at; by then our write had run
    over the edit that the answer showed, and it was forgotten with its doubt."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", AFTER, edited=minute(2), seen=at(130)))
    assert desk.see(scan("page-1", "1", EDITED, edited=2, seen=128)) == [desk.pair("1")]
    desk.see(page("page-1", "1", looked, edited=minute(2), seen=at(131)))
    desk.see(page("page-1", "1", AFTER, edited=minute(3), seen=at(190)))
    assert glimpsed(desk) == ([("title", "postgres", "edited meanwhile")] if kept else [])


@pytest.mark.parametrize(
    "shown",
    [
        scan("page-1", "1", BEFORE, edited=0, seen=61),  # what we wrote over, knowingly
        scan("page-1", "1", {**BEFORE, "title": "first"}, edited=0, seen=61),  # older still
        scan("page-1", "1", AFTER, edited=1, seen=61),  # our own write
        scan("page-1", "1", {"status": "Doing"}, edited=1, seen=61),  # the written field is not shown
        scan("page-1", "1", None, edited=1, seen=61),
    ],
)
def test_an_old_answer_is_no_edit(shown: Observation) -> None:
    desk = Desk()
    desk.record("1", {**BEFORE, "title": "first"})
    desk.see(page("page-1", "1", BEFORE, edited=minute(0), seen=at(10)))
    desk.answer(desk.planned(), Outcome.DONE, row("1", BEFORE))
    desk.see(row("1", AFTER))
    intent = desk.planned()
    assert intent.action.side is Side.NOTION
    desk.see(shown)
    desk.answer(intent, Outcome.DONE)
    desk.see(shown)
    assert glimpsed(desk) == []


def test_an_old_answer_about_a_page_that_we_never_wrote_is_no_edit() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(scan("page-1", "1", EDITED, edited=-1, seen=61))
    assert desk.conflicts() == []


# When


def test_a_confirmed_time_only_moves_forward() -> None:
    desk = Desk()
    for seconds in (10, 30, 20):
        desk.see(confirmed=at(seconds))
    desk.see()
    assert desk.journal.sync_state("tasks").confirmed == at(30)


def test_a_page_that_the_last_poll_did_not_list_was_unchanged_until_then() -> None:
    """So a change is known to the second although Notion tells only its minute."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(confirmed=at(95))
    changed = scan("page-1", "1", AFTER, edited=1, seen=97)
    desk.see(replace(changed, stamp=stamp(60, 37)), confirmed=at(97))
    assert desk.pair("1").notion.stamps["title"] == stamp(95, 2)
    assert desk.journal.sync_state("tasks").last_event_at == at(97)


@pytest.mark.parametrize(("created", "known_from"), [(0, 95), (2, 70)])
def test_a_poll_that_passes_over_young_pages_says_nothing_of_them(created: int, known_from: int) -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", BEFORE, edited=minute(1), created=minute(created), seen=at(65)))
    desk.see(confirmed=at(70))
    desk.see(confirmed=at(95), confirmed_before=minute(1))
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(100), stamp=stamp(60, 40)))
    assert desk.pair("1").notion.stamps["title"] == stamp(known_from, 100 - known_from)
    assert desk.journal.sync_state("tasks").confirmed == at(70)


def test_what_a_poll_said_of_old_pages_ends_with_what_was_known_of_them() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", BEFORE, edited=minute(1), created=minute(0), seen=at(65)))
    desk.see(confirmed=at(70))
    desk.see(confirmed=at(95), confirmed_before=minute(1))
    with desk.journal.transaction():
        desk.journal.resync("tasks")
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(100), stamp=stamp(60, 40)))
    assert desk.pair("1").notion.stamps["title"] == stamp(60, 40)


def test_a_page_that_was_looked_at_later_than_the_last_poll_is_known_from_then() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(confirmed=at(70))
    desk.see(page("page-1", "1", BEFORE, edited=minute(1), seen=at(90)))
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(100), stamp=stamp(60, 40)))
    assert desk.pair("1").notion.stamps["title"] == stamp(90, 10)


def test_what_was_seen_of_a_page_is_remembered_even_when_nothing_changed() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", BEFORE, edited=minute(4), created=minute(-9), seen=at(250)))
    found = desk.row_of("1")
    assert read_moment(found["notion_edited"]) == minute(4)
    assert read_moment(found["notion_created"]) == minute(-9)
    assert read_moment(found["notion_seen"]) == at(250)
    desk.see(page("page-1", "1", BEFORE, edited=minute(4)))
    assert read_moment(desk.row_of("1")["notion_seen"]) == at(250), "an unknown time takes nothing back"


def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    desk = Desk()
    with pytest.raises(AssertionError):
        desk.see(row("1", BEFORE), Observation(Side.NOTION, Presence.LIVE, BEFORE))
    assert list(desk.journal.all_pairs("tasks")) == []
