"""`notion-bridge history`: what happened to one record or to all of them, and taking a change back."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import click

from bridge.cli.applying import Writer, carry_on
from bridge.cli.conflicts import as_json as conflict_json
from bridge.cli.conflicts import verdict
from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.log import change_shown, changes_shown
from bridge.cli.output import key_shown, key_text, moment_shown, value_shown
from bridge.cli.program import shared_options
from bridge.cli.records import Record, find
from bridge.clock import Clock
from bridge.engine.cases import Authors
from bridge.engine.namefile import NameFile
from bridge.engine.notices import Notice
from bridge.engine.notices import history as events_of
from bridge.engine.requests import submit
from bridge.errors import ConfigError, ExitCode
from bridge.journal import Journal
from bridge.journal.rows import read_moment
from bridge.model import Side
from bridge.values.canonical import decode
from bridge.values.dates import parse_time

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"(\d+)\s*([smhd])")
DEFAULT, _UNDO = "show", "undo"


def _number(context: click.Context, parameter: click.Parameter, text: str) -> int:
    """The number of a change."""
    if not (text.isascii() and text.isdigit()):
        raise click.BadParameter(f"{text!r} is no number of a change; `history KEY` shows them, in the column 'no'.")
    return int(text)


class History(click.Group):
    """`history KEY` is short for `history show KEY`: what is no subcommand is the key of a record."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # A record may have the key `undo`: without more that is a key, and what is put back has a number.
        more = args[1:]
        said = bool(more) and (not more[0].startswith("-") or any(word.isdigit() for word in more))
        named = args[:1] == [DEFAULT] or (args[:1] == [_UNDO] and said)
        completing = ctx.resilient_parsing and not args  # the shell asks what may stand here
        if not named and not completing and not set(args) & set(ctx.help_option_names):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=History)
@shared_options
def history() -> None:
    """Show what happened, and take changes back.

    `history KEY` shows one record's life in both systems: who changed what and when.

    \b
    Examples:
      notion-bridge history 42
      notion-bridge history --since 1h --side notion --json
      notion-bridge history undo 1234
    """


@history.command(DEFAULT)
@click.argument("key", required=False)
@click.option("--since", metavar="SPAN|TIME", help="Only what came since: 90s, 15m, 1h, 2d, or a time in ISO 8601.")
@click.option("--side", type=click.Choice([side.value for side in Side]), help="Only what happened on this side.")
@shared_options
@click.pass_obj
def show(environment: Environment, key: str | None, since: str | None, side: str | None) -> ExitCode:
    """Show what happened to one record, or to all.

    KEY is the primary key; the parts of a composite one are joined by "|". A page's address works too. Without a KEY:
    every record, since the time that --since gives. The number of a change is what `undo` takes.

    \b
    Examples:
      notion-bridge history show 42
      notion-bridge history show --since 1h --side notion --json
    """
    moment = _moment(since, environment.clock) if since else None
    if key is None and moment is None:
        raise ConfigError("which record is meant?", hint="Give its KEY, or --since for all of them.")

    def wanted(event: Notice) -> bool:
        return (moment is None or event.at >= moment) and side in (None, event.side.value)

    if key is not None:
        _show_records(environment, find(environment, key), wanted)
    else:
        assert moment is not None
        _show_all(environment, moment, wanted)
    return ExitCode.OK


@history.command(_UNDO)
@click.argument("number", callback=_number)
@shared_options
@click.pass_obj
def undo(environment: Environment, number: int) -> ExitCode:
    """Put a change back on both sides.

    As a new change, guarded like any other: each field must still be on both sides what the change made of it. NUMBER
    is the change's number in `history KEY`.

    \b
    Example:
      notion-bridge history undo 1234
    """
    config = environment.config()
    answer = submit(config.journal.path, environment.clock, "put-back", {"event": number})
    writer = carry_on(environment, config, [answer["sync"]])
    if environment.json:
        environment.emit({"version": JSON_VERSION, **answer})
        return ExitCode.OK
    changes = ", ".join(change_shown(name, decode(old), decode(new)) for name, (old, new) in answer["changes"].items())
    environment.print(f"change {number} is put back: {changes}")
    if writer is not Writer.COMMAND:
        environment.print(f"{writer} writes it")
    return ExitCode.OK


def _moment(text: str, clock: Clock) -> datetime:
    """The time that a span before now, or a time as written, means. Raises ConfigError."""
    span = _SPAN.fullmatch(text.strip())
    if span is not None:
        return clock.now() - timedelta(**{_UNITS[span[2]]: int(span[1])})
    moment = parse_time(text.strip())
    if moment is None:
        raise ConfigError(f"--since cannot be {text!r}", hint="It can be: 90s, 15m, 1h, 2d, or 2026-05-12T14:00Z.")
    return moment if moment.tzinfo is not None else moment.astimezone()


def _show_records(environment: Environment, records: list[Record], wanted: Any) -> None:
    names = _names(environment)
    events = [[event for event in record.events if wanted(event)] for record in records]
    if environment.json:
        found = [
            {
                "sync": record.pair.sync,
                "key": key_text(record.pair.key),
                "title": record.title,
                "page_id": record.pair.page_id,
                "events": [_as_json(event, names) for event in kept],
                "conflicts": [conflict_json(row) for row in record.conflicts],
            }
            for record, kept in zip(records, events, strict=True)
        ]
        environment.emit({"version": JSON_VERSION, "records": found})
        return
    for record, kept in zip(records, events, strict=True):
        title = f" {value_shown(record.title)}" if record.title else ""
        environment.print(f"{record.pair.sync} {key_shown(record.pair.key)}{title}", "bold")
        rows = [
            [str(e.id), moment_shown(e.at), e.side.value, e.kind, changes_shown(e.changes), _by(e, names)] for e in kept
        ]
        environment.out.print(listing(("no", "at", "side", "what", "changes", "by"), rows))
        for row in record.conflicts:
            at = moment_shown(read_moment(row["at"]))
            environment.print(f"conflict {row['id']}: {row['field'] or 'the record'}, {verdict(row)}, found {at}")


def _show_all(environment: Environment, moment: datetime, wanted: Any) -> None:
    names = _names(environment)
    config = environment.config()
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        rows = [row for chosen in environment.chosen(config) for row in journal.events_since(chosen.name, moment)]
        found = [event for event in events_of(rows) if wanted(event)]
    if environment.json:
        environment.emit({"version": JSON_VERSION, "events": [_as_json(event, names) for event in found]})
        return
    if not found:
        environment.print("nothing happened")
        return
    lines = [
        [
            str(e.id),
            moment_shown(e.at),
            e.sync,
            key_shown(e.key),
            e.side.value,
            e.kind,
            changes_shown(e.changes),
            _by(e, names),
        ]
        for e in found
    ]
    environment.out.print(listing(("no", "at", "sync", "key", "side", "what", "changes", "by"), lines))


def _names(environment: Environment) -> Authors:
    return Authors(NameFile(environment.config().journal.path, writes=False))


def _as_json(event: Notice, names: Authors) -> dict[str, Any]:
    return event.as_json() | {"key": key_text(event.key), "by": _by(event, names)}


def _by(event: Notice, names: Authors) -> str:
    if event.by_bridge:
        return "the bridge"
    return names.called(event.text) if event.text else ""
