"""Our own writes that Notion makes long after they were given up.

A PATCH without an answer (a gateway gave up, the bridge was killed while it was under way) is looked for. When it is
not there the merge goes on, and a newer value may be written. Notion may carry the first one out after that: the page
then shows an older value of the row, or is in the trash, and to take that for an edit would undo what came later, or
delete the row. Notion has neither conditional writes nor idempotency keys: nobody can call such a request back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bridge.ends import Evidence, Intent, Observation
from bridge.journal import Journal
from bridge.model import Base, Op, Pair, Presence, Side, Unfit, Value

# After it was found not to be there. Notion ends a request after 60 s (status 503); what waits behind it is not known.
_LINGERS = timedelta(minutes=5)


def without_late_writes(journal: Journal, pair: Pair, seen: Observation, bot: str) -> Pair:
    """The pair, so that what such a write has done to the page counts as agreed on: then it is no change of Notion's,
    and what the row holds is carried over once more. `bot` is who our own token writes as: what a page shows that
    somebody else has left so is an edit, whatever it is."""
    ours = seen.evidence is Evidence.RECEIPT or (bot != "" and seen.author == bot)
    if pair.base is None or seen.side is not Side.NOTION or not ours:
        return pair
    base = pair.base
    for intent in journal.lingering(pair, _LINGERS):
        base = _taken_back(pair, base, intent, seen)
    return pair if base == pair.base else replace(pair, base=base)


def _taken_back(pair: Pair, base: Base, intent: Intent, seen: Observation) -> Base:
    op = intent.action.op
    if op is Op.DELETE and seen.presence is Presence.GONE and pair.notion.live:
        return replace(base, presence=Presence.GONE)
    if seen.presence is not Presence.LIVE or op is Op.DELETE:
        return base
    if op is Op.RESTORE and pair.notion.presence is Presence.GONE:
        shown: dict[str, Value] = {n: value for n, value in seen.values.items() if not isinstance(value, Unfit)}
        return Base(Presence.LIVE, {**base.values, **shown})
    late = {
        name: change.new
        for name, change in intent.action.changes.items()
        if name in base.values and name in seen.values and seen.values[name] == change.new
        if pair.notion.values.get(name) != change.new
    }
    return replace(base, values={**base.values, **late}) if late else base
