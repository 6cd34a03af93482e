"""Writes are handed over in small groups, settled as they are answered, and found out when they are not.

S10 (no second create before the first is known), S18 (idempotent restart), S24.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bridge.ends import Intent, Outcome
from bridge.engine.dispatch import Dispatch
from bridge.engine.health import Health
from bridge.engine.tasks import Deliver
from bridge.errors import AccessLost, Unavailable
from bridge.model import Side
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.fake_ends import FakeEnd

BEFORE = {"title": "before", "status": "Todo"}


class Bench:
    """A dispatch whose slow work runs when the test says so."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rows, self.pages = FakeEnd(Side.POSTGRES), FakeEnd(Side.NOTION)
        self.health = Health(desk.journal, "tasks", desk.clock)
        self.tasks: dict[str, tuple[Callable[[Deliver], None], Callable[[], None] | None]] = {}
        self.dispatch = Dispatch(
            desk.journal,
            desk.settler,
            self.rows,
            self.pages,
            health=self.health,
            clock=desk.clock,
            start=self._start,
            running=lambda name: any(task.startswith(name) for task in self.tasks),
        )

    def _start(self, task: str, work: Callable[[Deliver], None], ended: Callable[[], None] | None = None) -> None:
        assert task == "find" or task not in self.tasks, "one group of each kind at a time"
        self.tasks[task] = (work, ended)

    def run(self) -> None:
        """Does the slow work that was started, as the worker would."""
        for name, (work, ended) in list(self.tasks.items()):
            try:
                work(lambda deliver: deliver())
            except Unavailable as error:
                self.health.failed(Side.NOTION, error)
            del self.tasks[name]
            if ended is not None:
                ended()

    def ask(self) -> None:
        for side in Side:
            self.dispatch.ask_unknown(side)

    def plan(self) -> list[Intent]:
        intents = self.desk.plan()
        self.dispatch.take(intents)
        return intents


def page_write() -> tuple[Bench, Intent]:
    """One write into Notion, handed over."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}))
    bench = Bench(desk)
    [intent] = bench.plan()
    bench.dispatch.send()
    return bench, intent


def row_write(**options: object) -> tuple[Bench, Intent]:
    """One write into PostgreSQL, made at once."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", {"title": "new"}, edited=minute(1), seen=at(61)))
    bench = Bench(desk)
    for name, value in options.items():
        setattr(bench.rows, name, value)
    [intent] = bench.plan()
    return bench, intent


# Handing over


def test_row_writes_are_made_and_settled_at_once() -> None:
    bench, intent = row_write()
    assert [[made.id for made in group] for group in bench.rows.applied] == [[intent.id]]
    assert bench.desk.state(intent) == "done"
    assert not bench.dispatch.busy


def test_page_writes_wait_in_line_and_are_settled_when_they_are_answered() -> None:
    bench, intent = page_write()
    assert bench.dispatch.busy
    assert bench.desk.state(intent) == "open"
    bench.run()
    assert bench.desk.state(intent) == "done"
    assert not bench.dispatch.busy


def planned(count: int, *, linked: bool) -> Bench:
    """So many rows that are new, or have changed; as many of their writes are planned as may be."""
    desk = Desk()
    bench = Bench(desk)
    if linked:
        for number in range(count):
            desk.record(str(number), BEFORE)
    desk.see(*(row(str(number), {**BEFORE, "title": "new"}) for number in range(count)))
    assert bench.dispatch.room() == 64
    bench.dispatch.take(desk.plan(bench.dispatch.room()))
    assert bench.dispatch.room() == 0
    return bench


def test_page_writes_go_in_small_groups_one_at_a_time() -> None:
    """Guard and write must stay close together; what is not handed over may still change."""
    bench = planned(100, linked=True)
    for _ in range(2):
        bench.dispatch.send()
    assert len(bench.tasks) == 1
    assert bench.dispatch.room() == 0
    bench.run()
    assert bench.dispatch.room() == 16
    bench.dispatch.send()
    bench.run()
    assert [len(group) for group in bench.pages.applied] == [16, 16]


def test_new_pages_do_not_wait_for_the_slowest_of_those_before() -> None:
    bench = planned(200, linked=False)
    bench.dispatch.send()
    assert bench.dispatch.backlog
    answers, beside = itertools.count(), list[str]()

    def fifty_are_answered() -> None:
        if next(answers) == 50:
            assert bench.dispatch.room() == 50
            bench.dispatch.take(bench.desk.plan(bench.dispatch.room()))
            bench.dispatch.send()
            beside.extend(bench.tasks)

    bench.pages.before_answer = fifty_are_answered
    bench.run()
    assert len(beside) == 2
    bench.run()
    assert [len(group) for group in bench.pages.applied] == [64, 50]


def test_a_person_s_change_does_not_wait_behind_the_first_fill() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    bench = Bench(desk)
    desk.see(*(row(str(number), BEFORE) for number in range(2, 30)))
    bench.plan()
    bench.dispatch.send()
    desk.see(row("1", {"title": "new"}))
    [change] = bench.plan()
    bench.dispatch.send()
    assert set(bench.tasks) == {"write0-first", "write1-first"}
    bench.run()
    assert desk.state(change) == "done"


def test_while_the_database_does_not_answer_no_page_is_written() -> None:
    """The lock is in the database: without it, another bridge may be at work on the sync."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}))
    bench = Bench(desk)
    bench.plan()
    bench.health.failed(Side.POSTGRES, Unavailable("no database"))
    bench.dispatch.send()
    assert bench.tasks == {}


# Answers that do not come


def test_a_page_write_without_an_answer_is_found_out_before_it_is_made_again() -> None:
    bench, intent = page_write()
    bench.pages.silent = True
    bench.run()
    assert bench.desk.state(intent) == "unknown"
    assert bench.dispatch.busy
    bench.desk.journal.soil_all("tasks")
    assert bench.plan() == []
    bench.ask()
    bench.run()
    assert "find_out" in bench.pages.asked
    assert bench.desk.state(intent) == "done"
    bench.ask()
    assert not bench.dispatch.busy


def test_the_answers_before_a_broken_connection_count() -> None:
    desk = Desk()
    bench = Bench(desk)
    desk.see(*(row(str(number), BEFORE) for number in range(3)))
    first, second, third = bench.plan()
    bench.pages.outcomes = [Outcome.DONE, Outcome.RETRY]
    bench.pages.before_answer = lambda: setattr(bench.pages, "silent", len(bench.pages.outcomes) == 0)
    bench.pages.errors["apply's end"] = Unavailable("the connection broke")
    bench.dispatch.send()
    bench.run()
    assert [desk.state(intent) for intent in (first, second, third)] == ["done", "retry", "unknown"]


@pytest.mark.parametrize("error", [Unavailable("no database"), AccessLost("no right")])
def test_a_row_write_into_a_database_that_went_away_is_found_out(error: Unavailable | AccessLost) -> None:
    """COMMIT may have been sent: nothing is written again before the database was asked."""
    bench, intent = row_write(errors={"apply": error})
    assert bench.desk.state(intent) == "unknown"
    assert list(bench.health.failing()) == [Side.POSTGRES]
    bench.ask()
    assert "find_out" not in bench.rows.asked, "it is left alone for a while"
    bench.rows.errors.clear()
    bench.desk.clock.seconds += 1.0
    bench.ask()
    assert bench.rows.asked[-1] == "find_out"
    assert bench.desk.state(intent) == "done"


def test_a_write_that_was_not_made_is_planned_again() -> None:
    bench, intent = page_write()
    bench.pages.silent = True
    bench.run()
    bench.pages.known = Outcome.RETRY
    bench.ask()
    bench.run()
    assert bench.desk.state(intent) == "retry"
    bench.desk.clock.seconds += 1.0
    [again] = bench.plan()
    assert again.action == intent.action


def test_what_cannot_be_told_yet_is_asked_again_less_and_less_often() -> None:
    bench, _ = page_write()
    bench.pages.silent = True
    bench.run()
    bench.pages.known = Outcome.UNKNOWN
    waits = []
    for _ in range(10):
        bench.ask()
        asked = bench.pages.asked.count("find_out")
        bench.run()
        assert bench.pages.asked.count("find_out") == asked + 1
        [due] = bench.dispatch.ask_times()
        waits.append(due - bench.desk.clock.monotonic())
        bench.ask()
        assert not bench.tasks, "not before its time"
        bench.desk.clock.seconds += waits[-1]
    assert waits == [0.5, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_side_that_says_when_it_can_tell_is_asked_then() -> None:
    """A page may show up in a query only some seconds after it was made."""
    bench, _ = page_write()
    bench.pages.silent = True
    bench.run()
    bench.pages.known, bench.pages.retry_after = Outcome.UNKNOWN, 15.0
    bench.ask()
    bench.run()
    assert bench.dispatch.ask_times() == [bench.desk.clock.monotonic() + 15.0]


def test_a_write_whose_echo_came_meanwhile_is_not_asked_for() -> None:
    bench, intent = row_write(errors={"apply": Unavailable("no database")})
    bench.desk.see(row("1", {"title": "new"}, origin=intent.id, event_id="e-1", position=1))
    bench.desk.clock.seconds += 1.0
    bench.ask()
    assert "find_out" not in bench.rows.asked
    assert not bench.dispatch.busy


def test_a_row_that_stays_another_than_the_outbox_told_is_asked_about() -> None:
    """Its change was not captured (the trigger was off): only a read of the table can tell."""
    bench, _ = row_write(outcomes=[Outcome.STALE] * 3)
    told = [bench.dispatch.row_unknown]
    for _ in range(2):
        bench.desk.clock.seconds += 60.0
        bench.plan()
        told.append(bench.dispatch.row_unknown)
    assert told == [False, False, True]


# After a restart


def test_what_was_under_way_is_found_out_before_anything_else() -> None:
    """The process was killed between the journal and the answer."""
    bench, intent = page_write()
    after = Bench(bench.desk)
    after.dispatch.resume("tasks")
    assert after.dispatch.busy
    assert after.plan() == []
    after.ask()
    after.run()
    assert after.pages.asked == ["find_out"]
    assert after.desk.state(intent) == "done"


def test_the_proofs_of_settled_writes_are_given_back_to_the_database() -> None:
    bench, intent = row_write()
    assert bench.rows.trimmed == []
    bench.dispatch.forget_proofs()
    assert bench.rows.trimmed == [intent.id]
    bench.dispatch.forget_proofs()
    assert bench.rows.asked.count("trim") == 1, "once"

    after = Bench(bench.desk)
    after.dispatch.resume("tasks")
    after.dispatch.forget_proofs()
    assert after.rows.trimmed == [intent.id], "a killed process gave nothing back"


def test_proofs_are_given_back_while_there_is_much_to_write() -> None:
    desk = Desk()
    bench = Bench(desk)
    desk.see(*(page(f"page-{number}", str(number), BEFORE) for number in range(250)))
    bench.plan()
    assert len(bench.rows.trimmed) == 250


def test_a_row_is_proved_until_its_page_carries_its_key() -> None:
    """A journal that is lost before knows neither whose the page is nor whose the row."""
    desk = Desk()
    bench = Bench(desk)
    desk.see(page("page-1", None, BEFORE))
    [made] = bench.plan()
    bench.dispatch.forget_proofs()
    assert bench.rows.trimmed == []
    bench.plan()
    bench.dispatch.send()
    bench.run()
    bench.dispatch.forget_proofs()
    assert bench.rows.trimmed == [made.id]


def test_a_write_that_was_not_made_has_no_proof() -> None:
    bench, _ = row_write(outcomes=[Outcome.STALE])
    bench.dispatch.forget_proofs()
    assert bench.rows.trimmed == []


def test_proofs_that_cannot_be_given_back_stop_nothing() -> None:
    bench, _ = row_write()
    bench.rows.errors["trim"] = Unavailable("no database")
    bench.dispatch.forget_proofs()
    assert list(bench.health.failing()) == [Side.POSTGRES]


def test_what_was_given_up_before_it_was_sent_is_not_sent() -> None:
    """What was agreed is forgotten meanwhile, or the fields are bound otherwise."""
    bench = planned(64, linked=True)
    bench.dispatch.withdraw("the mapping has changed")
    assert not bench.dispatch.busy
    bench.dispatch.send()
    bench.run()
    assert bench.pages.applied == []
    assert bench.desk.journal.intents_in_flight("tasks") == []


def test_writes_that_failed_take_no_room_for_ever() -> None:
    bench = planned(100, linked=True)
    bench.pages.errors["apply"] = Unavailable("no answer")
    for _ in range(4):
        bench.dispatch.send()
        bench.run()
        bench.desk.clock.seconds += 60.0
    assert bench.dispatch.room() == 64
