"""Pages that a listing should have shown and did not. Absence proves nothing: they must be looked at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from bridge.ends import Batch
from bridge.journal import Journal
from bridge.model import Pair, Sync

_AWAY_LOOKS = 3  # after each listing: hundreds may be away, and a listing comes often
_INDEX_LAG = timedelta(seconds=15)


def missing_pages(journal: Journal, sync: Sync, listed: Collection[str]) -> list[Pair]:
    """Pages that a complete listing did not show."""
    live = journal.live_pages(sync.name)
    return [journal.pair(pair_id) for page_id, pair_id in live.items() if page_id not in listed]


def after_listing(journal: Journal, sync: Sync, listed: Collection[str], known: Collection[str]) -> list[Pair]:
    """What must be looked at after a listing: pages that were known when it began and are missing, and in turn a few of
    those that are away, for no listing tells that one has come to be in the trash."""
    missing = [pair for pair in missing_pages(journal, sync, listed) if pair.page_id in known]
    away = journal.away_pairs(sync.name, _AWAY_LOOKS)
    return [*missing, *(pair for pair in away if pair.page_id not in listed)]


def after_poll(journal: Journal, sync: Sync, poll: Batch) -> list[Pair]:
    """The same for a poll, when it was complete. Polls come often: a page that was seen just before is left out, for an
    index may not have heard of it yet."""
    if not poll.complete or poll.confirmed is None:
        return []
    missing = missing_pages(journal, sync, {str(seen.page_id) for seen in poll.observations})
    return [pair for pair in missing if not _seen_since(journal, pair, poll.confirmed - _INDEX_LAG)]


def _seen_since(journal: Journal, pair: Pair, moment: datetime) -> bool:
    seen = journal.page_times(pair).seen
    return seen is not None and seen >= moment
