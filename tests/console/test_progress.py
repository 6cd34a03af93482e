"""The progress of a backlog: counts what is done while more comes in, and tells a rate only when there is one."""

from __future__ import annotations

from bridge.console.progress import Backlog, Glances, Progress


def test_nothing_waits() -> None:
    assert Backlog().follow(0, 0.0) is None


def test_done_and_total_follow_the_pending_count() -> None:
    backlog = Backlog()
    assert backlog.follow(10, 0.0) == Progress(0, 10)
    assert backlog.follow(8, 1.0) == Progress(2, 10)
    assert backlog.follow(5, 5.0) == Progress(5, 10, 1.0, 5.0)


def test_new_work_makes_the_total_grow() -> None:
    backlog = Backlog()
    backlog.follow(10, 0.0)
    backlog.follow(4, 0.5)
    grown = backlog.follow(20, 1.0)
    assert grown is not None
    assert (grown.done, grown.total) == (6, 26)


def test_the_end_of_a_backlog_forgets_it() -> None:
    backlog = Backlog()
    backlog.follow(10, 0.0)
    backlog.follow(0, 3.0)
    assert backlog.follow(2, 100.0) == Progress(0, 2)


def test_a_spent_budget_does_not_end_the_estimate() -> None:
    """Notion's budget comes in waves: 100 records at once, then nothing for most of a minute."""
    backlog = Backlog()
    backlog.follow(1_000, 0.0)
    backlog.follow(900, 5.0)
    waiting = backlog.follow(900, 45.0)
    assert waiting is not None
    assert waiting.per_second == 100 / 45
    assert waiting.seconds_left == 405


def test_no_rate_while_nothing_ever_moved() -> None:
    backlog = Backlog()
    for second in range(100):
        assert backlog.follow(7, float(second)) == Progress(0, 7)


def test_what_takes_long_is_looked_at_less_often() -> None:
    glances, found = Glances(), []
    for took in (0.0, 0.1, 60.0):
        assert glances.due(100.0)
        glances.took(100.0, 100.0 + took)
        found.append([glances.due(100.0 + took + after) for after in (0.2, 0.25, 2.9, 3.0, 9.9, 10.0)])
        glances.at_once()
    assert found == [
        [False, True, True, True, True, True],
        [False, False, False, True, True, True],
        [False, False, False, False, False, True],
    ]
