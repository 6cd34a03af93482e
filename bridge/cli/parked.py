"""`notion-bridge parked`: what could not be carried over, kept with its reason, and deletions that wait for a yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from bridge.cli.applying import carry_on
from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.output import key_shown, key_text, moment_shown, value_shown
from bridge.cli.program import shared_options
from bridge.config import Config
from bridge.engine.cases import Cases, page_address
from bridge.engine.decisions import find_parked, stopped_deletions
from bridge.engine.requests import submit
from bridge.errors import ConfigError, ExitCode
from bridge.journal import Journal
from bridge.journal.rows import read_key, read_moment, read_value
from bridge.journal.store import Row

_NOUN = {"postgres": "row", "notion": "page"}


@click.group(invoke_without_command=True)
@shared_options
@click.pass_context
def parked(context: click.Context) -> ExitCode | None:
    """See and settle what could not be carried over.

    Without a subcommand: the list.

    \b
    Example:
      notion-bridge parked
    """
    if context.invoked_subcommand is not None:
        return None
    environment = context.find_object(Environment)
    assert environment is not None
    return _list(environment, everything=False)


@parked.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are settled.")
@shared_options
@click.pass_obj
def list_(environment: Environment, everything: bool) -> ExitCode:
    """List what is parked, with the reason.

    \b
    Example:
      notion-bridge parked list --sync tasks
    """
    return _list(environment, everything=everything)


@parked.command()
@click.argument("number", type=int)
@shared_options
@click.pass_obj
def show(environment: Environment, number: int) -> ExitCode:
    """Show one parked item with its whole value.

    \b
    Example:
      notion-bridge parked show 3
    """
    config = environment.config()
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        row = with_record(journal, Cases(journal), find_parked(journal, number))
    if environment.json:
        environment.emit(as_json(row))
        return ExitCode.OK
    environment.print(f"parked item {number} of {row['sync']}, since {moment_shown(read_moment(row['at']))}")
    title = f" {value_shown(row['title'])}" if row["title"] else ""
    environment.print(f"record   {key_shown(read_key(row['key']))}{title}, {row['field'] or 'the record itself'}")
    if row["page_id"] is not None:
        environment.print(f"page     {page_address(row['page_id'])}")
    environment.print(f"side     {row['side']} cannot be written ({row['kind']})")
    environment.print(f"value    {value_shown(read_value(row['value']), None)}")
    environment.print(f"reason   {row['reason']}")
    environment.print(f"state    {row['state']}; {way_out(row)}")
    return ExitCode.OK


def _settling(name: str, done: str, text: str, *, held: bool, writes: bool = True) -> Callable[..., ExitCode]:
    """The four commands that end a parked item differ by a word. `held`: they are about held deletions; `writes`: there
    is something to write afterwards."""

    example = f"\b\nExamples:\n  notion-bridge parked {name} 3\n  notion-bridge parked {name} --all"

    @parked.command(name, help=f"{text}\n\n{example}")
    @click.argument("numbers", type=int, nargs=-1, metavar="NUMBER...")
    @click.option("--all", "everything", is_flag=True, help="All that are listed and can be treated so.")
    @shared_options
    @click.pass_obj
    def settle(environment: Environment, numbers: tuple[int, ...], everything: bool) -> ExitCode:
        config = environment.config()
        if bool(numbers) is everything:
            raise ConfigError("which items are meant?", hint="Give their numbers, or --all.")
        chosen = list(numbers or _open_ones(environment, config, held=held))
        answers = []
        for number in chosen:
            answers.append(submit(config.journal.path, environment.clock, name, {"id": number}))
            if not environment.json:
                environment.print(f"parked item {number}: {done}")
        if answers and writes:
            carry_on(environment, config, _syncs_of(environment, config, chosen))
        if environment.json:
            environment.emit({"version": JSON_VERSION, "items": answers})
        elif not answers:
            environment.print("there are no held deletions" if held else f"there is nothing to {name}")
        return ExitCode.OK

    return settle


def _open_ones(environment: Environment, config: Config, *, held: bool) -> list[int]:
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        rows = [row for chosen in environment.chosen(config) for row in journal.parked(chosen.name)]
    return [row["id"] for row in rows if (row["kind"] == "held") is held]


def _syncs_of(environment: Environment, config: Config, numbers: list[int]) -> list[str]:
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        rows = [journal.parked_item(number) for number in numbers]
    return sorted({row["sync"] for row in rows if row is not None})


retry = _settling("retry", "is tried again", "Try parked items again, after their cause was mended.", held=False)
drop = _settling(
    "drop", "is left as it is", "Leave parked items as they are: the sides differ there.", held=False, writes=False
)
approve = _settling(
    "approve", "the deletion is carried out", "Say yes to held deletions: the other side follows.", held=True
)
reject = _settling(
    "reject", "the record is brought back", "Say no to held deletions: the record is brought back.", held=True
)


def _list(environment: Environment, *, everything: bool) -> ExitCode:
    config = environment.config()
    state = "" if everything else "open"
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        found = [row for chosen in environment.chosen(config) for row in journal.parked(chosen.name, state)]
        cases = Cases(journal)
        rows = [with_record(journal, cases, row) for row in found]
        stopped = [_stopped(journal, cases, chosen.name) for chosen in environment.chosen(config)]
    stopped = [item for item in stopped if item["deletions"]]
    if environment.json:
        items = [as_json(row) for row in rows]
        environment.emit({"version": JSON_VERSION, "items": items, "stopped": stopped})
        return ExitCode.OK
    if not rows:
        environment.print("nothing is parked")
    else:
        headers = ("id", "sync", "key", "title", "field", "into", "kind", "reason", "value", "state")
        environment.out.print(listing(headers, [_line(row) for row in rows]))
    for item in stopped:
        _show_stopped(environment, item)
    for words in dict.fromkeys(way_out(row) for row in rows if row["state"] == "open"):
        environment.print(words)
    return ExitCode.OK


def with_record(journal: Journal, cases: Cases, row: Row) -> Row:
    """An item with what people know its record by."""
    pair = journal.pair(row["pair"])
    return row | {"page_id": pair.page_id, "title": cases.title(pair)}


def _stopped(journal: Journal, cases: Cases, sync: str) -> dict[str, Any]:
    """The deletions before which a sync stopped itself."""
    breaker = journal.sync_row(sync) is not None and journal.sync_state(sync).breaker
    deletions = [
        {"key": key_text(pair.key), "title": cases.title(pair), "side": side.value}
        for pair, side in (stopped_deletions(journal, sync) if breaker else ())
    ]
    return {"sync": sync, "breaker": breaker or None, "deletions": deletions}


def _show_stopped(environment: Environment, item: dict[str, Any]) -> None:
    environment.print(str(item["breaker"]), "bold red")
    rows = [[d["key"] or "(no key yet)", value_shown(d["title"]), f"its {_NOUN[d['side']]}"] for d in item["deletions"]]
    environment.out.print(listing(("key", "title", "would be deleted"), rows))


def as_json(row: Row) -> dict[str, Any]:
    """One parked item, from `with_record`; its value in the canonical form."""
    plain = ("id", "sync", "page_id", "field", "side", "kind", "reason", "state", "at", "ended_at")
    facts = {name: row[name] for name in (*plain, "title")}
    return facts | {"key": key_text(read_key(row["key"])), "value": json.loads(row["value"])}


def _line(row: Row) -> list[str]:
    key = key_shown(read_key(row["key"]))
    if row["key"] is None and row["page_id"] is not None:
        key = f"{key} {page_address(row['page_id'])}"  # it has no other name
    value = value_shown(read_value(row["value"]), 30)
    what = [row["field"] or "the record", row["side"], row["kind"], row["reason"], value, row["state"]]
    return [str(row["id"]), row["sync"], key, value_shown(row["title"], 30) if row["title"] else "", *what]


def way_out(row: Row) -> str:
    """What would mend a parked item, or what to type."""
    if row["state"] != "open":
        return "it needs nothing more"
    if row["kind"] == "held":
        return "held deletions: `notion-bridge parked approve N` or `reject N`, or `--all`"
    if row["kind"] == "link":
        return "it goes on by itself when the related record is there"
    if row["kind"] == "away" and row["side"] == "postgres":
        return "away: the row goes on by itself when it fulfils the filter (where) again; the edit of its page waits"
    if row["kind"] == "away":
        return "away: bring the page back in Notion; it goes on by itself"
    return "mend the value or the column; a new value is tried by itself, the same by `notion-bridge parked retry N`"
