"""What is under way: writes, conflicts, parked items. The part of the journal that plans and people work with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Intent, IntentState
from bridge.journal import rows
from bridge.journal.store import Row, Store
from bridge.model import Conflict, FieldValue, Key, Pair, Side, Stamp, Value, Waiting


class WorkTables:
    """The tables `intents`, `conflicts` and `parked`. Methods that write belong inside a transaction."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.on_pairs: Callable[[Iterable[Pair]], None] | None = None  # told of every pair that is saved
        self.store = store
        self._clock = clock

    def now(self) -> str:
        """This machine's time, as the journal writes it."""
        return rows.moment(self._clock.now()) or ""

    def pair(self, pair_id: int) -> Pair:
        row = self.store.row("pair_get", id=pair_id)
        assert row is not None, f"pair {pair_id} is not in the journal"
        return rows.read_pair(row)

    # Intents

    def add_intents(self, intents: Iterable[Intent]) -> None:
        """Journals writes before they are made."""
        self.store.run_many("intent_add", map(rows.intent_columns, intents))

    def intent(self, intent_id: str) -> tuple[Intent, IntentState] | None:
        """A journaled write and its state."""
        row = self.store.row("intent_get", id=intent_id)
        return (rows.read_intent(row, self.pair(row["pair"])), IntentState(row["state"])) if row else None

    def owed_by(self, intent_id: str) -> Side | None:
        """The side whose answer to this write is missing; None once its outcome is known. Asked in every round for
        every such write, so that it reads no more than it must."""
        row = self.store.row("intent_owed", id=intent_id)
        return Side(row["side"]) if row else None

    def set_intent(self, intent_id: str, state: IntentState, *, reason: str = "", position: int | None = None) -> None:
        at = self.now() if state.answered else None
        self.store.run("intent_set", id=intent_id, state=state.value, reason=reason, position=position, settled_at=at)

    def linger(self, intent_id: str) -> None:
        """The write had no answer, and may still be made."""
        self.store.run("intent_lingers", id=intent_id)

    def lingering(self, pair: Pair, within: timedelta) -> list[Intent]:
        """Writes into the page that were given up so lately, and may still be made; in order."""
        since = rows.moment(self._clock.now() - within)
        found = self.store.rows("intents_lingering", sync=pair.sync, pair=pair.id, since=since)
        return [rows.read_intent(row, pair) for row in found]

    def glimpse(self, intent: Intent, field: str, value: FieldValue, stamp: Stamp | None) -> None:
        """A value was seen in the page while this write was under way, which may be running over it."""
        earliest, latest = rows.edges(stamp)
        text = rows.value_text(value)
        self.store.run("glimpse_add", intent=intent.id, field=field, value=text, earliest=earliest, latest=latest)

    def take_glimpses(self, intent: Intent) -> list[tuple[str, FieldValue, Stamp | None]]:
        """What was seen so: the fields, with their values and when they were typed. Nothing is left."""
        found = self.store.rows("glimpses_of", intent=intent.id)
        if found:
            self.store.run("glimpses_end", intent=intent.id)
        return [
            (row["field"], rows.read_value(row["value"]), rows.read_stamp(row["earliest"], row["latest"]))
            for row in found
        ]

    def intents_in_flight(self, sync: str) -> list[Intent]:
        """Writes whose outcome is not known: decided before a crash, or made without an answer. In the
        order in which they were decided, whatever the clock was set to meanwhile."""
        found = self.store.rows("intents_in_flight", sync=sync)
        return [rows.read_intent(row, self.pair(row["pair"])) for row in found]

    def settled_rows(self, sync: str) -> list[str]:
        """The newest settled writes into PostgreSQL, by id."""
        return [row["id"] for row in self.store.rows("intents_settled_rows", sync=sync)]

    def to_prove(self, intent_ids: Sequence[str]) -> dict[str, int]:
        """Those of these settled writes into PostgreSQL whose proof the database must keep, with their pairs: rows that
        were made for pages which do not carry their keys yet. Only this journal and the proof know whose they are."""
        found = self.store.rows("intents_to_prove", ids=json.dumps(intent_ids)) if intent_ids else []
        return {row["id"]: row["pair"] for row in found}

    def page_creates(self, pair: Pair) -> list[Intent]:
        """Every attempt to make a page for this record, in order. After more than one there may be two."""
        found = self.store.rows("intents_creates", sync=pair.sync, pair=pair.id)
        return [rows.read_intent(row, pair) for row in found]

    def open_creates(self, pair: Pair) -> list[Intent]:
        """The attempts to make a page for this record of which no page is known, in order."""
        found = self.store.rows("intents_creates_open", sync=pair.sync, pair=pair.id)
        return [rows.read_intent(row, pair) for row in found]

    def creates_given_up(self, sync: str, key: Key) -> list[Intent]:
        """The attempts to make a page with this key that count as failed, of whichever record, in order."""
        found = self.store.rows("intents_creates_given_up", sync=sync, key=rows.key_text(key))
        return [rows.read_intent(row, self.pair(row["pair"])) for row in found]

    def forget_made(self, sync: str, field: str) -> None:
        """One field was never written into any page that is being made, or that may still be found: its property, which
        was made anew, holds nothing of it."""
        for row in self.store.rows("intents_pages_to_come", sync=sync):
            changes = json.loads(row["changes"])
            if changes.pop(field, None) is not None:
                self.store.run("intent_rewrite", id=row["id"], changes=rows.as_json(changes))

    def last_page_writes(self, pair: Pair) -> list[Intent]:
        """The write into the page that is under way, if there is one, and the last one that was made."""
        found = self.store.rows("intents_last_page_writes", sync=pair.sync, pair=pair.id)
        if found and found[0]["state"] == IntentState.DONE:
            del found[1:]
        return [rows.read_intent(row, pair) for row in found]

    def took_another(self, intent: Intent) -> bool:
        """Whether the side has made another record's write since one of this record's failed last."""
        pair = intent.pair
        row = self.store.row("intent_took_another", sync=pair.sync, side=intent.action.side.value, pair=pair.id)
        return row is not None

    def intent_of_pair(self, pair: Pair) -> tuple[Intent, IntentState] | None:
        """The write that holds the pair, if there is one, and its state."""
        row = self.store.row("intent_of_pair", sync=pair.sync, pair=pair.id)
        return (rows.read_intent(row, pair), IntentState(row["state"])) if row else None

    def end_echoes(self, sync: str) -> None:
        self.store.run("intents_echo_end", sync=sync)

    def end_in_flight(self, sync: str) -> None:
        """For a copy only, which writes nothing: forgets what is under way."""
        self.store.run("intents_end", sync=sync)

    def deletes_since(self, sync: str, side: Side, since: datetime) -> int:
        row = self.store.row("intents_deletes_since", sync=sync, side=side.value, since=rows.moment(since))
        return row["n"] if row else 0

    def writes_since(self, sync: str, since: datetime) -> dict[tuple[Side, str], int]:
        found = self.store.rows("intents_counts", sync=sync, since=rows.moment(since))
        return {(Side(row["side"]), row["op"]): row["n"] for row in found}

    # Conflicts

    def add_conflict(self, pair: Pair, conflict: Conflict) -> bool:
        """Records a conflict; the same one only once, and none that a person is being asked about already. Answers
        whether it is new."""
        postgres_earliest, postgres_latest = rows.edges(conflict.postgres_stamp)
        notion_earliest, notion_latest = rows.edges(conflict.notion_stamp)
        with crash_point(CrashPoint.CONFLICT_RECORDED):
            added = self.store.run(
                "conflict_add",
                sync=pair.sync,
                pair=pair.id,
                key=rows.key_text(pair.key),
                field=conflict.field,
                base=rows.value_text(conflict.base),
                postgres=rows.value_text(conflict.postgres),
                notion=rows.value_text(conflict.notion),
                postgres_earliest=postgres_earliest,
                postgres_latest=postgres_latest,
                notion_earliest=notion_earliest,
                notion_latest=notion_latest,
                rule=conflict.rule,
                winner=conflict.winner.value if conflict.winner else None,
                state="decided" if conflict.winner else "open",
                at=self.now(),
                fingerprint=rows.fingerprint(pair, conflict, self._forgotten(pair.sync)),
            )
        return added == 1

    def _forgotten(self, sync: str) -> int:
        row = self.store.row("sync_get", name=sync)
        return int(row["forgotten"]) if row else 0

    def conflict(self, conflict_id: int) -> Row | None:
        return self.store.row("conflict_get", id=conflict_id)

    def conflicts(self, sync: str = "", state: str = "") -> list[Row]:
        return self.store.rows("conflicts_list", sync=sync, state=state)

    def newest_conflicts(self, sync: str, state: str, limit: int) -> list[Row]:
        """Newest first."""
        return self.store.rows("conflicts_newest", sync=sync, state=state, limit=limit)

    def kept(self, pair: Pair, field: str, value: FieldValue) -> bool:
        """Whether a conflict of the record has kept this value of the field."""
        found = self.store.row("conflict_keeps", pair=pair.id, field=field, value=rows.value_text(value))
        return found is not None

    def open_conflicts_of(self, pair: Pair) -> list[Row]:
        return self.store.rows("conflicts_of_pair", pair=pair.id)

    def set_conflict(self, conflict_id: int, state: str, take: str | None, value: Value, *, seen: str = "") -> None:
        """`seen` is what both sides held when it was decided, as in the table; "" = what the conflict shows."""
        ended = self.now() if state in ("resolving", "resolved") else None
        text = rows.value_text(value)
        self.store.run("conflict_set", id=conflict_id, state=state, take=take, value=text, seen=seen, resolved_at=ended)

    def conflict_count(self, sync: str) -> int:
        row = self.store.row("conflicts_count", sync=sync)
        return row["n"] if row else 0

    # Parked

    def park(self, pair: Pair, waiting: Waiting, wanted: str = "") -> None:
        with crash_point(CrashPoint.PARKED):
            self.store.run(
                "parked_add",
                sync=pair.sync,
                pair=pair.id,
                key=rows.key_text(pair.key),
                field=waiting.field,
                side=waiting.side.value,
                kind=waiting.kind,
                reason=waiting.reason,
                value=rows.value_text(waiting.value),
                wanted=wanted,
                at=self.now(),
            )

    def renew_parked(self, parked_id: int, waiting: Waiting, wanted: str = "") -> None:
        value = rows.value_text(waiting.value)
        self.store.run(
            "parked_renew", id=parked_id, kind=waiting.kind, reason=waiting.reason, value=value, wanted=wanted
        )

    def parked_item(self, parked_id: int) -> Row | None:
        return self.store.row("parked_get", id=parked_id)

    def parked(self, sync: str = "", state: str = "open") -> list[Row]:
        return self.store.rows("parked_list", sync=sync, state=state)

    def newest_parked(self, sync: str, limit: int) -> list[Row]:
        """What waits, newest first."""
        return self.store.rows("parked_newest", sync=sync, limit=limit)

    def parked_of(self, pair: Pair) -> list[Row]:
        return self.store.rows("parked_of_pair", pair=pair.id)

    def set_parked(self, parked_id: int, state: str) -> None:
        ended = None if state == "open" else self.now()
        with crash_point(CrashPoint.UNPARKED):
            self.store.run("parked_set", id=parked_id, state=state, ended_at=ended)

    def parked_count(self, sync: str) -> int:
        row = self.store.row("parked_count", sync=sync)
        return row["n"] if row else 0
