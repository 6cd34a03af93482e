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
    "pairs_linked": "while ten deletions or more wait",
    "pairs_count": "status, and the console, the less often the longer it takes",
    "pairs_oldest_pending": "the same",
    "pairs_unsettled": "the first of each kind",
    "arrivals_any": "the first",
    "arrivals_next": "the first few, in the order of the index",
    "arrivals_count": "status, and the console",
    "arrivals_forget": "a comparison",
    "pairs_more_pages_than": "once for each question for hints; ends after a few records, unless most pages are gone",
    "pairs_soil_unwritable": "a listing",
    "parked_list": "a command",
    "parked_newest": "the console",
    "parked_count": "status, and the console",
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
LARGE = (
    "pairs",
    "events",
    "intents",
    "parked",
    "arrivals",
    "e",
    "p",
    "i",
    "k",
)  # also by the names that queries give them
# These hold what is to be merged, or under way, or missing, and little else.
FEW = (
    "pairs_dirty",
    "pairs_one_sided",
    "pairs_displaced",
    "pairs_waiting",
    "intents_in_flight",
    "intents_deletes",
    "pairs_unread",
)


def steps(name: str) -> list[str]:
    """How SQLite would answer a statement that is without statistics, as the journal is."""
    statement = _queries()[name]
    parameters = dict.fromkeys(re.findall(r"(?<!')[:](\w+)", re.sub(r"--.*", "", statement)), 0)
    with closing(Store.in_memory()) as store:
        return [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def reads_all(step: str) -> bool:
    """Whether a step may read a large table, or all of it that is one sync's. What is not known to read little does."""
    words = step.split()
    if words[0] not in ("SCAN", "SEARCH") or words[1] not in LARGE:
        return False
    index = re.search(r"USING (?:COVERING )?INDEX (\w+)", step)
    if index is not None and index[1] in FEW:
        return False
    condition = re.search(r"\((.*)\)$", step)
    if words[0] == "SEARCH" and condition is None:
        return False  # the first or the last
    # One record, or what belongs to one; or what is newer than something.
    few = r"(sync=\? AND )?(id|pair|key|page_id|source|wanted|rowid|name|fingerprint)=\?.*|rowid>\?( AND rowid<\?)?"
    return condition is None or "AUTOMATIC" in step or re.fullmatch(few, condition[1]) is None


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
        ("SCAN parked", True),
        ("SEARCH k USING AUTOMATIC COVERING INDEX (pair=?)", True),
        ("SEARCH intents USING INTEGER PRIMARY KEY (rowid>?)", False),
        ("SEARCH intents USING INDEX intents_by_time (sync=? AND settled_at>?)", True),
        ("SCAN json_each VIRTUAL TABLE INDEX 1:", False),
    ],
)
def test_a_step_that_reads_everything_is_told(step: str, all_of_it: bool) -> None:
    assert reads_all(step) is all_of_it
