"""Pages that our token is making: which create of those that are under way made a page that was found."""

from __future__ import annotations

from bridge.ends import Evidence, Intent, Observation
from bridge.journal import Journal
from bridge.model import Op, Side, Sync


def makes_page(intent: Intent) -> bool:
    """Whether it makes a page, and does not write one that is there."""
    return intent.action.side is Side.NOTION and intent.action.op is Op.CREATE


def creates_under_way(journal: Journal, sync: Sync) -> list[Intent]:
    """The pages that are being made, or may have been; in the order in which that was decided."""
    return [one for one in journal.intents_in_flight(sync.name) if makes_page(one)]


def holds_nothing_else(sync: Sync, attempt: Intent, seen: Observation) -> bool:
    """Whether a page holds nothing but what an attempt of ours wrote, or what the record's own page shows."""
    written, other = attempt.action.changes, attempt.pair.notion.values
    for item in sync.fields:
        if item.name not in seen.values or seen.values[item.name] == other.get(item.name):
            continue
        change = written.get(item.name)
        if not item.codec.stands_for(seen.values[item.name], change.new if change is not None else None):
            return False
    return True


def likeness(sync: Sync, attempt: Intent, seen: Observation) -> int:
    """How many of the values that an attempt of ours wrote a page shows: somebody may have edited it since."""
    written = {name: change.new for name, change in attempt.action.changes.items() if change.new is not None}
    shown = [(item, seen.values.get(item.name)) for item in sync.fields if item.name in written]
    return sum(value is not None and item.codec.stands_for(value, written[item.name]) for item, value in shown)


def is_anothers(journal: Journal, sync: Sync, intent: Intent, seen: Observation) -> bool:
    """Whether a page that was found by the key which `intent` gave it was made by another create: a row that has got
    another key since leaves its own to another row, whose page is made with it. What it shows of both tells."""
    if seen.evidence is Evidence.RECEIPT or holds_nothing_else(sync, intent, seen):
        return False
    others = [one for one in creates_under_way(journal, sync) if one.id != intent.id and one.action.key == seen.key]
    return any(likeness(sync, one, seen) > likeness(sync, intent, seen) for one in others)
