"""Whose is a page that the journal does not know? A record's that waits for it, our own surplus, or a new record's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Intent, Made, Observation, Outcome, Receipt, made_by
from bridge.engine.making import creates_under_way, holds_nothing_else, likeness, makes_page
from bridge.engine.settle import Settler
from bridge.journal import Journal
from bridge.model import Base, Pair, Presence, Side, Snapshot, Sync, Unfit


class Linker:
    """Links the pages of one sync. Runs inside the caller's transaction. `bot`: who our own token writes as."""

    def __init__(self, journal: Journal, sync: Sync, settler: Settler, bot: str) -> None:
        self._journal = journal
        self._sync = sync
        self._settler = settler
        self._bot = bot

    def link(self, seen: Observation) -> Pair | None:
        """The record of a page that was seen. None while that cannot be told."""
        name, page_id = self._sync.name, seen.page_id
        assert page_id is not None
        given_up = self._given_up(seen)
        if self._made_in_vain(given_up, seen):
            return self._surplus(seen)
        other = self._being_made(seen)
        holder = self._journal.record_of(name, seen.key) if seen.key is not None else None
        if other is None and holder is not None and _are_of_others(given_up, holder):
            other = self._unseen_maker(given_up, seen)
            if other is None and holder.page_id is None:  # a second page of another record, and somebody has edited it
                return self._journal.add_pair(name, None, page_id, seen.key)
        other = other or holder
        if other is None:
            return self._journal.add_pair(name, seen.key, page_id, seen.key)
        if other.page_id is None:
            with crash_point(CrashPoint.PAIR_LINKED):
                return self._adopt(other, seen)
        live = other.postgres.live or other.notion.live
        if other.base is not None and other.base.presence is Presence.GONE and not live:
            # The record was deleted on both sides, and nobody has brought it back; a new page may take its key.
            self._journal.save_pair(replace(other, key=None), dirty=False)
            return self._journal.add_pair(name, seen.key, page_id, seen.key)
        if self._is_surplus(other, seen):
            return self._surplus(seen)
        return self._journal.add_pair(name, None, page_id, seen.key)

    def _surplus(self, seen: Observation) -> Pair:
        """A second page for one record, which an attempt of ours left behind. It goes to the trash."""
        copy = self._journal.add_pair(self._sync.name, None, seen.page_id, seen.key)
        agreed = {name: value for name, value in seen.values.items() if not isinstance(value, Unfit)}
        copy = replace(copy, base=Base(Presence.LIVE, agreed), postgres=Snapshot(Presence.GONE))
        self._journal.save_pair(copy)
        self._journal.add_event(copy, Side.NOTION, "surplus")
        return copy

    def _is_ours(self, seen: Observation) -> bool:
        """Whether our own token made the page, as far as it is known who we are."""
        return bool(self._bot) and seen.creator == self._bot

    def _given_up(self, seen: Observation) -> list[Intent]:
        """Attempts at a page with this key that counted as failed, of whichever record: one may have made this page."""
        if seen.key is None or not self._is_ours(seen):
            return []
        return self._journal.creates_given_up(self._sync.name, seen.key)

    def _made_in_vain(self, given_up: Sequence[Intent], seen: Observation) -> bool:
        """Whether an attempt of ours made this page that was given up, and its record has another one by now. Its row
        may have another key, too, and both may have been edited since: nobody has edited this page."""
        for attempt in given_up:
            other = attempt.pair
            if other.page_id not in (None, seen.page_id) and other.notion.live:
                return holds_nothing_else(self._sync, attempt, seen)
        return False

    def _being_made(self, seen: Observation) -> Pair | None:
        """The record for which our token is making this page. Its row may have another key by now than the page got.
        Somebody may have changed the page's key before we know of it: then its values tell, if they are no other's."""
        if not self._is_ours(seen):
            return None
        flying = creates_under_way(self._journal, self._sync)
        same = [one for one in flying if one.action.key == seen.key]
        if len(same) == 1:
            return same[0].pair if same[0].pair.page_id is None else None
        alike = [one for one in same or flying if holds_nothing_else(self._sync, one, seen)]
        if same and not alike:  # one of them made it, and somebody has edited it since
            best = max(likeness(self._sync, one, seen) for one in same)
            alike = [one for one in same if likeness(self._sync, one, seen) == best]
        return alike[0].pair if len(alike) == 1 and alike[0].pair.page_id is None else None

    def _unseen_maker(self, given_up: Sequence[Intent], seen: Observation) -> Pair | None:
        """Which record's attempt it was: of one without a page; of several of them the one that wrote all of it."""
        waiting = [attempt for attempt in given_up if attempt.pair.page_id is None]
        if len(_makers(waiting)) > 1:
            waiting = [attempt for attempt in waiting if holds_nothing_else(self._sync, attempt, seen)]
        return waiting[0].pair if len(_makers(waiting)) == 1 else None

    def _adopt(self, pair: Pair, seen: Observation) -> Pair | None:
        """A page that carries the key of a row without a page: the first run, or a create whose answer was lost."""
        flying = self._journal.intent_of_pair(pair)
        creating = flying is not None and makes_page(flying[0])
        if creating and not made_by(seen, self._bot):
            return None  # a person's page: whether it is a second one, the answer to our own create tells
        if not creating and self._is_ours(seen):
            # Made by an attempt that was given up: if its row has gone since, it was deleted with this page.
            pair = replace(pair, base=self._settler.made_before(pair, seen) or pair.base)
        pair = replace(pair, page_id=seen.page_id, page_key=seen.key)
        self._journal.save_pair(pair)
        self._journal.add_event(pair, Side.NOTION, "link")
        if flying is not None and creating:
            self._settler.settle(flying[0], Receipt(flying[0].id, Outcome.DONE, seen))
        return self._journal.pair(pair.id)

    def _is_surplus(self, other: Pair, seen: Observation) -> bool:
        """Whether our own token made this second page, and nobody has edited it. A copy that a person made is a new
        record. Which attempt made which page is not told: what was found for one of them may be the other's."""
        if not self._is_ours(seen) or other.notion.presence is not Presence.LIVE:
            return False
        attempts = self._journal.page_creates(other)
        if len(attempts) <= 1:
            return False  # no create of ours explains it: whoever made it, it is not ours to trash
        return any(holds_nothing_else(self._sync, attempt, seen) for attempt in attempts)


def _makers(attempts: Sequence[Intent]) -> set[int]:
    """The records that made these attempts, by number."""
    return {attempt.pair.id for attempt in attempts}


def _are_of_others(given_up: Sequence[Intent], holder: Pair) -> bool:
    """Whether other records alone have asked for a page with this key; the row that has it now got it later."""
    return bool(given_up) and holder.id not in _makers(given_up)


def link_made(journal: Journal, sync_name: str, made: Iterable[Made]) -> list[str]:
    """Links rows with the pages for which they were made, as the database proves it. A journal that was begun anew, or
    put back from before, would have each of them made a second time on the other side. Answers which writes need no
    proof any more: their pages carry the keys."""
    shown = []
    for intent_id, page_id, key in made:
        by_page, by_key = journal.pair_by_page(sync_name, page_id), journal.pair_by_key(sync_name, key)
        if by_page is not None and by_page.page_key == key:
            shown.append(intent_id)
        elif by_page is None and by_key is None:
            journal.add_pair(sync_name, key, page_id)
        elif by_page is not None and by_page.key is None and by_key is None:
            journal.save_pair(replace(by_page, key=key))
        elif by_key is not None and by_key.page_id is None and by_page is None:
            journal.save_pair(replace(by_key, page_id=page_id))
    return shown


def with_typed_key(journal: Journal, pair: Pair, seen: Observation) -> Pair:
    """A page that waits for its row because it had no key, or one that the table refused: somebody has typed another
    one now, and it is free."""
    if pair.postgres.presence is not Presence.UNSEEN or seen.key is None or seen.key == pair.page_key:
        return pair
    parked = journal.parked_of(pair)
    refused = any(row["side"] == Side.POSTGRES and row["kind"] == "refused" and not row["field"] for row in parked)
    waits = pair.key is None or (pair.key == pair.page_key and refused and pair.base is None)
    if not waits or journal.record_of(pair.sync, seen.key):
        return pair
    for row in parked:
        journal.set_parked(row["id"], "retried")
    return replace(pair, key=seen.key)
