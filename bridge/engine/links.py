"""Which page belongs to which row, for all syncs that relations link to; and who waits for what.

Loaded from the journal, also for syncs that this process does not run, and kept up to date by the journal itself:
every change of a pair passes `note`. Only the main thread writes here. Threads that talk to Notion read, one entry
at a time; entries are never changed, only replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bridge.journal import Journal
from bridge.model import FieldValue, Key, Pair, Presence, Sync, Unfit
from bridge.values.canonical import plain
from bridge.values.links import for_page, for_row
from bridge.values.relation import as_seen

_Name = TypeVar("_Name")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What matters of one pair."""

    key: Key | None
    page_id: str | None
    row_seen: bool
    page_live: bool
    shown: Mapping[str, FieldValue]  # by relation field: what the page was last known to link to, as keys

    @property
    def page(self) -> str | None:
        """The page that others may link to. Notion does not say what becomes of a link into the trash."""
        return self.page_id if self.page_live else None

    @property
    def row(self) -> Key | None:
        """The key that others may reference. That of a deleted row still tells what an old link means."""
        return self.key if self.row_seen else None


class LinkTable:
    """Implements `bridge.values.links.Links`."""

    def __init__(self) -> None:
        self._relations: dict[str, dict[str, str]] = {}  # by sync: each relation field and the sync that it links to
        self._journal: Journal | None = None
        self._by_pair: dict[int, _Entry] = {}
        self._by_page: dict[tuple[str, str], int] = {}
        self._by_key: dict[tuple[str, Key], int] = {}

    def expect(self, sync: Sync) -> None:
        """The relations of this sync will be asked for, once a journal is attached."""
        self._relations[sync.name] = {item.name: item.target for item in sync.fields if item.target}

    def follow(self, sync: Sync) -> None:
        """The sync was bound, perhaps anew and with other relations."""
        before = self._relations.get(sync.name)
        self.expect(sync)
        if self._journal is not None and before != self._relations[sync.name]:
            self.attach(self._journal)

    def attach(self, journal: Journal) -> None:
        """Reads what the journal knows, and is told of every change from now on."""
        names = self._watched()
        # Read apart and then put in place: other threads must not find half of it. Nobody is woken by it, for at a
        # start, and after another binding, everything is merged again anyway.
        fresh = LinkTable()
        fresh._relations = self._relations
        for name in names:
            fresh.note(journal.all_pairs(name))
        self._by_pair, self._by_page, self._by_key = fresh._by_pair, fresh._by_page, fresh._by_key
        self._journal = journal
        journal.on_pairs = self._noted if names else None

    def _watched(self) -> set[str]:
        return {name for source, fields in self._relations.items() if fields for name in (source, *fields.values())}

    # What is known

    def key_of(self, target: str, page_id: str) -> Key | None:
        entry = self._entry(self._by_page.get((target, page_id)))
        return entry.row if entry is not None else None

    def page_of(self, target: str, key: Key) -> str | None:
        entry = self._entry(self._by_key.get((target, key)))
        return entry.page if entry is not None else None

    def linked(self, sync: str, page_id: str, field: str) -> tuple[str, ...]:
        entry = self._entry(self._by_page.get((sync, page_id)))
        target = self._relations.get(sync, {}).get(field, "")
        if entry is None or not target:
            return ()
        others = (self._entry(self._by_key.get((target, (key,)))) for key in keys_of(entry.shown.get(field)))
        return tuple(other.page_id for other in others if other and other.page_id is not None)

    def _entry(self, pair_id: int | None) -> _Entry | None:
        return self._by_pair.get(pair_id) if pair_id is not None else None

    # What changes

    def _noted(self, pairs: Iterable[Pair]) -> None:
        watched = self._watched()
        self.note(pair for pair in pairs if pair.sync in watched)

    def note(self, pairs: Iterable[Pair]) -> None:
        """Takes pairs as they are now, and has those merged again that waited for exactly them."""
        for pair in pairs:
            old = self._by_pair.get(pair.id)
            shown = {name: pair.notion.values.get(name) for name in self._relations.get(pair.sync, ())}
            row_seen = pair.postgres.presence is not Presence.UNSEEN
            new = _Entry(pair.key, pair.page_id, row_seen, pair.notion.live, shown)
            if new != old:
                self._replace(pair, old, new)

    def _replace(self, pair: Pair, old: _Entry | None, new: _Entry) -> None:
        self._by_pair[pair.id] = new
        if new.key is not None:
            self._by_key[pair.sync, new.key] = pair.id
        if new.page_id is not None:
            self._by_page[pair.sync, new.page_id] = pair.id
        if old is not None and old.key is not None and old.key != new.key:
            _drop(self._by_key, (pair.sync, old.key), pair.id)
        if old is not None and old.page_id is not None and old.page_id != new.page_id:
            _drop(self._by_page, (pair.sync, old.page_id), pair.id)
        self._wake(pair.sync, old, new)

    def _wake(self, sync: str, old: _Entry | None, new: _Entry) -> None:
        """One statement per news: nothing is polled."""
        if self._journal is None:
            return
        linkable, was_linkable = (new.key, new.page), (old.key, old.page) if old else (None, None)
        if new.key is not None and new.page is not None and linkable != was_linkable:
            self._journal.soil_waiting(for_page(sync, new.key))
        known, was_known = (new.row, new.page_id), (old.row, old.page_id) if old else (None, None)
        if new.row is not None and new.page_id is not None and known != was_known:
            self._journal.soil_waiting(for_row(sync, new.page_id))


def reread(pair: Pair, sync: Sync) -> Pair:
    """The pair, with links that waited for a row read again; the same object when nothing is known that was not.

    What the page shows is in the snapshot, so that Notion need not be asked.
    """
    found: dict[str, FieldValue] = {}
    for item in sync.fields:
        value = pair.notion.values.get(item.name) if item.target else None
        if isinstance(value, Unfit) and value.waits_for:
            now = item.codec.from_notion(as_seen(value))
            if now != value:
                found[item.name] = now
    if not found:
        return pair
    return replace(pair, notion=replace(pair.notion, values={**pair.notion.values, **found}))


def _drop(index: dict[_Name, int], name: _Name, pair_id: int) -> None:
    """Another pair may have taken the name meanwhile."""
    if index.get(name) == pair_id:
        del index[name]


def keys_of(value: FieldValue) -> tuple[str, ...]:
    """The keys of the rows that a link stands for."""
    if value is None or isinstance(value, Unfit):
        return ()
    return value if isinstance(value, tuple) else (plain(value),)
