"""Observations -> journal. Decides which pair an observation belongs to and whether it may be believed.

Nothing here decides what to write: an observation only changes what is known, and soils the pair so that
it is merged again. Everything runs inside the caller's transaction, one per batch, which is committed
before the feed is told that it may forget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Batch, Evidence, Intent, IntentState, Observation, Outcome, Receipt
from bridge.engine.lingering import without_late_writes
from bridge.engine.linking import Linker, with_typed_key
from bridge.engine.listed import Listed
from bridge.engine.rebinding import suspend
from bridge.engine.returning import without_emptied
from bridge.engine.settle import Settler
from bridge.engine.snapshots import absorb, left_already
from bridge.engine.trust import Trust, is_after, is_old_news, trust
from bridge.engine.turns import Look, Turns, as_read, is_part
from bridge.journal import Journal
from bridge.journal.rowbatch import RowBatch
from bridge.journal.rows import PageTimes, key_text
from bridge.model import Key, Pair, Presence, Side, Snapshot, Sync

_LOOKS = 500
_MISSED = Observation(Side.POSTGRES, Presence.GONE, evidence=Evidence.SCAN)


class Intake:
    """Takes the observations of one sync. `ahead`: see `Turns`."""

    def __init__(
        self, journal: Journal, sync: Sync, settler: Settler, bot: str = "", *, ahead: int | None = None
    ) -> None:
        self._journal = journal
        self._sync = sync
        self._turns = Turns(journal, sync, ahead)
        self._settler = settler
        self._linker = Linker(journal, sync, settler, bot)
        self._bot = bot
        self._confirmed: datetime | None = None
        self._partly: tuple[datetime, datetime] | None = None  # when pages older than the second were confirmed last
        self._doubted: dict[int, Observation] = {}  # by pair: what a query showed, until a look tells
        self._doubted_since: dict[int, datetime | None] = {}  # by pair: what was confirmed when the doubt began

    def take(self, batch: Batch, listed: Listed | None = None) -> list[Pair]:
        """Journals a batch in one transaction. Answers the pages that must be looked at to be sure. `listed` takes in
        the records whose rows it shows."""
        doubtful: dict[int, Pair] = {}
        with self._journal.transaction():
            self._confirmed = self._journal.sync_state(self._sync.name).confirmed
            for side, observations in groupby(batch.observations, key=lambda seen: seen.side):
                if side is Side.POSTGRES:
                    self._take_rows(list(observations), listed, self._turns.room())
                else:
                    looks = (self._take_page(seen) for seen in observations)
                    doubtful.update({pair.id: pair for pair in looks if pair is not None})
            if batch.confirmed is not None and batch.confirmed_before is not None:
                self._partly = batch.confirmed, batch.confirmed_before
            elif batch.confirmed is not None and (self._confirmed is None or batch.confirmed > self._confirmed):
                self._journal.update_sync(self._sync.name, confirmed=batch.confirmed)
        return list(doubtful.values())

    def take_missing_rows(self, listed: Listed, look: Look) -> None:
        """Takes what a complete read of the table in one snapshot did not show. Such a row is deleted; where there is a
        filter it may be outside, and `look` tells. One that was outside when it was deleted left the sync before: its
        page stays."""
        missing = [number for number in self._journal.with_rows(self._sync.name) if number not in listed]
        for start in range(0, len(missing), _LOOKS):
            pairs = [self._journal.pair(number) for number in missing[start : start + _LOOKS]]
            shown = look(pairs) if self._sync.where else [replace(_MISSED, key=pair.key) for pair in pairs]
            with self._journal.transaction():
                for pair, seen in zip(pairs, shown, strict=True):
                    # A page that waits for its row has none that could be gone; and of a row that came in after the
                    # snapshot the outbox tells, in order.
                    if seen.presence is Presence.AWAY or (seen.presence is Presence.GONE and pair.postgres.live):
                        self._take_row(seen)
        with self._journal.transaction():
            # Every waiting change was read before the table: whose key was taken by then went with a TRUNCATE.
            for pair in self._journal.take_all_displaced(self._sync.name):
                self._save(pair, _MISSED)

    def call_in(self, look: Look) -> bool:
        """Takes some of the rows that are to be read before their pair is merged, and of those whose turn has come.
        Answers whether there are others."""
        return self._turns.call_in(look, lambda shown: self._take_rows(shown, None, len(shown)))

    # Rows

    def _take_rows(self, observations: Sequence[Observation], listed: Listed | None, room: int) -> None:
        """Takes what is about one record and its row at once with others like it, and all else one by one. Of new rows
        `room` become records."""
        batch = RowBatch(self._journal, self._sync.name, observations)
        displaced = batch.is_displaced()
        for seen in observations:
            gone = seen.presence is Presence.GONE and seen.evidence is Evidence.EVENT
            if seen.origin is None and seen.old_key is None and seen.key is not None and not (gone and displaced):
                room -= self._take_plain(batch, seen, seen.key, room > 0)
            else:
                batch.flush()
                self._take_row(seen)
                batch.forget()
                displaced = batch.is_displaced()
            number = batch.number(seen.key) if listed is not None and seen.key is not None else None
            if listed is not None and number is not None:
                listed.add(number)
        batch.flush()

    def _take_plain(self, batch: RowBatch, seen: Observation, key: Key, has_room: bool) -> bool:
        """Answers whether there is a record more."""
        if batch.is_no_news(seen) or (seen.event_id is not None and batch.known_event(seen.event_id)):
            return False  # an event may be read again after a crash between our commit and the outbox's
        pair = batch.pair(key)
        new = pair is None
        if pair is None:
            pair = self._new(batch, seen, key, has_room)
        elif seen.unread:
            batch.need_read(pair)
            return False
        if pair is None or left_already(pair, seen):
            return False
        if seen.evidence is not Evidence.EVENT and batch.is_unread(pair):
            batch.was_read(pair)
            seen = as_read(pair, seen)
            if seen.presence is Presence.LIVE and pair.base is None:
                pair = replace(pair, postgres=Snapshot())  # what was known is that it is there, or a part of it
        result = absorb(pair, seen)
        if result.kind:
            batch.save(result.pair)
            batch.happened(result.stamp.latest if result.stamp else seen.seen)
        if result.kind or seen.event_id is not None:
            # An outbox row is journaled even when it says nothing new: its id must be known as taken.
            batch.add_event(result.pair, seen, result.kind or "same", result.changes, result.stamp)
        return new

    def _new(self, batch: RowBatch, seen: Observation, key: Key, has_room: bool) -> Pair | None:
        """The new record of a row that has none; None for one that waits for its turn, and one that is not there."""
        if seen.presence is not Presence.LIVE:
            batch.leave(key)
        elif batch.waits(key):
            pass  # what a change tells of it is not all that it holds: it is read when its turn comes
        elif seen.unread or not has_room:
            batch.arrive(seen, key)
        else:
            pair = batch.add(key)
            if is_part(self._sync, seen):
                batch.need_read(pair)
            return pair
        return None

    def _add(self, seen: Observation) -> Pair:
        """The new record of a row that has none."""
        pair = self._journal.add_pair(self._sync.name, seen.key, None)
        if is_part(self._sync, seen):
            self._journal.need_read(pair)
        return pair

    def _take_row(self, seen: Observation) -> None:
        if seen.event_id is not None and self._journal.known_event(seen.event_id):
            return  # read again after a crash between our commit and the outbox's
        origin = self._journal.intent(seen.origin) if seen.origin else None
        # Several syncs may share a table and the journal: a write is an echo only to the sync that made it.
        if origin is not None and origin[0].pair.sync == self._sync.name:
            with crash_point(CrashPoint.ECHO_TAKEN):
                self._take_echo(seen, origin[0].id)
            return
        pair = self._pair_of_row(seen)
        if pair is not None and not left_already(pair, seen):
            self._save(pair, seen)

    def _take_echo(self, seen: Observation, intent_id: str) -> None:
        """Our own write came back: the acknowledgement, not an event. What it carries is compared all the same,
        because a trigger of the user's may have changed more than we wrote."""
        found = self._journal.intent(intent_id)
        assert found is not None
        intent, state = found
        if not state.answered:
            receipt = Receipt(intent.id, Outcome.DONE, seen, position=seen.position)
            self._settler.settle(intent, receipt)
        pair = self._journal.pair(intent.pair.id)
        if seen.key is not None and pair.key is None and seen.presence is Presence.LIVE:
            holder = self._journal.pair_by_key(pair.sync, seen.key)
            pair = pair if holder is not None else replace(pair, key=seen.key)
        # Another record may have taken the key meanwhile: a later change tells where this one has gone.
        if seen.key != pair.key and not self._has_lost(pair, seen.key):
            # A write of ours made the user's trigger touch another record.
            other = self._pair_of_row(seen)
            if other is not None:
                self._save(other, seen)
            return
        self._save(pair, seen, quiet=True)
        if state is not IntentState.ECHO or self._settler.is_last_echo(intent.id, seen.position):
            self._journal.set_intent(intent.id, IntentState.DONE, position=seen.position)

    def _has_lost(self, pair: Pair, key: Key | None) -> bool:
        """Whether another row took this key from the pair, and no change has told yet where it went."""
        return key is not None and self._journal.pair_row(pair.id)["displaced_key"] == key_text(key)

    def _pair_of_row(self, seen: Observation) -> Pair | None:
        name = self._sync.name
        if seen.key is None:
            return None
        if seen.old_key is not None and seen.old_key != seen.key:
            return self._rekey(seen, seen.old_key, seen.key)
        if seen.presence is Presence.GONE and seen.evidence is Evidence.EVENT:
            # A key that two rows held for a moment (it is deferrable): the one that moved there was meant to stay.
            displaced = self._journal.take_displaced(name, seen.key)
            if displaced is not None:
                return displaced
        if seen.presence is Presence.LIVE:
            return self._journal.record_of(name, seen.key) or self._add(seen)
        self._journal.arrivals.done(name, [seen.key])
        return self._journal.pair_by_key(name, seen.key)

    def _rekey(self, seen: Observation, old: Key, new: Key) -> Pair | None:
        """A primary-key update moves the record with its page. Keys may be swapped inside one transaction."""
        name = self._sync.name
        pair = self._journal.take_displaced(name, old) or self._journal.pair_by_key(name, old)
        if pair is None and self._turns.rename(old, new):
            return None
        pair = pair or self._journal.record_of(name, old)
        holder = self._journal.record_of(name, new)
        if pair is None:
            return holder if holder or seen.presence is not Presence.LIVE else self._add(seen)
        if holder is not None and holder.id != pair.id:
            if holder.postgres.live:
                self._journal.displace(holder)
            else:
                # A record that is gone had this key once; its page, if any, goes its own way.
                self._journal.save_pair(replace(holder, key=None))
        pair = replace(pair, key=new)
        self._journal.save_pair(pair)
        return pair

    # Pages

    def _take_page(self, seen: Observation) -> Pair | None:
        """Takes what was seen of a page; answers its pair when only a direct look can tell whether it is so."""
        assert seen.page_id is not None
        if seen.retyped and seen.presence is Presence.LIVE:
            suspend(self._journal, self._sync, seen.retyped)
        pair = self._journal.pair_by_page(self._sync.name, seen.page_id)
        if pair is not None and is_old_news(pair, seen):
            return None
        if pair is None:
            if seen.presence is not Presence.LIVE:
                return None  # a page that was never ours to begin with
            pair = self._linker.link(seen)
            if pair is None:
                return None
        else:
            known = self._journal.page_times(pair)
            match trust(self._sync, pair, seen, known, being_written=self._is_being_written(pair)):
                case Trust.OUTDATED:
                    self._glimpse(pair, seen)
                    return None
                case Trust.DOUBTFUL:
                    self._doubted[pair.id] = seen
                    self._doubted_since.setdefault(pair.id, self._confirmed_of(known))
                    return pair
            if seen.evidence is Evidence.LOOK:
                self._end_doubt(pair, seen)
        pair = without_emptied(pair, seen)
        pair = without_late_writes(self._journal, self._sync, pair, seen, self._bot)
        self._save(with_typed_key(self._journal, pair, seen), seen)
        return None

    def _is_being_written(self, pair: Pair) -> bool:
        flying = self._journal.intent_of_pair(pair)
        return flying is not None and flying[0].action.side is Side.NOTION

    def _glimpse(self, pair: Pair, seen: Observation) -> None:
        """Keeps what an answer shows that came beside our own write.

        Notion has no conditional write, so that an edit may slip in between our last look at a page and the write.
        If some other answer happens to show it, it must not be forgotten with that answer.
        """
        if seen.presence is not Presence.LIVE:
            return
        for intent in self._journal.last_page_writes(pair):
            if self._later_than(intent, pair, seen):
                continue
            for name, change in intent.action.changes.items():
                value = seen.values.get(name)
                old_news = name not in seen.values or value in (change.expected, change.new)
                if not old_news and not self._journal.ever_seen(pair, name, value):
                    self._settler.glimpsed(pair, intent, name, value, seen.stamp)

    def _end_doubt(self, pair: Pair, seen: Observation) -> None:
        """A look does not show what a query of just before did: a write of ours may have run over it in between."""
        doubted = self._doubted.pop(pair.id, None)
        if doubted is not None:
            shown = seen.values
            vanished = {name: value for name, value in doubted.values.items() if value != shown.get(name, value)}
            self._glimpse(pair, replace(doubted, values=vanished))

    def _later_than(self, intent: Intent, pair: Pair, seen: Observation) -> bool:
        """Whether an answer is about the page after a write that was answered: what it shows is an edit of that page,
        and will be taken when whatever is under way now has its answer, too."""
        found = self._journal.intent(intent.id)
        return found is not None and found[1] is IntentState.DONE and is_after(seen, self._journal.page_times(pair))

    def _confirmed_of(self, known: PageTimes) -> datetime | None:
        """Until when a page was as it is known, if no poll since has listed it. None when everything is to be seen
        anew: what was said before then says nothing."""
        created = known.created
        if self._confirmed is None or self._partly is None or created is None or created >= self._partly[1]:
            return self._confirmed
        return max(self._confirmed, self._partly[0])

    def _save(self, pair: Pair, seen: Observation, *, quiet: bool = False) -> None:
        """Absorbs an observation and writes down what it changed."""
        seen_before = None
        if seen.side is Side.NOTION:
            known = self._journal.page_times(pair)
            confirmed = self._doubted_since.pop(pair.id, self._confirmed_of(known))
            seen_before = max((t for t in (known.seen, confirmed) if t is not None), default=None)
        result = absorb(pair, seen, seen_before)
        rekeyed = result.pair.page_key != pair.page_key or seen.old_key is not None
        if result.kind or rekeyed or quiet:
            self._journal.save_pair(result.pair)
        if seen.side is Side.NOTION:
            self._journal.page_seen(pair, seen.edited, seen.created, seen.seen)
        if (result.kind and not quiet) or seen.event_id is not None:
            # An outbox row is journaled even when it says nothing new: its id must be known as taken.
            kind = "echo" if quiet else result.kind or ("rekey" if seen.old_key else "same")
            self._journal.add_event(
                result.pair,
                seen.side,
                kind,
                result.changes,
                stamp=result.stamp,
                author=seen.author,
                intent=seen.origin,
                source=seen.event_id,
            )
        if result.kind and not quiet:
            self._journal.update_sync(self._sync.name, last_event_at=result.stamp.latest if result.stamp else seen.seen)
