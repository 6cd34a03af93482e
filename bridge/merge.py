"""The three-way merge: what should happen to one pair, from plain values. No clock, no I/O.

Per field, against the base (what both sides last agreed on):

    row    page   result
    =      =      nothing
    moved  =      carried to Notion
    =      moved  carried to PostgreSQL
    moved  moved  to the same value: agreed; to different values: a conflict, decided by the policy

The record itself is merged the same way, with "is it there" as the value; a deletion against an edit keeps
the edit. Without a base (first run, lost journal) nothing is ever deleted, and what differs is decided by
`first_sync`. The result depends only on the arguments, so that a crash is repaired by merging again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bridge.errors import Refused
from bridge.model import (
    OUTSIDE,
    Action,
    Base,
    Change,
    Conflict,
    Decision,
    Field,
    FieldValue,
    Op,
    Pair,
    Policy,
    Presence,
    Side,
    Snapshot,
    Sync,
    Unfit,
    Value,
    Waiting,
)

APPROVED = "approved"
REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Said:
    """What a person decided about this pair: what each side shall hold in a field, a yes or no to a held deletion."""

    values: Mapping[str, Mapping[Side, Value]] = field(default_factory=dict)
    deletion: str = ""  # "", APPROVED or REJECTED


NOTHING_SAID = Said()


def merge(pair: Pair, sync: Sync, said: Said = NOTHING_SAID) -> Decision:
    """What to do about one pair. Total: never raises on canonical input."""
    row, page = pair.postgres, pair.notion
    if page.presence is Presence.AWAY:
        return Decision(pair.base, waiting=(Waiting("", Side.NOTION, page.note, None, "away"),))
    if page.presence is Presence.UNSEEN and pair.page_id is not None:
        return Decision(pair.base)  # everything was forgotten, and what the page is now has not been seen yet
    if row.presence is Presence.AWAY:
        return _merge_outside(pair, sync)
    if row.live and page.live:
        return _merge_fields(pair, sync, said)
    if row.live or page.live:
        return _merge_one_sided(pair, sync, said, Side.POSTGRES if row.live else Side.NOTION)
    if Presence.GONE in (row.presence, page.presence):
        values = pair.base.values if pair.base else {}
        return Decision(Base(Presence.GONE, values))
    return Decision(pair.base)


def decide(policy: Policy, tie: Side, postgres: Snapshot, notion: Snapshot, name: str) -> tuple[str, Side | None]:
    """Which side wins a conflict of one field, and by which rule. A pure function of what is recorded.

    Overlapping stamps are a tie: Notion tells the time of an edit only to an interval, and a guess that is
    passed off as knowledge would be a lost update.
    """
    if policy is Policy.POSTGRES_WINS:
        return "policy", Side.POSTGRES
    if policy is Policy.NOTION_WINS:
        return "policy", Side.NOTION
    if policy is Policy.MANUAL:
        return "manual", None
    row, page = postgres.stamps.get(name), notion.stamps.get(name)
    if row is None or page is None:
        return "tie", tie
    if row.before(page):
        return "last-writer", Side.NOTION
    if page.before(row):
        return "last-writer", Side.POSTGRES
    return "tie", tie


class _Draft:
    """Collects what is decided about one pair while its fields are gone through."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        # What was agreed before both deleted the record says nothing of what both have brought back.
        alive = pair.base is not None and pair.base.presence is Presence.LIVE
        self.before: Mapping[str, Value] = pair.base.values if pair.base and alive else {}
        self.agreed: dict[str, Value] = dict(self.before)
        self.changes: dict[Side, dict[str, Change]] = {Side.POSTGRES: {}, Side.NOTION: {}}
        self.conflicts: list[Conflict] = []
        self.waiting: list[Waiting] = []

    def carry(self, item: Field, into: Side, value: FieldValue) -> None:
        """Writes `value` into one side, or lets the field wait when that side cannot hold it."""
        waiting = obstacle(item, into, value)
        if waiting is not None:
            self.waiting.append(waiting)
        elif not isinstance(value, Unfit):
            expected = self.pair.side(into).values.get(item.name)
            self.changes[into][item.name] = Change(expected, value)

    def conflict(self, name: str, rule: str, winner: Side | None) -> None:
        row, page = self.pair.postgres, self.pair.notion
        self.conflicts.append(
            Conflict(
                name,
                self.before.get(name),
                row.values.get(name),
                page.values.get(name),
                row.stamps.get(name),
                page.stamps.get(name),
                rule,
                winner,
            )
        )

    def decision(self, presence: Presence, actions: tuple[Action, ...]) -> Decision:
        base = Base(presence, self.agreed)
        return Decision(base, actions, tuple(self.conflicts), tuple(self.waiting))


def refusal(item: Field, into: Side, value: FieldValue) -> str:
    """Why `value` cannot be written into that side's end of the field; "" when it can."""
    waiting = obstacle(item, into, value)
    return waiting.reason if waiting is not None else ""


def obstacle(item: Field, into: Side, value: FieldValue) -> Waiting | None:
    """What waits because `value` cannot be written into that side's end of the field; None when it can."""
    if isinstance(value, Unfit):
        return _waiting(item, into, value, value)
    try:
        if into is Side.NOTION:
            item.codec.to_notion(value)
        else:
            item.codec.to_postgres(value)
    except Refused as refused:
        return _waiting(item, into, refused, value)
    return None


def _waiting(item: Field, into: Side, why: Unfit | Refused, value: FieldValue) -> Waiting:
    kind = "link" if why.waits_for else "unfit"
    return Waiting(item.name, into, why.reason, value, kind, why.waits_for)


def _merge_fields(pair: Pair, sync: Sync, said: Said) -> Decision:
    """Both sides are alive: field by field."""
    draft = _Draft(pair)
    for item in sync.fields:
        if item.name in pair.postgres.values and item.name in pair.notion.values:
            _merge_field(draft, item, sync, said)
    actions = []
    rekey = pair.key if pair.key is not None and pair.page_key != pair.key else None
    for side in Side:
        key = rekey if side is Side.NOTION else None
        if draft.changes[side] or key is not None:
            actions.append(Action(side, Op.UPDATE, draft.changes[side], key))
    return draft.decision(Presence.LIVE, tuple(actions))


def _merge_field(draft: _Draft, item: Field, sync: Sync, said: Said) -> None:
    pair, name = draft.pair, item.name
    row, page = pair.postgres.values[name], pair.notion.values[name]
    known = pair.base is not None and pair.base.presence is Presence.LIVE and name in pair.base.values
    before = pair.base.values[name] if pair.base is not None and known else None
    moved = {Side.POSTGRES: row != before, Side.NOTION: not item.codec.stands_for(page, before)}
    # The page shows less than was agreed on, the minute of a time: of other seconds it would show no more.
    less = known and page != before and not moved[Side.NOTION] and item.direction.into(Side.NOTION)
    if name in said.values:
        _settle_as_said(draft, item, said.values[name])
    elif row == page or ((less or not known) and item.codec.stands_for(page, row)):
        if not isinstance(row, Unfit):
            draft.agreed[name] = row
    elif not known:
        _merge_first(draft, item, sync)
    elif moved[Side.NOTION] and item.codec.lapsed(page, before, pair.notion.stamps.get(name)):
        _merge_lapsed(draft, item)
    elif any(moved.values()):
        _merge_moved(draft, item, sync, moved)


def _merge_lapsed(draft: _Draft, item: Field) -> None:
    """Notion emptied the page itself, because an option was removed: nobody edited it, and the row's value stands.
    It is to be written to the page, which refuses it for as long as the option is missing."""
    row, page = (draft.pair.side(side).values[item.name] for side in Side)
    if item.direction.into(Side.NOTION):
        draft.carry(item, Side.NOTION, row)
    else:
        reason = "an option was removed in Notion, which emptied its pages; add it again or set another value"
        draft.waiting.append(Waiting(item.name, Side.POSTGRES, reason, page))


def _settle_as_said(draft: _Draft, item: Field, wanted: Mapping[Side, Value]) -> None:
    """A person decided: both sides get their value, each only where it differs."""
    row, page = wanted[Side.POSTGRES], wanted[Side.NOTION]
    if draft.pair.postgres.values[item.name] != row:
        draft.carry(item, Side.POSTGRES, row)
    if not item.codec.stands_for(draft.pair.notion.values[item.name], page):
        draft.carry(item, Side.NOTION, page)
    if row == page and not any(item.name in draft.changes[side] for side in Side):
        draft.agreed[item.name] = row


def _merge_first(draft: _Draft, item: Field, sync: Sync) -> None:
    """Both hold a value and never agreed on one: a first run, a new field, a lost journal, a record that came back."""
    pair = draft.pair
    page = pair.notion.values[item.name]
    if isinstance(page, Unfit) and page.waits_for:
        # What it links to is not known yet, so that it cannot be told whether the sides differ at all.
        draft.waiting.append(_waiting(item, Side.POSTGRES, page, page))
        return
    one_way = _one_way_source(item)
    filled = [side for side in Side if pair.side(side).values[item.name] is not None]
    winner: Side | None
    if one_way is not None:
        rule, winner = "direction", one_way
    elif pair.base is not None and len(filled) == 1:
        # The column or the property is new to a record that both sides know, or it came back: nobody emptied it.
        draft.carry(item, filled[0].other, pair.side(filled[0]).values[item.name])
        return
    else:
        rule, winner = "first-sync", sync.first_sync
    if not item.codec.computed:
        draft.conflict(item.name, rule, winner)
    if winner is not None:
        draft.carry(item, winner.other, pair.side(winner).values[item.name])


def _merge_moved(draft: _Draft, item: Field, sync: Sync, moved: Mapping[Side, bool]) -> None:
    """The sides differ and at least one of them moved away from the base."""
    pair = draft.pair
    source = _one_way_source(item)
    if source is not None:
        # Nothing may be carried out of the other side. An edit made there is put back, but never forgotten.
        if moved[source.other]:
            draft.conflict(item.name, "direction", source)
        draft.carry(item, source.other, pair.side(source).values[item.name])
    elif moved[Side.POSTGRES] and moved[Side.NOTION]:
        _merge_both_moved(draft, item, sync)
    else:
        source = Side.POSTGRES if moved[Side.POSTGRES] else Side.NOTION
        draft.carry(item, source.other, pair.side(source).values[item.name])


def _merge_both_moved(draft: _Draft, item: Field, sync: Sync) -> None:
    pair = draft.pair
    for side in Side:
        value = pair.side(side).values[item.name]
        if isinstance(value, Unfit):
            # It could be neither written nor compared; both edits stay where they are until a person mends it.
            draft.waiting.append(_waiting(item, side.other, value, value))
            return
    rule, winner = _policy(sync, pair, item.name)
    draft.conflict(item.name, rule, winner)
    if winner is not None:
        draft.carry(item, winner.other, pair.side(winner).values[item.name])


def _policy(sync: Sync, pair: Pair, name: str) -> tuple[str, Side | None]:
    return decide(sync.policy, sync.tie, pair.postgres, pair.notion, name)


def _one_way_source(item: Field) -> Side | None:
    into_postgres, into_notion = (item.direction.into(side) for side in (Side.POSTGRES, Side.NOTION))
    if into_postgres and into_notion:
        return None
    return Side.POSTGRES if into_notion else Side.NOTION


def _merge_outside(pair: Pair, sync: Sync) -> Decision:
    """The row is there, but outside of the filter: its page stays as it was, and an edit there waits.

    A page that is trashed meanwhile takes nothing along: the row is not in the sync.
    """
    if pair.notion.presence is Presence.GONE:
        return Decision(Base(Presence.GONE, pair.base.values if pair.base else {}))
    agreed = pair.base is not None and pair.base.presence is Presence.LIVE
    if not pair.notion.live or (agreed and not _edited(pair, sync, Side.NOTION)):
        return Decision(pair.base)
    return Decision(pair.base, waiting=(Waiting("", Side.POSTGRES, OUTSIDE, None, "away"),))


def _merge_one_sided(pair: Pair, sync: Sync, said: Said, alive: Side) -> Decision:
    """The record is alive on one side only: new there, deleted on the other, or both at once."""
    other = pair.side(alive.other)
    was = pair.base.presence if pair.base else None
    if other.presence is Presence.UNSEEN or was is Presence.GONE or (was is None and alive is Side.POSTGRES):
        # New here, or brought back after an agreed deletion. (A page, and no row, may be gone since before we forgot.)
        return _bring_over(pair, sync, alive)
    edited = was is None or _edited(pair, sync, alive)
    rule = sync.deletes.into(alive)
    if edited or said.deletion == REJECTED:
        decision = _bring_over(pair, sync, alive)
        return replace(decision, conflicts=(_survival(pair, alive, edited),))
    if rule == "ignore":
        return Decision(pair.base)
    if rule == "hold" and said.deletion != APPROVED:
        where = "row" if alive is Side.NOTION else "page"
        reason = f"its {where} was deleted; this deletion waits for your approval"
        return Decision(pair.base, waiting=(Waiting("", alive, reason, None, "held"),))
    return Decision(pair.base, (Action(alive, Op.DELETE),))


def _edited(pair: Pair, sync: Sync, side: Side) -> bool:
    """Whether this side holds something that the other one has never had: an edit since both sides agreed, or a value
    of a field on which they have not agreed yet."""
    assert pair.base is not None
    values, before = pair.side(side).values, pair.base.values
    fields = [item for item in sync.fields if item.direction.into(side.other) and not item.codec.computed]
    return any(
        _moved(pair, item, side) if item.name in before else _never_agreed(pair, item, side)
        for item in fields
        if item.name in values
    )


def _moved(pair: Pair, item: Field, side: Side) -> bool:
    assert pair.base is not None
    moved = pair.side(side).values[item.name] != pair.base.values[item.name]
    return moved and not (side is Side.NOTION and _same_in_notion(pair, item))


def _never_agreed(pair: Pair, item: Field, side: Side) -> bool:
    """A first sync that a person has yet to decide, or a field that is new: the other side never had this value."""
    row, page = (pair.side(one).values.get(item.name) for one in Side)
    known = item.name in pair.side(side.other).values
    return known and pair.side(side).values[item.name] is not None and not item.codec.stands_for(page, row)


def _same_in_notion(pair: Pair, item: Field) -> bool:
    """Whether the page still shows what was agreed, as far as people have a hand in it."""
    assert pair.base is not None
    page, before = pair.notion.values[item.name], pair.base.values[item.name]
    return item.codec.stands_for(page, before) or item.codec.lapsed(page, before, pair.notion.stamps.get(item.name))


def _survival(pair: Pair, alive: Side, edited: bool) -> Conflict:
    rule = "edit-survives" if edited else "deletion-rejected"
    row, page = pair.postgres.stamps.get(""), pair.notion.stamps.get("")
    return Conflict("", "live", _word(pair.postgres), _word(pair.notion), row, page, rule, alive)


def _word(snapshot: Snapshot) -> str:
    return "live" if snapshot.live else "deleted"


def _exact(pair: Pair, item: Field, alive: Side) -> FieldValue:
    """What the record that is alive holds. A page may show less than was agreed on, such as the minute of a time
    whose second it cannot show: as long as nobody edited it there, what was agreed is what it holds."""
    value = pair.side(alive).values.get(item.name)
    if alive is Side.NOTION and pair.base is not None and item.name in pair.base.values:
        before = pair.base.values[item.name]
        if item.codec.stands_for(value, before):
            return before
    return value


def _bring_over(pair: Pair, sync: Sync, alive: Side) -> Decision:
    """Makes the record on the other side: creates it, or takes its page out of the trash.

    Empty values are left out of a create, so that a column's or a status's default can fill them; what it
    fills then comes back as a change of that side.
    """
    draft = _Draft(pair)
    into = alive.other
    restore = into is Side.NOTION and pair.notion.presence is Presence.GONE and pair.page_id is not None
    for item in sync.fields:
        value = _exact(pair, item, alive)
        if not item.direction.into(into) or (item.codec.computed and into is Side.NOTION):
            continue
        if not restore and value is None and not refusal(item, into, None):
            continue
        if restore and value == pair.side(into).values.get(item.name):
            continue
        draft.carry(item, into, value)
    known = restore and pair.page_key == pair.key
    key = pair.key if into is Side.NOTION and not known else None
    action = Action(into, Op.RESTORE if restore else Op.CREATE, draft.changes[into], key)
    return Decision(pair.base, (action,), waiting=tuple(draft.waiting))
