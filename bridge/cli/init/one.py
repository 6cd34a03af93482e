"""One table and one data source: found or made, mapped, shown, agreed on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.init.asking import Choice, by_likeness, choose
from bridge.cli.init.finish import finish, print_script
from bridge.cli.init.ground import Ground
from bridge.cli.init.known import known_sources
from bridge.cli.init.linked import find_lines
from bridge.cli.init.made import InNotion, OnPaper, Sources, make_sources, naming_what_was_made, proposal_of
from bridge.cli.init.newtable import Blueprint, blueprint, column_name
from bridge.cli.init.schema import Schema, read_schema
from bridge.cli.init.showing import as_json, show
from bridge.cli.init.wishes import Wishes
from bridge.cli.output import clean, many
from bridge.cli.proposal import Proposal, propose
from bridge.cli.tomlfile import Setup, table_text
from bridge.engine.opening import Sides
from bridge.errors import ConfigError, ExitCode, SetupError
from bridge.notion.catalog import (
    find_data_source,
    list_data_sources,
    parse_ref,
    read_data_source,
    survey,
)
from bridge.postgres.catalog import list_tables, read_table
from bridge.postgres.connection import Session
from bridge.postgres.create import NewTable, create_tables, render_tables, split_name
from bridge.postgres.names import quoted
from bridge.shapes import DataSource, Table

_NO_TABLE = "Does the role have the right to see the tables of this database? A new one is made with --create-table."
_NO_SOURCE = "Share a database with the integration (menu '...' -> Connections), or make one with --create-notion."


def set_up_one(environment: Environment, wishes: Wishes, ground: Ground, sides: Sides) -> ExitCode:
    """Raises ConfigError, SetupError, Unavailable, AccessLost."""
    if wishes.create_table is not None:
        source = _source(environment, sides, wishes, "")
        plan = _planned(ground, sides, wishes, source)
        name = _name(wishes, ground, plan.table.name)
        refuse_taken(sides, name, source, None)  # before a table is made that nothing will fill
        if wishes.print_sql:
            return print_script(environment, render_tables([plan.table]))
        table = make_tables(environment, ground, [plan], wishes.yes)[0]
        proposal = propose(table, source, plan.key_property, plan.pairs)
    else:
        table, schema = _table(environment, ground, wishes)
        if wishes.create_notion:
            return _with_new_database(environment, wishes, ground, sides, table, schema)
        found = _sources_for(environment, ground, sides, wishes, table, schema)
        source, proposal = found.of(table), proposal_of(found, table)
    name = _name(wishes, ground, table.name)
    _refuse_twice(ground, table, source)
    refuse_taken(sides, name, source, table)
    show(environment, table, source, proposal)
    if not agreed(environment, wishes, [(source, proposal)]):
        environment.say("nothing was written")
        return ExitCode.OK
    source = add_key(sides, source, proposal)
    return _finish(environment, wishes, ground, sides, Setup(name, table, source, proposal, wishes.key))


def _with_new_database(
    environment: Environment, wishes: Wishes, ground: Ground, sides: Sides, table: Table, schema: Schema
) -> ExitCode:
    """Shown and agreed on first: what is made in Notion does not go away after a no."""
    name = _name(wishes, ground, table.name)
    known = known_sources(ground.config.syncs, sides, schema.around(table))
    planned = make_sources(OnPaper(), wishes, schema, [table], known)
    source, proposal = planned.of(table), proposal_of(planned, table)
    show(environment, table, source, proposal)
    if not agreed(environment, wishes, [(source, proposal)]):
        environment.say("nothing was written, and nothing was made in Notion")
        return ExitCode.OK
    maker = InNotion(sides.client, str(wishes.create_notion))
    words = f"init --table {shlex.quote(table_text(table))} --data-source ID"
    with naming_what_was_made(environment, wishes, maker, words):
        made = make_sources(maker, wishes, schema, [table], known)
        setup = Setup(name, table, made.of(table), proposal_of(made, table), wishes.key)
        return _finish(environment, wishes, ground, sides, setup)


def _finish(environment: Environment, wishes: Wishes, ground: Ground, sides: Sides, setup: Setup) -> ExitCode:
    answer = {
        "version": JSON_VERSION,
        "config": str(environment.config_path),
        "sync": as_json(setup),
        "installed": True,
    }
    return finish(environment, wishes, ground, sides, [setup], answer)


def refuse_taken(sides: Sides, name: str, source: DataSource, table: Table | None) -> None:
    """Refuses a data source that another sync has. `table` None: still to be made. Raises ConfigError, SetupError."""
    with closing(Session(sides.config.postgres.dsn)) as session, session.use() as connection:
        sides.refuse_taken(connection, name, source, table)


def _name(wishes: Wishes, ground: Ground, table_name: str) -> str:
    """What the sync will be called. Raises ConfigError."""
    taken = {sync.name for sync in ground.config.syncs}
    if wishes.name in taken:
        raise ConfigError(
            f"{ground.config.path} has a sync named {wishes.name!r} already",
            hint="Give this one another --name; for what is there `notion-bridge init --update` takes up what has "
            "changed since, and `notion-bridge init --print-sql`, with nothing else, prints the script for a DBA.",
        )
    return wishes.name or sync_name(table_name, taken)


def sync_name(table_name: str, taken: Collection[str]) -> str:
    """A name for the sync of this table that no other has."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", table_name).strip("-.")[:36] or "sync"
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    return found


def add_key(sides: Sides, source: DataSource, proposal: Proposal) -> DataSource:
    """Adds the key property where it is still to be made."""
    if proposal.new_key is None:
        return source
    schema: dict[str, Any] = {proposal.new_key.name: {proposal.new_key.type: {}}}
    sides.client.update_data_source(source.id, {"properties": schema})
    return read_data_source(sides.client, source.id)


def make_tables(
    environment: Environment, ground: Ground, plans: Sequence[Blueprint], yes: bool, joins: Sequence[NewTable] = ()
) -> list[Table]:
    """Shows the script, asks, makes the tables, reads them back. Raises SetupError; click.Abort after a no."""
    new = [*(plan.table for plan in plans), *joins]
    for line in render_tables(new).splitlines():
        environment.say(f"    {clean(line)}")
    for plan in plans:
        for name, why in plan.left_out.items():
            environment.say(f"no column for property {clean(name)}: {why}")
    if not environment.confirm("Run this in the database?", yes, default=True):
        raise click.Abort
    with closing(Session(ground.config.postgres.dsn)) as session, session.use() as connection:
        create_tables(connection, new)
        return [read_table(connection, quoted(table.schema, table.name)) for table in new]


def _planned(ground: Ground, sides: Sides, wishes: Wishes, source: DataSource) -> Blueprint:
    schema, name = wishes.schema, column_name(source.title, ())
    if wishes.create_table:
        with closing(Session(ground.config.postgres.dsn)) as session, session.use() as connection:
            given, name = split_name(connection, wishes.create_table)
        schema = given or schema
    found = survey(sides.client, source)
    return blueprint(source, schema, name, found, key_property=wishes.key_property, enums=wishes.enums)


def _table(environment: Environment, ground: Ground, wishes: Wishes) -> tuple[Table, Schema]:
    """The table that is meant, and what refers to what around it."""
    with closing(Session(ground.config.postgres.dsn)) as session, session.use() as connection:
        name, listed = wishes.table, list_tables(connection)
        if not name:
            known = {sync.table for sync in ground.config.syncs}
            names = sorted((table_text(table) for table in listed), key=lambda text: text in known)
            choices = [Choice(text + (" (has a sync)" if text in known else ""), text) for text in names]
            name = choose(environment, "table", choices, "--table", _NO_TABLE)
        table = read_table(connection, name, wishes.key or None)
        # As it was read here: --key may give it another key.
        return table, read_schema([table, *(other for other in listed if other.oid != table.oid)])


def _sources_for(
    environment: Environment, ground: Ground, sides: Sides, wishes: Wishes, table: Table, schema: Schema
) -> Sources:
    """The data source, with the lines for what the table links to: that has to have a sync already."""
    known = known_sources(ground.config.syncs, sides, schema.around(table))
    sources = {table.oid: _source(environment, sides, wishes, table.name)}
    return Sources(known, sources, {table.oid: wishes.key_property}, lines=find_lines(schema, sources, known))


def _source(environment: Environment, sides: Sides, wishes: Wishes, like: str) -> DataSource:
    if wishes.data_source:
        return find_data_source(sides.client, wishes.data_source)
    found = list_data_sources(sides.client)
    order = by_likeness([source.title for source in found], like) if like else range(len(found))
    choices = [Choice(f"{found[place].title} ({found[place].id})", found[place].id) for place in order]
    chosen = choose(environment, "data source", choices, "--data-source", _NO_SOURCE)
    return read_data_source(sides.client, chosen)


def _refuse_twice(ground: Ground, table: Table, source: DataSource) -> None:
    """Two syncs between one table and one data source would take each other's pages for surplus."""
    for sync in ground.config.syncs:
        try:
            same = parse_ref(sync.data_source) in (source.id, source.database_id)
        except SetupError:
            same = False  # told when that sync itself is bound
        if same and sync.table in (table_text(table), table.qualified, table.name):
            raise ConfigError(
                f"{ground.config.path} keeps {table.qualified} and {source.title!r} the same already, as {sync.name!r}",
                hint="`notion-bridge init --update` takes up what has changed since; "
                "`notion-bridge init --print-sql`, with nothing else, prints the script for a DBA.",
            )


def agreed(environment: Environment, wishes: Wishes, proposals: Sequence[tuple[DataSource, Proposal]]) -> bool:
    """On a terminal everything is asked once; elsewhere only what changes somebody's Notion needs a word."""
    titles = [source.title for source, _ in proposals] if wishes.create_notion else []
    makes = f"make {many(len(titles), 'database')} in Notion ({', '.join(map(repr, titles))})" if titles else ""
    new = [f"{p.new_key.name!r} ({p.new_key.type}) to {source.title!r}" for source, p in proposals if p.new_key]
    adds = f"add {many(len(new), 'property', 'properties')} in Notion ({', '.join(new)})" if new else ""
    if environment.may_ask:
        trigger = "install the trigger" if len(proposals) == 1 else "install the triggers"
        parts = [makes, f"write {environment.config_path}", adds, "" if wishes.print_sql else trigger]
        question = ", ".join(part for part in parts if part)
        return environment.confirm(f"{question[0].upper()}{question[1:]}?", wishes.yes, default=True)
    word = makes or adds
    return not word or environment.confirm(f"May init {word}?", wishes.yes)
