"""All cases, in the order of the table."""

from __future__ import annotations

from bench.case import Case
from bench.cases import adopt, burst, copy, first_sync, idle, journal, million, small_fill, trigger, updates

CASES: tuple[Case, ...] = tuple(
    module.CASE for module in (first_sync, small_fill, adopt, updates, burst, idle, trigger, journal, copy, million)
)
