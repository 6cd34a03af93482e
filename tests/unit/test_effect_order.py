"""The journal comes first: what a side is told, and what counts as seen, never runs ahead of it (S12, S15, S17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge import crashpoints
from bridge.crashpoints import CrashPoint, When
from bridge.ends import Batch
from bridge.errors import Unavailable
from tests.unit.desk import at, minute, page, row
from tests.unit.fake_world import BEFORE, World


class Killed(BaseException):
    """The process ends here."""


KillAt = Callable[[CrashPoint, When, int], None]


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> KillAt:
    """Ends the process when it comes to an edge of a step, that many times."""

    def arm(point: CrashPoint, when: When, times: int) -> None:
        left = [times]

        def reached(step: CrashPoint, edge: When) -> None:
            left[0] -= (step, edge) == (point, when)
            if left[0] <= 0:
                raise Killed

        monkeypatch.setattr(crashpoints, "reached", reached)

    return arm


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_watermark_does_not_pass_pages_that_the_journal_has_not(kill_at: KillAt, when: When) -> None:
    """A process that dies between the two would not ask for these pages again."""
    world = World()
    world.loop.run_once()
    polled = Batch([page("page-1", "1", BEFORE, edited=minute(9), seen=at(600))])

    def acknowledge(batch: Batch) -> None:
        if batch is polled:
            world.pages.watermark = at(600)

    world.pages.news, world.pages.acknowledge = [polled], acknowledge  # type: ignore[method-assign]
    world.restart()
    kill_at(CrashPoint.PAGES_JOURNALED, when, 2)  # the first time it is the listing at the start
    with pytest.raises(Killed):
        world.loop.run()
    assert world.pages.news == [], "it was not the poll"
    assert world.desk.journal.sync_state("tasks").watermark is None


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_outbox_is_acknowledged_after_the_journal_has_it(kill_at: KillAt, when: When) -> None:
    world = World()
    world.loop.run_once()
    world.rows.news = [Batch([row("1", BEFORE)], token="batch")]
    world.restart()
    kill_at(CrashPoint.ROWS_JOURNALED, when, 2)  # the first time it is the table, which is read at the start
    with pytest.raises(Killed):
        world.loop.run()
    assert [batch for batch in world.rows.acknowledged if batch.token == "batch"] == []


def test_a_page_that_a_listing_does_not_show_is_asked_for_before_anything_is_believed() -> None:
    """Listings lag, and Notion moves pages between them: only the page itself tells that it was deleted."""
    world = World()
    world.add_page("page-1", "1")
    world.add_row("1")
    world.loop.run_once()
    world.pages.scan = lambda: iter([Batch(())])  # type: ignore[method-assign]
    world.restart()
    world.loop.run_once()
    assert world.pages.looked == ["page-1"]
    assert world.rows.records.keys() == {"1"}


def test_a_listing_that_broke_off_says_nothing_of_the_pages_that_it_did_not_come_to() -> None:
    world = World()
    world.add_page("page-1", "1")
    world.add_row("1")
    world.loop.run_once()

    def broken() -> Iterator[Batch]:
        yield Batch(())
        raise Unavailable("the listing broke off")

    world.pages.scan = broken  # type: ignore[method-assign]
    world.restart()
    world.stop_after(30.0)
    world.loop.run()
    assert world.pages.looked == []
    assert world.desk.journal.sync_state("tasks").last_error
