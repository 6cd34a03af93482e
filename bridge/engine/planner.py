"""Journal -> merge -> journal: what to write next. Nothing is written to either side here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Intent
from bridge.engine.cases import AGREED, DECIDED, OPEN, OVERTAKEN, RESOLVED, RESOLVING
from bridge.engine.links import reread
from bridge.engine.overrun import hidden_in_trash
from bridge.engine.parents import Parents
from bridge.engine.parting import Parting, is_parting
from bridge.engine.portions import portion
from bridge.engine.resolving import read_seen
from bridge.engine.told import status_text
from bridge.errors import BreakerTripped
from bridge.journal import Journal
from bridge.journal.rows import read_value, wanted
from bridge.journal.store import Row
from bridge.merge import APPROVED, REJECTED, Said, merge
from bridge.model import Action, Change, Decision, Op, Pair, Side, Sync, Unfit, Value, Waiting
from bridge.values.links import for_page

_EMPTIED_MIN = 10  # below this many records, deleting all of them is an ordinary thing to do
_RECENT_S = 60.0
_PUT_OFF_S = 0.5
_HELD_MAX = 500  # in one plan: so many are merged in the time in which nothing else is done
_TOLD_LATER_S = 5.0  # each time that a record comes up it is merged anew, and there may be thousands


@dataclass(frozen=True, slots=True)
class Planned:
    """One pair and what merge decided about it, after what must not be tried again was held back."""

    pair: Pair
    decision: Decision


class Planner:
    """Plans one sync."""

    def __init__(self, journal: Journal, sync: Sync, clock: Clock, new_id: Callable[[], str]) -> None:
        self._journal = journal
        self._sync = sync
        self._clock = clock
        self._new_id = new_id
        self._parting = Parting(journal, sync)

    def plan(self, limit: int, *, deletes: bool = True, making: Collection[str] = ()) -> list[Intent]:
        """Merges pairs that changed until about `limit` writes are decided; journals what was agreed, what
        conflicts, and what to write.

        `deletes` False puts deletions off, because more changes wait to be read: a mass deletion is longer than one
        round, and its first part alone is below every limit. `making`: the syncs that come before this one, and whose
        pages are being made now: those that link to them come after them.

        Raises BreakerTripped when this would delete more than a person has to allow; nothing is planned then.
        """
        parents = Parents(self._journal, self._sync, making, self._clock.now())
        pairs = self._journal.dirty_pairs(self._sync.name, limit)
        if not pairs:
            return []
        intents: list[Intent] = []
        untold: list[Intent] = []
        with self._journal.transaction():
            self.check_breaker()
            # A pair that is merged is clean, put off or has a write under way, so that each round finds others.
            while pairs:
                marked = self._journal.marked([pair.id for pair in pairs])
                done: list[int] = []
                written: list[Intent] = []
                for pair in pairs:
                    with crash_point(CrashPoint.PLANNED):
                        planned = self._plan_pair(pair, deletes, parents, quiet=pair.id not in marked)
                    if planned is None:
                        done.append(pair.id)
                        self._makes_no_page(pair)
                    elif any(i.action.only_tells for i in planned):
                        untold += planned
                    else:
                        written += planned
                self._journal.clean(done)
                self._journal.add_intents(written)
                intents += written
                left = limit - len(intents) if parents.held < _HELD_MAX else 0
                pairs = self._journal.dirty_pairs(self._sync.name, left) if left > 0 else []
            # What is only told waits for people's changes; not for the first fill, which may take hours.
            told = [] if any(not intent.backfill for intent in intents) else untold[:limit]
            self._journal.add_intents(told)
            for intent in untold[len(told) :]:
                self._put_off(intent.pair, _TOLD_LATER_S)
        return intents + told

    def preview(self, pair: Pair, *, quiet: bool = False) -> Planned:
        """What a plan would decide about one pair. `quiet`: it has no open conflict, and nothing of it is parked."""
        if quiet:
            return Planned(pair, merge(pair, self._sync))
        pair = self._parting.ended(pair)
        parked = self._journal.parked_of(pair)
        decision = merge(pair, self._sync, self._said(pair, parked))
        return Planned(pair, hold_back(decision, parked, self._portion))

    def _portion(self, action: Action) -> Action:
        return portion(self._sync, action)

    def _makes_no_page(self, pair: Pair) -> None:
        """Nothing is left to do, and there is no page: it was refused, or the row is gone or not in the sync."""
        if pair.page_id is None and pair.key is not None:
            self._journal.awaiting.done(for_page(self._sync.name, pair.key))

    def _plan_pair(self, pair: Pair, deletes: bool, parents: Parents, *, quiet: bool) -> list[Intent] | None:
        """None when there is nothing to write, and nothing to wait for. `quiet`: see `Journal.marked`."""
        known = reread(pair, self._sync)
        if known is not pair:
            self._journal.save_pair(known)
            pair = known
        planned = self.preview(pair, quiet=quiet)
        pair, decision = planned.pair, planned.decision
        if not deletes and any(action.op is Op.DELETE for action in decision.actions):
            self._put_off(pair)
            return []
        if quiet and parents.holds(pair, decision):
            return []
        if decision.base != pair.base:
            pair = replace(pair, base=decision.base)
            self._journal.save_pair(pair)
        for conflict in (*decision.conflicts, *hidden_in_trash(self._journal, self._sync, pair, decision)):
            self._journal.add_conflict(pair, conflict)
        if not quiet or decision.waiting:
            self._update_parked(pair, decision)
        if not quiet or decision.conflicts:
            self._end_resolutions(pair)
        actions = self._with_note(pair, tuple(map(self._portion, decision.actions)))
        if not actions:
            return None
        if actions[0].only_tells:
            self._put_off(pair)
        attempts = 0 if quiet else self._journal.attempts(pair)
        return [self._intent(pair, action, attempts) for action in actions]

    def _with_note(self, pair: Pair, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """Adds to the page's update what its status property has to say, whatever somebody typed there; without an
        update, an action of its own when the text is news."""
        if self._sync.status_property is None or pair.page_id is None or not pair.notion.live:
            return actions
        note = status_text(self._sync, self._journal.parked_of(pair), self._journal.open_conflicts_of(pair))
        if not actions and note != self._journal.told(pair):
            return (Action(Side.NOTION, Op.UPDATE, note=note),)
        if self._journal.attempts(pair):
            return actions  # the note may be what the last attempt failed for
        update = (Side.NOTION, Op.UPDATE)
        return tuple(replace(a, note=note) if (a.side, a.op) == update else a for a in actions)

    def _put_off(self, pair: Pair, seconds: float = _PUT_OFF_S) -> None:
        later = self._clock.now() + timedelta(seconds=seconds)
        self._journal.postpone(pair.id, self._journal.attempts(pair), later)

    def _intent(self, pair: Pair, action: Action, attempts: int) -> Intent:
        return Intent(
            self._new_id(),
            pair,
            action,
            self._clock.now(),
            backfill=pair.base is None or action.only_tells,
            attempts=attempts,
        )

    def _said(self, pair: Pair, parked: list[Row]) -> Said:
        """What a person decided about this pair and is not yet carried out."""
        values = self._parting.wanted(pair)
        for row in self._journal.open_conflicts_of(pair):
            if row["state"] != RESOLVING or is_parting(row):
                continue
            chosen = self._chosen(row)
            if _still_as_shown(pair, row, chosen):
                values[row["field"]] = dict.fromkeys(Side, chosen)
            else:
                # Somebody edited the field after the choice was made: the edit is merged like any other.
                self._journal.set_conflict(row["id"], DECIDED if row["winner"] else RESOLVED, OVERTAKEN, None)
        held = next((row["state"] for row in parked if row["kind"] == "held"), "")
        return Said(values, {"approved": APPROVED, "rejected": REJECTED}.get(held, ""))

    def _end_resolutions(self, pair: Pair) -> None:
        """A resolution is done when both sides show what was chosen; an open conflict, when the sides agree."""
        for row in self._journal.open_conflicts_of(pair):
            field = row["field"]
            if field not in pair.postgres.values or field not in pair.notion.values or is_parting(row):
                continue
            value = pair.postgres.values[field]
            agreed = self._agree(pair, field)
            if agreed and (row["state"] == OPEN or value == self._chosen(row)):
                take = row["take"] or AGREED
                # The sides may show the same without ever having agreed on it: one of them is gone by now.
                agreed_on = pair.base.values.get(field) if pair.base else None
                self._journal.set_conflict(row["id"], RESOLVED, take, agreed_on)

    def _chosen(self, row: Row) -> Value:
        """The value that a person chose for a conflict, as the column would show it. One that the column cannot hold
        stays as it was typed: it will be refused, with the reason."""
        value: Value = read_value(row["value"])  # type: ignore[assignment]  # only representable ones can be chosen
        item = self._sync.field(row["field"])
        canonical = value if item is None else item.codec.canonical(value)
        return value if isinstance(canonical, Unfit) else canonical

    def _agree(self, pair: Pair, name: str) -> bool:
        item = self._sync.field(name)
        return item is not None and item.codec.stands_for(pair.notion.values[name], pair.postgres.values[name])

    def _update_parked(self, pair: Pair, decision: Decision) -> None:
        """What waits is derived from the merge; the table only shows it, and keeps what a person said about it."""
        shown = {(row["field"], row["side"]): row for row in self._journal.parked_of(pair)}
        for item in decision.waiting:
            row = shown.pop((item.field, item.side.value), None)
            if row is None:
                self._journal.park(pair, item, item.wanted)
            elif (row["kind"], row["reason"]) != (item.kind, item.reason) or _other_value(row, item):
                self._journal.renew_parked(row["id"], item, item.wanted or row["wanted"])
        for row in shown.values():
            if row["state"] in ("approved", "rejected") and decision.actions:
                continue  # the word holds until it is carried out: the write may have to be tried twice
            self._journal.set_parked(row["id"], "cleared")

    def check_breaker(self) -> None:
        """Stops before a mass deletion: it is rarely meant, and always asked about. Raises BreakerTripped."""
        name, sync = self._sync.name, self._sync
        state = self._journal.sync_state(name)
        pending = self._journal.deletions(name)
        since = self._clock.now() - timedelta(seconds=_RECENT_S)
        for side, count in ((Side.NOTION, pending["into_notion"]), (Side.POSTGRES, pending["into_postgres"])):
            if count == 0 or sync.deletes.into(side) in ("hold", "ignore"):
                if state.allowed[side]:
                    self._journal.allow(name, side, 0)  # the word was about deletions that are made by now
                continue
            total = count + self._journal.deletes_since(name, side, since)
            if total <= sync.max_deletes and total < _EMPTIED_MIN:
                continue  # few enough, of however many: these are not counted for each deletion
            left = self._journal.linked(name)
            linked = left + total - count
            emptied = count >= left and linked >= _EMPTIED_MIN
            many = total > sync.max_deletes and total * 100 > sync.max_deletes_percent * linked
            if (many or emptied) and total > state.allowed[side]:
                message = _breaker_message(sync, side, total, linked)
                raise BreakerTripped(message, hint=_breaker_hint(name), side=side.value, deletes=total)


def hold_back(
    decision: Decision, parked: list[Row], portion: Callable[[Action], Action] = lambda whole: whole
) -> Decision:
    """Takes out of a decision what was refused before and would only be refused again. `portion` tells what of an
    action is written at once.

    A refused write may be made when it wants something else, or when a person says retry (which ends the row).
    """
    refused = {(row["side"], row["field"]): row for row in parked if row["kind"] in ("refused", "failing")}
    if not refused:
        return decision
    actions: list[Action] = []
    waiting = list(decision.waiting)
    for action in decision.actions:
        left = replace(action, changes=_allowed(action, refused, waiting))
        row = refused.get((action.side.value, ""))
        # What was refused as a whole may have been what was left without the fields that had been refused before.
        if row is not None and row["wanted"] in (wanted(action, ""), wanted(portion(left), "")):
            waiting.append(Waiting("", action.side, row["reason"], None, row["kind"]))
        elif left.changes or left.op is not Op.UPDATE or left.key is not None:
            actions.append(left)
    return replace(decision, actions=tuple(actions), waiting=tuple(waiting))


def _allowed(action: Action, refused: Mapping[tuple[str, str], Row], waiting: list[Waiting]) -> dict[str, Change]:
    changes = {}
    for name, change in action.changes.items():
        row = refused.get((action.side.value, name))
        if row is not None and row["wanted"] == wanted(action, name):
            waiting.append(Waiting(name, action.side, row["reason"], change.new, row["kind"]))
        else:
            changes[name] = change
    return changes


def _other_value(row: Row, item: Waiting) -> bool:
    """Whether a field waits with another value than the one that was shown: that is news, even after a drop."""
    return bool(item.field) and read_value(row["value"]) != item.value


def _still_as_shown(pair: Pair, row: Row, chosen: Value) -> bool:
    """Whether both sides hold nothing but what the person saw who chose, or what was chosen."""
    shown = [chosen, *read_seen(row["seen"]), *(read_value(row[name]) for name in ("base", "postgres", "notion"))]
    field = row["field"]
    return all(pair.side(side).values[field] in shown for side in Side if field in pair.side(side).values)


def _breaker_message(sync: Sync, side: Side, total: int, linked: int) -> str:
    what = f"pages of {sync.data_source.title!r}" if side is Side.NOTION else f"rows of {sync.table.qualified}"
    return (
        f"sync {sync.name!r} stopped: it would delete {total} of {linked} {what} "
        f"(allowed without asking: {sync.max_deletes} or {sync.max_deletes_percent:g} %)"
    )


def _breaker_hint(name: str) -> str:
    return (
        f"If the deletions are meant: notion-bridge resume --sync {name} --allow-deletes\n"
        f"  If they are not: notion-bridge resume --sync {name} --undo-deletes (brings the records back)"
    )
