"""What a write to Notion may rest on, and what it consists of. Pure: the reading and sending is the writer's.

Notion has no conditional update. The guard reads the page just before the write and compares; what came in
between is found by the next poll and ends in the merge like every other change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from bridge.ends import Evidence, Intent, Observation, Outcome, Receipt
from bridge.errors import Refused
from bridge.model import Op, Presence, Sync
from bridge.shapes import Property
from bridge.values.canonical import show
from bridge.values.keys import key_to_notion
from bridge.values.text import runs

_FORMATTED = ("title", "rich_text")
_NO_PROPERTY = "is not a property that exists"
_TRASHED = re.compile(r"\b(archived|in (the )?trash|trashed|unarchive)\b", re.IGNORECASE)


class Unwritable(Exception):
    """A value that Notion cannot hold; `field` is "" for the key."""

    def __init__(self, field: str, reason: str, *, waits: bool = False) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.waits = waits  # it ends by itself: merged again, the field waits and the others go on


def verdict(intent: Intent, seen: Observation) -> Receipt | None:
    """The answer to the intent if the page as `seen` already gives one; None when the write may be made."""
    if intent.action.op is Op.UPDATE:
        return _verdict_on_update(intent, seen)
    if intent.action.op is Op.DELETE:
        return _verdict_on_delete(intent, seen)
    if seen.presence is not Presence.GONE:
        return _stale(intent, seen, "the page is not in the trash")
    return _verdict_on_whole(intent, seen)


def _verdict_on_update(intent: Intent, seen: Observation) -> Receipt | None:
    if seen.presence is not Presence.LIVE:
        return _stale(intent, seen, seen.note or "the page is in the trash")
    for name, change in intent.action.changes.items():
        if name not in seen.values:
            reason = "the page no longer has the property; was it removed from the data source?"
            return Receipt(intent.id, Outcome.REFUSED, seen, reason, name)
        if seen.values[name] != change.expected:
            return _stale(intent, seen, f"{name} was changed in Notion meanwhile")
    return None


def moved(intent: Intent, seen: Observation) -> str:
    """A field that the intent would write and that is not what the merge saw; "" when there is none."""
    changes = intent.action.changes.items()
    return next((n for n, change in changes if n in seen.values and seen.values[n] != change.expected), "")


def _verdict_on_delete(intent: Intent, seen: Observation) -> Receipt | None:
    if seen.presence is Presence.GONE:
        return Receipt(intent.id, Outcome.DONE, seen, "the page was in the trash already")
    if seen.presence is not Presence.LIVE:
        return _stale(intent, seen, seen.note)
    return _verdict_on_whole(intent, seen)


def _verdict_on_whole(intent: Intent, seen: Observation) -> Receipt | None:
    """A page goes into the trash, or comes out of it, with all its values; one that was not known is news, too."""
    for name, value in seen.values.items():
        if value != intent.pair.notion.values.get(name):
            return _stale(intent, seen, f"{name} was changed in Notion meanwhile")
    return None


def written(sync: Sync, intent: Intent, seen: Observation) -> Receipt:
    """The receipt for an answer of Notion: whether it stored what it was given."""
    for name, change in intent.action.changes.items():
        stored, item = seen.values.get(name), sync.field(name)
        if name not in seen.values or item is None or not item.codec.stands_for(stored, change.new):
            reason = f"Notion stored {show(stored)} instead of {show(change.new)}"
            return Receipt(intent.id, Outcome.REFUSED, seen, reason, name)
    key = intent.action.key
    if key is not None and seen.key != key:
        reason = f"Notion stored the key as {show(seen.key)} instead of {show(key)}"
        return Receipt(intent.id, Outcome.REFUSED, seen, reason)
    return Receipt(intent.id, Outcome.DONE, seen)


def trashed(intent: Intent, seen: Observation) -> Receipt:
    """The receipt for an answer of Notion to a deletion."""
    if seen.presence is Presence.GONE:
        return Receipt(intent.id, Outcome.DONE, seen)
    return Receipt(intent.id, Outcome.REFUSED, seen, "Notion did not move the page to the trash")


def found_out(sync: Sync, intent: Intent, seen: Observation, bot: str) -> Receipt:
    """What became of a write to an existing page whose answer was lost, now that the page was read again. `bot` is who
    our token writes as."""
    if intent.action.op is Op.DELETE:
        there = seen.presence is Presence.GONE
    else:
        there = seen.presence is Presence.LIVE and written(sync, intent, seen).outcome is Outcome.DONE
    if there:
        return Receipt(intent.id, Outcome.DONE, seen)
    if intent.action.op is Op.RESTORE and seen.presence is Presence.LIVE and seen.author == bot:
        # Its first half was made, and nobody has been there since: this is as good as the answer to it.
        seen = replace(seen, evidence=Evidence.RECEIPT)
    return replace(_stale(intent, seen, "the write is not there, or was overwritten"), lingers=True)


def properties(
    sync: Sync, intent: Intent, raw: Mapping[str, Mapping[str, Any]] | None = None, *, formatting: bool = True
) -> dict[str, Any]:
    """The properties to send, by id (a rename must not matter): only what changes. Raises Unwritable.

    `raw` are the page's property value objects as they are now, by id; None while they are not known. Formatting that
    the new values leave alone is sent back with them, unless `formatting` is False.
    """
    body: dict[str, Any] = {}
    for name, change in intent.action.changes.items():
        field = sync.field(name)
        if field is None:
            raise Unwritable(name, "the field is no longer mapped")
        try:
            over = None if field.property.type in _FORMATTED and not formatting else _over(field.property, raw)
            wire = field.codec.to_notion(change.new, over)
        except Refused as refused:
            raise Unwritable(name, refused.reason, waits=bool(refused.waits_for)) from refused
        # A new page is empty by itself, and an explicit null would ask for a status's default.
        if change.new is not None or intent.action.op is not Op.CREATE:
            body[field.property.id] = wire
    if intent.action.op is Op.CREATE and intent.action.key is None:
        raise Unwritable("", "a page without a key could not be found again; the row has none")
    if intent.action.key is not None:
        try:
            body[sync.key_property.id] = key_to_notion(sync.key_property, intent.action.key)
        except Refused as refused:
            raise Unwritable("", f"the key cannot be written: {refused.reason}") from refused
    if intent.action.note is not None and sync.status_property is not None:
        body[sync.status_property.id] = {"rich_text": runs(intent.action.note)}
    return body


def _over(prop: Property, raw: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    """What the write replaces. A page without the property, or that does not exist yet, holds nothing of it."""
    return None if raw is None else raw.get(unquote(prop.id), {prop.type: []})


def says_trashed(message: str) -> bool:
    """Whether a 400 means that the page is in the trash. Notion has no code of its own for it."""
    return _TRASHED.search(message) is not None


def says_no_property(message: str) -> bool:
    """Whether a 400 means that a property of the body is none of the data source's. Notion has no code of its own."""
    return _NO_PROPERTY in message


def blamed(sync: Sync, names: Iterable[str], message: str) -> str:
    """The one field whose property a validation error names, or "" when that is none or several."""
    guilty = []
    for name in names:
        field = sync.field(name)
        if field is not None and any(_mentions(message, word) for word in (field.property.id, field.property.name)):
            guilty.append(name)
    return guilty[0] if len(guilty) == 1 else ""


def _mentions(message: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", message) is not None


def _stale(intent: Intent, seen: Observation, reason: str) -> Receipt:
    return Receipt(intent.id, Outcome.STALE, seen, reason)
