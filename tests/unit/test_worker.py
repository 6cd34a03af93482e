"""The rounds of one sync: whose tables these are, and how changes are carried over while it runs.

S12 (another table), S14 (another database), S15 (complete), L3 (recovery).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.ends import Batch, Evidence, Observation, Outcome
from bridge.errors import SetupError, Unavailable
from bridge.model import Op, Presence, Side
from tests.unit.desk import at, minute, page, row
from tests.unit.fake_world import BEFORE, World


@pytest.mark.parametrize("column", ["table_name", "data_source"])
def test_a_name_that_means_another_table_now_is_refused(column: str) -> None:
    """S12: the pages of one table must not be compared with the rows of another."""
    world = World()
    world.add_row("1")
    world.loop.run_once()
    world.desk.journal.update_sync("tasks", **{column: "another"})
    world.restart()
    with pytest.raises(SetupError, match=f"another {column.replace('_', ' ')}: another") as raised:
        world.loop.run_once()
    assert "another name" in raised.value.hint


def test_another_database_is_a_first_run() -> None:
    """A restored backup knows fewer rows than Notion has pages: nothing is deleted, what differs is asked about."""
    world = World()
    world.add_row("1", title="newer")
    world.add_row("2")
    world.loop.run_once()
    world.restart()
    world.rows.database = "database-2"
    world.rows.records = {"1": row("1", BEFORE)}
    world.loop.run_once()
    assert set(world.rows.records) == {"1", "2"}
    assert len(world.pages.records) == 2
    [conflict] = world.desk.conflicts()
    assert (conflict["rule"], conflict["field"]) == ("first-sync", "title")


def test_a_database_that_an_older_journal_knows_without_its_table_is_the_same() -> None:
    world = World()
    world.add_row("1", title="agreed")
    world.loop.run_once()
    world.restart()
    world.rows.database = "database-1/16384"
    del world.rows.records["1"]
    world.loop.run_once()
    assert world.desk.journal.sync_state("tasks").installation == "database-1/16384"
    assert (world.rows.records, world.pages.records) == ({}, {}), "what was agreed counts: the row was deleted"


@pytest.mark.parametrize(
    ("known", "now", "another"),
    [
        ("", "one/16384", False),
        ("one", "one/16384", False),
        ("one/16384", "one/16384", False),
        ("one/1638", "one/16384", True),
        ("one/16384", "one/16385", True),
        ("one", "other/16384", True),
    ],
)
def test_a_table_that_was_made_anew_is_another(known: str, now: str, another: bool) -> None:
    journal = World().desk.journal
    journal.update_sync("tasks", installation=known)
    assert journal.is_another("tasks", now) is another


def test_the_same_database_is_recognised() -> None:
    world = World()
    world.loop.run_once()
    assert world.desk.journal.sync_state("tasks").installation == "database-1"
    world.restart()
    world.loop.run_once()
    assert world.desk.journal.sync_state("tasks").installation == "database-1"


# For ever


def test_the_first_poll_after_many_writes_passes_over_no_page() -> None:
    """While pages are made in masses polls pass over the young ones; somebody may edit one when the fill is over."""
    world = World()
    world.stop_after(100)
    stop, clock = world.each_round, world.desk.clock

    def a_fill_of_a_minute() -> None:
        stop()
        if clock.seconds < 60:
            world.worker.pacing.writes(clock.monotonic(), backlog=True)

    world.each_round = a_fill_of_a_minute
    world.loop.run()
    [looked_back] = [number for number, call in enumerate(world.pages.asked) if call == "look back"]
    calls = world.pages.asked
    assert calls[looked_back + 1] == "changes"
    assert calls[:looked_back].count("changes") > 1 < calls[looked_back:].count("changes")


def test_changes_are_carried_over_while_it_runs() -> None:
    world = World()
    world.add_row("1")

    def people() -> None:
        if world.rounds == 20:
            world.rows.news.append(Batch([row("1", {"title": "from sql"}, event_id="e-1")], token="rows"))
        if world.rounds == 40:
            [page_id] = world.pages.records
            changed = page(page_id, "1", {"title": "from Notion", "status": "Todo"}, edited=minute(9), seen=at(700))
            world.pages.records[page_id] = changed
            world.pages.news.append(Batch([replace(changed, evidence=Evidence.SCAN)], confirmed=at(700)))
        if world.rounds == 80:
            world.stop.set()

    world.each_round = people
    world.loop.run()
    assert world.applied(world.pages) == [Op.CREATE, Op.UPDATE]
    assert world.rows.records["1"].values["title"] == "from Notion"
    assert "rows" in [batch.token for batch in world.rows.acknowledged]
    assert world.desk.journal.sync_state("tasks").confirmed == at(700)


def test_a_change_that_cannot_be_described_makes_the_table_be_read_again() -> None:
    """TRUNCATE: the outbox says only that something happened to everything."""
    world = World()
    for key in ("1", "2"):
        world.add_row(key)
    world.loop.run_once()
    del world.rows.records["1"]
    world.restart()

    def truncate() -> None:
        if world.rounds == 30:
            del world.rows.records["2"]
            world.rows.news.append(Batch((), token="t", reread="TRUNCATE"))
        if world.rounds == 60:
            world.stop.set()

    world.rounds = 0
    world.each_round = truncate
    world.loop.run()
    assert world.pages.records == {}


def test_the_table_is_read_again_though_the_answer_to_the_acknowledgement_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The line of the outbox is gone then, and nothing in the database tells of the TRUNCATE any more."""
    world = World()
    world.add_row("1")
    world.loop.run_once()
    world.restart()
    acknowledge = world.rows.acknowledge

    def lost(batch: Batch) -> None:
        acknowledge(batch)
        if batch.reread:
            raise Unavailable("the connection was lost")

    def truncate() -> None:
        if world.rounds == 30:
            world.rows.records.clear()
            world.rows.news.append(Batch((), token="t", reread="TRUNCATE"))
        if world.rounds == 90:
            world.stop.set()

    monkeypatch.setattr(world.rows, "acknowledge", lost)
    world.rounds = 0
    world.each_round = truncate
    world.loop.run()
    assert world.pages.records == {}


def test_a_flood_of_changes_does_not_keep_a_round_from_ending() -> None:
    """Notion must be polled, and a person answered, while a backlog is read."""
    world = World()
    world.loop.run_once()
    world.restart()
    world.worker.start()
    world.rows.news = [Batch([row("1", {"title": str(part)})] * 2_500, token=part) for part in range(3)]
    world.worker.tick()
    assert [batch.token for batch in world.rows.acknowledged if batch.token is not None] == [0, 1]
    world.worker.tick()
    assert world.desk.pair("1").postgres.values["title"] == "2"


def test_a_read_of_the_whole_table_takes_its_outbox_first() -> None:
    """A changed key is only there; without it, the page would be trashed and another one made."""
    world = World()
    world.add_row("1")
    world.loop.run_once()
    world.restart()
    outbox = Batch([row("2", BEFORE, old_key=("1",), event_id="e-1")], token="outbox")
    table = Batch([row("2", BEFORE, evidence=Evidence.SCAN)])
    world.rows.records = {"2": row("2", BEFORE)}
    world.rows.scan = lambda: iter([outbox, table])  # type: ignore[method-assign]
    world.loop.run_once()
    assert world.rows.acknowledged == [outbox]
    assert world.applied(world.pages) == [Op.CREATE, Op.UPDATE]
    assert [seen.key for seen in world.pages.records.values()] == [("2",)]


def test_a_change_that_was_never_captured_is_found_when_our_write_meets_it() -> None:
    world = World()
    world.add_row("1")
    world.add_page("page-1", "1")
    world.loop.run_once()
    world.restart()
    world.add_page("page-1", "1", title="from Notion")
    world.rows.outcomes = [Outcome.STALE] * 3
    world.loop.run_once()
    assert world.rows.asked.count("scan") == 3, "one for each start, and one more"
    assert world.rows.records["1"].values["title"] == "from Notion"


def test_a_side_that_fails_is_asked_again_later_and_nothing_ends() -> None:
    world = World()
    world.add_row("1")
    world.pages.errors["changes"] = Unavailable("no answer", retry_after=100.0)
    world.stop_after(90.0)
    world.loop.run()
    assert world.pages.asked.count("changes") == 1
    assert world.desk.journal.sync_state("tasks").last_error.startswith("no answer")


def test_pages_are_polled_rarely_when_nothing_happens_and_listed_now_and_then() -> None:
    world = World()
    world.stop_after(300.0)
    world.loop.run()
    assert 20 <= world.pages.asked.count("changes") <= 40
    assert 10 <= world.pages.asked.count("scan") <= 16
    assert world.pages.asked.count("hints") == 0, "a listing is one request itself"


def test_hints_about_trashed_pages_are_followed_by_a_look() -> None:
    """More than one request's worth of pages: then a search tells sooner than the next listing."""
    world = World()
    for number in range(120):
        world.add_row(str(number))
    world.loop.run_once()
    world.restart()
    trashed = next(iter(world.pages.records))

    end = world.desk.clock.seconds + 60

    def trash() -> None:
        if world.worker.swept and trashed in world.pages.records:
            del world.pages.records[trashed]
            world.pages.hints = [trashed, "a page of somebody else"]
            world.worker.pacing.next_sweep = float("inf")
        if world.desk.clock.seconds > end:
            world.stop.set()

    world.each_round = trash
    world.loop.run()
    assert world.pages.looked == [trashed]
    assert len(world.rows.records) == 119


def test_what_a_listing_shows_within_the_minute_is_looked_at() -> None:
    world = World()
    world.add_row("1")
    world.add_page("page-1", "1")
    world.loop.run_once()
    world.restart()
    world.add_page("page-1", "1", title="edited")
    world.loop.run_once()
    assert world.pages.looked == ["page-1"]
    assert world.rows.records["1"].values["title"] == "edited"


def restarted(**state: Any) -> World:
    """A bridge that had listed every page begins anew, with this state of its sync, and a row has changed."""
    world = World()
    world.add_row("1", title="before")
    world.loop.run_once()
    world.desk.journal.update_sync("tasks", **{"watermark": at(0), **state})
    world.restart()
    world.add_row("1", title="after")
    return world


def test_after_a_restart_a_change_does_not_wait_for_the_listing() -> None:
    """Of tens of thousands of pages it takes minutes; what was edited since is told by one poll."""
    world = restarted()
    world.pages.asked.clear()
    world.pages.errors["scan's end"] = Unavailable("it takes long")
    with pytest.raises(Unavailable):
        world.loop.run_once()
    assert [page.values["title"] for page in world.pages.records.values()] == ["after"]
    assert world.pages.asked[0] == "changes"
    assert not world.worker.swept


def test_a_poll_that_was_under_way_when_the_sync_was_bound_anew_does_not_stand_for_the_listing() -> None:
    """The listing was asked for because what is known of the pages is not to be relied on."""
    world = restarted()
    poll = world.pages.changes

    def bound_anew_meanwhile() -> Batch:
        world.worker._read_again()
        return poll()

    world.pages.changes = bound_anew_meanwhile  # type: ignore[method-assign]
    world.pages.errors["scan's end"] = Unavailable("it takes long")
    with pytest.raises(Unavailable):
        world.loop.run_once()
    assert "changes" in world.pages.asked
    assert [page.values["title"] for page in world.pages.records.values()] == ["before"]


@pytest.mark.parametrize("lost", ["watermark", "swept_at"])
def test_a_journal_that_does_not_know_every_page_lists_them_first(lost: str) -> None:
    world = restarted(**{lost: None})
    world.pages.errors["scan's end"] = Unavailable("it broke off")
    with pytest.raises(Unavailable):
        world.loop.run_once()
    assert [page.values["title"] for page in world.pages.records.values()] == ["before"]


def test_where_the_first_poll_fails_the_listing_tells() -> None:
    world = restarted()
    world.pages.errors["changes"] = Unavailable("more than it gives")
    world.stop_after(60.0)
    world.loop.run()
    assert world.worker.swept
    assert [page.values["title"] for page in world.pages.records.values()] == ["after"]


def test_old_history_is_trimmed_once_an_hour() -> None:
    world = World()
    trims = []

    def ten_minutes() -> None:
        world.desk.clock.seconds += 600.0 - world.desk.clock.seconds % 600.0
        trims.append(world.trims)
        if world.desk.clock.seconds >= 6_000:
            world.stop.set()

    world.each_round = ten_minutes
    world.loop.run()
    assert sorted(set(trims)) == [0, 1, 2]
    assert all(trims.count(times) > 2 for times in (1, 2)), "not in every round"


def test_a_page_that_was_away_and_is_in_the_trash_is_found_there() -> None:
    """Worlds, seed 52: access was lost while the answer to a trashing was, so that the page was away. Nobody looked at
    it again; the person who took it out of the trash later had, for the bridge, changed nothing, and it was trashed
    once more."""
    world = World()
    for key in ("1", "2"):
        world.add_row(key)
        world.add_page(f"page-{key}", key)
    world.loop.run_once()
    for key in ("1", "2"):
        away = Observation(Side.NOTION, Presence.AWAY, page_id=f"page-{key}", seen=at(30), note="not shared")
        world.pages.records[f"page-{key}"] = away
    world.restart()
    world.loop.run_once()
    assert [world.desk.pair(key).notion.presence for key in "12"] == [Presence.AWAY] * 2
    del world.pages.records["page-1"]  # in the trash
    world.rows.records.clear()
    world.restart()
    world.loop.run_once()
    assert [world.desk.page_pair(f"page-{key}").notion.presence for key in "12"] == [Presence.GONE, Presence.AWAY]
    assert world.applied(world.pages) == []
    world.add_page("page-1", "1")
    world.pages.records["page-1"] = replace(world.pages.records["page-1"], seen=at(20_000))
    world.restart()
    world.loop.run_once()
    assert world.applied(world.rows) == [Op.CREATE], "it was taken out of the trash"


def test_what_could_not_be_acknowledged_is_read_once_more() -> None:
    """The server may have crashed, and lost what it had told: a program had not waited for the disk."""
    world = World()
    world.add_row("1", title="agreed")
    world.loop.run_once()
    world.rows.news = [Batch([replace(row("1", {**BEFORE, "title": "lost"}), event_id="e1")], token=object())]
    scans = world.rows.asked.count("scan")
    world.rows.errors["acknowledge"] = Unavailable("it crashed")
    world.worker.tick()
    del world.rows.errors["acknowledge"]
    assert world.desk.pair("1").postgres.values["title"] == "lost"
    world.desk.clock.seconds += 10
    world.worker.tick()
    assert world.rows.asked.count("scan") == scans + 1
    assert world.desk.pair("1").postgres.values["title"] == "agreed"
