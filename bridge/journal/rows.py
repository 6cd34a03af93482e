"""Between the journal's rows and the model's values."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.ends import Intent
from bridge.journal.store import Row
from bridge.model import (
    Action,
    Base,
    Change,
    Conflict,
    FieldValue,
    Key,
    Op,
    Pair,
    Presence,
    Side,
    Snapshot,
    Stamp,
    Suspended,
    Value,
)
from bridge.values import canonical

_readable = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each text


def as_json(content: object) -> str:
    """JSON that people can read; escaped only where a lone surrogate, which UTF-8 refuses, makes it needful."""
    text = _readable(content)
    return text if canonical.is_utf8(text) else json.dumps(content)


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with microseconds, so that text order is time order."""
    return None if value is None else _moment_text(value)


@functools.lru_cache(maxsize=1024)  # each is written several times: for every field, both edges of a stamp, the event
def _moment_text(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def noted_moment(text: str) -> datetime:
    """The time in a column that is never NULL."""
    return datetime.fromisoformat(text)


@functools.lru_cache(maxsize=1024)  # each is written into the pair and into its event, and looked up before
def key_text(key: Key | None) -> str | None:
    return None if key is None else as_json(list(key))


def read_key(text: str | None) -> Key | None:
    return None if text is None else tuple(json.loads(text))


def value_text(value: FieldValue) -> str:
    return as_json(canonical.encode(value))


def read_value(text: str) -> FieldValue:
    return canonical.decode(json.loads(text))


def stamps_text(stamps: Mapping[str, Stamp]) -> str:
    if not stamps:
        return "{}"
    return _readable({name: [moment(s.earliest), moment(s.latest)] for name, s in stamps.items()})


def _read_stamps(text: str) -> dict[str, Stamp]:
    if text == "{}":
        return {}
    return {name: _stamp(earliest, latest) for name, (earliest, latest) in json.loads(text).items()}


@functools.lru_cache(maxsize=1024)  # the fields of a record, and records that came together, mostly share one
def _stamp(earliest: str, latest: str) -> Stamp:
    return Stamp(datetime.fromisoformat(earliest), datetime.fromisoformat(latest))


def edges(stamp: Stamp | None) -> tuple[str | None, str | None]:
    """A stamp as two columns; `read_stamp` reads them."""
    return (moment(stamp.earliest), moment(stamp.latest)) if stamp else (None, None)


def read_stamp(earliest: str | None, latest: str | None) -> Stamp | None:
    return _stamp(earliest, latest) if earliest and latest else None


def read_pair(row: Row) -> Pair:
    # Mostly all three are the same.
    values = {text: canonical.loads(text) for text in {row["base"], row["postgres"], row["notion"]}}
    base = Base(Presence(row["base_state"]), _plain(values[row["base"]])) if row["base_state"] else None
    postgres = Snapshot(Presence(row["postgres_state"]), values[row["postgres"]], _read_stamps(row["postgres_stamps"]))
    notion = Snapshot(
        Presence(row["notion_state"]), values[row["notion"]], _read_stamps(row["notion_stamps"]), row["note"]
    )
    key, page_key = read_key(row["key"]), read_key(row["page_key"])
    return Pair(row["id"], row["sync"], key, row["page_id"], base, postgres, notion, page_key)


def _plain(values: Mapping[str, Any]) -> dict[str, Value]:
    """The base holds only what both sides could hold."""
    return dict(values)


@dataclass(frozen=True, slots=True)
class PageTimes:
    """When a page was last certainly as it is known (PostgreSQL's clock); its times then (Notion's, to the minute)."""

    seen: datetime | None
    edited: datetime | None
    created: datetime | None


def read_page_times(row: Row) -> PageTimes:
    return PageTimes(*(read_moment(row[f"notion_{what}"]) for what in ("seen", "edited", "created")))


def suspended_text(fields: Iterable[Suspended]) -> str:
    return json.dumps({item.field: [item.reason, item.hint] for item in fields})


def read_suspended(text: str) -> tuple[Suspended, ...]:
    return tuple(Suspended(name, *words) for name, words in json.loads(text).items())


def pair_columns(pair: Pair) -> Row:
    return {
        **row_columns(pair),
        **base_columns(pair),
        "sync": pair.sync,
        "key": key_text(pair.key),
        "page_id": pair.page_id,
        "page_key": key_text(pair.page_key),
        "notion_state": pair.notion.presence.value,
        "notion": canonical.dumps(pair.notion.values),
        "notion_stamps": stamps_text(pair.notion.stamps),
        "note": pair.notion.note,
    }


def row_columns(pair: Pair) -> Row:
    return {
        "id": pair.id,
        "postgres_state": pair.postgres.presence.value,
        "postgres": canonical.dumps(pair.postgres.values),
        "postgres_stamps": stamps_text(pair.postgres.stamps),
    }


def base_columns(pair: Pair) -> Row:
    return {
        "id": pair.id,
        "base_state": pair.base.presence.value if pair.base else None,
        "base": canonical.dumps(pair.base.values if pair.base else {}),
    }


def changes_text(changes: Mapping[str, Change]) -> str:
    pairs = {
        name: [canonical.encode(change.expected), canonical.encode(change.new)] for name, change in changes.items()
    }
    return as_json(pairs)


def read_changes(text: str) -> dict[str, Change]:
    return {
        name: Change(canonical.decode(expected), _written(canonical.decode(new)))
        for name, (expected, new) in json.loads(text).items()
    }


def _written(value: Any) -> Value:
    """What was decided to be written is never unfit."""
    written: Value = value
    return written


def intent_columns(intent: Intent) -> Row:
    action = intent.action
    return {
        "id": intent.id,
        "sync": intent.pair.sync,
        "pair": intent.pair.id,
        "side": action.side.value,
        "op": action.op.value,
        "changes": changes_text(action.changes),
        "key": key_text(action.key),
        "backfill": int(intent.backfill),
        "created_at": moment(intent.at),
    }


def read_intent(row: Row, pair: Pair) -> Intent:
    action = Action(Side(row["side"]), Op(row["op"]), read_changes(row["changes"]), read_key(row["key"]))
    at = datetime.fromisoformat(row["created_at"])
    return Intent(row["id"], pair, action, at, backfill=bool(row["backfill"]))


def wanted(action: Action, field: str) -> str:
    """What a write wanted, in a form that tells whether a later one wants the same again."""
    if field:
        return value_text(action.changes[field].new)
    changes = {name: canonical.encode(change.new) for name, change in sorted(action.changes.items())}
    return as_json([action.op.value, changes, *([action.key] if action.key is not None else [])])


def fingerprint(pair: Pair, conflict: Conflict, forgotten: int = 0) -> str:
    """Names one conflict: the same values at the same stamps are the same conflict, merged again after a crash.

    At a first sync nothing has changed yet, so that stamps tell nothing: the values alone name it, and how often all
    agreements were `forgotten`, because each time makes another first sync. What a restore is to run over is another
    conflict than the one that follows when somebody takes the page out first.
    """
    first = conflict.rule == "first-sync"
    stamps = () if first else (conflict.postgres_stamp, conflict.notion_stamp)
    parts = [
        pair.sync,
        pair.id,
        conflict.field,
        *(value_text(value) for value in (conflict.base, conflict.postgres, conflict.notion)),
        *(moment(edge) for stamp in stamps if stamp for edge in (stamp.earliest, stamp.latest)),
        *([forgotten] if first and forgotten else []),
        *([conflict.rule] if conflict.rule == "edit-survives" and conflict.field else []),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
