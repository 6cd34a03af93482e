"""Edits of a page that a write of ours ran over, as far as any answer has shown them.

Notion has no conditional write, and the look before it may be a query that is behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.ends import Intent
from bridge.journal import Journal
from bridge.model import Conflict, FieldValue, Op, Pair, Side, Stamp, Sync


def run_over(intent: Intent, name: str, value: FieldValue, stamp: Stamp | None) -> Conflict:
    """The record of a value that was in a page when `intent` wrote another one there."""
    change, ours = intent.action.changes[name], intent.pair.postgres.stamps.get(name)
    return Conflict(name, change.expected, change.new, value, ours, stamp, "edited-while-written", Side.POSTGRES)


def taken_meanwhile(journal: Journal, sync: Sync, pair: Pair, intent: Intent) -> Iterator[Conflict]:
    """Of a page that was written: what was taken for an edit of it while the write was under way, and is not in it."""
    if intent.action.side is not Side.NOTION or intent.action.op is not Op.UPDATE:
        return
    for name, change in intent.action.changes.items():
        item, value = sync.field(name), pair.notion.values.get(name)
        if item is None or name not in pair.notion.values or value == change.expected:
            continue
        if not item.codec.stands_for(value, change.new) and not journal.kept(pair, name, value):
            yield run_over(intent, name, value, pair.notion.stamps.get(name))
