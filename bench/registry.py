"""All cases, in the order of the table."""

from __future__ import annotations

from bench.case import Case
from bench.cases import (
    adopt,
    backfill,
    burst,
    copy,
    edits,
    first_sync,
    forty,
    idle,
    journal,
    million,
    peers,
    sizes,
    small_fill,
    storm,
    trash,
    trigger,
    updates,
)

CASES: tuple[Case, ...] = tuple(
    module.CASE
    for module in (
        first_sync,
        small_fill,
        adopt,
        updates,
        burst,
        edits,
        backfill,
        trash,
        million,
        copy,
        trigger,
        journal,
        storm,
        forty,
        idle,
        peers,
        sizes,
    )
)
