"""What must be so once a world is at rest, judged by its two sides, the people's own book and the journal's file.

The bridge's memory is not asked. S1, S3 ... are the invariants; see docs/reliability.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from bridge.engine.status import sync_status
from bridge.journal import Journal
from bridge.journal.rows import read_key
from bridge.values import canonical
from tests.worlds.ledger import UNIQUE, plain
from tests.worlds.row_people import FIELDS
from tests.worlds.world import World

_SURVIVED = ("edit-survives", "deletion-rejected")


class Oracle:
    """Looks once, at the end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._journal = world.process.disk.open()
        self._rows = {
            str(key): {field: plain(row.get(field)) for field in FIELDS} for key, row in world.server.state.rows.items()
        }
        self._pages = {
            page_id: {field: plain(value) for field, value in page.items()}
            for page_id, page in world.pages.pages().items()
        }
        self._suspended = {item.field for item in self._journal.sync_state("tasks").suspended}
        self._excuses = self._read_excuses(self._journal)
        self._kept = world.kept
        self._kept.read(self._journal)
        self._survivors = self._read_survivors()
        self._differ = False

    def judge(self) -> list[str]:
        """Everything that is wrong; nothing, if the promises hold."""
        return [
            *self._unlike(),
            *self._invented(),
            *self._lost(),
            *self._back_from_the_dead(),
            *self._twice(),
            *self._told_twice(),
            *self._given_up(),
            *self._restless(),
            *self._untruthful(),
            *self._inconsistent(),
            *self._rude(),
        ]

    # The two sides

    def _unlike(self) -> Iterator[str]:
        """S10 and L1: each row has one page that shows the same, or somebody is told why not."""
        by_key: dict[str, list[str]] = {}
        for page_id, page in self._pages.items():
            by_key.setdefault(page["key"], []).append(page_id)
        for key, row in self._rows.items():
            pages = by_key.pop(key, [])
            if len(pages) > 1:
                self._differ = True
                pages = [page_id for page_id in pages if not self._told(None, page_id, None)] or pages[:1]
            if len(pages) > 1:
                yield f"S10: {len(pages)} live pages for row {key}"
            if not pages:
                self._differ = True
                if not self._told(key, None, None):
                    yield f"L1: row {key} has no page: {row}"
            for page_id in pages:
                yield from self._compare(key, row, page_id)
        for key, pages in by_key.items():
            self._differ = True
            for page_id in pages:
                if not self._told(None, page_id, None):
                    yield f"L1: page {page_id[:4]} with key {key!r} has no row: {self._pages[page_id]}"

    def _compare(self, key: str, row: dict[str, str], page_id: str) -> Iterator[str]:
        for field in FIELDS:
            if row[field] != self._pages[page_id][field] and field not in self._suspended:
                self._differ = True
                if not self._told(key, page_id, field):
                    yield f"L1: {field} of {key} differs: row {row[field]!r}, page {self._pages[page_id][field]!r}"

    def _read_excuses(self, journal: Journal) -> dict[tuple[str | None, str | None], set[str]]:
        """Fields by key and page about which a person was told."""
        found: dict[tuple[str | None, str | None], set[str]] = {}
        rows = [*journal.conflicts(state="open"), *journal.conflicts(state="resolving")]
        rows += [*journal.parked(), *journal.parked(state="dropped")]
        for row in rows:
            pair = journal.pair(row["pair"])
            key = pair.key[0] if pair.key else None
            found.setdefault((key, pair.page_id), set()).add(row["field"])
        return found

    def _told(self, key: str | None, page_id: str | None, field: str | None) -> bool:
        for (known_key, known_page), fields in self._excuses.items():
            same = (key is not None and key == known_key) or (page_id is not None and page_id == known_page)
            if same and (field is None or field in fields or "" in fields):
                return True
        return False

    # Values

    def _shown(self) -> Iterator[tuple[str, str, str]]:
        """Unique values, with the record's key or page and the field."""
        for key, row in self._rows.items():
            yield from ((row[field], key, field) for field in UNIQUE if row[field])
        for page_id, page in self._pages.items():
            yield from ((page[field], page["key"] or page_id, field) for field in UNIQUE if page[field])

    def _invented(self) -> Iterator[str]:
        ledger = self._world.ledger
        for value, record, field in self._shown():
            if value not in ledger.written:
                yield f"S1: {field} of {record} shows {value!r}, which nobody has written"

    def _lost(self) -> Iterator[str]:
        shown = {value for value, _, _ in self._shown()}
        shown |= {plain(title) for title in self._world.pages.away().values()}
        ledger = self._world.ledger
        # To a journal of before the trashing, a page that was taken out again is as it was; its row has been deleted.
        trashed = {plain(value) for page in self._world.pages.pages(trashed=True).values() for value in page.values()}
        for value in sorted(ledger.wanted() - shown):
            written = ledger.written[value]
            if self._kept.holds(value) or value in self._world.watch.disturbed:
                continue
            if written.field in self._world.schema.touched and value in trashed:
                continue  # typed into a property that the bridge did not read, of a page whose row was deleted
            if written.side == "page" and self._world.watch.excused(value):
                self._world.situations["edit that nobody could have kept"] += 1
                continue
            if value in ledger.copied and self._world.situations["older journal put back"] and value in trashed:
                self._world.situations["restored page that an older journal took for no news"] += 1
                continue
            yield f"S3: {value!r} ({written}) is nowhere"

    def _read_survivors(self) -> set[str]:
        """Keys and pages of records that were deleted on one side and kept, with a record that says so."""
        found: set[str] = set()
        for row in self._journal.conflicts():
            if row["rule"] in _SURVIVED:
                pair = self._journal.pair(row["pair"])
                found |= {pair.page_id or "", *(pair.key or ()), *(read_key(row["key"]) or ())}
        return found

    def _read_made_again(self, *, edited: bool = False) -> set[str]:
        """Pages that the bridge made and never knew to be its own, what they were made with, and which keys they have;
        or only those in which somebody has edited something. (The bridge itself gives them another key.)

        Somebody trashed one, or took its key away, before there was an answer, so that no query showed it; or the index
        hid it for long, and then somebody had edited it. Its row got another one, which shows the same values.
        """
        query = "SELECT page_id FROM events WHERE side = 'notion' AND kind IN ('write-create', 'link')"
        known = {row["page_id"] for row in self._journal.store.db.query(query)}
        unknown = {page_id: made for page_id, made in self._world.watch.created.items() if page_id not in known}
        if edited:
            keyed = self._world.pages.keyed
            unknown = {one: made for one, made in unknown.items() if one in keyed or self._shows_other_than(one, made)}
        keys = {self._pages[page_id]["key"] for page_id in unknown if page_id in self._pages}
        return {*unknown, *keys, *(value for made in unknown.values() for value in made.values() if value)}

    def _shows_other_than(self, page_id: str, made: Mapping[str, str]) -> bool:
        page = self._pages.get(page_id)
        return page is not None and not {page[field] for field in (*UNIQUE, "stage", "tags")} <= {"", *made.values()}

    def _back_from_the_dead(self) -> Iterator[str]:
        """S11: what somebody replaced or deleted shows again, and no record says why."""
        ledger, excused = self._world.ledger, self._survivors | self._read_made_again()
        for value, record, field in self._shown():
            if not ledger.is_replaced(value) or value in ledger.copied or excused & {record, value}:
                continue
            if value in self._world.watch.disturbed or field in self._suspended:
                continue
            # The page's record may have another key than the page shows: its row was given one that waits to be told.
            pages = [record, *(page_id for page_id, page in self._pages.items() if page["key"] == record)]
            if any(page_id in self._survivors or self._told(record, page_id, field) for page_id in pages):
                continue
            if self._kept.holds(value) or (field in self._world.schema.touched and self._filled(field, value)):
                continue
            yield f"S11: {field} of {record} shows {value!r} again, which was replaced or deleted"

    def _filled(self, field: str, value: str) -> bool:
        """Whether the bridge wrote it where nothing was: a field that goes on after it was suspended is filled, and who
        emptied it meanwhile, or made its row anew without it, cannot be told from who has never filled it."""
        for row in self._journal.store.db.query("SELECT changes FROM events WHERE kind = 'write'"):
            before, after = json.loads(row["changes"]).get(field, (None, None))
            if before is None and plain(canonical.decode(after)) == value:
                return True
        return False

    def _twice(self) -> Iterator[str]:
        """S10: a title that one person wrote once shows in one record, unless somebody made a copy, would not let a
        surplus page go, or edited a page that the bridge had made and could not find."""
        wanted = [row["title"] for key, row in self._rows.items() if key not in self._survivors]
        titles = Counter(title for title in wanted if title)
        again = self._read_made_again(edited=True)
        for title, times in titles.items():
            if times > 1 and title not in self._world.ledger.copied and title not in again:
                yield f"S10: {times} rows show the title {title!r}"

    def _told_twice(self) -> Iterator[str]:
        """S4: one conflict, one record. (Values are unique, so that the same two never meet again, but for those of a
        first sync: each restored database, each comparison that a person asks for, and each field that goes on makes
        another one.)"""
        anew = ("database restored", "compared anew", "suspended field goes on")
        first_syncs = 1 + sum(self._world.situations[name] for name in anew)
        names = ("pair", "field", "postgres", "notion", "rule")
        rows = [tuple(row[name] for name in names) for row in self._journal.conflicts() if row["field"] in UNIQUE]
        for conflict, times in Counter(rows).items():
            if times > (first_syncs if conflict[-1] == "first-sync" else 1):
                yield f"S4: {times} records of one conflict: {conflict}"

    # The bridge

    def _given_up(self) -> Iterator[str]:
        """L3: sides fail here, and rows are locked for seconds; no record is so for its own sake that often."""
        for state in ("open", "cleared", "retried", "dropped"):
            for row in self._journal.parked(state=state):
                if row["kind"] == "failing":
                    yield f"L3: record {row['pair']}: {row['reason']}"

    def _restless(self) -> Iterator[str]:
        for write in self._world.watch.writes_when_silent:
            yield f"S19: written although nothing had changed: {write}"

    def _untruthful(self) -> Iterator[str]:
        status = sync_status(self._journal, "tasks", self._world.clock, len(self._world.server.state.outbox))
        told = bool(status.conflicts or status.parked or status.suspended)
        if status.in_step and self._differ:
            yield f"S27: in step, although the sides differ: {status}"
        if not status.in_step and not self._differ and not told:
            yield f"S27: not in step, although the sides are equal: {status}"

    def _inconsistent(self) -> Iterator[str]:
        store, journal = self._journal.store, self._journal
        [check] = [row[0] for row in store.db.execute("PRAGMA integrity_check").fetchall()]
        if check != "ok":
            yield f"journal: {check}"
        if journal.intents_in_flight("tasks"):
            yield f"journal: writes under way at rest: {journal.intents_in_flight('tasks')}"
        for pair in journal.all_pairs("tasks"):
            key = pair.key[0] if pair.key else None
            if pair.postgres.live != (key is not None and key in self._rows):
                yield f"journal: record {pair.id} ({key}) calls its row {pair.postgres.presence}"
            if pair.notion.live != (pair.page_id in self._pages):
                yield f"journal: record {pair.id} calls its page {pair.page_id} {pair.notion.presence}"

    def _rude(self) -> Iterator[str]:
        """S23, and S8 as far as the sandbox can tell. (A write that changed nothing may have met a person's edit.)"""
        slow = any(name.startswith("slow") for name in self._world.dials.rates)
        for entry in self._world.sandbox.log.violations():
            if entry.rate_violation or (entry.unguarded_patch and not slow):
                yield f"S23: {entry}"
