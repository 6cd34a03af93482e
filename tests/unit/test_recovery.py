"""When a side answers again, everything that waited for it goes on at once, whatever each record's own wait was.

L3 (recovery): after a fault ends, everything goes on without a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.ends import Batch, Intent, IntentState, Outcome
from bridge.engine.health import Health
from bridge.errors import Unavailable
from bridge.model import Deletes, Side
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.fake_world import World
from tests.unit.test_dispatch import BEFORE, Bench, page_write, row_write
from tests.unit.worlds import make_sync


def waiting(side: Side, outcome: Outcome = Outcome.RETRY) -> Desk:
    """A record whose write to a side did not come off so often that its own wait is long."""
    desk = Desk()
    desk.record("1", BEFORE)
    if side is Side.NOTION:
        desk.see(row("1", {"title": "new"}))
    else:
        desk.see(page("page-1", "1", {"title": "new"}, edited=minute(1), seen=at(61)))
    for _ in range(8):
        desk.answer(desk.planned(), outcome, reason="no answer")
        desk.clock.seconds += 60
    desk.answer(desk.planned(), outcome, reason="no answer")
    assert desk.plan() == []
    return desk


@pytest.mark.parametrize("side", Side)
def test_a_record_is_written_as_soon_as_its_side_is_back(side: Side) -> None:
    desk = waiting(side)
    health = Health(desk.journal, "tasks", desk.clock)
    health.failed(side, Unavailable("no answer"))
    health.came_up(side)
    assert desk.plan() == [], "an answer to an older question does not end the wait"
    desk.clock.seconds += 1
    health.came_up(side)
    assert desk.planned().action.side is side


@pytest.mark.parametrize("side", Side)
def test_the_other_side_s_return_changes_nothing(side: Side) -> None:
    desk = waiting(side)
    health = Health(desk.journal, "tasks", desk.clock)
    health.failed(side.other, Unavailable("no answer"))
    desk.clock.seconds += 1
    health.came_up(side.other)
    assert desk.plan() == []


def test_a_record_that_waits_for_a_reason_of_its_own_goes_on_waiting() -> None:
    """It moved under us again and again: that has nothing to do with whether the side answers."""
    desk = waiting(Side.NOTION, Outcome.STALE)
    health = Health(desk.journal, "tasks", desk.clock)
    health.failed(Side.NOTION, Unavailable("no answer"))
    desk.clock.seconds += 1
    health.came_up(Side.NOTION)
    assert desk.plan() == []


def unknown(side: Side) -> tuple[Bench, Intent]:
    """A write of unknown outcome, and a side that does not answer the question about it."""
    bench, intent = page_write() if side is Side.NOTION else row_write(silent=True)
    end = bench.pages if side is Side.NOTION else bench.rows
    end.silent = True
    bench.run()
    bench.desk.clock.seconds += 600  # the older the write, the rarer the question
    end.errors["find_out"] = Unavailable("no answer")
    bench.ask()
    bench.run()
    assert bench.desk.state(intent) == "unknown"
    return bench, intent


@pytest.mark.parametrize("side", Side)
def test_what_became_of_a_write_is_asked_as_soon_as_its_side_is_back(side: Side) -> None:
    bench, intent = unknown(side)
    assert bench.dispatch.ask_times() == [bench.health.retry_at(side)]
    bench.pages.errors.clear()
    bench.rows.errors.clear()
    bench.ask()
    bench.run()
    assert bench.desk.state(intent) == "unknown", "not before the side may be asked"
    bench.desk.clock.seconds += 1
    bench.ask()
    bench.run()
    assert bench.desk.state(intent) == "done"


def test_what_became_of_a_write_is_not_asked_again_while_the_question_is_under_way() -> None:
    """Worlds, seed 155: this machine's clock was set back by a year, so that each write seemed to be of the future and
    was asked for twice a second; the questions waited for the rate limit, were hundreds in the end, and used it up."""
    bench, _ = page_write()
    bench.pages.silent = True
    bench.run()
    bench.desk.clock.seconds += 5
    bench.ask()
    asked = bench.tasks.pop("find")
    for _ in range(3):
        bench.desk.clock.seconds += 60
        bench.ask()
    assert (bench.tasks, bench.dispatch.ask_times()) == ({}, []), "nothing to wake up for"
    bench.tasks["find"] = asked
    bench.pages.known = Outcome.UNKNOWN
    bench.run()
    bench.desk.clock.seconds += 60
    bench.ask()
    assert list(bench.tasks) == ["find"], "its answer was that nobody knows yet"


def test_no_row_is_read_while_it_is_not_known_what_became_of_one() -> None:
    """A trigger may have given it another key: what the outbox tells of it would be another record's."""
    world = World()
    world.add_page("page-1", None)
    world.rows.silent, world.rows.known = True, Outcome.UNKNOWN
    world.stop_after(20.0)
    world.loop.run()
    asked = world.rows.asked
    assert asked.count("find_out") > 1
    assert "changes" not in asked[asked.index("apply") :]


def test_a_row_of_which_the_outbox_told_and_that_the_table_lacks_is_gone() -> None:
    """Its deletion was not captured."""
    world = World()
    world.add_row("1")
    world.add_page("page-1", "1")
    world.loop.run_once()
    scan = world.rows.scan

    def with_outbox() -> Iterator[Batch]:
        yield Batch([row("1", {"title": "before", "status": "Todo"}, event_id="e-1", position=1)], token=1)
        yield from scan()

    world.rows.records.clear()
    world.rows.scan = with_outbox  # type: ignore[method-assign]
    world.restart()
    world.loop.run_once()
    assert world.pages.records == {}


def test_a_write_whose_outbox_row_was_lost_is_waited_for_until_the_table_is_read() -> None:
    """A full read shows what it led to."""
    bench, write = row_write()
    desk = bench.desk
    desk.journal.set_intent(write.id, IntentState.ECHO, position=7)
    world = World(desk)
    world.rows.records["1"] = row("1", {**BEFORE, "title": "new"})
    world.add_page("page-1", "1", title="new")
    world.loop.run_once()
    assert desk.state(write) == "done"
    assert world.worker.settled()


def test_no_deletion_is_made_while_there_is_more_to_be_read_though_all_was_read_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.engine.worker._ROWS_PER_ROUND", 1)
    world = World()
    for key in ("1", "2", "3"):
        world.add_row(key)
        world.add_page(f"page-{key}", key)
    early: list[int] = []

    def delete() -> None:
        if world.worker.swept and world.rows.records:
            world.rows.records.clear()
            world.rows.news += [Batch([row(key, event_id=f"e-{key}")], token=key) for key in ("1", "2", "3")]
        elif world.rows.news:
            early.append(len(world.pages.applied))
        if world.desk.clock.seconds > 60.0:
            world.stop.set()

    world.each_round = delete
    world.loop.run()
    assert early
    assert set(early) == {0}
    assert world.pages.records == {}


def test_another_rule_counts_for_what_was_settled_before() -> None:
    """A restart merges everything anew: the file may say something else."""
    world = World(Desk(make_sync(deletes=Deletes("ignore", "ignore"))))
    world.add_row("1")
    world.add_page("page-1", "1")
    world.loop.run_once()
    world.rows.records.clear()
    world.restart()
    world.loop.run_once()
    assert set(world.pages.records) == {"page-1"}
    world.desk.sync = replace(world.desk.sync, deletes=Deletes())
    world.restart()
    world.loop.run_once()
    assert world.pages.records == {}
