"""What both sides agree on after a write was made. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.ends import Evidence, Intent, Observation
from bridge.merge import refusal
from bridge.model import Base, FieldValue, Op, Pair, Presence, Side, Sync, Unfit, Value


def base_after(sync: Sync, pair: Pair, intent: Intent, seen: Observation | None) -> Base:
    """The base after the write: what was written is what both sides hold. `seen` is the record as it was answered with,
    or found."""
    action = intent.action
    before = dict(pair.base.values) if pair.base else {}
    written: dict[str, Value] = {name: change.new for name, change in action.changes.items()}
    source = intent.pair.side(action.side.other).values
    match action.op:
        case Op.DELETE:
            return Base(Presence.GONE, before)
        case Op.UPDATE:
            return Base(Presence.LIVE, {**before, **written})
        case Op.RESTORE:
            # What is left out of a restore is what the page was known to hold. If it shows something else by now,
            # somebody has edited it. What that side does not take is agreed as empty, as in a new record.
            known = dict(intent.pair.side(action.side).values)
            known |= {item.name: None for item in sync.fields if not item.direction.into(action.side)}
            return Base(Presence.LIVE, {**_representable(sync, known, source), **written})
        case Op.CREATE:
            # What a page shows that was found later, somebody may have typed since.
            found_later = action.side is Side.NOTION and seen is not None and seen.evidence is not Evidence.RECEIPT
            made = seen.values if seen is not None and not found_later else {}
            return Base(Presence.LIVE, {**_by_birth(sync, action.side, source, made), **written})


def _by_birth(
    sync: Sync, side: Side, source: Mapping[str, FieldValue], made: Mapping[str, FieldValue]
) -> dict[str, Value]:
    """The base of fields that a create left out.

    An empty one: agreed as empty, so that a default which the new side filled in comes back as its change, and
    so does what people have written on either side since, when the answer was lost. The same for one that the new
    side does not take: a formula shows its value at once, and nobody emptied the column that is to get it.
    One that the new side could not hold: what the new side shows, so that the source's value stays a
    change that waits, and not a conflict.
    """
    agreed: dict[str, FieldValue] = {}
    for item in sync.fields:
        carried = item.direction.into(side) and not (item.codec.computed and side is Side.NOTION)
        if not carried or not refusal(item, side, source.get(item.name)):
            agreed[item.name] = None
        else:
            agreed[item.name] = made.get(item.name)
    return _representable(sync, agreed, source)


def _representable(sync: Sync, values: Mapping[str, FieldValue], source: Mapping[str, FieldValue]) -> dict[str, Value]:
    """Of the fields that the other side showed, those whose value both can hold."""
    found = {item.name: values.get(item.name) for item in sync.fields if item.name in source}
    return {name: value for name, value in found.items() if not isinstance(value, Unfit)}
