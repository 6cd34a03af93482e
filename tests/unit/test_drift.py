"""A catalog changes while the bridge runs: the sync is bound anew, and goes on with what still fits (S25, L3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Batch, Evidence
from bridge.engine.binding import NOTHING, Remembered
from bridge.engine.status import sync_status
from bridge.errors import AccessLost, SetupError, Unavailable
from bridge.journal.rows import suspended_text
from bridge.model import Suspended, Sync
from tests.unit.desk import at, minute, page, row
from tests.unit.fake_world import BEFORE, World

LOST = Suspended("title", "the column 'title' is gone", "Take it out.")


def without_the_title(sync: Sync) -> Sync:
    return replace(sync, fields=tuple(item for item in sync.fields if item.name != "title"), suspended=(LOST,))


def synced() -> World:
    world = World()
    world.add_row("1")
    world.loop.run_once()
    return world


def run_a_while(world: World, seconds: float = 60.0) -> None:
    world.stop.clear()
    world.restart()
    world.stop_after(seconds)
    world.loop.run()


def drop_the_title(world: World) -> None:
    """What the fake ends show once the column is gone."""
    world.rebinder.sync = without_the_title(world.desk.sync)
    world.rows.records["1"] = row("1", {"status": "Doing"})


def test_a_change_that_could_not_be_captured_binds_the_sync_anew() -> None:
    world = synced()
    drop_the_title(world)
    world.rows.adrift = True
    world.rebinder_settles(world.rows)
    world.rows.news.append(Batch((), token="unknown", reread="a change could not be captured"))
    run_a_while(world)
    assert world.worker.sync.suspended == (LOST,)
    [name] = world.pages.records
    assert world.pages.records[name].values == {"title": "before", "status": "Doing"}


def test_a_column_that_a_statement_does_not_find_binds_the_sync_anew() -> None:
    world = synced()
    drop_the_title(world)
    world.rows.errors["changes"] = SetupError("no such column")
    world.rebinder_settles(world.rows)
    run_a_while(world)
    assert world.rebinder.noted == [world.rebinder.sync]
    assert world.rows.adopted == world.pages.adopted == [world.rebinder.sync]


def test_what_may_have_been_missed_while_a_statement_found_no_column_is_read() -> None:
    """The column is as it was when the sync is bound anew."""
    world = synced()
    world.rows.asked.clear()
    world.rows.errors["changes"] = SetupError("no such column")
    world.rebinder_settles(world.rows)
    run_a_while(world)
    assert world.rebinder.noted == [world.desk.sync]
    assert world.rows.asked.count("scan") == 2, "at the start, and with the new binding"


def test_a_property_that_a_listing_would_not_show_binds_the_sync_anew() -> None:
    world = synced()
    world.rebinder.sync = without_the_title(world.desk.sync)
    [name] = world.pages.records
    world.pages.records[name] = page(name, "1", {"status": "Doing"}, edited=minute(1), seen=at(70))
    world.pages.adrift = True
    world.rebinder_settles(world.pages)
    run_a_while(world)
    assert world.worker.sync.suspended == (LOST,)
    assert world.rows.records["1"].values == {**BEFORE, "status": "Doing"}


def test_a_data_source_that_is_not_what_was_bound_is_not_listed() -> None:
    """What another type has emptied would pass for edits."""
    world = synced()
    world.pages.adrift = True
    world.rebinder.error = Unavailable("no answer")
    world.pages.asked.clear()
    run_a_while(world)
    assert "drifted" in world.pages.asked
    assert "scan" not in world.pages.asked


def test_a_property_that_a_page_shows_with_another_type_binds_the_sync_anew_at_once() -> None:
    """Notion empties what does not fit the new type. Who gives the old one back a moment later has emptied nothing."""
    world = synced()
    [name] = world.pages.records
    shown = page(name, "1", {"status": "Todo"}, retyped=("title",), edited=minute(0), seen=at(9))
    world.pages.news.append(Batch([replace(shown, evidence=Evidence.SCAN)]))
    run_a_while(world, 3.0)
    assert world.rebinder.noted, "long before the next full listing"
    assert world.desk.pair("1").notion.values["title"] == BEFORE["title"], "what was not observed is not empty"
    [waiting] = world.desk.journal.sync_state("tasks").suspended
    assert (waiting.field, "another type" in waiting.reason) == ("title", True), "and is forgotten by the new binding"


def test_what_a_person_accepts_while_the_sync_is_bound_anew_is_not_forgotten() -> None:
    """Worlds, seed 1577: the binding that was under way knew nothing of it, and its word about the field replaced the
    person's: the field stayed suspended until the next start."""
    world = synced()
    drop_the_title(world)
    world.rows.adrift = True
    world.rebinder_settles(world.rows)
    accepted = Remembered(data_source="what the journal keeps since then")

    def accept() -> None:
        world.rebinder.memory = accepted

    world.rebinder.meanwhile = accept
    run_a_while(world)
    assert world.rebinder.read_with == [NOTHING, accepted]
    assert world.rebinder.noted == [world.rebinder.sync]


def test_a_binding_that_failed_half_way_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds, seed 4709: the database went away between two steps. The next attempt found everything bound as it was to
    be, and what had been forgotten of a field that went on was never read again: the sides stayed apart, in step."""
    world = synced()
    world.restart()
    world.rebinder.sync = without_the_title(world.desk.sync)
    identity, failures = world.rows.identity, [Unavailable("it went away")]

    def once() -> str:
        if world.rebinder.noted and failures:
            raise failures.pop()
        return identity()

    monkeypatch.setattr(world.rows, "identity", once)
    world.rows.adrift = True
    world.rebinder_settles(world.rows)
    world.rows.asked.clear()
    run_a_while(world)
    assert len(world.rebinder.noted) == 2
    assert world.rows.asked.count("scan") == 2, "at the start, and with the new binding"


def test_what_still_means_the_same_is_not_read_again() -> None:
    """An option more: the codecs must know it, and nothing else has changed."""
    world = synced()
    world.rows.asked.clear()
    world.rows.adrift = True
    world.rebinder_settles(world.rows)
    run_a_while(world)
    assert world.rebinder.noted == [world.desk.sync]
    assert world.rows.asked.count("scan") == 1, "at the start only"


@pytest.mark.parametrize("error", [Unavailable("no answer"), SetupError("the table is gone")])
def test_a_binding_that_fails_is_tried_again(error: Exception) -> None:
    world = synced()
    drop_the_title(world)
    world.rebinder.error = error
    world.rows.adrift = True
    run_a_while(world)
    assert str(error) in world.desk.journal.sync_state("tasks").last_error
    world.rebinder.error = None
    world.rebinder_settles(world.rows)
    run_a_while(world)
    assert world.worker.sync.suspended == (LOST,)
    assert world.desk.journal.sync_state("tasks").last_error == ""


def test_one_pass_ends_with_what_no_binding_mends() -> None:
    world = synced()
    world.restart()
    world.rows.errors["changes"] = SetupError("no such column")
    with pytest.raises(SetupError, match="no such column"):
        world.loop.run_once()


def test_a_database_that_refuses_the_new_capture_is_told() -> None:
    world = synced()
    world.rows.adrift = True
    world.rebinder.refuses = AccessLost("no right")
    run_a_while(world)
    assert "no right" in world.desk.journal.sync_state("tasks").last_error
    assert world.rows.adopted == []


def test_writes_that_wait_are_planned_again_for_the_new_binding() -> None:
    world = synced()
    drop_the_title(world)
    world.worker.dispatch.take(world.worker._planner.plan(10))
    world.worker._rebound(world.rebinder.sync)
    assert not world.worker.dispatch.busy


def test_a_suspended_field_is_told_and_is_not_in_step() -> None:
    world = synced()
    assert sync_status(world.desk.journal, "tasks", world.desk.clock, 0).in_step
    world.desk.journal.update_sync("tasks", suspended='{"title": ["it is gone", "Take it out."]}')
    told = sync_status(world.desk.journal, "tasks", world.desk.clock, 0)
    assert not told.in_step
    assert told.as_json()["suspended"] == [{"field": "title", "reason": "it is gone", "hint": "Take it out."}]


@pytest.mark.parametrize("error", [SetupError("not the owner"), Unavailable("a writer is in the way")])
def test_what_binding_does_not_mend_is_not_bound_again_and_again(error: Exception) -> None:
    """Each time both catalogs are asked for, and everything else of the sync waits."""
    world = synced()
    world.rows.adrift = True
    world.rebinder.refuses = error
    world.rows.news.append(Batch((), token="unknown", reread="a change could not be captured"))
    run_a_while(world, 120.0)
    assert 3 <= len(world.rebinder.read_with) <= 8
    assert world.rounds <= 300


def test_a_field_that_a_person_took_as_it_is_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known of it is forgotten with the next binding, which may be just as the last one."""
    world = synced()
    journal = world.desk.journal

    def note(sync: Sync) -> bool:
        journal.update_sync("tasks", suspended="{}")
        return False

    def accept() -> None:
        if world.rows.asked.count("scan") == 1 and not world.rebinder.read_with:
            waiting = Suspended("title", "it is taken as it is now", "")
            journal.update_sync("tasks", suspended=suspended_text([waiting]))
        if world.desk.clock.seconds > 60.0:
            world.stop.set()

    monkeypatch.setattr(world.rebinder, "note", note)
    world.rows.asked.clear()
    world.restart()
    world.each_round = accept
    world.loop.run()
    assert world.rows.asked.count("scan") == 2, "at the start, and with the next binding"
