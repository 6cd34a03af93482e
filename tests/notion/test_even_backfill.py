"""A long backfill goes on evenly: it uses the whole budget, and there is a slot for a person's change at any time."""

from __future__ import annotations

from tests.notion.test_limiter import BACKFILL, INTERACTIVE, POLL, limiter, send, sent_within


def test_a_long_backfill_uses_the_whole_budget_and_a_person_finds_a_slot_at_any_time() -> None:
    lim, clock = limiter(180)
    sent_within(lim, clock, 120, BACKFILL)  # the burst is over
    waits: list[float] = []
    sent = 0
    for _ in range(30):
        sent += len(sent_within(lim, clock, 7, BACKFILL))
        before = clock.monotonic()
        with lim.reserve(INTERACTIVE, 2) as permit, permit.flight():
            waits.append(clock.monotonic() - before)
        sent += 1
    assert sent >= 0.95 * 3 * 7 * 30
    assert max(waits) < 1.5


def test_what_is_asked_beside_an_even_backfill_costs_it_as_much_and_no_more() -> None:
    """It went slower for a minute after a poll of many answers, and left as many slots unused again."""
    lim, clock = limiter(180)
    lim.go_evenly()
    began, sent = clock.monotonic(), 0
    for _ in range(5):
        sent += len(sent_within(lim, clock, 60, BACKFILL))
        for _ in range(15):
            send(lim, POLL)
        sent += 15
    sent += len(sent_within(lim, clock, 60, BACKFILL))
    assert sent >= 0.99 * 3 * (clock.monotonic() - began)


def test_an_even_backfill_stands_still_for_nobody_for_long() -> None:
    """A bulk update of an hour takes a little more than an even flow brings."""
    lim, clock = limiter(180)
    lim.go_evenly()
    send(lim, BACKFILL)
    sent_within(lim, clock, 3600, INTERACTIVE)
    clock.sleep(4)  # no rest: that would be another fill
    began = clock.monotonic()
    for _ in range(30):
        send(lim, BACKFILL)
    assert clock.monotonic() - began <= 30


def test_a_backfill_goes_on_when_slots_are_given_back() -> None:
    lim, clock = limiter(180)
    lim.go_evenly()
    for _ in range(10):
        send(lim, BACKFILL)
    permit = lim.reserve(INTERACTIVE, 40)
    permit.__enter__()
    clock.at(clock.monotonic() + 1, lambda: permit.__exit__(None, None, None))
    began = clock.monotonic()
    send(lim, BACKFILL)
    assert clock.monotonic() - began <= 2


def test_slots_that_were_not_used_are_no_loss_for_an_even_backfill() -> None:
    lim, clock = limiter(180)
    lim.go_evenly()
    began, sent = clock.monotonic(), 0
    while clock.monotonic() < began + 240:
        send(lim, BACKFILL)
        sent += 1
        with lim.reserve(INTERACTIVE, 4) as permit, permit.flight():
            sent += 1
    assert sent >= 0.985 * 3 * (clock.monotonic() - began)


def test_a_backfill_may_burst_again_after_it_was_over() -> None:
    lim, clock = limiter(180)
    sent_within(lim, clock, 100, BACKFILL)
    clock.sleep(100)
    before = clock.monotonic()
    for _ in range(100):
        send(lim, BACKFILL)
    assert clock.monotonic() == before
