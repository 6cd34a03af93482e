"""What the bridge knows, in the model's words. The only writer of the journal file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.errors import BreakerTripped
from bridge.journal import rows
from bridge.journal.arrivals import Arrivals
from bridge.journal.awaiting import Awaiting
from bridge.journal.history import History
from bridge.journal.rows import PageTimes
from bridge.journal.store import Row, Store
from bridge.model import Key, Pair, Presence, Side, Snapshot, Stamp, Suspended

_V = TypeVar("_V")
_ALLOWED = {Side.NOTION: "allowed_pages", Side.POSTGRES: "allowed_rows"}
_LONGEST_WAIT = timedelta(minutes=10)  # of one record; a side that wants to be left alone for longer is not asked


@dataclass(frozen=True, slots=True)
class SyncState:
    """What is kept of one sync besides its pairs."""

    name: str
    watermark: datetime | None
    confirmed: datetime | None
    swept_at: datetime | None
    paused: bool
    breaker: str
    stopped: tuple[Side, int] | None  # what the breaker asks about: so many deletions on this side
    allowed: Mapping[Side, int]  # deletions on each side that a person let through
    installation: str
    last_event_at: datetime | None
    last_error: str
    suspended: tuple[Suspended, ...]
    resync: bool


class Journal(History):
    """Reads and writes what is known: syncs and pairs; and, inherited, their history and what is under way. `arrivals`
    are the rows that are no pairs yet, `awaiting` tells which pages are made after others.

    Every method that writes is meant to be called inside `transaction()`; what belongs together is committed
    together. Raises JournalError when the file cannot be used.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock)
        self.arrivals = Arrivals(store)
        self.awaiting = Awaiting(store)

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Journal:
        return cls(Store.open(path), clock)

    @classmethod
    def open_read_only(cls, path: Path, clock: Clock) -> Journal:
        return cls(Store.open_read_only(path), clock)

    @classmethod
    def in_memory(cls, clock: Clock, copy_of: Path | None = None) -> Journal:
        return cls(Store.in_memory(copy_of), clock)

    def close(self) -> None:
        self.store.close()

    def transaction(self) -> AbstractContextManager[None]:
        return self.store.transaction()

    @property
    def changes(self) -> int:
        """Grows with every row that is written here: what was read is still so while it stands still."""
        return self.store.changes

    # Syncs

    def add_sync(self, name: str, table: str, data_source: str) -> None:
        self.store.run("sync_add", name=name, table_name=table, data_source=data_source)

    def sync_row(self, name: str) -> Row | None:
        return self.store.row("sync_get", name=name)

    def sync_state(self, name: str) -> SyncState:
        row = self.store.row("sync_get", name=name)
        assert row is not None, f"sync {name} was not added to the journal"
        return SyncState(
            row["name"],
            rows.read_moment(row["watermark"]),
            rows.read_moment(row["confirmed"]),
            rows.read_moment(row["swept_at"]),
            bool(row["paused"]),
            row["breaker"],
            (Side(row["stopped_side"]), row["stopped_deletes"]) if row["breaker"] else None,
            {side: row[column] for side, column in _ALLOWED.items()},
            row["installation"],
            rows.read_moment(row["last_event_at"]),
            row["last_error"],
            rows.read_suspended(row["suspended"]),
            bool(row["resync"]),
        )

    def begin(self, name: str, notion_time: datetime | None) -> None:
        """Notes by Notion's clock when this journal began to keep the sync; only the first time."""
        self.store.run("sync_begin", name=name, begun=rows.moment(notion_time))

    def update_sync(self, name: str, **columns: Any) -> None:
        """Sets columns of one sync; times may be given as datetimes."""
        values = {key: rows.moment(v) if isinstance(v, datetime) else v for key, v in columns.items()}
        self.store.update("syncs", name, values)

    def stop(self, name: str, tripped: BreakerTripped) -> None:
        """The sync writes nothing until a person has said a word about the deletions."""
        self.update_sync(name, breaker=str(tripped), stopped_side=tripped.side, stopped_deletes=tripped.deletes)

    def allow(self, name: str, side: Side, deletes: int) -> None:
        """So many deletions on this side are made without asking."""
        self.update_sync(name, **{_ALLOWED[side]: deletes})

    # Pairs

    def pair_row(self, pair_id: int) -> Row:
        row = self.store.row("pair_get", id=pair_id)
        assert row is not None, f"pair {pair_id} is not in the journal"
        return row

    def pair_by_key(self, sync: str, key: Key) -> Pair | None:
        row = self.store.row("pair_by_key", sync=sync, key=rows.key_text(key))
        return rows.read_pair(row) if row else None

    def record_of(self, sync: str, key: Key) -> Pair | None:
        """The pair with this key. A row that waits for its turn becomes one, of which nothing is known but that its row
        is there: it is `unread`, and not merged before that is done."""
        pair = self.pair_by_key(sync, key)
        arrival = self.arrivals.take(sync, key) if pair is None else None
        if arrival is None:
            return pair
        stamps = {"": Stamp(arrival.at, arrival.at)} if arrival.at else {}
        pair = replace(self.add_pair(sync, key, None), postgres=Snapshot(Presence.LIVE, {}, stamps))
        self.save_pair(pair)
        self.need_read(pair)
        return pair

    def known_keys(self, sync: str, keys: Sequence[Key]) -> list[Key]:
        """Those of these keys that a pair has."""
        by_text = {rows.key_text(key): key for key in keys}
        found = self.store.rows("pairs_known", sync=sync, keys=json.dumps(list(by_text)))
        return [by_text[row["key"]] for row in found]

    def unread(self, sync: str, most: int) -> list[Pair]:
        """Some of the pairs whose row is to be read."""
        return [rows.read_pair(row) for row in self.store.rows("pairs_unread", sync=sync, most=most)]

    def need_read(self, pair: Pair) -> None:
        """The pair's row is to be read before it is merged."""
        self.store.run("pair_unread", id=pair.id)

    def were_read(self, pair_ids: Sequence[int]) -> None:
        """What these rows hold was read."""
        self.store.run("pairs_read", pairs=json.dumps(pair_ids))

    def pair_by_page(self, sync: str, page_id: str) -> Pair | None:
        row = self.store.row("pair_by_page", sync=sync, page_id=page_id)
        return rows.read_pair(row) if row else None

    def add_pair(self, sync: str, key: Key | None, page_id: str | None, page_key: Key | None = None) -> Pair:
        with crash_point(CrashPoint.PAIR_MADE):
            row = self.store.row(
                "pair_add", sync=sync, key=rows.key_text(key), page_id=page_id, page_key=rows.key_text(page_key)
            )
        assert row is not None
        pair = self.pair(row["id"])
        self.tell((pair,))
        return pair

    def save_pair(self, pair: Pair, *, dirty: bool = True) -> None:
        self.store.run("pair_save", **rows.pair_columns(pair), dirty=int(dirty))
        self.tell((pair,))

    def tell(self, pairs: Iterable[Pair]) -> None:
        """These pairs are now so: whoever follows them is told."""
        if self.on_pairs is not None:
            self.on_pairs(pairs)

    def page_seen(self, pair: Pair, edited: datetime | None, created: datetime | None, seen: datetime | None) -> None:
        """The page was certainly as recorded at `seen` (PostgreSQL's clock)."""
        moments = {"edited": rows.moment(edited), "created": rows.moment(created), "seen": rows.moment(seen)}
        self.store.run("pair_page_seen", id=pair.id, **moments)

    def page_times(self, pair: Pair) -> PageTimes:
        """What `page_seen` has noted of the pair's page."""
        return rows.read_page_times(self.pair_row(pair.id))

    def take_displaced(self, sync: str, key: Key) -> Pair | None:
        """The pair that had `key` before another row took it in the same transaction."""
        row = self.store.row("pair_by_displaced_key", sync=sync, key=rows.key_text(key))
        if row is None:
            return None
        self.store.run("pair_place", id=row["id"])
        return rows.read_pair(row)

    def take_all_displaced(self, sync: str) -> list[Pair]:
        """The pairs whose key another row took, and of which no change has told where they went."""
        found = self.store.rows("pairs_displaced", sync=sync)
        for row in found:
            self.store.run("pair_place", id=row["id"])
        return [rows.read_pair(row) for row in found]

    def displace(self, pair: Pair) -> None:
        self.store.run("pair_displace", id=pair.id)
        self.tell((replace(pair, key=None),))

    def clean(self, pair_ids: Sequence[int]) -> None:
        """Nothing is left to merge of these."""
        self.store.run("pairs_clean", pairs=json.dumps(pair_ids))

    def marked(self, pair_ids: Sequence[int]) -> set[int]:
        """Of these pairs those of which more is known than the pair tells: an open conflict, something parked, a write
        that did not end well."""
        return {row["id"] for row in self.store.rows("pairs_marked", pairs=json.dumps(pair_ids))}

    def soil(self, pair_id: int) -> None:
        self.store.run("pair_soil", id=pair_id)

    def soil_all(self, sync: str) -> None:
        self.store.run("pairs_soil_all", sync=sync)

    def soil_unwritable(self, sync: str) -> None:
        """Lets everything be merged again that waits because Notion could not hold a value."""
        self.store.run("pairs_soil_unwritable", sync=sync)

    def soil_waiting(self, wanted: str) -> None:
        """Has those pairs merged again that wait for this related record, of whichever sync they are."""
        self.store.run("pairs_soil_waiting", wanted=wanted)
        self.awaiting.done(wanted)

    def attempts(self, pair: Pair) -> int:
        """Writes in a row that did not end well."""
        return int(self.pair_row(pair.id)["attempts"])

    def postpone(self, pair_id: int, attempts: int, not_before: datetime | None, failures: int | None = None) -> None:
        """Counts a write that did not end well, and says when the pair may be tried again. `failures` are those of the
        attempts that failed for its own sake; as many as before unless given, and none without an attempt."""
        wait = rows.moment(not_before)
        self.store.run("pair_postpone", id=pair_id, attempts=attempts, not_before=wait, failures=failures)

    def release(self, sync: str, side: Side) -> None:
        """Pairs that wait because a write to this side could not be made may be tried again now."""
        self.store.run("pairs_release", sync=sync, side=side.value)

    def told(self, pair: Pair) -> str:
        """What was last written into the page's status property."""
        return str(self.pair_row(pair.id)["told"])

    def set_told(self, pair: Pair, text: str) -> None:
        self.store.run("pair_told", id=pair.id, told=text)

    def forget_told(self, sync: str) -> None:
        self.store.run("pairs_untold", sync=sync)

    def _longest_wait(self) -> str | None:
        return rows.moment(self._clock.now() + _LONGEST_WAIT)

    def dirty_pairs(self, sync: str, limit: int) -> list[Pair]:
        """Pairs to merge now: people's changes before the first fill."""
        found = self.store.rows("pairs_dirty", sync=sync, limit=limit, now=self.now(), longest=self._longest_wait())
        return [rows.read_pair(row) for row in found]

    def forget_field(self, sync: str, field: str) -> None:
        """One field of every pair is as if it had never been seen."""
        self.forget_made(sync, field)
        for pair in self.all_pairs(sync):
            base = pair.base and replace(pair.base, values=_without(pair.base.values, field))
            sides = {
                side.value: replace(pair.side(side), values=_without(pair.side(side).values, field)) for side in Side
            }
            self.save_pair(replace(pair, base=base, postgres=sides["postgres"], notion=sides["notion"]))

    def recognise(self, sync: str, installation: str) -> None:
        """Whether the database is still the one that the sync knows. If it was restored or replaced it may have missed
        changes: then nothing that was agreed counts."""
        if self.is_another(sync, installation):
            self.forget_agreements(sync)
        if self.sync_row(sync) is not None:
            self.update_sync(sync, installation=installation)

    def is_another(self, sync: str, installation: str) -> bool:
        """Whether the sync knows a database, and it is not this one. Older journals have no word about its table, which
        is the last one."""
        if self.sync_row(sync) is None:
            return False
        known = self.sync_state(sync).installation
        return known not in ("", installation) and not installation.startswith(f"{known}/")

    def forget_agreements(self, sync: str) -> None:
        """Keeps which row and page belong together, and nothing of what they agreed on."""
        self.store.run("pairs_forget", sync=sync)
        self.store.run("sync_forgotten", sync=sync)
        self.tell(self.all_pairs(sync))

    def ask_resync(self, sync: str) -> None:
        """Notes that a person does not trust what is known; `resync` is then due. How far polls have come is not to be
        trusted either, and a bridge that starts reads it before anything else."""
        self.update_sync(sync, resync=1, watermark=None, confirmed=None, swept_at=None)

    def resync(self, sync: str) -> None:
        """Forgets everything but which row and page belong together, and what people are to be told. Nothing may be
        under way. A deletion that waited is none any more, so that a breaker has nothing to stop."""
        self.store.run("pairs_distrust", sync=sync)
        self.store.run("sync_forgotten", sync=sync)
        nothing = dict.fromkeys(_ALLOWED.values(), 0)
        self.update_sync(sync, resync=0, breaker="", watermark=None, confirmed=None, swept_at=None, **nothing)
        self.tell(self.all_pairs(sync))

    def all_pairs(self, sync: str) -> Iterator[Pair]:
        for row in self.store.rows("pairs_all", sync=sync):
            yield rows.read_pair(row)

    def live_pages(self, sync: str) -> dict[str, int]:
        return {row["page_id"]: row["id"] for row in self.store.rows("pairs_live_pages", sync=sync)}

    def has_more_pages_than(self, count: int, sync: str) -> bool:
        """Whether a listing should show more than so many."""
        return self.store.row("pairs_more_pages_than", sync=sync, count=count) is not None

    def with_rows(self, sync: str) -> Iterator[int]:
        """The numbers of the pairs that have a row, as far as is known, or may have one."""
        for row in self.store.each("pairs_with_rows", sync=sync):
            yield int(row["id"])

    def away_pairs(self, sync: str, limit: int) -> list[Pair]:
        """Some of the pairs whose page is not where it belongs: those that were not looked at for the longest time."""
        return [rows.read_pair(row) for row in self.store.rows("pairs_away", sync=sync, limit=limit)]

    def counts(self, sync: str) -> Row:
        """How many records there are of each kind. Rows whose turn has not come wait to be made, too."""
        row = self.store.row("pairs_count", sync=sync)
        assert row is not None
        waiting = self.arrivals.count(sync)
        return {**row, **{name: row[name] + waiting for name in ("rows", "pending", "filling")}}

    def unsettled(self, sync: str) -> bool:
        """Whether a record is to be merged, or being written, or a row's turn has not come; as `counts` tells, without
        counting."""
        return self.store.row("pairs_unsettled", sync=sync) is not None

    def deletions(self, sync: str) -> Row:
        """How many deletions each side is asked to follow."""
        row = self.store.row("pairs_deletions", sync=sync)
        assert row is not None
        return row

    def linked(self, sync: str) -> int:
        """How many records both sides had agreed on, with those that one side has deleted since. Counts them all."""
        row = self.store.row("pairs_linked", sync=sync)
        return int(row["n"]) if row else 0

    def to_fill(self, sync: str, most: int) -> int:
        """How many records wait to be made on the other side for the first time, counted up to `most`."""
        row = self.store.row("pairs_to_fill", sync=sync, most=most)
        return int(row["n"]) if row else 0

    def oldest_pending(self, sync: str) -> str | None:
        """Since when the longest waiting record waits."""
        row = self.store.row("pairs_oldest_pending", sync=sync)
        return row["at"] if row else None

    def next_attempt(self, sync: str) -> datetime | None:
        row = self.store.row("pairs_next_attempt", sync=sync, longest=self._longest_wait())
        return rows.read_moment(row["at"]) if row else None

    def trim(self, before: datetime) -> None:
        """Forgets settled history older than `before`. Conflicts and parked items are kept. Not in a transaction."""
        with self.transaction():
            self.store.run("events_trim", before=rows.moment(before))
            self.store.run("intents_trim", before=rows.moment(before))
            self.store.run("glimpses_trim")
        self.store.give_back()


def _without(values: Mapping[str, _V], name: str) -> dict[str, _V]:
    return {key: value for key, value in values.items() if key != name}
