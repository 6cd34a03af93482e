"""Receipts -> journal: what a write led to, and what is now agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import chain, takewhile

from bridge.clock import Clock, backoff
from bridge.ends import Blame, Evidence, Intent, IntentState, Observation, Outcome, Receipt
from bridge.engine.agreed import base_after
from bridge.engine.lingering import without_late_writes
from bridge.engine.making import is_anothers
from bridge.engine.overrun import run_over, unseen
from bridge.engine.snapshots import absorb
from bridge.journal import Journal
from bridge.journal.rows import read_moment, wanted
from bridge.model import (
    Action,
    Base,
    Change,
    Conflict,
    FieldValue,
    Op,
    Pair,
    Presence,
    Side,
    Snapshot,
    Stamp,
    Sync,
    Unfit,
    Waiting,
)

ATTEMPTS_MAX = 12
_BACKOFF_FIRST_S = 0.5
_BACKOFF_MAX_S = 60.0
_AT_ONCE_MAX = 2  # times that a record which moved under us is merged again without a pause


class Settler:
    """Ends intents. Runs inside the caller's transaction, or in its own. `bot`: who our own token writes as."""

    def __init__(self, journal: Journal, sync: Sync, clock: Clock, bot: str = "") -> None:
        self._bot = bot
        self._journal = journal
        self._sync = sync
        self._clock = clock

    def glimpsed(self, pair: Pair, intent: Intent, name: str, value: FieldValue, stamp: Stamp | None) -> None:
        """A value was seen in a page while our write to it was under way, or just after it was made."""
        found = self._journal.intent(intent.id)
        if found is not None and found[1] is IntentState.DONE:
            self._journal.add_conflict(pair, run_over(intent, name, value, stamp))
        else:
            self._journal.glimpse(intent, name, value, stamp)

    def settle(self, intent: Intent, receipt: Receipt) -> None:
        """Writes down one answer. A second answer to a settled intent changes nothing."""
        with self._journal.transaction():
            found = self._journal.intent(intent.id)
            if found is None or found[1].answered:
                return
            pair = self._journal.pair(intent.pair.id)
            if receipt.seen is not None:
                written = intent.action.changes
                pair = without_late_writes(self._journal, self._sync, pair, receipt.seen, self._bot, written)
            if self._found_anothers(pair, intent, receipt):
                reason = "the page that carries the key is another record's"
                receipt = Receipt(intent.id, Outcome.RETRY, reason=reason)
            seen_beside = [] if receipt.outcome is Outcome.UNKNOWN else self._journal.take_glimpses(intent)
            if receipt.outcome is Outcome.DONE:
                overrun = [run_over(intent, *glimpse) for glimpse in seen_beside]
                for conflict in chain(overrun, unseen(self._journal, self._sync, pair, intent, receipt.seen)):
                    self._journal.add_conflict(pair, conflict)
                self._done(pair, intent, receipt)
            elif receipt.outcome is Outcome.REFUSED and _note_may_be_why(intent, receipt):
                self._without_note(pair, intent, receipt)
            elif receipt.outcome is Outcome.REFUSED:
                self._refused(pair, intent, receipt)
            elif receipt.outcome is Outcome.UNKNOWN:
                self._journal.set_intent(intent.id, IntentState.UNKNOWN, reason=receipt.reason)
            else:
                self._again(pair, intent, receipt)

    def _found_anothers(self, pair: Pair, intent: Intent, receipt: Receipt) -> bool:
        """Whether the page that was found by its key, as what a create had made, belongs to another record: one whose
        key was changed, and whose page still shows the old one, or into whose page somebody typed this one; or one
        whose page is being made."""
        seen = receipt.seen
        if receipt.outcome is not Outcome.DONE or seen is None or seen.page_id in (None, pair.page_id):
            return False
        holder = self._journal.pair_by_page(pair.sync, str(seen.page_id))
        return is_anothers(self._journal, self._sync, intent, seen) if holder is None else holder.id != pair.id

    def is_last_echo(self, intent_id: str, position: int | None) -> bool:
        """Whether the outbox row at `position` is the one that a written intent waits for."""
        row = self._journal.store.row("intent_get", id=intent_id)
        assert row is not None
        return position is not None and row["position"] is not None and position >= row["position"]

    def _done(self, pair: Pair, intent: Intent, receipt: Receipt) -> None:
        seen = receipt.seen
        if seen is not None and self._may_be_older(intent, seen):
            self._found(pair, intent, seen)
            return
        if seen is not None and seen.evidence is not Evidence.RECEIPT:
            intent = self._as_made(intent, seen)
        echo = intent.action.side is Side.POSTGRES and receipt.position is not None
        shown = None if echo else seen  # what a row has become its echo tells, in the order of the outbox
        match intent.action.op:
            case Op.CREATE | Op.RESTORE:
                pair = self._made(pair, intent, seen, shown)
            case Op.UPDATE:
                pair = self._updated(pair, intent, seen, shown)
            case Op.DELETE:
                pair = self._deleted(pair, intent, seen, shown)
        self._save(pair, seen)
        state = IntentState.ECHO if echo else IntentState.DONE
        self._journal.set_intent(intent.id, state, position=receipt.position)
        self._journal.postpone(pair.id, 0, None)

    def _made(self, pair: Pair, intent: Intent, seen: Observation | None, shown: Observation | None) -> Pair:
        """The record is on both sides now."""
        pair = self._agreed(pair, intent, seen)
        self._note_written(pair, intent)  # whoever edits what was made did so after it
        return pair if shown is None else self._shown_besides(pair, intent, shown)

    def _updated(self, pair: Pair, intent: Intent, seen: Observation | None, shown: Observation | None) -> Pair:
        pair = self._agreed(pair, intent, seen)
        if shown is not None:
            pair = self._shown_besides(pair, intent, shown)
        if intent.action.note is not None and seen is not None and seen.evidence is Evidence.RECEIPT:
            self._journal.set_told(pair, intent.action.note)  # a look does not show it: then it is told again
        if not intent.action.only_tells:
            self._note_written(pair, intent)
        return pair

    def _deleted(self, pair: Pair, intent: Intent, seen: Observation | None, shown: Observation | None) -> Pair:
        pair = replace(pair, base=base_after(self._sync, pair, intent, seen))
        self._note_written(pair, intent)
        if shown is not None:
            return self._shown_besides(pair, intent, shown)
        # Of a row that is gone its echo tells; a page has none.
        trashed = intent.action.side is Side.NOTION
        return absorb(pair, Observation(Side.NOTION, Presence.GONE)).pair if trashed else pair

    def _agreed(self, pair: Pair, intent: Intent, seen: Observation | None) -> Pair:
        """The pair with its names and with what was written as its base; keeps what the database made otherwise."""
        if seen is not None:
            pair = self._identified(pair, intent.action, seen)
        if seen is not None and intent.action.side is Side.POSTGRES:
            self._keep_what_the_database_changed(pair, intent, seen)
        return replace(pair, base=base_after(self._sync, pair, intent, seen))

    def _save(self, pair: Pair, seen: Observation | None) -> None:
        """Writes the pair down, and of a page until when it was certainly so."""
        self._journal.save_pair(pair)
        if seen is not None and seen.side is Side.NOTION:
            self._journal.page_seen(pair, seen.edited, seen.created, seen.seen)

    def _may_be_older(self, intent: Intent, seen: Observation) -> bool:
        """Whether a page that was found, and not answered with, may be of a lost journal: it shows what no attempt of
        ours wrote, and nobody knows what it was made with. (Of its time Notion tells only the minute.)"""
        begun = read_moment((self._journal.sync_row(intent.pair.sync) or {}).get("begun"))
        found = intent.action.op is Op.CREATE and seen.evidence is not Evidence.RECEIPT
        early = found and begun is not None and seen.created is not None and seen.created < begun
        attempts = self._journal.open_creates(intent.pair) if early else []
        return early and all(self._other_than(one.action.changes, seen) for one in attempts or [intent])

    def _found(self, pair: Pair, intent: Intent, seen: Observation) -> None:
        """The record has this page, and nothing is agreed on: what differs is decided as in a first sync."""
        pair = absorb(self._identified(pair, intent.action, seen), seen).pair
        self._save(pair, seen)
        self._journal.add_event(pair, Side.NOTION, "link")
        self._journal.set_intent(intent.id, IntentState.DONE)
        self._journal.postpone(pair.id, 0, None)

    def _as_made(self, intent: Intent, seen: Observation) -> Intent:
        """A page that was found, not answered with, may be what an earlier attempt made that was given up: then that is
        what both sides had agreed on, and what the row has become since is to be carried to it. Which attempt it was,
        most of the page's values tell; an edit may have changed the others."""
        if intent.action.side is Side.POSTGRES or intent.action.op is not Op.CREATE:
            return intent

        def unlike(one: Intent) -> int:
            changes = one.action.changes
            return 2 * len(self._other_than(changes, seen)) - len(changes)

        made = min(self._journal.open_creates(intent.pair) or [intent], key=unlike)
        return replace(intent, action=replace(intent.action, changes=made.action.changes))

    def made_before(self, pair: Pair, seen: Observation) -> Base | None:
        """What was agreed on with a page that an attempt had made which was given up; None when there was none."""
        attempts = self._journal.open_creates(pair)
        return base_after(self._sync, pair, self._as_made(attempts[-1], seen), seen) if attempts else None

    def _note_written(self, pair: Pair, intent: Intent) -> None:
        action = intent.action
        written = {name: (change.expected, change.new) for name, change in action.changes.items()}
        kind = "write" if action.op is Op.UPDATE else f"write-{action.op.value}"
        self._journal.add_event(pair, action.side, kind, written, intent=intent.id)

    def _shown_besides(self, pair: Pair, intent: Intent, seen: Observation) -> Pair:
        """Takes the record as the answer shows it; what it shows besides our write is somebody's change."""
        result, written = absorb(pair, seen), intent.action.changes
        others = {name: change for name, change in result.changes.items() if name not in written}
        if intent.action.op is not Op.UPDATE:  # then the rest is what a new record or a restored page holds
            others = {name: (written[name].new, value) for name, value in self._other_than(written, seen).items()}
        if others:
            # What a trigger of the table did along with our write happened while we wrote.
            within = Stamp(intent.at, max(intent.at, self._clock.now())) if seen.side is Side.POSTGRES else None
            stamp = result.stamp or within
            self._journal.add_event(result.pair, seen.side, "update", others, stamp=stamp, author=seen.author)
        return result.pair

    def _other_than(self, written: Mapping[str, Change], seen: Observation) -> dict[str, FieldValue]:
        """What the answer shows in the place of what was written: it was edited before the answer was read."""
        found: dict[str, FieldValue] = {}
        for name, change in written.items():
            item, shown = self._sync.field(name), seen.values.get(name)
            if item is not None and name in seen.values and not item.codec.stands_for(shown, change.new):
                found[name] = shown
        return found

    def _keep_what_the_database_changed(self, pair: Pair, intent: Intent, seen: Observation) -> None:
        """A trigger of the table made something else of what was written. The row's value goes back to the page;
        what the person typed there must still be found."""
        for name, change in intent.action.changes.items():
            stored = seen.values.get(name)
            if name not in seen.values or stored == change.new:
                continue
            before = pair.base.values.get(name) if pair.base else None
            typed = intent.pair.notion.stamps.get(name)
            conflict = Conflict(
                name, before, stored, change.new, seen.stamp, typed, "changed-by-database", Side.POSTGRES
            )
            self._journal.add_conflict(pair, conflict)

    def _identified(self, pair: Pair, action: Action, seen: Observation) -> Pair:
        """What a create made has a name now: for a row the key that it really got, whatever was asked for.

        The database may have drawn a number that a person typed into another new page, or a trigger may have
        rewritten the key. Whoever has the row has the key; the other record gets another one.
        """
        if action.side is Side.POSTGRES:
            # Looked up after a lost answer, it may have got yet another key since: the outbox will tell, in order.
            made = seen.old_key or seen.key
            if action.op is not Op.CREATE or made is None or made == pair.key:
                return pair
            holder = self._journal.pair_by_key(pair.sync, made)
            if holder is not None and (holder.postgres.live or self._is_made(holder)):
                self._journal.displace(holder)  # its row has gone, or got another key: the outbox still has that
            elif holder is not None:
                self._journal.save_pair(replace(holder, key=None))
            return replace(pair, key=made)
        page_key = seen.key if seen.key is not None else pair.page_key
        return replace(pair, page_id=pair.page_id or seen.page_id, page_key=page_key)

    def _is_made(self, pair: Pair) -> bool:
        """Whether a row of ours was made of which the outbox has not told yet."""
        found = self._journal.intent_of_pair(pair)
        return found is not None and found[1] is IntentState.ECHO and found[0].action.op is Op.CREATE

    def _refused(self, pair: Pair, intent: Intent, receipt: Receipt) -> None:
        action, seen = intent.action, receipt.seen
        field = receipt.field if receipt.field in action.changes else ""
        if seen is not None:
            if seen.evidence is Evidence.RECEIPT:
                pair = self._stored_otherwise(pair, intent, seen)
            pair = absorb(pair, seen).pair
            self._save(pair, seen)
        value = action.changes[field].new if field else None
        self._park(pair, intent, Waiting(field, action.side, receipt.reason, value, "refused"))
        self._journal.set_intent(intent.id, IntentState.REFUSED, reason=receipt.reason)
        self._journal.postpone(pair.id, 0, None)

    def _without_note(self, pair: Pair, intent: Intent, receipt: Receipt) -> None:
        """The status property may have vanished. The changes are tried again without the note; the note is not."""
        assert intent.action.note is not None
        self._journal.set_told(pair, intent.action.note)
        self._journal.set_intent(intent.id, IntentState.STALE, reason=receipt.reason)
        attempts = 0 if intent.action.only_tells else self._journal.attempts(pair) + 1
        self._journal.postpone(pair.id, attempts, None)

    def _stored_otherwise(self, pair: Pair, intent: Intent, seen: Observation) -> Pair:
        """The write was made, and something else was stored. That is no edit of a person's: it becomes the base,
        so that the value which could not be stored stays the one that waits."""
        if intent.action.op is not Op.DELETE:
            pair = self._identified(pair, intent.action, seen)
        values = dict(base_after(self._sync, pair, intent, seen).values)
        for name, change in intent.action.changes.items():
            item, stored = self._sync.field(name), seen.values.get(name)
            if item is None or name not in seen.values or isinstance(stored, Unfit):
                continue  # what was not observed is not null
            if not item.codec.stands_for(stored, change.new):
                values[name] = stored
        return replace(pair, base=Base(Presence.LIVE, values))

    def _again(self, pair: Pair, intent: Intent, receipt: Receipt) -> None:
        """Not written: the record moved under us, or the side could not answer. Merge again, later."""
        action, seen = intent.action, receipt.seen
        row = self._journal.pair_row(pair.id)
        attempts, failures = row["attempts"] + 1, row["failures"] + self._is_its_own_failure(intent, receipt)
        if seen is not None and action.op is Op.RESTORE and _is_half_made(seen):
            self._half_restored(pair, intent, seen)
        elif seen is not None and (action.side is Side.NOTION or self._is_its_row(pair, intent, seen)):
            # A row's news comes through the outbox, in order; a page's, and a row nobody told us of, from here.
            # A row that took the key which was asked for belongs to another record by now, or will.
            result = absorb(pair, seen)
            if action.op is Op.RESTORE and seen.presence is Presence.AWAY:
                # Purged from the trash, so that there is nothing to restore: the record gets a new page.
                result = replace(result, pair=replace(pair, page_id=None, page_key=None, notion=Snapshot()))
            self._save(result.pair, seen)
            if result.kind:
                self._journal.add_event(result.pair, seen.side, result.kind, result.changes, stamp=result.stamp)
        if failures >= ATTEMPTS_MAX and not action.only_tells:
            reason = f"given up after {ATTEMPTS_MAX} attempts: {receipt.reason}"
            self._park(pair, intent, Waiting("", action.side, reason, None, "failing"))
            attempts = failures = 0
        state = IntentState.STALE if receipt.outcome is Outcome.STALE else IntentState.RETRY
        self._journal.set_intent(intent.id, state, reason=receipt.reason)
        if receipt.lingers:
            self._journal.linger(intent.id)
        delay = receipt.retry_after or backoff(attempts, _BACKOFF_FIRST_S, _BACKOFF_MAX_S)
        if receipt.outcome is Outcome.STALE and attempts <= _AT_ONCE_MAX:
            delay = 0.0
        not_before = self._clock.now() + timedelta(seconds=delay) if delay else None
        self._journal.postpone(pair.id, attempts, not_before, failures)

    def _half_restored(self, pair: Pair, intent: Intent, seen: Observation) -> None:
        """Our write took the page out of the trash, and its values did not follow: both sides have the record again,
        and the page what it was known to hold. Otherwise it would look as if somebody had brought it back, and a
        deletion of its row that comes now would be undone."""
        bare = replace(intent, action=replace(intent.action, changes={}))
        pair = replace(pair, base=base_after(self._sync, pair, bare, seen))
        self._note_written(pair, bare)
        self._save(self._shown_besides(pair, bare, seen), seen)

    def _is_its_own_failure(self, intent: Intent, receipt: Receipt) -> bool:
        """Whether a write failed for this record's sake: an outage of a side, however long, gives no record up. Of an
        error that may be either's, the record is suspected when the side has taken another's write meanwhile."""
        if receipt.outcome is not Outcome.RETRY or receipt.blame is Blame.SIDE:
            return False
        return receipt.blame is Blame.RECORD or self._journal.took_another(intent)

    def _is_its_row(self, pair: Pair, intent: Intent, seen: Observation) -> bool:
        """Whether the row that was there before ours is the record's. Not while it is unknown what became of a row
        that was to be made before ours, and that may have got this very key: the outbox tells whose it is."""
        if intent.action.op is not Op.CREATE or seen.key != pair.key:
            return False
        # What was decided after ours, such as the rest of a batch, was not sent yet when ours was answered.
        earlier = takewhile(lambda other: other.id != intent.id, self._journal.intents_in_flight(pair.sync))
        return not any(other.action.side is Side.POSTGRES and other.action.op is Op.CREATE for other in earlier)

    def _park(self, pair: Pair, intent: Intent, waiting: Waiting) -> None:
        want = wanted(intent.action, waiting.field)
        for row in self._journal.parked_of(pair):
            if row["field"] == waiting.field and row["side"] == waiting.side.value:
                self._journal.renew_parked(row["id"], waiting, want)
                return
        self._journal.park(pair, waiting, want)


def _is_half_made(seen: Observation) -> bool:
    """Whether a restore that was not made as a whole was answered with the page that it took out of the trash."""
    return seen.evidence is Evidence.RECEIPT and seen.presence is Presence.LIVE


def _note_may_be_why(intent: Intent, receipt: Receipt) -> bool:
    """Whether a write with a note was refused before anything was stored, and no field is to blame."""
    return intent.action.note is not None and receipt.seen is None and not receipt.field
