"""`init --update`: compares the file with both sides and with what the journal remembers, and mends what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing
from pathlib import Path

from bridge.cli import tomledit, tomlfile
from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.init.known import known_sources
from bridge.cli.init.linked import find_lines, is_named
from bridge.cli.init.schema import Schema, read_schema
from bridge.cli.listing import listing
from bridge.cli.output import many
from bridge.cli.proposal import Line, same_named
from bridge.config import Config, SyncConfig, parse
from bridge.engine.mending import Finding, Mend, findings
from bridge.engine.opening import Sides, open_sides
from bridge.engine.rebinding import remembered_in
from bridge.engine.requests import is_running, submit
from bridge.errors import ConfigError, ExitCode
from bridge.notion.catalog import find_data_source
from bridge.postgres.catalog import list_tables, read_table
from bridge.postgres.connection import Session
from bridge.shapes import DataSource, Table

_EDITS: Mapping[Mend, Callable[[str, Finding], str]] = {
    Mend.RENAME: lambda text, found: tomledit.rename_column(text, found.sync, found.field, found.new),
    Mend.REMOVE: lambda text, found: tomledit.comment_out(text, found.sync, found.field, found.why),
    Mend.ADD: lambda text, found: tomledit.add_line(text, found.sync, found.new),
}
_WORDS = {
    Mend.RENAME: "name it {new}",
    Mend.REMOVE: "comment its line out",
    Mend.ACCEPT: "take it as it is now; where both sides differ first_sync decides",
    Mend.ADD: "add {new}",
    Mend.BY_HAND: "yours to decide",
}


def update(environment: Environment, yes: bool) -> ExitCode:
    """2 when something is left to be mended. Raises ConfigError, SetupError, Unavailable, AccessLost."""
    config = environment.config()
    text = config.path.read_bytes().decode()
    with open_sides(config) as sides:
        found = [item for sync in environment.chosen(config) for item in _of_sync(environment, sides, sync, text)]
    edited, found = _edit(text, found)
    _show(environment, found)
    able = [item for item in found if item.mend is not Mend.BY_HAND]
    done = bool(able) and (yes or _agreed(environment, len(able)))
    if done:
        _make(environment, config, text, edited, able)
    if environment.json:
        changes = [
            {"sync": i.sync, "field": i.field, "change": i.mend.value, "why": i.why, "new": i.new or None}
            for i in found
        ]
        environment.emit({"version": JSON_VERSION, "config": str(config.path), "changes": changes, "made": done})
    return ExitCode.OK if len(found) == (len(able) if done else 0) else ExitCode.USAGE


def _agreed(environment: Environment, changes: int) -> bool:
    """Without a terminal what would be changed is told all the same."""
    if environment.may_ask:
        return environment.confirm(f"Make {many(changes, 'change')}?", yes=False, default=True)
    environment.say("nothing was changed: say it with --yes")
    return False


def _of_sync(environment: Environment, sides: Sides, config: SyncConfig, text: str) -> Iterator[Finding]:
    remembered = remembered_in(sides.config.journal.path, config.name, environment.clock)
    with closing(Session(sides.config.postgres.dsn)) as session, session.use() as connection:
        table = read_table(connection, config.table, config.key or None)
        schema = read_schema([table, *(other for other in list_tables(connection) if other.oid != table.oid)])
    source = find_data_source(sides.client, config.data_source, known=remembered.data_source)
    found, mended = findings(config, table, source, remembered, sides.bind)
    yield from found
    mapped = _mapped(mended, source, remembered.properties)
    lines = [*same_named(table, source, mapped), *_links(sides, table, schema, source, mapped)]
    yield from _new(config, lines, text)


def _mapped(config: SyncConfig, source: DataSource, known: Mapping[str, str]) -> set[str]:
    """The names of columns, and the ids of properties, that have a line."""
    mapped = {item.column for item in config.fields}
    for name in (config.key_property, *(item.property for item in config.fields)):
        prop = source.property(known.get(name, name)) or source.property(name)
        mapped |= {prop.id} if prop else set()
    return mapped


def _links(sides: Sides, table: Table, schema: Schema, source: DataSource, mapped: Set[str]) -> list[Line]:
    """Lines for the columns that refer to what has a sync, where a relation of their name is free. A join table may be
    mapped from its other end, so that none is proposed."""
    if all(prop.id in mapped for prop in source.properties if prop.type == "relation"):
        return []
    known = known_sources(sides.config.syncs, sides, schema.around(table))
    lines = find_lines(schema, {table.oid: source}, known)[table.oid]
    free = [item for item in lines if not item.through and not {item.column.name, item.property.id} & mapped]
    return [item for item in free if is_named(item.property, item.column.name)]


def _new(config: SyncConfig, lines: Iterable[Line], text: str) -> Iterator[Finding]:
    """New lines, unless the file has one as a comment: then somebody took it out."""
    for line in lines:
        if not tomledit.mentioned(text, config.name, line.column.name):
            why = f"the property {line.property.name!r} goes with it: {line.why}"
            yield Finding(config.name, line.column.name, Mend.ADD, why, tomlfile.field_line(line))


def _edit(text: str, found: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """The file with all that can be edited; what cannot be is a person's."""
    kept = []
    for item in found:
        try:
            text = _EDITS[item.mend](text, item) if item.mend in _EDITS else text
            kept.append(item)
        except ConfigError as error:
            kept.append(Finding(item.sync, item.field, Mend.BY_HAND, f"{item.why}. {error.message}. {error.hint}"))
    return text, kept


def _show(environment: Environment, found: Sequence[Finding]) -> None:
    if not found:
        environment.say("nothing has changed that the file does not say")
        return
    rows = [[item.sync, item.field, item.why, _WORDS[item.mend].format(new=item.new)] for item in found]
    environment.err.print(listing(("sync", "field", "what happened", "what to do"), rows))


def _make(environment: Environment, config: Config, before: str, after: str, able: Sequence[Finding]) -> None:
    """The file first: what a running bridge then takes as new fits it."""
    if after != before:
        parse(after, config.path, environment.variables)
        tomlfile.replace(config.path, after)
        environment.say(f"wrote {config.path}")
    for name in dict.fromkeys(item.sync for item in able):
        fields = [item.field for item in able if item.sync == name and item.mend is Mend.ACCEPT]
        if fields:
            submit(config.journal.path, environment.clock, "accept", {"sync": name, "fields": fields})
            environment.say(f"{name}: {', '.join(fields)} taken as it is now")
    _tell_next(environment, config.path, config.journal.path, edited=after != before)


def _tell_next(environment: Environment, path: Path, journal: Path, *, edited: bool) -> None:
    if is_running(journal) and edited:
        environment.say(f"next: start `notion-bridge run` anew: the running one has read {path} before the change")
    elif not is_running(journal):
        environment.say(f"next: `{environment.command('check')}`, then `{environment.command('run')}`")
