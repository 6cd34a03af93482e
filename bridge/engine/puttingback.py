"""A change that a person takes back: both sides get the value of before, as a new change. It only journals.

It is noted as a conflict that was decided at once (rule `undo`): so it is guarded, carried out and kept like every
other decision of a person, and what was undone can be found.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bridge.engine.rebinding import read_remembered
from bridge.engine.resolving import DecisionRefused, NoSuchNumber
from bridge.journal import Journal
from bridge.journal.rows import as_json, value_text
from bridge.journal.store import Row
from bridge.model import Conflict, FieldValue, Pair, Side, Stamp, Unfit, Value
from bridge.values import canonical
from bridge.values.registry import PROPERTY_TYPES

UNDO = "undo"
_WAYS = {
    "insert": "Delete the row or trash the page: the other side will follow.",
    "delete": "Restore the page from Notion's trash, or insert the row: the other side will follow.",
}


def put_back(journal: Journal, event: int) -> dict[str, Any]:
    """Takes back every field of one change, or none: each must still be on both sides what the change made of it."""
    row = journal.event(event)
    if row is None:
        raise NoSuchNumber(f"there is no change {event}", hint="See `notion-bridge history KEY`.")
    if row["kind"] not in ("update", "write") or row["pair"] is None:
        gone = row["kind"] in ("delete", "write-delete")
        raise DecisionRefused(
            f"change {event} is no edit of values ({row['kind']})", hint=_WAYS["delete" if gone else "insert"]
        )
    pair = journal.pair(row["pair"])
    changes = {n: tuple(map(canonical.decode, both)) for n, both in json.loads(row["changes"]).items()}
    before = {name: _value_before(journal, pair, row, name, *both) for name, both in changes.items()}
    now = datetime.fromisoformat(journal.now())
    for name, value in before.items():
        held = pair.postgres.values[name]
        stamp = Stamp(now, now)
        journal.add_conflict(pair, Conflict(name, value, held, held, stamp, stamp, UNDO, None))
        made = _wish(journal, pair, name, value)
        seen = as_json([canonical.encode(pair.side(side).values[name]) for side in Side])
        journal.set_conflict(made["id"], "resolving", "base", value, seen=seen)
    journal.soil(pair.id)
    told = {name: [canonical.encode(both[1]), canonical.encode(both[0])] for name, both in changes.items()}
    return {"event": event, "sync": pair.sync, "key": list(pair.key) if pair.key else None, "changes": told}


def _wish(journal: Journal, pair: Pair, name: str, value: Value) -> Row:
    """The conflict that stands for putting this value back: the one just noted, or the same of before, if a person asks
    again for what was not carried out yet, and nothing was noted."""
    text = value_text(value)
    return next(
        row
        for row in reversed(journal.open_conflicts_of(pair))
        if (row["field"], row["rule"], row["base"]) == (name, UNDO, text)
    )


def _value_before(journal: Journal, pair: Pair, row: Row, name: str, old: FieldValue, new: FieldValue) -> Value:
    """The value to put back. Raises DecisionRefused when that would run over something, or cannot be."""
    for side in Side:
        held = pair.side(side).values.get(name)
        if not pair.side(side).live or name not in pair.side(side).values or held != new:
            raise DecisionRefused(
                f"{name!r} in {side.value} is not what change {row['id']} made of it any more",
                hint="Look at its history again; nothing was changed.",
            )
    if isinstance(old, Unfit):
        raise DecisionRefused(f"the value of {name!r} before change {row['id']} does not fit: {old.reason}")
    bound = read_remembered(journal, pair.sync).fields.get(name)
    kind = PROPERTY_TYPES.get(bound.property_type) if bound is not None else None
    if kind is not None and kind.computed:
        raise DecisionRefused(f"{name!r} is computed by Notion", hint="Change what it is computed from.")
    return old
