"""Whether what was seen of a page may be believed. Pure.

Answers travel at different speeds. A query may show a page as it was some seconds ago, before an edit or before our own
write; a direct look never does, but its answer may come late. Of its edits a page bears only the minute of the last.
"""

from __future__ import annotations

from enum import Enum, auto

from bridge.ends import Evidence, Observation
from bridge.engine.snapshots import differs
from bridge.journal.rows import PageTimes
from bridge.model import Pair, Presence, Sync


class Trust(Enum):
    """What becomes of an observation."""

    BELIEVED = auto()
    OUTDATED = auto()  # something newer is known already
    DOUBTFUL = auto()  # it may be news, or what was before: only a look tells


def trust(sync: Sync, pair: Pair, seen: Observation, known: PageTimes, *, being_written: bool) -> Trust:
    """How far what was seen of a known page is trusted. `being_written`: our own write to it has no answer yet."""
    if seen.evidence is not Evidence.SCAN:
        older = seen.seen is not None and known.seen is not None and seen.seen < known.seen
        return Trust.OUTDATED if older else Trust.BELIEVED
    # A query is judged by the minute that it bears: asked earlier, it may still show a newer edit. Of a page that is
    # being written the answer to that will tell anyway.
    older = seen.edited is not None and known.edited is not None and seen.edited < known.edited
    if being_written or older:
        return Trust.OUTDATED
    return Trust.DOUBTFUL if _is_doubtful(sync, pair, seen, known) else Trust.BELIEVED


def is_old_news(pair: Pair, seen: Observation) -> bool:
    """Whether a listing shows exactly what is known: most of what every poll lists, and nothing to write down."""
    known = pair.notion
    return (
        seen.evidence is Evidence.SCAN
        and known.live
        and seen.presence is Presence.LIVE
        and pair.page_key == seen.key
        and not differs(known, seen)
    )


def is_after(seen: Observation, known: PageTimes) -> bool:
    """Whether an answer is certainly not older than what is known."""
    if known.seen is None or seen.seen is None or seen.seen < known.seen:
        return False
    return known.edited is None or seen.edited is None or seen.edited >= known.edited


def _is_doubtful(sync: Sync, pair: Pair, seen: Observation, known: PageTimes) -> bool:
    """Whether a query shows news that its time cannot confirm: within one minute, or back from the trash."""
    if pair.notion.presence is Presence.UNSEEN:
        return False
    if pair.notion.presence is not seen.presence:
        return True
    changed = differs(pair.notion, seen)
    if pair.page_key == seen.key and all(_is_computed(sync, name) for name in changed):
        return False  # nobody can edit a computed value, so a stale one does no harm and is seen again
    if any(_is_shrunk(sync, pair, seen, name) for name in changed):
        return True  # an option's removal looks the same; a look reads the options too
    return known.edited is None or seen.edited is None or seen.edited <= known.edited


def _is_computed(sync: Sync, name: str) -> bool:
    item = sync.field(name)
    return item is not None and item.codec.computed


def _is_shrunk(sync: Sync, pair: Pair, seen: Observation, name: str) -> bool:
    item, known = sync.field(name), pair.notion.values
    return item is not None and name in known and item.codec.shrunk(seen.values[name], known[name])
