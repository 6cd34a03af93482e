"""Clocks: the offset between machines is an interval that samples narrow, and that always contains the truth."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.clock import CommonClock, Skew, SystemClock
from bridge.model import Stamp
from tests.unit.desk import StillClock, at

SECONDS = st.floats(0, 50)


def told(skew: Skew, sent: float, received: float, earliest: float, latest: float) -> None:
    """A sample whose server times are seconds after T0, and whose local ones are too."""
    skew.sample(sent, received, at(earliest), at(latest))


def offset(skew: Skew) -> tuple[float, float]:
    """Seconds by which the server is ahead of a local clock that counts from T0."""
    low, high = skew.bounds()
    return round(low - at(0).timestamp(), 6), round(high - at(0).timestamp(), 6)


def test_nothing_is_known_before_the_first_sample() -> None:
    assert not Skew().known


def test_one_sample_bounds_the_offset_by_its_round_trip_and_its_precision() -> None:
    skew = Skew()
    told(skew, sent=10.0, received=10.4, earliest=12.0, latest=13.0)
    assert skew.known
    assert offset(skew) == (1.6, 3.0)


def test_samples_are_intersected() -> None:
    skew = Skew()
    told(skew, 10.0, 10.4, 12.0, 13.0)
    told(skew, 20.9, 21.0, 23.0, 24.0)
    assert offset(skew) == (2.0, 3.0)
    told(skew, 30.0, 35.0, 32.0, 37.0)  # a slow answer says less, and takes nothing away
    assert offset(skew) == (2.0, 3.0)


def test_samples_that_touch_agree() -> None:
    skew = Skew()
    told(skew, 0, 0, 1, 2)
    told(skew, 0, 0, 2, 3)
    assert offset(skew) == (2.0, 2.0)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_was_set_makes_the_old_samples_forgotten(jump: float) -> None:
    skew = Skew()
    told(skew, 10.0, 10.5, 12.0, 13.0)
    told(skew, 20.0, 20.5, 22.0 + jump, 23.0 + jump)
    assert offset(skew) == (1.5 + jump, 3.0 + jump)


def test_old_samples_are_forgotten_because_clocks_drift() -> None:
    skew = Skew()
    told(skew, 0, 0, 2.0, 2.0)
    for number in range(16):
        told(skew, 0, 0, 1.0, 3.0 + number)
    assert offset(skew) == (1.0, 3.0)


@settings(deadline=None)  # a busy machine is no finding
@given(st.floats(-1e6, 1e6), st.lists(st.tuples(SECONDS, SECONDS, SECONDS), min_size=1, max_size=30))
def test_the_truth_is_always_inside(truth: float, samples: list[tuple[float, float, float]]) -> None:
    """However slow the answers and however coarse the times: an offset that never changes stays inside the bounds."""
    skew = Skew()
    moment = 0.0
    for before, after, coarse in samples:
        sent, read, received = moment, moment + before, moment + before + after
        moment = received
        told(skew, sent, received, read + truth - coarse, read + truth)
    low, high = offset(skew)
    assert low - 1e-3 <= truth <= high + 1e-3


def test_the_wall_clock_is_trusted_until_the_database_has_spoken() -> None:
    local = StillClock(seconds=100.0)
    common = CommonClock(local)
    assert common.now() == Stamp(at(100), at(100))
    assert common.at(local.monotonic() - 7) == Stamp(at(93), at(93))
    assert common.from_notion(at(60), at(119)) == Stamp(at(60), at(119))


def test_a_moment_here_is_an_interval_on_the_database_s_clock() -> None:
    local = StillClock()
    common = CommonClock(local)
    reading = local.monotonic()
    common.postgres.sample(reading, reading + 0.2, at(5), at(5))
    local.seconds = 10.0
    assert common.now() == Stamp(at(14.8), at(15))
    assert common.from_notion(at(60), at(119)) == Stamp(at(60), at(119)), "Notion's clock is not known yet"


def test_an_interval_of_notion_s_is_widened_by_what_is_not_known() -> None:
    local = StillClock()
    common = CommonClock(local)
    reading = local.monotonic()
    common.postgres.sample(reading, reading, at(5), at(5.5))
    common.notion.sample(reading, reading + 1, at(2), at(3))
    # The database is 5 to 5.5 s ahead of here, Notion 1 to 3 s: the database is 2 to 4.5 s ahead of Notion.
    assert common.from_notion(at(60), at(119)) == Stamp(at(62), at(123.5))


def test_the_machine_s_clock_is_aware_and_its_waits_end_early() -> None:
    stop = threading.Event()
    clock = SystemClock(stop)
    assert clock.now().utcoffset() == timedelta(0)
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.monotonic() <= clock.monotonic()
    stop.set()
    clock.sleep(3600.0)
    SystemClock().sleep(0)
    SystemClock().sleep(-1)
