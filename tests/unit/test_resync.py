"""A resync forgets what was agreed, and nothing else: no deletion follows, no difference is decided unrecorded, and
nothing that is under way is agreed on afterwards.

S4 (each conflict is recorded), S10 (no duplicate), S11 (no resurrection), S12 and S14 (nothing is deleted).
"""

from __future__ import annotations

import pytest

from bridge.ends import Batch, Evidence, Outcome
from bridge.engine.decisions import carry_out
from bridge.engine.resolving import DecisionRefused
from bridge.engine.status import sync_status
from bridge.errors import Unavailable
from bridge.model import Op, Presence, Side
from tests.unit.desk import at, minute, row
from tests.unit.fake_world import BEFORE, World


def resync(world: World) -> None:
    assert carry_out(world.desk.journal, "resync", {"syncs": ["tasks"]}) == {"resync": ["tasks"]}


def agreed(*keys: str) -> World:
    """Records that both sides hold, and a bridge that starts again."""
    world = World()
    for key in keys:
        world.add_row(key)
        world.add_page(f"page-{key}", key)
    world.loop.run_once()
    world.restart()
    return world


def test_a_sync_that_was_never_made_is_refused() -> None:
    with pytest.raises(DecisionRefused, match="'other'"):
        carry_out(World().desk.journal, "resync", {"syncs": ["other"]})


def test_equal_sides_are_agreed_silently_and_nothing_is_written() -> None:
    world = agreed("1", "2")
    resync(world)
    assert not sync_status(world.desk.journal, "tasks", world.desk.clock, 0).in_step
    world.loop.run_once()
    status = sync_status(world.desk.journal, "tasks", world.desk.clock, 0)
    assert (status.in_step, status.resync, status.linked) == (True, False, 2)
    assert (world.rows.applied, world.pages.applied, world.desk.conflicts()) == ([], [], [])


def test_what_differs_is_decided_as_in_a_first_run_and_recorded_each_time() -> None:
    """The same two values differ twice: the page's is run over twice, so that it must be told twice."""
    world = agreed("1")
    for times in (1, 2):
        world.add_page("page-1", "1", title="theirs")
        resync(world)
        world.loop.run_once()
        world.restart()
        found = [(c["rule"], c["postgres"], c["notion"]) for c in world.desk.conflicts()]
        assert found == [("first-sync", '"before"', '"theirs"')] * times
        assert world.pages.records["page-1"].values["title"] == "before"


def test_another_database_makes_another_first_run_with_conflicts_of_its_own() -> None:
    world = agreed("1")
    for number in (2, 3):
        world.rows.database = f"database-{number}"
        world.add_page("page-1", "1", title="theirs")
        world.loop.run_once()
        world.restart()
    assert len(world.desk.conflicts()) == 2


def test_a_conflict_is_recorded_once_however_often_it_is_merged() -> None:
    world = agreed("1")
    world.add_page("page-1", "1", title="theirs")
    world.pages.outcomes = [Outcome.RETRY] * 3
    resync(world)
    world.loop.run_once()
    assert len(world.pages.applied) == 4
    assert len(world.desk.conflicts()) == 1


def test_a_deletion_that_waits_is_taken_back_and_a_breaker_has_nothing_to_stop() -> None:
    world = agreed(*map(str, range(12)))
    world.rows.records.clear()
    world.loop.run_once()
    assert world.desk.journal.sync_state("tasks").breaker
    resync(world)
    world.restart()
    world.loop.run_once()
    assert (len(world.rows.records), len(world.pages.records)) == (12, 12)
    assert world.applied(world.rows) == [Op.CREATE] * 12
    assert world.pages.applied == []
    assert not world.desk.journal.sync_state("tasks").breaker


def test_what_is_deleted_on_both_sides_stays_deleted_whatever_a_stale_listing_shows() -> None:
    world = agreed("1", "2")
    del world.rows.records["1"]
    world.loop.run_once()
    assert list(world.pages.records) == ["page-2"]
    resync(world)
    world.restart()
    world.add_page("page-1", "1")
    stale = dict(world.pages.records)
    del world.pages.records["page-1"]
    listed = world.pages.scan

    def scan() -> object:
        now, world.pages.records = world.pages.records, stale
        batches = list(listed())
        world.pages.records = now
        return iter(batches)

    world.pages.scan = scan  # type: ignore[method-assign, assignment]
    world.loop.run_once()
    assert list(world.rows.records) == ["2"]
    assert world.pages.looked == ["page-1"]


def test_a_page_that_no_listing_shows_is_looked_for_before_it_counts() -> None:
    world = agreed("1")
    del world.pages.records["page-1"]
    resync(world)
    world.loop.run_once()
    assert world.pages.looked == ["page-1"]
    assert world.applied(world.pages) == [Op.RESTORE]
    assert list(world.rows.records) == ["1"]


def test_a_time_that_the_journal_has_wrong_hides_no_edit() -> None:
    world = agreed("1")
    pair = world.desk.pair("1")
    world.desk.journal.page_seen(pair, minute(9_000), None, at(900_000))
    world.add_page("page-1", "1", title="edited")
    resync(world)
    world.loop.run_once()
    assert [conflict["notion"] for conflict in world.desk.conflicts()] == ['"edited"']


def test_a_page_that_is_being_made_is_not_made_twice() -> None:
    """The answer to a create was lost, and what became of it is asked before everything is forgotten."""
    world = World()
    world.add_row("1")
    world.pages.silent = True
    world.pages.known = Outcome.UNKNOWN
    world.stop_after(5.0)
    world.loop.run()
    assert [intent.action.op for intent in world.desk.journal.intents_in_flight("tasks")] == [Op.CREATE]
    resync(world)
    world.stop.clear()
    world.stop_after(5.0)
    world.restart()
    world.loop.run()
    assert world.desk.journal.sync_state("tasks").resync, "it waits for the answer"
    world.pages.silent, world.pages.known = False, Outcome.DONE
    world.stop.clear()
    world.each_round = lambda: None
    world.restart()
    world.loop.run_once()
    assert not world.desk.journal.sync_state("tasks").resync
    assert len(world.pages.records) == 1
    assert world.applied(world.pages) == [Op.CREATE]


def test_it_waits_for_the_answer_to_a_write_to_a_row_too() -> None:
    world = agreed("1")
    world.add_page("page-1", "1", title="theirs")
    world.rows.silent, world.rows.known = True, Outcome.UNKNOWN
    world.stop_after(5.0)
    world.loop.run()
    assert [intent.action.side for intent in world.desk.journal.intents_in_flight("tasks")] == [Side.POSTGRES]
    resync(world)
    world.stop.clear()
    world.stop_after(5.0)
    world.restart()
    world.loop.run()
    assert world.desk.journal.sync_state("tasks").resync


def test_what_was_on_its_way_to_a_page_when_the_database_was_restored_is_not_agreed_on() -> None:
    """Worlds, seed 70019: the answer to a create was lost with the process, and the database restored. What became of
    it was found out after all had been forgotten, so that what it wrote was agreed on, and the restored row passed for
    an edit that ran over the page, or the other way round, without a record."""
    world = World()
    world.add_row("1", title="newer")
    world.pages.silent = True
    world.pages.known = Outcome.UNKNOWN
    world.stop_after(5.0)
    world.loop.run()
    world.rows.database = "database-2"
    world.add_row("1", title="older")
    world.stop.clear()
    world.stop_after(5.0)
    world.restart()
    world.loop.run()
    assert world.rows.asked.count("scan") == 1, "the restored one is not read before the answer is there"
    world.pages.silent, world.pages.known = False, Outcome.DONE
    world.stop.clear()
    world.each_round = lambda: None
    world.restart()
    world.loop.run_once()
    found = [(c["rule"], c["postgres"], c["notion"]) for c in world.desk.conflicts()]
    assert found == [("first-sync", '"older"', '"newer"')]
    assert [page.values["title"] for page in world.pages.records.values()] == ["older"]


def test_it_is_done_while_the_bridge_runs_and_in_a_paused_sync() -> None:
    world = agreed("1")
    carry_out(world.desk.journal, "pause", {"syncs": ["tasks"]})
    world.add_row("1", title="changed")
    resync(world)
    world.loop.run_once()
    state = world.desk.journal.sync_state("tasks")
    assert (state.resync, state.paused) == (False, True)
    assert world.desk.pair("1").base is None
    assert world.desk.pair("1").postgres.values["title"] == "changed"
    assert world.pages.applied == []


def test_while_it_runs_what_was_planned_and_not_sent_is_planned_anew() -> None:
    world = agreed("1")

    def people() -> None:
        if world.rounds == 5:
            resync(world)
            world.add_page("page-1", "1", title="theirs")
        if world.rounds == 60:
            world.stop.set()

    world.rounds = 0
    world.each_round = people
    world.loop.run()
    assert world.rows.asked.count("scan") == 3, "at each start, and for the resync"
    assert [conflict["rule"] for conflict in world.desk.conflicts()] == ["first-sync"]
    assert world.pages.records["page-1"].values["title"] == "before"


def test_keys_that_are_being_swapped_stay_with_their_pages() -> None:
    """One transaction's key changes, of which the journal has the first half when it is asked to forget."""
    world = agreed("1", "2")
    world.desk.see(row("2", BEFORE, old_key=("1",), event_id="e-1"))
    resync(world)
    first = row("1", BEFORE, old_key=("2",), event_id="e-2")
    world.rows.news = []
    table = world.rows.scan

    def scan() -> object:
        yield Batch([first], token="outbox")
        yield from table()

    world.rows.scan = scan  # type: ignore[method-assign, assignment]
    world.loop.run_once()
    assert world.desk.page_pair("page-1").key == ("2",)
    assert world.desk.page_pair("page-2").key == ("1",)
    assert world.desk.page_pair("page-1").postgres.presence is Presence.LIVE
    assert world.rows.applied == []


def test_nothing_is_decided_while_the_table_could_not_be_read() -> None:
    """Pages without rows, as far as is known, would look like new ones."""
    world = agreed("1")
    resync(world)
    world.rows.errors["scan"] = Unavailable("no answer")
    world.stop_after(30.0)
    world.loop.run()
    assert world.worker.knows_pages
    assert [item["kind"] for item in world.desk.journal.events_since("tasks", at(0)) if "write" in item["kind"]] == []
    assert world.desk.journal.writes_since("tasks", at(0)) == {}


def test_what_waited_to_be_sent_is_not_sent_after_everything_was_forgotten() -> None:
    keys = [str(number) for number in range(40)]
    world = agreed(*keys)
    changed = [row(key, {**BEFORE, "title": "new"}, evidence=Evidence.EVENT) for key in keys]
    world.rows.records = dict(zip(keys, changed, strict=True))
    queued: set[str] = set()

    def ask() -> None:
        if world.pages.applied and not queued:
            queued.update(intent.id for intent in world.desk.journal.intents_in_flight("tasks"))
            assert queued
            resync(world)

    world.each_round = ask
    world.loop.run_once()
    assert queued
    assert not queued & {intent.id for group in world.pages.applied for intent in group}


def test_nothing_is_forgotten_while_an_answer_is_awaited() -> None:
    """A page that is being written would be agreed on afterwards."""
    world = agreed("1")
    world.worker.start()
    resync(world)
    world.tasks.running = lambda name="": True  # type: ignore[method-assign]
    world.worker.tick()
    assert world.desk.journal.sync_state("tasks").resync
    assert world.desk.pair("1").base is not None


def test_what_waited_for_its_next_attempt_is_tried_at_once() -> None:
    world = agreed("1")
    pair = world.desk.pair("1")
    world.desk.journal.postpone(pair.id, 5, at(600), 5)
    world.desk.journal.resync("tasks")
    assert [world.desk.row_of("1")[name] for name in ("attempts", "failures", "not_before")] == [0, 0, None]
