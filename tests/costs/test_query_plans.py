"""What is asked with every event, answer or round must not read all records, or all writes that are kept: it would take
the longer the more there are. SQLite itself tells how it would answer each statement of the journal."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from bridge.journal.store import Store, _queries

# Every record, every write or the whole history is read by these, and may be.
ALLOWED = {
    "pairs_all": "a listing, a comparison, a new binding",
    "pairs_live_pages": "a listing",
    "pairs_with_rows": "a full read of the table",
    "pairs_away": "a listing",
    "pairs_deletions": "only while one side has lost a record",
    "pairs_count": "status, and the console, the less often the longer it takes",
    "pairs_oldest_pending": "the same",
    "pairs_more_pages_than": "ends after a few records",
    "pairs_untold": "another status property",
    "pairs_soil_all": "every start",
    "pairs_forget": "another database",
    "pairs_distrust": "resync",
    "events_since": "a command",
    "events_trim": "once a day",
    "intents_trim": "once a day",
    "intents_settled_rows": "every start",
    "intents_pages_to_come": "a new binding",
    "intents_echo_end": "a full read of the table",
    "intents_counts": "the end of a command",
}
LARGE = ("pairs", "events", "intents", "e", "p", "i")  # also by the names that queries give them
# These hold what is to be merged, or under way, or missing, and little else.
FEW = ("pairs_dirty", "pairs_one_sided", "pairs_displaced", "pairs_waiting", "intents_in_flight")


def steps(name: str) -> list[str]:
    """How SQLite would answer a statement that is without statistics, as the journal is."""
    statement = _queries()[name]
    parameters = dict.fromkeys(re.findall(r"(?<!')[:](\w+)", re.sub(r"--.*", "", statement)), 0)
    with closing(Store.in_memory()) as store:
        return [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def reads_all(step: str) -> bool:
    """Whether a step reads a large table, or all of it that is one sync's."""
    found = re.fullmatch(
        r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?( \(sync=\?(?: AND \w+>\?)?\))?", step
    )
    if found is None or found[2] not in LARGE or found[3] in FEW:
        return False
    return found[1] == "SCAN" or found[4] is not None  # a search without a condition takes the first or the last


@pytest.mark.parametrize("name", sorted(_queries()))
def test_only_what_may_reads_everything(name: str) -> None:
    found = [step for step in steps(name) if reads_all(step)]
    assert not found or name in ALLOWED


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_nothing_is_allowed_that_is_not_needed(name: str) -> None:
    assert any(reads_all(step) for step in steps(name))


@pytest.mark.parametrize(
    ("step", "all_of_it"),
    [
        ("SCAN intents", True),
        ("SEARCH pairs USING INDEX pairs_by_page (sync=?)", True),
        ("SEARCH p USING COVERING INDEX pairs_by_key (sync=?)", True),
        ("SEARCH pairs USING INDEX pairs_by_page (sync=? AND page_id=?)", False),
        ("SEARCH pairs USING INDEX pairs_dirty (sync=?)", False),
        ("SEARCH pairs USING INDEX pairs_by_page (sync=? AND page_id>?)", True),
        ("SEARCH pairs", False),
        ("SCAN parked", False),
    ],
)
def test_a_step_that_reads_everything_is_told(step: str, all_of_it: bool) -> None:
    assert reads_all(step) is all_of_it
