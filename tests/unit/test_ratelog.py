"""What is spent of Notion's minute is remembered across a restart (S23), after a crash and a set clock too."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridge.engine.ratelog import RateLog, spent
from bridge.errors import JournalError
from tests.unit.desk import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bridge.db"


def ago(journal: Path, clock: StillClock) -> list[float]:
    """What a process that starts now knows of the one before."""
    log = RateLog(journal, clock)
    found = [round(seconds, 3) for seconds in log.spent_ago()]
    log.close()
    return found


def test_a_first_start_has_spent_nothing(journal: Path, clock: StillClock) -> None:
    assert ago(journal, clock) == []


def test_a_restart_remembers_the_last_minute(journal: Path, clock: StillClock) -> None:
    log = RateLog(journal, clock)
    for moment in (0.0, 15.0, 40.0):
        clock.seconds = moment
        log.note()
    assert log.spent_ago() == [], "what this process sends its own limiter knows"
    log.close()
    clock.seconds = 80.0
    assert ago(journal, clock) == [65.0, 40.0]
    clock.seconds = 200.0
    assert ago(journal, clock) == []


def test_somebody_else_can_ask_how_much_of_the_minute_is_spent(journal: Path, clock: StillClock) -> None:
    assert spent(journal, clock) == 0
    assert not journal.parent.exists(), "whoever asks makes nothing"
    log = RateLog(journal, clock)
    for moment in (0.0, 5.0, 50.0):
        clock.seconds = moment
        log.note()
    assert spent(journal, clock) == 3
    clock.seconds = 62.0
    assert spent(journal, clock) == 2
    log.close()


def test_what_was_sent_is_on_the_disk_before_it_is_sent(journal: Path, clock: StillClock) -> None:
    """A killed process closes nothing."""
    log = RateLog(journal, clock)
    log.note()
    assert ago(journal, clock) == [0.0]
    log.close()


def test_an_entry_that_a_crash_cut_off_is_left_out(journal: Path, clock: StillClock) -> None:
    log = RateLog(journal, clock)
    log.note()
    log.note()
    log.close()
    file = Path(f"{journal}.rate")
    file.write_bytes(file.read_bytes()[:-3])
    assert ago(journal, clock) == [0.0]


def test_a_clock_that_was_set_back_errs_on_the_polite_side(journal: Path, clock: StillClock) -> None:
    log = RateLog(journal, clock)
    clock.seconds = 60.0
    log.note()
    clock.seconds = 10_000.0
    log.note()
    log.close()
    clock.seconds = 30.0
    assert ago(journal, clock) == [0.0], "as if it were just sent; what lies hours ahead is no measure"


def test_the_file_does_not_grow_for_ever(journal: Path, clock: StillClock) -> None:
    log, file = RateLog(journal, clock), Path(f"{journal}.rate")
    before, size = 0, 1
    while before < size <= 64 * 1024:
        clock.seconds += 0.1
        log.note()
        before, size = size, file.stat().st_size
    log.close()
    assert size < before, "it was made shorter just now"
    found = ago(journal, clock)
    assert len(found) == 700, "ten a second, for seventy seconds"
    assert min(found) == 0.0


def test_requests_of_several_threads_are_all_counted(journal: Path, clock: StillClock) -> None:
    log = RateLog(journal, clock)

    def send() -> None:
        for _ in range(200):
            log.note()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert ago(journal, clock) == [0.0] * 800


def test_a_full_disk_ends_the_bridge_in_words(journal: Path, clock: StillClock) -> None:
    log = RateLog(journal, clock)
    log.close()
    log._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - the log closes it
    with pytest.raises(JournalError, match=r"bridge\.db\.rate, beside the journal, cannot be written: No space"):
        log.note()
    log.close()
