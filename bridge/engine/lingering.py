"""Our own writes that Notion makes long after they were given up.

A PATCH without an answer (a gateway gave up, the bridge was killed while it was under way) is looked for. When it is
not there the merge goes on, and a newer value may be written. Notion may carry the first one out after that: the page
then shows an older value of the row, or is in the trash, and to take that for an edit would undo what came later, or
delete the row. Notion has neither conditional writes nor idempotency keys: nobody can call such a request back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import timedelta

from bridge.ends import Evidence, Intent, Observation
from bridge.journal import Journal
from bridge.model import Base, Conflict, Op, Pair, Presence, Side, Sync, Unfit, Value

# After it was found not to be there. Notion ends a request after 60 s (status 503); what waits behind it is not known.
_LINGERS = timedelta(minutes=5)


def without_late_writes(
    journal: Journal, sync: Sync, pair: Pair, seen: Observation, bot: str, written: Collection[str] = ()
) -> Pair:
    """The pair, so that what such a write has done to the page counts as agreed on: then it is no change of Notion's,
    and what the row holds is carried over once more. `bot` is who our own token writes as: what a page shows that
    somebody else has left so is an edit, whatever it is.

    The answer to another write of ours, to the fields `written`, bears our name though somebody may have typed just
    that before: then what is taken back is kept as a conflict. Nothing is taken back of a field about which a person is
    asked.
    """
    answered = seen.evidence is Evidence.RECEIPT
    if pair.base is None or seen.side is not Side.NOTION or not (answered or (bot != "" and seen.author == bot)):
        return pair
    lingering = journal.lingering(pair, _LINGERS)
    asked = {row["field"] for row in journal.open_conflicts_of(pair)} if lingering else set()
    base = pair.base
    for intent in lingering:
        late = {n: value for n, value in _late_values(sync, pair, intent, seen) if n not in written}
        if "" not in asked and not asked & late.keys():
            base = _agreed(base, pair, intent, seen, late)
            if answered:
                for name in late:
                    journal.add_conflict(pair, _kept(pair, name, seen))
    return pair if base == pair.base else replace(pair, base=base)


def _late_values(sync: Sync, pair: Pair, intent: Intent, seen: Observation) -> Iterator[tuple[str, Value]]:
    """What the page shows of the write, and did not show before."""
    if intent.action.op is Op.DELETE or seen.presence is not Presence.LIVE:
        return
    for name, change in intent.action.changes.items():
        item, shown = sync.field(name), seen.values.get(name)
        if item is None or name not in seen.values or pair.notion.values.get(name) == shown:
            continue
        if item.codec.stands_for(shown, change.new):
            yield name, change.new


def _agreed(base: Base, pair: Pair, intent: Intent, seen: Observation, late: dict[str, Value]) -> Base:
    op = intent.action.op
    if op is Op.DELETE:
        gone = seen.presence is Presence.GONE and pair.notion.live
        return replace(base, presence=Presence.GONE) if gone else base
    if op is Op.RESTORE and seen.presence is Presence.LIVE and pair.notion.presence is Presence.GONE:
        known: dict[str, Value] = {n: value for n, value in pair.notion.values.items() if not isinstance(value, Unfit)}
        return Base(Presence.LIVE, {**base.values, **known, **late})
    late = {name: value for name, value in late.items() if name in base.values}
    return replace(base, values={**base.values, **late}) if late else base


def _kept(pair: Pair, name: str, seen: Observation) -> Conflict:
    before = pair.base.values.get(name) if pair.base else None
    ours = pair.postgres.stamps.get(name)
    row, page = pair.postgres.values.get(name), seen.values[name]
    return Conflict(name, before, row, page, ours, seen.stamp, "edited-while-written", Side.POSTGRES)
