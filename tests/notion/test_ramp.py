"""How large a burst Notion takes is found out at the price of one refusal, and where it takes any, in seconds."""

from __future__ import annotations

import heapq
import random

import pytest

from bridge.notion.limiter import Priority
from bridge.notion.ramp import Ramp
from tests.notion.test_limiter import limiter, send

PER_SECOND = 3.0
WORKERS = 8


def fill(requests: int, seed: int, burst: float | None) -> tuple[int, float]:
    """Plays as many requests over eight connections to a Notion that takes `burst` at once and three per second, or
    counts by the minute. Answers how many were refused, and how long it took."""
    rng, ramp = random.Random(seed), Ramp(PER_SECOND)
    tokens, tokens_at, now, refused, sent = burst or 0.0, 0.0, 0.0, 0, 0
    answers: list[tuple[float, int, bool]] = []
    departures = {}
    while sent < requests or answers:
        free = len(answers) < WORKERS and sent < requests
        if free and ramp.may_send(now, try_more=refused == 0):
            departures[sent] = ramp.send(now)
            tokens, tokens_at = min(burst or 0.0, tokens + (now - tokens_at) * PER_SECOND), now
            taken = burst is None or tokens >= 1.0
            tokens -= taken
            heapq.heappush(answers, (now + rng.lognormvariate(-1.05, 0.62), sent, taken))
            sent += 1
            continue
        later = now + 0.05 if free else answers[0][0]
        now = min(later, answers[0][0]) if answers else later
        while answers and answers[0][0] <= now:
            _, number, taken = heapq.heappop(answers)
            ramp.arrived(departures[number], taken=taken)
            refused += not taken
    return refused, now


@pytest.mark.parametrize("seed", range(20))
def test_a_notion_that_paces_refuses_once(seed: int) -> None:
    refused, took_s = fill(150, seed, burst=10.0)
    assert refused == 1
    assert took_s < 1.1 * 140 / PER_SECOND


@pytest.mark.parametrize("seed", range(20))
def test_a_notion_that_counts_by_the_minute_is_soon_sent_everything(seed: int) -> None:
    refused, took_s = fill(150, seed, burst=None)
    assert refused == 0
    assert took_s < 15


def test_what_goes_further_goes_alone() -> None:
    ramp = Ramp(PER_SECOND)
    sure = [ramp.send(0.0) for _ in range(9)]
    assert not any(one.tries for one in sure)
    assert ramp.may_send(0.0, try_more=True)
    assert not ramp.may_send(0.0, try_more=False)
    further = ramp.send(0.0)
    assert further.tries
    assert not ramp.may_send(0.0, try_more=True)
    assert ramp.may_send(1.0, try_more=True), "an even flow goes on meanwhile"
    ramp.arrived(further, taken=True)
    assert ramp.send(0.0).tries


def test_what_was_called_off_or_not_answered_has_shown_nothing() -> None:
    ramp = Ramp(PER_SECOND)
    for _ in range(9):
        ramp.send(0.0)
    for _ in range(3):
        ramp.call_off(ramp.send(0.0))
    ramp.arrived(ramp.send(0.0), taken=None)
    assert ramp.may_send(0.0, try_more=True)
    assert not ramp.may_send(0.0, try_more=False)


def test_a_refusal_is_remembered() -> None:
    ramp = Ramp(PER_SECOND)
    for _ in range(5):
        ramp.arrived(ramp.send(0.0), taken=True)
    ramp.arrived(ramp.send(0.0), taken=False)
    assert not any(ramp.send(60.0).tries for _ in range(5))
    assert ramp.send(60.0).tries


def test_after_a_refusal_every_slot_of_a_reservation_is_one_of_an_even_flow() -> None:
    lim, clock = limiter(60)
    lim.throttled(clock.monotonic(), 1)
    clock.sleep(2)
    began = clock.monotonic()
    with lim.reserve(Priority.INTERACTIVE, 5) as permit:
        for _ in range(5):
            with permit.flight():
                pass
    send(lim)
    assert clock.monotonic() - began >= 4, "five of about one in a second, one of which was to be made good"
