"""How often Notion is asked: soon while something happens, seldom when nothing does, within a share of the budget."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine.pacing import PAGE_SIZE, Pacing


def pacing(requests_per_minute: int = 6000) -> Pacing:
    return Pacing(poll_min=1.0, poll_max=15.0, sweep_min=20.0, requests_per_minute=requests_per_minute)


def test_polls_become_rare_while_nothing_happens_and_frequent_at_once_when_something_does() -> None:
    paced, now, waits = pacing(), 0.0, []
    for _ in range(10):
        paced.polled(now, 0, active=False)
        waits.append(paced.next_poll - now)
        now = paced.next_poll
    assert waits[:3] == [1.0, 1.5, 2.25]
    assert waits == sorted(waits)
    assert waits[-1] == 15.0
    paced.polled(now, 0, active=True)
    assert paced.next_poll - now == 1.0


def test_while_many_writes_wait_polls_take_little_of_the_budget_until_somebody_edits() -> None:
    paced = pacing(180)
    paced.polled(0.0, 5, active=False)
    paced.writes(1.0, backlog=True)
    paced.polled(100.0, 5, active=False)
    assert paced.next_poll - 100.0 == pytest.approx(60 / (180 * 0.02))
    paced.polled(120.0, 5, active=True)
    assert paced.next_poll - 120.0 == pytest.approx(60 / (180 * 0.05))
    paced.writes(200.0, backlog=False)
    paced.polled(200.0, 5, active=True)
    assert paced.next_poll - 200.0 == pytest.approx(1.0)


def test_a_data_source_that_was_empty_is_polled_little_while_it_is_filled_and_soon_after_that() -> None:
    paced = pacing(180)
    paced.swept(0.0, 0)
    paced.polled(0.0, 0, active=False)
    paced.writes(1.0, backlog=True)
    paced.polled(100.0, 100, active=False)
    assert paced.next_poll - 100.0 == pytest.approx(60 / (180 * 0.005))
    paced.writes(112.0, backlog=False)
    assert paced.next_poll == 112.0


@pytest.mark.parametrize(("pages", "share"), [(0, 0.005), (10, 0.02)])
@pytest.mark.parametrize("size", [2, 10, 40])
def test_beside_others_a_fill_is_polled_hardly_less(size: int, pages: int, share: float) -> None:
    """Its small share was divided by the number of syncs: of forty one was polled after 44 minutes."""
    crowd = crowd_of(size)
    for paced in crowd:
        paced.swept(0.0, pages)
        paced.polled(0.0, pages, active=False)
        paced.writes(1.0, backlog=True)
    for paced in crowd:
        paced.polled(100.0, pages, active=False)
    assert max(paced.next_poll for paced in crowd) - 100.0 == pytest.approx(60 / (180 * min(share, 0.34 / size)))


@pytest.mark.parametrize("pages", [1, None])
def test_a_data_source_in_which_there_may_be_pages_is_polled_for_those_who_edit_them(pages: int | None) -> None:
    paced = pacing(180)
    paced.swept(0.0, pages)
    paced.polled(0.0, 0, active=False)
    paced.writes(1.0, backlog=True)
    paced.polled(100.0, 100, active=False)
    assert paced.next_poll - 100.0 == pytest.approx(60 / (180 * 0.02))


def test_a_long_poll_among_short_ones_keeps_none_waiting() -> None:
    paced = pacing(180)
    paced.polled(0.0, 5, active=True)
    paced.writes(1.0, backlog=True)
    waits = []
    for pages in (1500, 5, 1500, 1500):
        paced.polled(100.0, pages, active=True)
        waits.append(paced.next_poll - 100.0)
    short, long = 60 / (180 * 0.05), 15 * 60 / (180 * 0.05)
    assert waits == pytest.approx([short, short, short, long])


def test_a_change_in_the_database_makes_the_next_poll_sooner_never_later() -> None:
    paced = pacing()
    paced.next_poll = 100.0
    paced.active(90.0)
    assert paced.next_poll == 91.0
    paced.active(90.5)
    assert paced.next_poll == 91.0


def test_a_sweep_makes_hints_needless_for_a_while() -> None:
    paced = pacing()
    paced.swept(100.0, 50)
    assert (paced.next_sweep, paced.next_hints) == (120.0, 120.0)
    paced.hinted(120.0)
    assert (paced.next_sweep, paced.next_hints) == (120.0, 140.0)


@settings(deadline=None)  # a busy machine is no finding
@given(st.integers(0, 100_000), st.integers(30, 1000), st.booleans())
def test_polls_and_sweeps_keep_to_their_share_of_the_budget(pages: int, budget: int, active: bool) -> None:
    paced = pacing(budget)
    requests = max(1, -(-pages // PAGE_SIZE))
    paced.polled(0.0, pages, active)
    paced.swept(0.0, pages)
    assert requests / paced.next_poll * 60 <= 0.34 * budget * (1 + 1e-9)
    assert requests / paced.next_sweep * 60 <= 0.1 * budget * (1 + 1e-9)


@pytest.mark.parametrize(("pages", "wait"), [(100, 20.0), (10_000, 101 / 18 * 60), (10_001, 102 / 18 * 60)])
def test_a_large_data_source_is_listed_less_often(pages: int, wait: float) -> None:
    paced = pacing(180)
    paced.swept(0.0, pages)
    assert paced.next_sweep == pytest.approx(wait)


def crowd_of(size: int, budget: int = 180) -> list[Pacing]:
    crowd: list[Pacing] = []
    crowd.extend(Pacing(1.0, 15.0, 20.0, budget, crowd=crowd) for _ in range(size))
    return crowd


@pytest.mark.parametrize("size", [1, 2, 40])
@pytest.mark.parametrize("busy", [0, 1, 40])
def test_many_syncs_keep_to_their_share_together(size: int, busy: int) -> None:
    crowd, now = crowd_of(size), 1000.0
    for number, paced in enumerate(crowd):
        paced.polled(now - 100, 10, active=False)
        if number < busy:
            paced.active(now)
    for number, paced in enumerate(crowd):
        paced.polled(now, 10, active=number < busy)
        paced.swept(now, 10)
    assert sum(60 / (paced.next_poll - now) for paced in crowd) <= 0.34 * 180 * (1 + 1e-9)
    assert sum(2 * 60 / (paced.next_sweep - now) for paced in crowd) <= 0.1 * 180 * (1 + 1e-9)


def test_no_sync_waits_for_long_while_forty_begin() -> None:
    """Those that have not been polled yet counted as busy, so that the first ones got next to nothing beside them."""
    crowd = crowd_of(40)
    for paced in crowd:
        paced.polled(1000.0, 10, active=False)
    waits = [paced.next_poll - 1000.0 for paced in crowd]
    assert max(waits) == pytest.approx(40 * 60 / (180 * 0.34))


def test_as_many_pages_as_one_answer_holds_are_polled_like_few() -> None:
    few, full = pacing(180), pacing(180)
    few.polled(0.0, 5, active=True)
    full.polled(0.0, PAGE_SIZE, active=True)
    assert full.next_poll == few.next_poll == 1.0


def test_many_syncs_that_begin_together_are_not_listed_together_again() -> None:
    """Forty of them took 70 requests within a minute, and somebody's edit had to wait for the next."""
    crowd = crowd_of(40)
    for paced in crowd:
        paced.polled(100.0, 10, active=False)
        paced.swept(100.0, 10)
    moments = sorted(paced.next_sweep for paced in crowd)
    apart = 2 * 60 / (0.1 * 180)
    assert all(later - sooner >= apart - 1e-9 for sooner, later in pairwise(moments))
    for paced in crowd:
        paced.active(2000.0)  # after a long silence
    moments = sorted(paced.next_sweep for paced in crowd)
    assert moments[0] >= 2000.0
    assert all(later - sooner >= apart - 1e-9 for sooner, later in pairwise(moments))


def test_a_busy_sync_is_polled_often_beside_many_calm_ones_and_at_once() -> None:
    crowd = crowd_of(40)
    for paced in crowd:
        paced.polled(100.0, 10, active=False)
    assert min(paced.next_poll for paced in crowd) > 130.0
    crowd[7].active(110.0)
    assert crowd[7].next_poll == 111.0
    crowd[7].polled(111.0, 10, active=True)
    assert crowd[7].next_poll < 115.0
    assert crowd[7].next_poll > 112.0
