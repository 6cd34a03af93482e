"""What an end shows, by page, as a test wants to see it."""

from __future__ import annotations

from bridge.ends import Batch, Observation
from bridge.notion.end import NotionEnd


def scanned(end: NotionEnd) -> dict[str, Observation]:
    """A whole scan, journaled and acknowledged; by page id."""
    found: dict[str, Observation] = {}
    for batch in end.scan():
        for seen in batch.observations:
            assert seen.page_id is not None
            found[seen.page_id] = seen
        end.acknowledge(batch)
    return found


def polled(end: NotionEnd) -> dict[str, Observation]:
    """One poll, journaled and acknowledged; by page id."""
    batch = end.changes()
    end.acknowledge(batch)
    return by_page(batch)


def by_page(batch: Batch) -> dict[str, Observation]:
    found: dict[str, Observation] = {}
    for seen in batch.observations:
        assert seen.page_id is not None
        known = found.get(seen.page_id)
        assert known is None or known.values != seen.values, "a page came twice in one batch"
        found[seen.page_id] = seen
    return found
