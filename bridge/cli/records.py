"""`notion-bridge why KEY`: one record, and what it waits for; and how a record is found by what a person types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click

from bridge.cli.conflicts import verdict
from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.output import key_shown, key_text, moment_shown, value_shown
from bridge.cli.parked import as_json as parked_json
from bridge.cli.parked import way_out, with_record
from bridge.cli.program import shared_options
from bridge.engine.cases import Cases, page_address
from bridge.engine.notices import Notice
from bridge.engine.notices import history as events_of
from bridge.errors import BridgeError, ExitCode, Refused, SetupError
from bridge.journal import Journal
from bridge.journal.journal import SyncState
from bridge.journal.rows import read_moment
from bridge.journal.store import Row
from bridge.model import Key, Pair, Side, Snapshot
from bridge.notion.catalog import parse_ref
from bridge.values import canonical
from bridge.values.keys import split_key


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that the journal knows of one record."""

    pair: Pair
    row: Row
    events: list[Notice]
    conflicts: list[Row]
    parked: list[Row]
    writing: str
    title: str
    state: SyncState


@click.command()
@click.argument("key")
@shared_options
@click.pass_obj
def why(environment: Environment, key: str) -> ExitCode:
    """Say why one record is or is not in step.

    Shows both sides, what they last agreed on, and what the record waits for. Exit code 0 when it waits for nothing.

    \b
    Example:
      notion-bridge why 42
    """
    records = find(environment, key)
    reasons = [list(_reasons(record)) for record in records]
    if environment.json:
        found = [_why_json(record, waits) for record, waits in zip(records, reasons, strict=True)]
        environment.emit({"version": JSON_VERSION, "records": found})
    else:
        for record, waits in zip(records, reasons, strict=True):
            _show_why(environment, record, waits)
    return ExitCode.FAILED if any(reasons) else ExitCode.OK


def find(environment: Environment, text: str) -> list[Record]:
    """The records of that key, one per sync that has it. Raises BridgeError when there is none."""
    config = environment.config()
    found = []
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        for chosen in environment.chosen(config):
            pair = _pair(journal, chosen.name, text)
            if pair is not None:
                found.append(_record(journal, pair))
    if not found:
        raise BridgeError(
            f"no sync knows a record with the key {text!r}",
            hint='Give the primary key (the parts of a composite one joined by "|") or the address of the page; '
            "a row that has just come is known after the next look, one of very many when its turn comes.",
        )
    return found


def _pair(journal: Journal, sync: str, text: str) -> Pair | None:
    for key in _keys(text):
        pair = journal.pair_by_key(sync, key)
        if pair is not None:
            return pair
    try:
        return journal.pair_by_page(sync, parse_ref(text))
    except SetupError:  # it is no page's address either
        return None


def _keys(text: str) -> Iterator[Key]:
    """What the text may mean: one part as it is, or several that are joined."""
    yield (text,)
    for parts in range(2, text.count("|") + 2):
        try:
            yield split_key(text, parts)
        except Refused:
            continue


def _record(journal: Journal, pair: Pair) -> Record:
    writing = journal.intent_of_pair(pair)
    cases = Cases(journal)
    return Record(
        pair,
        journal.pair_row(pair.id),
        events_of(journal.events_of(pair)),
        [row for row in journal.conflicts(pair.sync) if row["pair"] == pair.id],
        [with_record(journal, cases, row) for row in journal.parked(pair.sync) if row["pair"] == pair.id],
        f"{writing[0].action.op.value} in {writing[0].action.side.value}: {writing[1]}" if writing else "",
        cases.title(pair),
        journal.sync_state(pair.sync),
    )


def _reasons(record: Record) -> Iterator[str]:
    for row in record.conflicts:
        if row["state"] == "open":
            what = f"conflict {row['id']} about {row['field'] or 'the record'}"
            yield f"{what} waits for you: `notion-bridge conflicts`, or `conflicts resolve {row['id']} --take ...`"
        elif row["state"] == "resolving":
            yield f"conflict {row['id']} about {row['field'] or 'the record'}: {verdict(row)}"
    for row in record.parked:
        yield f"parked item {row['id']} ({row['field'] or 'the record'}): {row['reason']}; {way_out(row)}"
    if record.writing:
        yield f"a write is under way or its answer was lost: {record.writing}"
    if record.row["not_before"]:
        until = moment_shown(read_moment(record.row["not_before"]))
        yield f"{record.row['attempts']} attempts did not end well; it is tried again at {until}"
    elif record.row["dirty"] and not record.writing:
        yield "it changed and was not looked at yet; the running bridge, or the next `sync`, does"
        yield from _reasons_of_sync(record)


def _reasons_of_sync(record: Record) -> Iterator[str]:
    """Why nothing of the whole sync is carried over now; told where there is something to carry over."""
    state = record.state
    if state.breaker:
        yield f"the sync stopped itself: {state.breaker}"
    if state.paused:
        yield f"the sync is paused: `notion-bridge resume --sync {state.name}` goes on"
    if state.last_error:
        yield f"a side does not answer: {state.last_error}"


def _why_json(record: Record, waits: list[str]) -> dict[str, Any]:
    pair = record.pair
    return {
        "sync": pair.sync,
        "key": key_text(pair.key),
        "title": record.title,
        "page_id": pair.page_id,
        "page_url": page_address(pair.page_id) if pair.page_id else None,
        "in_step": not waits,
        "waits_for": waits,
        "base": _values_json(pair.base.values if pair.base else {}),
        **{side.value: _values_json(pair.side(side).values) for side in Side},
        "parked": [parked_json(row) for row in record.parked],
    }


def _values_json(values: Any) -> dict[str, Any]:
    return {name: canonical.encode(value) for name, value in values.items()}


def _show_why(environment: Environment, record: Record, waits: list[str]) -> None:
    pair = record.pair
    title = f" {value_shown(record.title)}" if record.title else ""
    environment.print(f"{pair.sync} {key_shown(pair.key)}{title}", "bold")
    environment.print(f"page: {page_address(pair.page_id) if pair.page_id else '(none yet)'}")
    environment.print(f"postgres: {_presence(pair.postgres)}; notion: {_presence(pair.notion)}")
    base = pair.base.values if pair.base else {}
    names = dict.fromkeys([*base, *pair.postgres.values, *pair.notion.values])
    sources = (base, pair.postgres.values, pair.notion.values)
    rows = [[name, *(value_shown(values[name]) if name in values else "-" for values in sources)] for name in names]
    environment.out.print(listing(("field", "agreed", "postgres", "notion"), rows))
    for wait in waits:
        environment.print(f"waits: {' '.join(wait.split())}")
    if not waits:
        environment.print("in step, as far as the last look shows")


def _presence(snapshot: Snapshot) -> str:
    return f"{snapshot.presence.value} ({snapshot.note})" if snapshot.note else snapshot.presence.value
