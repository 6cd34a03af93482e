"""Proves: the live console and the review show what `status --json` and `conflicts show --json` say, and nothing that
they deny. What they hold is read by programs; what is drawn, by people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bridge.console.draw import render
from bridge.console.layout import shown
from bridge.console.review_draw import render_review
from bridge.console.view import RateView, View, conflict_views, parked_views, sync_view
from bridge.engine.status import SyncStatus, sync_status
from bridge.journal import Journal
from bridge.model import Side, Stamp, Sync, Waiting
from bridge.values.canonical import decode
from tests.console.conftest import NOON, lines
from tests.console.test_live import StillClock
from tests.console.test_reviewing import DECIDED, STATUS, RealDesk, add_pair, review

BREAKER = "sync 'tasks' stopped: it would delete 25 of 30 rows"
LOST = "Notion does not answer: connection refused"
RATE = RateView(used=10, budget=180, configured=180)


@pytest.fixture
def busy(journal: Journal, sync: Sync) -> Journal:
    """Two conflicts that wait, one that a rule decided, one parked value, one record that waits to be written."""
    stamp = Stamp(NOON, NOON)
    for key in ("1", "2", "3"):
        values = {"title": f"Record {key}", "status": "done"}
        pair = add_pair(journal, sync, key, values, {**values, "status": "lost"})
        with journal.transaction():
            journal.add_conflict(pair, STATUS if key != "3" else DECIDED)
            if key == "3":
                journal.park(pair, Waiting("title", Side.NOTION, "a title may have 2000 characters", "b"))
    with journal.transaction():
        pair = journal.add_pair(sync.name, ("4",), None)
        journal.add_event(pair, Side.POSTGRES, "update", {"title": ("a", "b")}, stamp=stamp)
    return journal


def both(journal: Journal, sync: Sync) -> tuple[SyncStatus, str]:
    """What `status` counts, and the console at the same moment."""
    view = sync_view(journal, sync, NOON, swept=True, down=None)
    drawn = View(
        NOON,
        (view,),
        RATE,
        conflicts=conflict_views(journal, [sync.name]),
        parked=parked_views(journal, [sync.name]),
    )
    found = sync_status(journal, sync.name, StillClock(), 0)
    assert (found.pending, found.conflicts, found.parked) == (view.pending, view.conflicts, view.parked)
    assert (found.breaker, found.last_error, found.paused) == (view.breaker, view.error, view.paused)
    assert found.suspended == view.suspended
    return found, " ".join(" ".join(lines(render(drawn, 160, 40), 160, 40)).split())


def test_the_console_and_status_count_the_same(busy: Journal, sync: Sync) -> None:
    status, drawn = both(busy, sync)
    assert not status.in_step
    assert (status.pending, status.conflicts, status.parked) == (1, 2, 1)
    for words in ("● catching up", f"{status.conflicts} to decide", f"Parked {status.parked}"):
        assert words in drawn


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"breaker": BREAKER, "stopped_side": "notion"}, ["● stopped itself", BREAKER]),
        ({"paused": 1}, ["● paused", "notion-bridge resume --sync tasks"]),
        ({"last_error": LOST}, ["● waiting for a side", LOST]),
        ({"suspended": '{"title": ["it is gone", "Take it out."]}'}, ["suspended", "title: it is gone. Take it out."]),
    ],
)
def test_the_console_and_status_tell_the_same_trouble(
    busy: Journal, sync: Sync, change: dict[str, object], words: list[str]
) -> None:
    with busy.transaction():
        busy.update_sync(sync.name, **change)
    status, drawn = both(busy, sync)
    assert not status.in_step
    assert all(word in drawn for word in words)
    said = status.as_json()
    assert any(said[name] for name in ("breaker", "paused", "last_error", "suspended"))


def test_in_step_is_the_same_on_both(journal: Journal, sync: Sync) -> None:
    add_pair(journal, sync, "1", {"title": "a"}, {"title": "a"})
    with journal.transaction():
        journal.update_sync(sync.name, swept_at=NOON)
    status, drawn = both(journal, sync)
    assert status.in_step
    assert "● in step" in drawn
    assert "everything is the same on both sides" in drawn


@pytest.mark.parametrize("width", [80, 200])
def test_the_review_shows_what_the_document_of_a_conflict_holds(busy: Journal, width: int) -> None:
    made = review(RealDesk(busy), "enter")
    for case in made.cases:
        made.place = made.cases.index(case)
        drawn = " ".join(" ".join(lines(render_review(made, width, 40), width, 40)).split())
        found = case.as_json()
        facts = [f"#{case.id}", found["title"], found["page_url"], case.field, case.sync, *(case.key or ())]
        facts += [shown(decode(found["now"][side])) for side in Side]
        facts += [name for name in found["by"].values() if name]
        assert found["moved_on"] == []
        for side in Side:
            edges = (datetime.fromisoformat(found[f"{side}_{edge}"]) for edge in ("earliest", "latest"))
            facts += [f"{edge.astimezone():%H:%M:%S}" for edge in edges]
        for fact in facts:
            assert fact in drawn, fact


def test_a_list_of_a_thousand_conflicts_shows_where_one_is(journal: Journal, sync: Sync) -> None:
    with journal.transaction():
        pair = journal.add_pair(sync.name, ("1",), None)
        for number in range(1000):
            journal.add_conflict(pair, replace(STATUS, base=f"open {number}"))
    made = review(RealDesk(journal), "end")
    drawn = lines(render_review(made, 80, 24))
    assert len(drawn) == 24
    assert "1,000 to decide, 0 decided" in drawn[0]
    assert sum(line.startswith("›") for line in drawn) == 1
    assert any(line.startswith("› #1000") for line in drawn)
    found = sync_status(journal, sync.name, StillClock(), 0)
    assert found.conflicts == 1000
