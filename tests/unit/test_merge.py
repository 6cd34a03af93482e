"""The merge against its promises: S5 (no false conflict), S6 (algebra), S7 (deterministic winner), S12, S13, S14.

One base is drawn and perturbed twice, so that the three inputs are correlated as they are in life.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.merge import APPROVED, REJECTED, Said, merge
from bridge.model import (
    Base,
    Change,
    Decision,
    Deletes,
    Direction,
    Op,
    Pair,
    Policy,
    Presence,
    Side,
    Snapshot,
    Stamp,
    Unfit,
    Value,
)
from tests.unit.worlds import live, make_field, make_pair, make_sync, stamp

VALUES = st.sampled_from([None, "a", "b", "c", "unholdable"])
POLICIES = st.sampled_from(list(Policy))
SIDES = st.sampled_from(list(Side))
STAMPS = st.builds(stamp, st.integers(0, 300), st.integers(0, 70))
NAMES = ("title", "status", "notes")
SYNC = make_sync(tuple(make_field(name) for name in NAMES))


@st.composite
def perturbed(draw: st.DrawFn) -> tuple[dict[str, Value], dict[str, Value], dict[str, Value]]:
    base: dict[str, Value] = {name: draw(VALUES) for name in NAMES}
    sides: list[dict[str, Value]] = []
    for _ in range(2):
        edited = draw(st.sets(st.sampled_from(NAMES)))
        sides.append({name: draw(VALUES) if name in edited else base[name] for name in NAMES})
    return base, sides[0], sides[1]


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    presence = draw(st.sampled_from(list(Presence)))
    values = draw(
        st.dictionaries(st.sampled_from(NAMES), st.one_of(VALUES, st.builds(Unfit, st.just("no"), st.just("x"))))
    )
    stamps = draw(st.dictionaries(st.sampled_from([*NAMES, ""]), STAMPS))
    return Snapshot(presence, values, stamps)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    base = draw(
        st.one_of(
            st.none(),
            st.builds(
                Base, st.sampled_from([Presence.LIVE, Presence.GONE]), st.dictionaries(st.sampled_from(NAMES), VALUES)
            ),
        )
    )
    return make_pair(base, draw(snapshots()), draw(snapshots()))


def changes(decision: Decision, side: Side) -> dict[str, Change]:
    return {name: c for action in decision.actions if action.side is side for name, c in action.changes.items()}


def applied(pair: Pair, decision: Decision) -> Pair:
    """The pair after every write was made, as the journal would know it."""
    for action in decision.actions:
        written = {name: change.new for name, change in action.changes.items()}
        old = pair.side(action.side)
        if action.op is Op.DELETE:
            new, base = (
                Snapshot(Presence.GONE, old.values),
                Base(Presence.GONE, decision.base.values if decision.base else {}),
            )
        else:
            new = Snapshot(Presence.LIVE, {**old.values, **written}, old.stamps)
            agreed = decision.base.values if decision.base else {}
            base = Base(Presence.LIVE, {**agreed, **written})
            if action.op is not Op.UPDATE:
                left_out = {
                    name: new.values.get(name)
                    for name in pair.side(action.side.other).values
                    if name not in written and not isinstance(new.values.get(name), Unfit)
                }
                new = replace(new, values={**left_out, **new.values})
                base = Base(Presence.LIVE, {**left_out, **written})  # type: ignore[dict-item]
        pair = replace(pair, base=base, page_id="page", page_key=pair.key)
        row, page = (new, pair.notion) if action.side is Side.POSTGRES else (pair.postgres, new)
        pair = replace(pair, postgres=row, notion=page)
        decision = replace(decision, base=base)
    return replace(pair, base=decision.base)


@given(perturbed())
def test_same_everywhere_is_nothing(drawn: tuple[dict[str, Value], ...]) -> None:
    base = drawn[0]
    decision = merge(make_pair(base, base, base), SYNC)
    assert decision == Decision(Base(Presence.LIVE, base))


@given(perturbed())
def test_one_side_moved_is_carried_over(drawn: tuple[dict[str, Value], ...]) -> None:
    base, moved, _ = drawn
    for side in Side:
        pair = make_pair(base, moved, base) if side is Side.POSTGRES else make_pair(base, base, moved)
        decision = merge(pair, SYNC)
        assert not decision.conflicts
        carried = {name: change.new for name, change in changes(decision, side.other).items()}
        refused = {waiting.field for waiting in decision.waiting}
        assert carried == {n: moved[n] for n in NAMES if moved[n] != base[n] and n not in refused}
        assert not changes(decision, side)


@given(perturbed())
def test_both_moved_to_the_same_is_agreed_without_a_record(drawn: tuple[dict[str, Value], ...]) -> None:
    base, moved, _ = drawn
    decision = merge(make_pair(base, moved, moved), SYNC)
    assert decision == Decision(Base(Presence.LIVE, moved))


@given(perturbed())
def test_different_fields_both_survive(drawn: tuple[dict[str, Value], ...]) -> None:
    base, row, page = drawn
    page = {name: page[name] if row[name] == base[name] else base[name] for name in NAMES}
    decision = merge(make_pair(base, row, page), SYNC)
    assert not decision.conflicts
    for name in NAMES:
        if row[name] != base[name] and row[name] != "unholdable":
            assert changes(decision, Side.NOTION)[name] == Change(base[name], row[name])
        if page[name] != base[name]:
            assert changes(decision, Side.POSTGRES)[name] == Change(base[name], page[name])


@given(
    perturbed(),
    POLICIES,
    SIDES,
    st.dictionaries(st.sampled_from(NAMES), STAMPS),
    st.dictionaries(st.sampled_from(NAMES), STAMPS),
)
def test_conflicts_are_exactly_the_fields_that_both_moved_apart(
    drawn: tuple[dict[str, Value], ...], policy: Policy, tie: Side, ours: dict[str, Stamp], theirs: dict[str, Stamp]
) -> None:
    base, row, page = drawn
    sync = replace(SYNC, policy=policy, tie=tie)
    decision = merge(make_pair(base, live(row, ours), live(page, theirs)), sync)
    apart = {n for n in NAMES if row[n] != base[n] and page[n] != base[n] and row[n] != page[n]}
    assert {conflict.field for conflict in decision.conflicts} == apart
    for conflict in decision.conflicts:
        name = conflict.field
        assert (conflict.base, conflict.postgres, conflict.notion) == (base[name], row[name], page[name])
        assert (conflict.postgres_stamp, conflict.notion_stamp) == (ours.get(name), theirs.get(name))
        if policy is Policy.MANUAL:
            assert conflict.winner is None
            assert name not in changes(decision, Side.NOTION)
            assert name not in changes(decision, Side.POSTGRES)


@given(perturbed(), POLICIES)
def test_swapping_the_sides_swaps_the_result(drawn: tuple[dict[str, Value], ...], policy: Policy) -> None:
    base, row, page = ({n: v if v != "unholdable" else "d" for n, v in side.items()} for side in drawn)
    swapped_policy = {Policy.POSTGRES_WINS: Policy.NOTION_WINS, Policy.NOTION_WINS: Policy.POSTGRES_WINS}.get(
        policy, policy
    )
    one = merge(make_pair(base, row, page), replace(SYNC, policy=policy, tie=Side.POSTGRES))
    other = merge(make_pair(base, page, row), replace(SYNC, policy=swapped_policy, tie=Side.NOTION))
    for side in Side:
        assert changes(one, side) == changes(other, side.other)
    assert one.base == other.base


@given(pairs(), POLICIES, SIDES, st.sampled_from(["mirror", "hold", "ignore"]))
def test_total_and_ends_in_a_few_rounds(pair: Pair, policy: Policy, tie: Side, rule: str) -> None:
    """L2: never raises; applying what was decided ends in a state that asks for nothing more."""
    sync = replace(SYNC, policy=policy, tie=tie, deletes=Deletes(rule, rule))
    for _ in range(4):
        decision = merge(pair, sync)
        if not decision.actions:
            return
        pair = applied(pair, decision)
    pytest.fail(f"still at work: {merge(pair, sync)}")


@given(pairs())
def test_independent_of_the_order_of_fields(pair: Pair) -> None:
    backwards = replace(SYNC, fields=tuple(reversed(SYNC.fields)))
    one, other = merge(pair, SYNC), merge(pair, backwards)
    assert one.base == other.base
    assert {a.side: (a.op, dict(a.changes)) for a in one.actions} == {
        a.side: (a.op, dict(a.changes)) for a in other.actions
    }
    assert set(map(str, one.conflicts)) == set(map(str, other.conflicts))


@given(pairs())
def test_nothing_is_deleted_without_an_agreed_base_and_a_deletion(pair: Pair) -> None:
    for action in merge(pair, SYNC).actions:
        if action.op is Op.DELETE:
            assert pair.base is not None
            assert pair.base.presence is Presence.LIVE
            assert pair.side(action.side.other).presence is Presence.GONE


@given(pairs())
def test_a_create_is_only_for_a_side_without_a_live_record(pair: Pair) -> None:
    for action in merge(pair, SYNC).actions:
        if action.op in (Op.CREATE, Op.RESTORE):
            assert not pair.side(action.side).live
            assert pair.side(action.side.other).live


@pytest.mark.parametrize(
    ("ours", "theirs", "winner", "rule"),
    [
        (stamp(10), stamp(20, 5), Side.NOTION, "last-writer"),
        (stamp(30), stamp(20, 5), Side.POSTGRES, "last-writer"),
        (stamp(22), stamp(20, 5), Side.POSTGRES, "tie"),
        (stamp(20), stamp(20, 5), Side.POSTGRES, "tie"),
        (stamp(25), stamp(20, 5), Side.POSTGRES, "tie"),
    ],
)
def test_last_writer_by_intervals(ours: Stamp, theirs: Stamp, winner: Side, rule: str) -> None:
    pair = make_pair(
        {"title": "x"}, live({"title": "ours"}, {"title": ours}), live({"title": "theirs"}, {"title": theirs})
    )
    (conflict,) = merge(pair, make_sync((make_field("title"),))).conflicts
    assert (conflict.winner, conflict.rule) == (winner, rule)


@given(STAMPS, STAMPS, st.integers(-10_000, 10_000))
def test_shifting_one_clock_changes_only_who_wins(ours: Stamp, theirs: Stamp, shift: int) -> None:
    def decide(theirs: Stamp) -> Decision:
        row, page = live({"title": "ours"}, {"title": ours}), live({"title": "theirs"}, {"title": theirs})
        return merge(make_pair({"title": "x"}, row, page), make_sync((make_field("title"),)))

    moved = Stamp(theirs.earliest + timedelta(seconds=shift), theirs.latest + timedelta(seconds=shift))
    one, other = decide(theirs), decide(moved)
    assert [(c.field, c.base, c.postgres, c.notion) for c in one.conflicts] == [
        (c.field, c.base, c.postgres, c.notion) for c in other.conflicts
    ]


GONE = Snapshot(Presence.GONE, {"title": "x"})


@pytest.mark.parametrize("gone", list(Side))
def test_a_deletion_is_followed(gone: Side) -> None:
    alive = {"title": "x"}
    pair = make_pair(alive, GONE, alive) if gone is Side.POSTGRES else make_pair(alive, alive, GONE)
    (action,) = merge(pair, make_sync((make_field("title"),))).actions
    assert (action.side, action.op) == (gone.other, Op.DELETE)


@pytest.mark.parametrize("gone", list(Side))
def test_deleted_against_edited_keeps_the_edit(gone: Side) -> None:
    base, edited = {"title": "x"}, {"title": "edited"}
    pair = make_pair(base, GONE, edited) if gone is Side.POSTGRES else make_pair(base, edited, GONE)
    decision = merge(pair, make_sync((make_field("title"),)))
    (action,) = decision.actions
    assert action.side is gone
    assert action.op is (Op.CREATE if gone is Side.POSTGRES else Op.RESTORE)
    assert action.changes["title"].new == "edited"
    (conflict,) = decision.conflicts
    assert (conflict.field, conflict.rule, conflict.winner) == ("", "edit-survives", gone.other)


def test_a_deletion_that_lost_to_an_edit_is_told_with_its_own_time() -> None:
    row, page = replace(GONE, stamps={"": stamp(1)}), live({"title": "edited"}, {"title": stamp(60, 59)})
    (conflict,) = merge(make_pair({"title": "x"}, row, page), make_sync((make_field("title"),))).conflicts
    assert (conflict.postgres_stamp, conflict.notion_stamp) == (stamp(1), None)


def test_a_row_that_was_deleted_before_anything_was_agreed_on_comes_back_and_the_conflict_is_recorded() -> None:
    """Seed 1950 of the worlds (of 100 steps)."""
    decision = merge(make_pair(None, GONE, {"title": "x"}), make_sync((make_field("title"),)))
    assert [(action.side, action.op) for action in decision.actions] == [(Side.POSTGRES, Op.CREATE)]
    assert [(conflict.field, conflict.rule) for conflict in decision.conflicts] == [("", "edit-survives")]


def test_a_page_in_the_trash_since_before_everything_was_forgotten_is_restored_in_silence() -> None:
    decision = merge(make_pair(None, {"title": "x"}, GONE), make_sync((make_field("title"),)))
    assert [(action.side, action.op) for action in decision.actions] == [(Side.NOTION, Op.RESTORE)]
    assert decision.conflicts == ()


def test_a_changed_formula_is_no_edit_that_saves_a_page() -> None:
    fields = (make_field("title"), make_field("total", Direction.TO_POSTGRES, computed=True))
    pair = make_pair({"title": "x", "total": "1"}, GONE, {"title": "x", "total": "2"})
    (action,) = merge(pair, make_sync(fields)).actions
    assert action.op is Op.DELETE


@pytest.mark.parametrize(("edited", "op"), [(Side.NOTION, Op.DELETE), (Side.POSTGRES, Op.RESTORE)])
def test_only_an_edit_that_would_be_carried_over_saves_a_record(edited: Side, op: Op) -> None:
    """What is typed over a one-way field is put back; the row that it belongs to may be deleted all the same."""
    fields = (make_field("title"), make_field("owner", Direction.TO_NOTION))
    base, gone = {"title": "x", "owner": "ada"}, Snapshot(Presence.GONE, {"title": "x", "owner": "ada"})
    alive = {**base, "owner": "eve"}
    pair = make_pair(base, alive, gone) if edited is Side.POSTGRES else make_pair(base, gone, alive)
    (action,) = merge(pair, make_sync(fields)).actions
    assert (action.side, action.op) == (Side.NOTION, op)


def test_a_held_deletion_waits_for_a_word() -> None:
    sync = make_sync((make_field("title"),), deletes=Deletes("hold", "hold"))
    pair = make_pair({"title": "x"}, GONE, {"title": "x"})
    waiting = merge(pair, sync)
    assert [item.kind for item in waiting.waiting] == ["held"]
    assert not waiting.actions
    assert merge(pair, sync, Said(deletion=APPROVED)).actions[0].op is Op.DELETE
    assert merge(pair, sync, Said(deletion=REJECTED)).actions[0].op is Op.CREATE


def test_an_ignored_deletion_does_nothing() -> None:
    sync = make_sync((make_field("title"),), deletes=Deletes("ignore", "ignore"))
    decision = merge(make_pair({"title": "x"}, GONE, {"title": "x"}), sync)
    assert (decision.actions, decision.waiting) == ((), ())


def test_a_page_that_is_away_is_left_alone() -> None:
    away = Snapshot(Presence.AWAY, {"title": "x"}, note="moved to another database")
    decision = merge(make_pair({"title": "x"}, {"title": "new"}, away), SYNC)
    assert not decision.actions
    assert [(w.kind, w.reason) for w in decision.waiting] == [("away", "moved to another database")]


def test_a_known_page_that_was_not_seen_again_is_neither_made_twice_nor_missed() -> None:
    """Everything was forgotten but that it exists."""
    pair = Pair(1, "tasks", ("1",), "page", None, Snapshot(Presence.LIVE, {"title": "a"}), Snapshot())
    assert merge(pair, make_sync()) == Decision(None)
    assert merge(replace(pair, page_id=None), make_sync()).actions


@pytest.mark.parametrize(
    ("first", "written"), [(Side.POSTGRES, Side.NOTION), (Side.NOTION, Side.POSTGRES), (None, None)]
)
def test_first_run_records_every_difference(first: Side | None, written: Side | None) -> None:
    sync = make_sync((make_field("title"), make_field("status")), first_sync=first)
    decision = merge(make_pair(None, {"title": "a", "status": "s"}, {"title": "b", "status": "s"}), sync)
    assert [(c.field, c.rule, c.winner) for c in decision.conflicts] == [("title", "first-sync", first)]
    assert {action.side for action in decision.actions} == ({written} if written else set())
    assert decision.base is not None
    assert decision.base.values == {"status": "s"}


def test_a_one_way_field_is_put_back_and_remembered() -> None:
    sync = make_sync((make_field("title", Direction.TO_NOTION),))
    decision = merge(make_pair({"title": "x"}, {"title": "x"}, {"title": "edited in Notion"}), sync)
    assert changes(decision, Side.NOTION)["title"] == Change("edited in Notion", "x")
    assert [(c.rule, c.winner, c.notion) for c in decision.conflicts] == [
        ("direction", Side.POSTGRES, "edited in Notion")
    ]


def test_what_cannot_be_held_waits_and_the_rest_goes_on() -> None:
    pair = make_pair(
        {"title": "x", "status": "s"}, {"title": "unholdable", "status": "t"}, {"title": "x", "status": "s"}
    )
    decision = merge(pair, make_sync())
    assert set(changes(decision, Side.NOTION)) == {"status"}
    assert [(w.field, w.side) for w in decision.waiting] == [("title", Side.NOTION)]


def test_a_persons_choice_is_written_where_it_differs() -> None:
    pair = make_pair({"title": "ours"}, {"title": "ours"}, {"title": "ours"})
    decision = merge(pair, make_sync((make_field("title"),)), Said({"title": dict.fromkeys(Side, "theirs")}))
    assert {action.side for action in decision.actions} == set(Side)
    assert all(c.new == "theirs" for side in Side for c in changes(decision, side).values())


def test_each_side_gets_its_own_and_nothing_is_agreed_on() -> None:
    pair = make_pair({"title": "taken"}, {"title": "taken"}, {"title": "theirs"})
    said = Said({"title": {Side.POSTGRES: "ours", Side.NOTION: "theirs"}})
    decision = merge(pair, make_sync((make_field("title"),)), said)
    (action,) = decision.actions
    assert (action.side, dict(action.changes)) == (Side.POSTGRES, {"title": Change("taken", "ours")})
    assert decision.base == pair.base
    assert not decision.conflicts


def test_what_notion_shows_of_a_value_stands_for_it() -> None:
    """Notion keeps a time to the minute: the lost seconds are no edit, neither linked, nor later, nor deleted."""
    sync = make_sync((make_field("title"),))
    assert merge(make_pair(None, {"title": "9:00:30"}, {"title": "9:00"}), sync) == Decision(
        Base(Presence.LIVE, {"title": "9:00:30"})
    )
    assert not merge(make_pair({"title": "9:00:30"}, {"title": "9:00:30"}, {"title": "9:00"}), sync).actions
    (carried,) = merge(make_pair({"title": "9:00:30"}, {"title": "8:00"}, {"title": "9:00"}), sync).actions
    assert (carried.side, dict(carried.changes)) == (Side.NOTION, {"title": Change("9:00", "8:00")})
    (deleted,) = merge(make_pair({"title": "9:00:30"}, GONE, {"title": "9:00"}), sync).actions
    assert deleted.op is Op.DELETE
    said = Said({"title": dict.fromkeys(Side, "9:00:30")})
    assert not merge(make_pair({"title": "x"}, {"title": "9:00:30"}, {"title": "9:00"}), sync, said).actions


def test_the_key_is_put_into_a_page_that_lacks_it() -> None:
    pair = replace(make_pair({"title": "x"}, {"title": "x"}, {"title": "x"}), page_key=None)
    (action,) = merge(pair, make_sync((make_field("title"),))).actions
    assert (action.side, action.op, action.key, dict(action.changes)) == (Side.NOTION, Op.UPDATE, ("1",), {})


def test_after_an_agreed_deletion_only_a_new_act_brings_it_back() -> None:
    base = Base(Presence.GONE, {"title": "x"})
    assert not merge(make_pair(base, GONE, GONE), SYNC).actions
    (back,) = merge(make_pair(base, {"title": "x"}, GONE), make_sync((make_field("title"),))).actions
    assert (back.side, back.op) == (Side.NOTION, Op.RESTORE)
    (again,) = merge(make_pair(base, GONE, {"title": "x"}), make_sync((make_field("title"),))).actions
    assert (again.side, again.op) == (Side.POSTGRES, Op.CREATE)


def test_what_both_sides_have_brought_back_is_met_anew() -> None:
    """Found by the law that the order of the writes does not matter."""
    before: dict[str, Value] = {"title": "old", "status": None, "notes": None}
    row, page = {"title": "row", "status": None, "notes": None}, {"title": "page", "status": None, "notes": "kept"}
    pair = make_pair(Base(Presence.GONE, before), row, page)
    decision = merge(pair, make_sync(tuple(make_field(name) for name in before), first_sync=Side.POSTGRES))
    [conflict] = decision.conflicts
    assert (conflict.field, conflict.rule, conflict.base) == ("title", "first-sync", None)
    assert changes(decision, Side.POSTGRES)["notes"].new == "kept"
    assert changes(decision, Side.NOTION)["title"].new == "row"
    assert decision.base == Base(Presence.LIVE, {"status": None})
