"""kill -9 at the edges of every named step, with work in both directions: S1, S3, S10, S17, S18, S19.

A tour goes through many points in one world: people edit both sides while no bridge runs, the next one dies at the
next point, so that each recovery is interrupted by the next death. Every value that people write is unique; at the
end the sides and the journal's file are judged from outside, and nothing is written any more. `bridge/crashpoints.py`
lists the steps. A step that is not in the matrix, or that a command does not come to, is a failure.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from bridge.crashpoints import CrashPoint, When
from bridge.errors import Unavailable
from tests.figures import Figures
from tests.system.crashing import KILLED, Command, run
from tests.system.history import History, judge
from tests.system.world import World


class Tour:
    """One world, its people, and records that they leave to the scenes."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.reserved: set[str] = set()
        self.people = History(world, seed, self.reserved)
        self._fresh: list[str] = []

    def close(self) -> None:
        self.people.close()

    def settle_in(self, records: int) -> None:
        """Everything so far is carried over, and there are records for the scenes."""
        self._fresh = [self.people.insert_row() for _ in range(records)]
        self.reserved.update(self._fresh)
        self.world.sync()

    def fresh(self) -> str:
        """The key of a linked record that nobody has touched."""
        if not self._fresh:
            self.settle_in(4)
        return self._fresh.pop()

    def leg(self, point: CrashPoint, when: When, hit: int = 1) -> bool:
        """People work, and a bridge dies at the point. Answers whether it came there."""
        self.people.step()
        _WORK[point](self)
        return _COMMANDS.get(point, _sync)(self, (point, when, hit)) == KILLED

    def rest(self) -> None:
        """Everybody stops, and a bridge finishes."""
        world = self.world
        world.sql("UPDATE tasks SET tags = NULL WHERE tags IS NOT NULL")
        world.decide("resume", syncs=["tasks"])
        assert run(world, "sync") == 0
        judge(self.people)
        journal = world.journal()
        assert journal.parked() == []
        journal.close()
        posted = Counter(
            str(entry.body["properties"]) for entry in world.sandbox.log.find("POST", r"/pages$") if entry.status == 200
        )
        assert set(posted.values()) <= {1}, posted
        self._stay()

    def _stay(self) -> None:
        """Without edits there are no writes, on neither side."""
        world = self.world
        before = self._written()
        assert run(world, "sync") == 0
        assert self._written() == before
        assert world.in_step()

    def _written(self) -> tuple[object, ...]:
        log, rows = self.world.sandbox.log, self.world.sql("SELECT ctid::text, xmin::text FROM tasks ORDER BY id")
        return (len(log.find("PATCH")), len(log.find("POST", r"/pages$")), rows)


# What people do, so that the next bridge comes to the point.


def _anything(tour: Tour) -> None:
    tour.people.insert_row()
    tour.people.create_page()


def _edit_row(tour: Tour) -> None:
    tour.people.edit_this_row(int(tour.fresh()), "title")


def _edit_page(tour: Tour) -> None:
    tour.people.edit_this_page(tour.world.page(tour.fresh()), "Name")


def _delete_row(tour: Tour) -> None:
    tour.people.delete_this_row(int(tour.fresh()))


def _trash_page(tour: Tour) -> None:
    tour.people.trash_this_page(tour.world.page(tour.fresh()))


def _trash_page_of_edited_row(tour: Tour) -> None:
    """The edit survives, and the page is restored."""
    key = tour.fresh()
    tour.people.edit_this_row(int(key), "title")
    tour.people.trash_this_page(tour.world.page(key))


def _edit_both(tour: Tour) -> None:
    key = tour.fresh()
    tour.people.edit_this_row(int(key), "mail")
    tour.people.edit_this_page(tour.world.page(key), "Mail")


def _decide(tour: Tour) -> None:
    """A conflict that is recorded and waits for its word."""
    _edit_both(tour)
    tour.world.sync()


def _make_both(tour: Tour) -> None:
    """A row, and a page that somebody made for it."""
    key = tour.people.insert_row()
    tour.reserved.add(key)
    properties = {"Name": tour.people.value("page"), "ID": key}
    tour.world.person.create_row(tour.world.data_source, properties)


def _write_what_cannot_be_carried(tour: Tour) -> None:
    tour.world.sql("UPDATE tasks SET tags = '{\"a,b\"}' WHERE id = %s", int(tour.fresh()))


def _mend_what_could_not_be_carried(tour: Tour) -> None:
    key = int(tour.fresh())
    tour.world.sql("UPDATE tasks SET tags = '{\"a,b\"}' WHERE id = %s", key)
    tour.world.sync()
    tour.world.sql("UPDATE tasks SET tags = '{a}' WHERE id = %s", key)


_WORK: dict[CrashPoint, Callable[[Tour], None]] = {
    CrashPoint.OUTBOX_READ: _edit_row,
    CrashPoint.TABLE_READ: _edit_row,
    CrashPoint.ROWS_JOURNALED: _edit_row,
    CrashPoint.OUTBOX_DELETED: _edit_row,
    CrashPoint.PLANNED: _anything,
    CrashPoint.INTENTS_COMMITTED: _anything,
    CrashPoint.PAGES_WRITTEN: _anything,
    CrashPoint.PAGE_CREATED: _anything,
    CrashPoint.PAGE_UPDATED: _edit_row,
    CrashPoint.PAGE_TRASHED: _delete_row,
    CrashPoint.PAGE_RESTORED: _trash_page_of_edited_row,
    CrashPoint.ANSWER_READ: _anything,
    CrashPoint.ANSWER_DELIVERED: _edit_row,
    CrashPoint.PAGE_SETTLED: _anything,
    CrashPoint.PAGES_LISTED: _edit_page,
    CrashPoint.PAGES_JOURNALED: _edit_page,
    CrashPoint.WATERMARK_MOVED: _edit_page,
    CrashPoint.ROW_BEGUN: _edit_page,
    CrashPoint.ROW_PROVEN: _edit_page,
    CrashPoint.ROW_CREATED: _anything,
    CrashPoint.ROW_UPDATED: _edit_page,
    CrashPoint.ROW_DELETED: _trash_page,
    CrashPoint.ROW_COMMITTED: _anything,
    CrashPoint.ROWS_SETTLED: _anything,
    CrashPoint.ECHO_TAKEN: _edit_page,
    CrashPoint.PAIR_MADE: _anything,
    CrashPoint.PAIR_LINKED: _make_both,
    CrashPoint.CONFLICT_RECORDED: _edit_both,
    CrashPoint.PARKED: _write_what_cannot_be_carried,
    CrashPoint.UNPARKED: _mend_what_could_not_be_carried,
    CrashPoint.DECIDED: _decide,
    CrashPoint.REQUEST_TAKEN: _anything,
    CrashPoint.REQUEST_ANSWERED: _anything,
    CrashPoint.JOURNAL_LOCKED: _anything,
    CrashPoint.JOURNAL_MIGRATED: _anything,
    CrashPoint.JOURNAL_COMMITTED: _anything,
    CrashPoint.JOURNAL_RELEASED: _anything,
    CrashPoint.TRIGGER_INSTALLED: _anything,
    CrashPoint.SYNC_LOCKED: _anything,
    CrashPoint.SYNC_RELEASED: _anything,
    CrashPoint.PROOFS_TRIMMED: _edit_page,
    CrashPoint.HISTORY_TRIMMED: _anything,
    CrashPoint.DRAINED: _anything,
}

Crash = tuple[CrashPoint, When, int]


def _sync(tour: Tour, crash: Crash) -> int:
    return run(tour.world, "sync", crash=crash)


def _resolve(tour: Tour, crash: Crash) -> int:
    """A person's command dies, not the bridge."""
    journal = tour.world.journal()
    number = str(journal.conflicts()[-1]["id"])
    journal.close()
    return run(tour.world, "conflicts", "resolve", number, "--take", "notion", crash=crash)


def _live(tour: Tour, crash: Crash) -> int:
    """A bridge that has been running for a while, and people who go on."""
    bridge = _started(tour)
    bridge.crash_at(*crash)
    for _ in range(crash[2]):  # each of these is a visit, if it is waited for: a slow bridge takes several at once
        if bridge.running():
            _WORK[crash[0]](tour)
            tour.world.until(lambda: not bridge.running() or not _pending(tour.world), "it is carried over")
    return bridge.ended()


def _serve(tour: Tour, crash: Crash) -> int:
    """A running bridge dies while it carries out what a command asks for."""
    bridge = _started(tour)
    bridge.crash_at(*crash)
    for _ in range(crash[2] - 1):
        tour.world.decide("pause", syncs=["tasks"])  # each of these is a visit
    answered = crash[:2] == (CrashPoint.REQUEST_ANSWERED, "after")
    with nullcontext() if answered else pytest.raises(Unavailable, match="did not answer"):
        tour.world.decide("pause", syncs=["tasks"])
    code = bridge.ended()
    tour.world.decide("resume", syncs=["tasks"])
    return code


def _started(tour: Tour) -> Command:
    bridge = Command(tour.world, ["run", "--no-live"])
    tour.world.until(lambda: "tasks started" in bridge.said(), "the bridge has started")
    tour.world.until(lambda: not _pending(tour.world), "what waited is carried over")
    return bridge


def _pending(world: World) -> bool:
    journal = world.journal()
    pending = journal.counts("tasks")["pending"]
    journal.close()
    return bool(pending or world.sql("SELECT FROM notion_bridge.outbox"))


_COMMANDS: dict[CrashPoint, Callable[[Tour, Crash], int]] = {
    CrashPoint.OUTBOX_READ: _live,
    CrashPoint.OUTBOX_DELETED: _live,
    CrashPoint.PAGES_LISTED: _live,
    CrashPoint.DECIDED: _resolve,
    CrashPoint.REQUEST_TAKEN: _serve,
    CrashPoint.REQUEST_ANSWERED: _serve,
}

# Nothing must have been carried over yet for these.
_FIRST = (CrashPoint.JOURNAL_MIGRATED, CrashPoint.TRIGGER_INSTALLED)
_THEN = tuple(point for point in CrashPoint if point not in _FIRST)
PARTS = 3


@pytest.fixture
def tour(world: World) -> Iterator[Tour]:
    made = Tour(world, 1)
    yield made
    made.close()


def test_every_step_is_in_the_matrix() -> None:
    assert set(_WORK) == set(CrashPoint)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_bridge_killed_again_and_again_goes_on_where_it_was(
    tour: Tour, when: When, part: int, figures: Figures
) -> None:
    points = _THEN[part::PARTS]
    for point in _FIRST if part == 0 else ():
        assert tour.leg(point, when), f"nothing came to {point}"
    tour.settle_in(len(points) + 2)
    for point in points:
        assert tour.leg(point, when), f"nothing came to {point}, {when}"
        figures.count("crash points", "edges survived")
    tour.rest()


HITS = (1, 2, 3)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", CrashPoint)
def test_every_point_by_itself_and_again_while_it_recovers(tour: Tour, point: CrashPoint, figures: Figures) -> None:
    """Each edge at its first, second and third visit; after each death the recovery dies at the same edge, too."""
    if point not in _FIRST:
        tour.settle_in(20)
    edges: tuple[When, ...] = ("before", "after")
    for when, hit in itertools.product(edges, HITS):
        came = tour.leg(point, when, hit)
        assert came or hit > 1 or point in _FIRST, f"nothing came to {point}, {when}"
        figures.count("crash matrix", "deaths", int(came))
        figures.count("crash matrix", "visits that nothing came to", int(not came))
        for _ in range(2):
            died = run(tour.world, "sync", crash=(point, when, 1)) == KILLED
            figures.count("crash matrix", "deaths in recovery", int(died))
    figures.count("crash matrix", "points")
    tour.rest()
