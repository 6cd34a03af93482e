"""All cases, in the order of the table."""

from __future__ import annotations

from bench.case import Case
from bench.cases import adopt, backfill, burst, edits, first_sync, forty, idle, small_fill, storm, trash, updates

CASES: tuple[Case, ...] = tuple(
    module.CASE
    for module in (first_sync, small_fill, adopt, updates, burst, edits, backfill, trash, storm, forty, idle)
)
