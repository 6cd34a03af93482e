"""Edits that a write of ours ran over, as far as any answer has shown them.

Notion has no conditional write, and the look before it may be a query that is behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.ends import Intent, Observation
from bridge.journal import Journal
from bridge.model import Conflict, Decision, FieldValue, Op, Pair, Side, Stamp, Sync


def run_over(intent: Intent, name: str, value: FieldValue, stamp: Stamp | None) -> Conflict:
    """The record of a value that was in a page when `intent` wrote another one there."""
    change, ours = intent.action.changes[name], intent.pair.postgres.stamps.get(name)
    return Conflict(name, change.expected, change.new, value, ours, stamp, "edited-while-written", Side.POSTGRES)


def unseen(journal: Journal, sync: Sync, pair: Pair, intent: Intent, seen: Observation | None) -> Iterator[Conflict]:
    """What was in a page that was written or trashed, and what the merge had not seen; or in a row that was deleted."""
    if intent.action.side is Side.NOTION and intent.action.op is Op.UPDATE:
        yield from _taken_meanwhile(journal, sync, pair, intent)
    elif intent.action.side is Side.NOTION and intent.action.op is Op.DELETE and seen is not None:
        yield from _trashed_unseen(journal, sync, pair, intent, seen)
    elif intent.action.side is Side.POSTGRES and intent.action.op is Op.DELETE:
        yield from _gone_with_row(sync, intent.pair)


def _taken_meanwhile(journal: Journal, sync: Sync, pair: Pair, intent: Intent) -> Iterator[Conflict]:
    """What was taken for an edit of a page while it was being written, and is not in it."""
    for name, change in intent.action.changes.items():
        item, value = sync.field(name), pair.notion.values.get(name)
        if item is None or name not in pair.notion.values or value == change.expected:
            continue
        if not item.codec.stands_for(value, change.new) and not journal.kept(pair, name, value):
            yield run_over(intent, name, value, pair.notion.stamps.get(name))


def _trashed_unseen(journal: Journal, sync: Sync, pair: Pair, intent: Intent, seen: Observation) -> Iterator[Conflict]:
    """An edit between our last look at a page and its trashing. The answer shows it; or it was taken while the trashing
    was under way, and its property may have been removed since. What an intent knew is forgotten when it is read again:
    then it differs from what was agreed, for a page with an edit that is known is not trashed."""
    agreed, known = pair.base.values if pair.base else {}, intent.pair.notion.values
    for name, value in sorted({**pair.notion.values, **seen.values}.items()):
        item, before = sync.field(name), agreed.get(name)
        edited = item is not None and name in agreed and not item.codec.stands_for(value, before)
        if (value != known.get(name) or edited) and not journal.kept(pair, name, value):
            stamp = seen.stamp if name in seen.values else pair.notion.stamps.get(name)
            gone = intent.pair.postgres.stamps.get("")
            yield Conflict(name, before, None, value, gone, stamp, "edited-while-deleted", Side.POSTGRES)


def _gone_with_row(sync: Sync, pair: Pair) -> Iterator[Conflict]:
    """What a row held in fields about which nothing is agreed, because they had been suspended: who trashed the page
    may never have seen it there."""
    agreed = pair.base.values if pair.base else {}
    for name, value in sorted(pair.postgres.values.items()):
        item, shown = sync.field(name), pair.notion.values.get(name)
        if item is None or value is None or name in agreed or item.codec.stands_for(shown, value):
            continue
        edited, gone = pair.postgres.stamps.get(name), pair.notion.stamps.get("")
        yield Conflict(name, None, value, shown, edited, gone, "deleted-with-page", Side.NOTION)


def hidden_in_trash(journal: Journal, sync: Sync, pair: Pair, decision: Decision) -> Iterator[Conflict]:
    """Of a page that is to come out of the trash with the row's values: what somebody had edited there before it was
    trashed, and what it holds in fields about which nothing is agreed. Nobody carried that over, and somebody may take
    the page out at the same moment."""
    for action in decision.actions:
        if action.op is not Op.RESTORE or pair.base is None:
            continue
        for name, change in action.changes.items():
            item, before = sync.field(name), pair.base.values.get(name)
            if item is None or any(item.codec.stands_for(change.expected, held) for held in (before, change.new)):
                continue
            if name not in pair.base.values and journal.kept(pair, name, change.expected):
                continue  # a restore is planned again and again until it is made
            row, page = (pair.side(side).stamps.get(name) for side in Side)
            yield Conflict(name, before, change.new, change.expected, row, page, "edit-survives", Side.POSTGRES)
