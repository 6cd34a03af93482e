"""What one request to Notion takes of a write. The rest is merged again when this is settled, and follows."""

from __future__ import annotations

from dataclasses import replace

from bridge.errors import Refused
from bridge.model import Action, Change, Side, Sync
from bridge.values.canonical import plain
from bridge.values.weight import MAX_BYTES, encoded

_ENVELOPE = 200  # bytes of a property's id and what stands around its value, and more
# No character of a value becomes more bytes than this: a run of text with all its formatting is less.
_BYTES_PER_CHARACTER = 600


def portion(sync: Sync, action: Action) -> Action:
    """The same write with as many of its changes as one request takes: in their order, but a heavy one keeps no
    lighter ones back. At least one, where there are any."""
    if action.side is not Side.NOTION or _is_light(action):
        return action
    left = MAX_BYTES
    taken: dict[str, Change] = {}
    for name, change in action.changes.items():
        weight = _weight(sync, name, change)
        if not taken or weight <= left:
            taken[name] = change
            left -= weight
    return action if len(taken) == len(action.changes) else replace(action, changes=taken)


def _is_light(action: Action) -> bool:
    """Whether it fits for certain, which is nearly always so: to weigh it is to make the whole request."""
    characters = sum(len(plain(change.new)) + 1 for change in action.changes.values())
    return characters * _BYTES_PER_CHARACTER <= MAX_BYTES


def _weight(sync: Sync, name: str, change: Change) -> int:
    item = sync.field(name)
    try:
        return _ENVELOPE + len(encoded(item.codec.to_notion(change.new))) if item is not None else 0
    except Refused:  # what it links to has gone since it was merged; the writer says so
        return 0
