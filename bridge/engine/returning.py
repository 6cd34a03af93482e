"""Pages that were moved out of their data source and back. Pure.

Outside of it a page keeps nothing but its title, and Notion does not say that the rest comes back with it. What is
empty then was emptied by the move and by nobody: it is filled from the row, as a property that is new.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.ends import Observation
from bridge.model import MOVED, FieldValue, Pair, Presence


def without_emptied(pair: Pair, seen: Observation) -> Pair:
    """The pair, so that nothing is agreed on in the fields that a move has emptied.

    A move that nobody saw shows by the key, which goes with the rest. (A person who takes the key away and empties a
    field in one go finds that filled again.)
    """
    moved = pair.notion.presence is Presence.AWAY and pair.notion.note == MOVED
    lost_its_key = seen.key is None and pair.page_key is not None and pair.notion.live
    if pair.base is None or seen.presence is not Presence.LIVE or not (moved or lost_its_key):
        return pair
    emptied = {
        name
        for name, value in seen.values.items()
        if _is_empty(value) and name in pair.base.values and not _is_empty(pair.base.values[name])
    }
    kept = {name: value for name, value in pair.base.values.items() if name not in emptied}
    return replace(pair, base=replace(pair.base, values=kept)) if emptied else pair


def _is_empty(value: FieldValue) -> bool:
    return value is None or value is False or value == ()
