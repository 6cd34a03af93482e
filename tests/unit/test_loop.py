"""The loop: one pass ends, a failing side is given up or waited for, the end is orderly.

L2-L4 (it ends, recovers, shuts down), S12 (a listing that broke off proves nothing).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bridge.ends import Batch, Observation, Outcome
from bridge.errors import AccessLost, JournalError, LockHeld, Unavailable
from bridge.model import Op, Presence, Side
from tests.unit.desk import at, minute, page, row
from tests.unit.fake_ends import FakeEnd
from tests.unit.fake_world import BEFORE, World


def test_one_pass_brings_both_sides_in_step_and_ends() -> None:
    world = World()
    world.add_row("1")
    world.add_page("page-2", "2")
    world.add_page("page-3", None)
    world.loop.run_once()
    assert set(world.rows.records) == {"1", "2", "101"}
    assert {seen.key for seen in world.pages.records.values()} == {("1",), ("2",), ("101",)}
    counts = world.desk.journal.counts("tasks")
    assert (counts["linked"], counts["pending"]) == (3, 0)
    assert world.desk.journal.sync_state("tasks").swept_at is not None


def test_a_second_pass_over_the_same_writes_nothing() -> None:
    world = World()
    world.add_row("1")
    world.add_page("page-2", "2")
    world.loop.run_once()
    writes = len(world.rows.applied) + len(world.pages.applied)
    world.restart()
    world.loop.run_once()
    assert len(world.rows.applied) + len(world.pages.applied) == writes


def test_nothing_is_written_before_both_sides_were_listed() -> None:
    """The page of the second row may be on the last page of the listing."""
    world = World()
    world.add_row("1")
    world.add_page("page-1", "1")
    world.add_row("2")
    world.pages.errors["scan's end"] = Unavailable("it broke off")
    with pytest.raises(Unavailable):
        world.loop.run_once()
    assert world.applied(world.pages) == world.applied(world.rows) == []


def test_nothing_is_written_before_the_pages_that_it_may_link_to_were_listed() -> None:
    """A link to one that is not listed yet would look like one to nothing."""
    orders, customers = World(), World()
    orders.add_row("1")
    orders.worker.targets = [customers.worker]

    def list_customers() -> None:
        if orders.desk.clock.seconds >= 30 and not customers.worker.knows_pages:
            assert orders.applied(orders.pages) == []
            customers.loop.run_once()
        if orders.desk.clock.seconds >= 60:
            orders.stop.set()

    orders.each_round = list_customers
    orders.loop.run()
    assert orders.applied(orders.pages) == [Op.CREATE]


def test_a_listing_that_broke_off_proves_no_absence() -> None:
    world = World()
    world.add_row("1")
    world.loop.run_once()
    world.restart()
    world.pages.records.clear()
    world.pages.errors["scan's end"] = Unavailable("it broke off")
    with pytest.raises(Unavailable):
        world.loop.run_once()
    assert world.pages.looked == []
    assert world.desk.pair("1").notion.live


def test_a_page_that_a_whole_listing_does_not_show_is_looked_at() -> None:
    world = World()
    world.add_row("1")
    world.loop.run_once()
    [page_id] = world.pages.records
    world.restart()
    hidden = world.pages.records.pop(page_id)
    world.loop.run_once()
    assert world.pages.looked == [page_id]
    assert set(world.rows.records) == set(), "the look found it in the trash"
    assert hidden.presence is Presence.LIVE


def test_a_page_that_was_made_while_the_listing_ran_is_not_missing() -> None:
    world = World()
    world.add_page("page-1", "1")
    listing = world.pages.scan

    def scan() -> Iterator[Batch]:
        yield from listing()
        world.desk.see(page("page-2", "2", BEFORE, edited=minute(0), seen=at(0)))

    world.pages.scan = scan  # type: ignore[method-assign]
    world.loop.run_once()
    assert world.pages.looked == []


@pytest.mark.parametrize(("word", "value"), [("paused", 1), ("breaker", "stopped: too many deletions")])
def test_a_stopped_sync_observes_and_writes_nothing(word: str, value: object) -> None:
    world = World()
    world.loop.run_once()
    world.desk.journal.update_sync("tasks", stopped_side="notion", **{word: value})
    world.restart()
    world.add_row("1")
    world.loop.run_once()
    assert world.desk.pair("1").postgres.live
    assert world.applied(world.pages) == []


def test_a_mass_deletion_stops_the_sync_and_the_pass_ends() -> None:
    world = World()
    for number in range(12):
        world.add_row(str(number))
    world.loop.run_once()
    world.restart()
    world.rows.records.clear()
    world.loop.run_once()
    assert "would delete 12 of 12 pages" in world.desk.journal.sync_state("tasks").breaker
    assert len(world.pages.records) == 12


@pytest.mark.parametrize("side", ["rows", "pages"])
def test_a_pass_gives_up_on_a_side_that_stays_away(side: str) -> None:
    world = World()
    error = Unavailable("no answer")
    end: FakeEnd = getattr(world, side)
    end.errors = {"scan": error, "changes": error}
    with pytest.raises(Unavailable) as raised:
        world.loop.run_once()
    assert raised.value is error
    assert end.asked.count("scan") == 5
    assert world.worker.draining


def test_a_pass_does_not_wait_for_a_right_to_come_back() -> None:
    world = World()
    world.pages.errors["scan"] = AccessLost("the data source is not shared")
    with pytest.raises(AccessLost):
        world.loop.run_once()
    assert world.pages.asked.count("scan") == 1


def test_a_pass_survives_a_side_that_is_away_for_a_while() -> None:
    world = World()
    world.add_row("1")
    world.pages.errors["scan"] = Unavailable("no answer")

    def heal() -> None:
        if world.desk.clock.seconds > 5:
            world.pages.errors.clear()

    world.each_round = heal
    world.loop.run_once()
    assert len(world.pages.records) == 1
    assert world.desk.journal.sync_state("tasks").last_error == ""


def test_a_broken_journal_ends_the_run_at_once() -> None:
    world = World()
    world.rows.errors["scan"] = JournalError("the disk is full")
    with pytest.raises(JournalError):
        world.loop.run_once()


# The end


def test_a_stop_lets_what_is_under_way_end_and_begins_nothing_new() -> None:
    world = World()
    world.add_row("1")
    world.add_page("page-2", None)
    world.loop.run_once()
    assert world.rows.trimmed, "the proofs are given back at the end"
    assert world.worker.draining
    asked = list(world.pages.asked)
    world.add_row("3")
    world.rows.news.append(Batch([row("3", BEFORE)]))
    world.worker.tick()
    assert world.pages.asked == asked
    assert world.desk.pair("3").postgres.live, "what is seen is written down"
    assert world.desk.journal.intents_in_flight("tasks") == []


def test_one_pass_trims_old_history_too() -> None:
    """Whoever runs `sync` from cron never comes to the hourly trim."""
    world = World()
    world.loop.run_once()
    assert world.trims == 1


def test_a_stop_before_the_first_round_is_a_start_and_an_end() -> None:
    for run in ("run", "run_once"):
        world = World()
        world.stop.set()
        getattr(world.loop, run)()
        assert world.pages.asked == []
        assert world.rounds == 1


def test_a_write_that_got_no_answer_before_the_end_is_found_out_by_the_next_start() -> None:
    world = World()
    world.add_row("1")
    world.pages.silent = True
    world.pages.known = Outcome.UNKNOWN
    world.stop_after(60.0)
    world.loop.run()
    [intent] = world.desk.journal.intents_in_flight("tasks")
    assert world.desk.state(intent) == "unknown"
    assert world.applied(world.pages) == [Op.CREATE], "never a second time before the first is known"

    world.stop = threading.Event()
    world.pages.silent, world.pages.known = False, Outcome.DONE
    world.each_round = lambda: None
    world.restart()
    world.loop.run_once()
    assert world.applied(world.pages) == [Op.CREATE]
    assert world.desk.pair("1").page_id == "page-101"


def test_the_next_round_is_due_when_the_next_attempt_is() -> None:
    world = World()
    world.add_row("1")
    world.pages.outcomes = [Outcome.RETRY]
    world.pages.retry_after = 7.0

    def retried() -> None:
        if world.desk.journal.next_attempt("tasks") is not None:
            assert world.worker.due_in() <= 7.0

    world.each_round = retried
    world.loop.run_once()
    assert world.applied(world.pages) == [Op.CREATE, Op.CREATE]
    assert world.desk.clock.seconds >= 7.0
    assert min(world.desk.clock.slept) >= 0.0


@pytest.mark.parametrize("why", ["paused", "Notion is down"])
def test_what_may_not_be_tried_now_makes_no_haste(why: str) -> None:
    """A record's next attempt is long due, and nothing can be done about it: a round a second, not twenty."""
    world = World()
    world.add_row("1")
    world.pages.outcomes, world.pages.retry_after = [Outcome.RETRY], 7.0

    def stop() -> None:
        if world.pages.applied and why == "paused" and not world.desk.journal.sync_state("tasks").paused:
            world.desk.journal.update_sync("tasks", paused=1)
        elif world.pages.applied and why != "paused":
            world.pages.errors = dict.fromkeys(("changes", "scan", "apply", "hints"), Unavailable("no answer"))
        if world.desk.clock.seconds >= 100.0:
            world.stop.set()

    world.each_round = stop
    world.loop.run()
    assert world.applied(world.pages) == [Op.CREATE]
    assert world.rounds <= 150


def test_an_observation_of_a_page_that_nobody_knows_is_kept_out_of_a_look() -> None:
    world = World()
    world.pages.records["away"] = Observation(Side.NOTION, Presence.AWAY, page_id="away", note="it was moved")
    world.loop.run_once()
    assert list(world.desk.journal.all_pairs("tasks")) == []


def test_a_bridge_that_another_one_has_replaced_ends_and_begins_nothing() -> None:
    """S24: what comes to light while it ends is taken, and starts no further request."""
    world = World()
    world.add_row("1")
    world.loop.run_once()
    world.restart()
    world.rows.errors["changes"] = LockHeld("another bridge works on the sync")
    with pytest.raises(LockHeld):
        world.loop.run()
    assert all(worker.draining for worker in world.loop.workers)


def test_a_database_that_goes_away_between_the_opening_and_the_first_round_is_waited_for() -> None:
    world = World()
    world.add_row("1")
    world.rows.errors["identity"] = Unavailable("it is restarting")
    world.loop._start()
    world.loop._round()
    assert world.desk.journal.sync_state("tasks").last_error == "it is restarting"
    del world.rows.errors["identity"]
    world.loop.run_once()
    assert world.desk.journal.sync_state("tasks").installation == "database-1"
    assert len(world.pages.records) == 1


@pytest.mark.parametrize("task", ["look", "sweep", "write0-first"])
def test_while_an_answer_is_awaited_not_everything_is_done(task: str) -> None:
    world = World()
    world.add_row("1")
    world.loop.run_once()
    assert world.worker.settled()
    world.tasks.running = lambda name="": f"tasks:{task}".startswith(name)  # type: ignore[method-assign]
    assert not world.worker.settled()


def test_while_a_side_is_not_what_it_was_bound_to_not_everything_is_done() -> None:
    world = World()
    world.loop.run_once()
    assert world.worker.settled()
    world.rows.adrift = True
    world.worker._may_list()
    assert not world.worker.settled()


def test_while_everything_is_to_be_compared_anew_not_everything_is_done() -> None:
    world = World()
    world.loop.run_once()
    world.desk.journal.update_sync("tasks", resync=1)
    assert not world.worker.settled()
