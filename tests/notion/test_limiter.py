"""Proves that the limiter never lets more out than the budget in any 60 seconds as the server sees them, that a
burst may spend it at once, that no class starves, and that Notion's word on waiting is obeyed and learned from."""

from __future__ import annotations

import random
import threading
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.notion.errors import Paused, RateLimited, Stopping
from bridge.notion.limiter import Limiter, Permit, Priority
from tests.notion.clocks import EventClock, HandClock, StoppedClock
from tests.postgres.support import eventually

INTERACTIVE, POLL, BACKFILL = Priority


def limiter(budget: int, clock: EventClock | None = None) -> tuple[Limiter, EventClock]:
    clock = clock or EventClock()
    return Limiter(clock, budget, rng=random.Random(1)), clock


def send(lim: Limiter, priority: Priority = INTERACTIVE) -> None:
    with lim.reserve(priority) as permit, permit.flight():
        pass


def sent_within(lim: Limiter, clock: EventClock, seconds: float, *order: Priority) -> list[Priority]:
    """What can be sent in that time when these classes ask in turn, again and again."""
    done: list[Priority] = []
    end = clock.monotonic() + seconds
    while True:
        for priority in order:
            send(lim, priority)
            if clock.monotonic() > end:
                return done
            done.append(priority)


@settings(deadline=None, derandomize=True)
@given(
    budget=st.integers(2, 12),
    requests=st.lists(
        st.tuples(
            st.sampled_from(list(Priority)),
            st.floats(0, 20),  # seconds until the next one is asked for
            st.floats(0, 100),  # seconds until its answer
            st.floats(0, 1),  # where in between the server counts it
            st.integers(1, 3),  # slots reserved
        ),
        min_size=1,
        max_size=40,
    ),
)
def test_no_window_of_the_server_exceeds_the_budget(
    budget: int, requests: list[tuple[Priority, float, float, float, int]]
) -> None:
    lim, clock = limiter(budget)
    arrivals: list[float] = []
    for priority, gap, latency, where, slots in requests:
        clock.sleep(gap)
        permit = lim.reserve(priority, slots)
        permit.__enter__()
        flight = permit.flight()
        flight.__enter__()
        arrivals.append(clock.monotonic() + latency * where)

        def answer(permit: Permit = permit, flight: object = flight) -> None:
            flight.__exit__(None, None, None)  # type: ignore[attr-defined]
            permit.__exit__(None, None, None)

        clock.at(clock.monotonic() + latency, answer)
    arrivals.sort()
    for first, too_many in zip(arrivals, arrivals[budget:], strict=False):
        assert too_many - first >= 60.0


def test_a_burst_of_150_rows_waits_for_nothing_even_as_a_backfill() -> None:
    for priority in (INTERACTIVE, BACKFILL):
        lim, clock = limiter(180)
        before = clock.monotonic()
        for _ in range(150):
            send(lim, priority)
        assert clock.monotonic() == before
        assert lim.used() == 150


def test_a_slot_is_free_a_minute_after_the_answer_not_after_the_sending() -> None:
    lim, clock = limiter(2)
    with lim.reserve(INTERACTIVE) as permit, permit.flight():
        clock.sleep(40)
    send(lim)
    answered = clock.monotonic()
    send(lim)
    assert clock.monotonic() - answered >= 60


def test_a_backfill_leaves_room_for_people_and_polls() -> None:
    lim, clock = limiter(100)
    before = clock.monotonic()
    while lim.free(BACKFILL) > 0:
        send(lim, BACKFILL)
    for _ in range(8):
        send(lim, INTERACTIVE)
    for _ in range(3):
        send(lim, POLL)
    assert clock.monotonic() == before
    send(lim, BACKFILL)
    assert clock.monotonic() > before


@pytest.mark.parametrize("greedy", list(Priority))
@pytest.mark.parametrize("modest", list(Priority))
def test_no_class_starves_beside_a_greedy_one(greedy: Priority, modest: Priority) -> None:
    lim, clock = limiter(100)
    while lim.free(greedy) > 0:
        send(lim, greedy)
    before = clock.monotonic()
    send(lim, modest)
    assert clock.monotonic() == before or greedy is modest


def test_who_asked_first_goes_first() -> None:
    """Forty syncs share one budget: chance must not decide who of them waits longest."""
    clock, served = HandClock(), []
    lim = Limiter(clock, 20, spent_ago=[float(second) for second in range(40, 60)])

    def ask(number: int) -> None:
        with lim.reserve(INTERACTIVE) as permit, permit.flight():
            served.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(15)]

    def all_wait(count: int) -> bool:
        return clock.sleepers == lim.waiting()[INTERACTIVE] == count - len(served)

    for number, thread in enumerate(threads, 1):
        thread.start()
        eventually(lambda number=number: all_wait(number), "it waits for a slot")  # type: ignore[misc]
    while len(served) < len(threads):
        clock.advance(0.1)
        eventually(lambda: all_wait(len(threads)), "nobody can do more for now")
    assert served == sorted(served)


def test_a_permit_gives_back_what_was_not_sent() -> None:
    lim, _ = limiter(100)
    with lim.reserve(INTERACTIVE, 10) as permit:
        assert lim.used() == 10
        with permit.flight():
            pass
    assert lim.used() == 1


def test_what_the_check_calls_off_was_not_sent_and_costs_nothing() -> None:
    lim, _ = limiter(100)

    def no() -> None:
        raise LookupError

    with lim.reserve(INTERACTIVE) as permit:
        with pytest.raises(LookupError), permit.flight(no):
            pytest.fail("it was sent")
        with permit.flight():
            pass
    assert lim.used() == 1


def test_a_retry_beyond_the_reservation_takes_a_slot_of_its_own() -> None:
    lim, _ = limiter(100)
    with lim.reserve(INTERACTIVE) as permit:
        for _ in range(3):
            with permit.flight():
                pass
    assert lim.used() == 3


@pytest.mark.parametrize("wait", [0.5, 12.0, 60.0, 119.0])
def test_nothing_is_sent_before_retry_after_has_passed(wait: float) -> None:
    lim, clock = limiter(180)
    before = clock.monotonic()
    lim.throttled(before, wait)
    for priority in Priority:
        send(lim, priority)
        assert clock.monotonic() >= before + wait


def test_a_reservation_made_before_a_429_waits_for_it_too() -> None:
    lim, clock = limiter(180)
    with lim.reserve(INTERACTIVE, 2) as permit:
        lim.throttled(clock.monotonic(), 30)
        before = clock.monotonic()
        with permit.flight():
            assert clock.monotonic() >= before + 30


def test_a_very_long_retry_after_is_the_callers_to_wait_for() -> None:
    lim, clock = limiter(180)
    lim.throttled(clock.monotonic(), 3600)
    with pytest.raises(Paused) as caught:
        send(lim)
    assert caught.value.retry_after == pytest.approx(3600)
    clock.sleep(3500)
    send(lim)


def test_without_retry_after_the_pause_doubles_with_jitter_and_has_an_end() -> None:
    lim, clock = limiter(180)
    pauses = []
    for _ in range(9):
        lim.throttled(clock.monotonic(), None)
        pauses.append(lim.blocked_for())
        clock.sleep(pauses[-1])
    for exponent, pause in enumerate(pauses):
        floor = min(60.0, 2.0**exponent)
        assert floor <= pause <= 2 * floor


def test_the_answers_to_one_burst_are_one_lesson() -> None:
    lim, clock = limiter(100)
    sent = clock.monotonic()
    clock.sleep(1)
    for _ in range(50):
        lim.throttled(sent, 1)
    assert lim.budget == 90


def test_more_at_once_than_was_ever_taken_goes_one_by_one_and_not_at_all_after_a_refusal() -> None:
    lim, clock = limiter(180)
    before = clock.monotonic()
    with ExitStack() as open_flights:
        permit = open_flights.enter_context(lim.reserve(INTERACTIVE, 20))
        for _ in range(10):
            open_flights.enter_context(permit.flight())
        assert clock.monotonic() == before
        with permit.flight():
            assert clock.monotonic() >= before + 1 / 3, "an even flow has caught up"
    clock.sleep(60)
    with pytest.raises(RateLimited), lim.reserve(INTERACTIVE) as permit, permit.flight():
        raise RateLimited("slower")
    lim.throttled(clock.monotonic(), 1)
    clock.sleep(10)
    before = clock.monotonic()
    with ExitStack() as open_flights:
        permit = open_flights.enter_context(lim.reserve(INTERACTIVE, 2))
        for _ in range(2):
            open_flights.enter_context(permit.flight())
    assert clock.monotonic() >= before + 1 / 3


def test_after_a_429_it_is_paced_and_recovers_while_all_goes_well() -> None:
    lim, clock = limiter(100)
    lim.throttled(clock.monotonic(), 1)
    assert lim.budget == 90
    paced = sent_within(lim, clock, 60, INTERACTIVE)
    assert 95 <= len(paced) <= 101
    assert lim.paced
    assert lim.free(INTERACTIVE) == 0
    clock.sleep(600)
    assert lim.budget == 100
    before = clock.monotonic()
    for _ in range(50):
        send(lim)
    assert clock.monotonic() == before


def test_a_storm_of_429_leaves_a_tenth() -> None:
    lim, clock = limiter(100)
    for _ in range(200):
        lim.throttled(clock.monotonic(), 1)
        clock.sleep(1)
    assert lim.budget == 10


def test_what_an_earlier_process_sent_counts() -> None:
    clock = EventClock()
    lim = Limiter(clock, 100, spent_ago=[0.0] * 95)
    assert lim.used() == 95
    assert lim.free(BACKFILL) == 0
    clock.sleep(60.9)  # the last of them may have been under way for a while when that process was killed
    assert lim.used() == 95
    clock.sleep(0.2)
    assert lim.used() == 0


def test_a_stopping_bridge_does_not_spin() -> None:
    lim, _ = limiter(2, StoppedClock())
    send(lim)
    send(lim)
    with pytest.raises(Paused, match="stopping"):
        send(lim)


def test_a_stopping_bridge_finishes_what_has_its_slots_and_begins_nothing() -> None:
    """A guard and its write belong together; a listing of a thousand pages may end with any of its requests."""
    stop = threading.Event()
    lim = Limiter(EventClock(), 100, stop=stop)
    with lim.reserve(INTERACTIVE, 2) as permit:
        with permit.flight():
            stop.set()
        with permit.flight():
            pass
        with pytest.raises(Stopping), permit.flight():
            pytest.fail("a third request has no slot")
    for priority in Priority:
        with pytest.raises(Stopping):
            send(lim, priority)
    assert lim.used() == 2


def test_a_budget_without_room_for_guard_and_write_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Limiter(EventClock(), 1)


def test_what_was_sent_lately_is_counted_where_it_lies_in_the_minute() -> None:
    lim, clock = limiter(100)
    assert lim.sent_lately(6) == (0, 0, 0, 0, 0, 0)
    send(lim)
    send(lim, BACKFILL)
    assert lim.sent_lately(6) == (0, 0, 0, 0, 0, 2)
    clock.sleep(15)
    send(lim, POLL)
    assert lim.sent_lately(6) == (0, 0, 0, 0, 2, 1)
    assert lim.sent_lately(1) == (3,)
    clock.sleep(42)
    assert lim.sent_lately(6) == (2, 1, 0, 0, 0, 0)
    clock.sleep(10)
    assert lim.sent_lately(6) == (1, 0, 0, 0, 0, 0), "the first two are older than a minute"


@pytest.mark.parametrize("parts", [1, 7, 15, 60])
def test_what_was_sent_lately_is_all_that_was_answered(parts: int) -> None:
    lim, clock = limiter(200)
    for number in range(59):
        send(lim, list(Priority)[number % 3])
        clock.sleep(1)
    assert sum(lim.sent_lately(parts)) == lim.used() == 59
    with lim.reserve(INTERACTIVE, 3) as permit, permit.flight():
        assert sum(lim.sent_lately(parts)) == 59, "what is under way was not answered yet"
        assert lim.used() == 62


def test_what_an_earlier_process_sent_is_shown_too() -> None:
    lim = Limiter(EventClock(), 100, spent_ago=[0.0, 30.0, 59.0])
    assert lim.sent_lately(2) == (1, 2)


def test_who_waits_is_told_by_class() -> None:
    lim, clock = limiter(3)
    seen: list[dict[Priority, int]] = []
    nobody = dict.fromkeys(Priority, 0)
    assert lim.waiting() == nobody
    with lim.reserve(INTERACTIVE, 2) as permit:
        assert lim.waiting() == {**nobody, INTERACTIVE: 2}, "who has a slot and was not answered is counted as well"
        with permit.flight():
            pass
        assert lim.waiting() == {**nobody, INTERACTIVE: 1}
    assert lim.waiting() == nobody, "what was not sent is given back"
    send(lim, POLL)
    send(lim, BACKFILL)
    clock.at(clock.monotonic() + 1, lambda: seen.append(lim.waiting()))
    send(lim, POLL)
    assert seen == [{**nobody, POLL: 1}]
    assert lim.waiting() == nobody


def test_a_request_that_could_not_be_noted_takes_its_place_for_a_minute_and_no_longer() -> None:
    clock = EventClock()
    full = [True, True]

    def note() -> None:
        if full:
            full.pop()
            raise OSError("no space left on device")

    lim = Limiter(clock, 2, rng=random.Random(1), sent=note)
    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            send(lim)
    clock.sleep(62.0)
    later = clock.monotonic()
    send(lim)
    send(lim)
    assert clock.monotonic() == later
