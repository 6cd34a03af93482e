"""Laws of the merge over whole records: what one side holds is never forgotten (S3, S13), whatever was agreed on
before; the order in which writes are made does not matter (S6); only distances in time count (S7).

The three inputs are correlated as in life: one base, perturbed twice, of which some fields may never have been agreed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.ends import Batch, Observation
from bridge.merge import merge
from bridge.model import Action, Base, Decision, Deletes, Op, Pair, Policy, Presence, Side, Snapshot, Stamp, Value
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.test_merge import NAMES, POLICIES, SIDES, STAMPS, SYNC, VALUES, applied, changes, perturbed
from tests.unit.worlds import make_pair

DELETES = st.sampled_from(["mirror", "mirror", "hold", "ignore"])
FIRST = st.sampled_from([Side.POSTGRES, Side.NOTION, None])
_ROUNDS_MAX = 8


@st.composite
def records(draw: st.DrawFn) -> Pair:
    """One record as the journal may know it."""
    base, *sides = draw(perturbed())
    agreed = draw(st.one_of(st.just(set(NAMES)), st.sets(st.sampled_from(NAMES))))
    presence = draw(st.sampled_from([Presence.LIVE, Presence.LIVE, Presence.LIVE, Presence.GONE, None]))
    known = None if presence is None else Base(presence, {name: base[name] for name in NAMES if name in agreed})
    seen = []
    for values in sides:
        there = draw(st.sampled_from([Presence.LIVE, Presence.LIVE, Presence.GONE]))
        stamps = draw(st.dictionaries(st.sampled_from([*NAMES, ""]), STAMPS))
        seen.append(Snapshot(there, dict(values), stamps))
    return make_pair(known, *seen)


def holds_news(pair: Pair, side: Side, name: str) -> bool:
    """Whether this side holds something that the other never had: a new value, or that there is none any more."""
    value, base = pair.side(side).values[name], pair.base
    if base is None or base.presence is not Presence.LIVE or name not in base.values:
        return value is not None and value != pair.side(side.other).values[name]
    return value != base.values[name]


def is_kept(pair: Pair, decision: Decision, side: Side, name: str) -> bool:
    """Whether what this side shows is on the other side afterwards, or recorded, or waits to get there."""
    value, other = pair.side(side).values[name], pair.side(side.other)
    if any(waiting.field in ("", name) for waiting in decision.waiting):
        return True
    if any(conflict.field == name and value in (conflict.postgres, conflict.notion) for conflict in decision.conflicts):
        return True
    made = [action for action in decision.actions if action.side is side.other and action.op is not Op.UPDATE]
    written = changes(decision, side.other)
    if made:
        before = other.values.get(name) if made[0].op is Op.RESTORE else None
        return (written[name].new if name in written else before) == value
    return other.live and (written[name].new if name in written else other.values[name]) == value


@given(records(), POLICIES, SIDES, FIRST, DELETES)
def test_what_one_side_alone_holds_is_never_forgotten(
    pair: Pair, policy: Policy, tie: Side, first: Side | None, rule: str
) -> None:
    sync = replace(SYNC, policy=policy, tie=tie, first_sync=first, deletes=Deletes(rule, rule))
    decision = merge(pair, sync)
    for side in Side:
        for name in NAMES:
            if pair.side(side).live and holds_news(pair, side, name):
                assert is_kept(pair, decision, side, name), (side, name, decision)


@given(records(), POLICIES, SIDES, FIRST)
def test_no_value_is_made_up(pair: Pair, policy: Policy, tie: Side, first: Side | None) -> None:
    """S1: what is written to one side is what the other one shows."""
    sync = replace(SYNC, policy=policy, tie=tie, first_sync=first)
    decision = merge(pair, sync)
    for side in Side:
        for name, change in changes(decision, side).items():
            assert change.new == pair.side(side.other).values[name]


def at_rest(pair: Pair, choose: Sequence[int]) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Both sides when nothing is left to do; of several writes, the ones that are chosen are made first."""
    for turn in range(_ROUNDS_MAX):
        decision = merge(pair, SYNC)
        if not decision.actions:
            return pair.postgres.values, pair.notion.values
        chosen: tuple[Action, ...] = decision.actions
        if choose:
            chosen = (decision.actions[choose[turn % len(choose)] % len(decision.actions)],)
        pair = applied(pair, replace(decision, actions=chosen))
    raise AssertionError(f"still at work: {merge(pair, SYNC)}")


@given(records(), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_the_order_of_the_writes_does_not_matter(pair: Pair, choose: list[int]) -> None:
    assert at_rest(pair, choose) == at_rest(pair, ())


def later(snapshot: Snapshot, seconds: float) -> Snapshot:
    shift = timedelta(seconds=seconds)
    stamps = {name: Stamp(known.earliest + shift, known.latest + shift) for name, known in snapshot.stamps.items()}
    return replace(snapshot, stamps=stamps)


@given(records(), POLICIES, SIDES, st.integers(-10_000_000, 10_000_000))
def test_the_time_of_day_does_not_matter(pair: Pair, policy: Policy, tie: Side, seconds: int) -> None:
    sync = replace(SYNC, policy=policy, tie=tie)
    moved = replace(pair, postgres=later(pair.postgres, seconds), notion=later(pair.notion, seconds))
    one, other = merge(pair, sync), merge(moved, sync)
    assert (one.base, one.actions, one.waiting) == (other.base, other.actions, other.waiting)
    assert [(c.field, c.rule, c.winner) for c in one.conflicts] == [
        (c.field, c.rule, c.winner) for c in other.conflicts
    ]


@st.composite
def sightings(draw: st.DrawFn) -> list[Observation]:
    """What the feeds tell of one record, in their order."""
    seen: list[Observation] = []
    for number in range(draw(st.integers(1, 6))):
        values: dict[str, Value] | None = {name: draw(VALUES) for name in ("title", "status")}
        if draw(st.integers(0, 9)) == 0:
            values = None
        if draw(st.booleans()):
            seen.append(row("1", values, event_id=f"e-{number}", position=number, stamp=Stamp(at(number), at(number))))
        else:
            seen.append(page("page-1", "1", values, edited=minute(number), seen=at(60 * number)))
    return seen


@given(sightings())
def test_it_does_not_matter_how_news_are_batched(seen: list[Observation]) -> None:
    at_once, singly = Desk(), Desk()
    at_once.intake.take(Batch(seen))
    for one in seen:
        singly.intake.take(Batch([one]))
    for desk in (at_once, singly):
        desk.plan()
    journals = [
        (list(desk.journal.all_pairs("tasks")), [(c["field"], c["postgres"], c["notion"]) for c in desk.conflicts()])
        for desk in (at_once, singly)
    ]
    assert journals[0] == journals[1]
    flying = [[i.action for i in desk.journal.intents_in_flight("tasks")] for desk in (at_once, singly)]
    assert flying[0] == flying[1]
