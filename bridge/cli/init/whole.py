"""`init --all`: a whole schema with its data sources, matched by name or made on one side."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.init.finish import finish, print_script
from bridge.cli.init.ground import Ground
from bridge.cli.init.known import known_sources
from bridge.cli.init.linked import find_lines
from bridge.cli.init.made import (
    InNotion,
    OnPaper,
    make_sources,
    naming_what_was_made,
    plan_tables,
    proposal_of,
    table_lines,
    why_not,
)
from bridge.cli.init.newtable import column_name
from bridge.cli.init.one import add_key, agreed, make_tables, refuse_taken, sync_name
from bridge.cli.init.schema import Schema, read_schema
from bridge.cli.init.showing import as_json, show
from bridge.cli.init.wishes import Wishes
from bridge.cli.output import clean
from bridge.cli.proposal import Line, Proposal, plain_name, propose
from bridge.cli.tomlfile import Setup, table_text, toml_key
from bridge.engine.opening import Sides
from bridge.errors import ConfigError, ExitCode, SetupError
from bridge.notion.catalog import list_data_sources
from bridge.postgres.catalog import list_tables
from bridge.postgres.connection import Session
from bridge.postgres.create import render_tables
from bridge.shapes import DataSource, Table


@dataclass(slots=True)
class Found:
    """What goes together: the data source and the lines of each table, by its oid; `left_out` says why of the rest."""

    schema: Schema
    sources: dict[int, DataSource]
    lines: Mapping[int, Sequence[Line]]
    pairs: Mapping[int, Mapping[str, str]]
    keys: Mapping[int, str | None]
    left_out: dict[str, str]
    known: Collection[str] = ()  # data sources that have a sync already
    on_paper: Mapping[int, DataSource] | None = None  # the data sources are still to be made; those known, by oid


def set_up_all(environment: Environment, wishes: Wishes, ground: Ground, sides: Sides) -> ExitCode:
    """Raises ConfigError, SetupError, Unavailable, AccessLost."""
    if wishes.create_table is not None:
        left: dict[str, str] = {}
        sources = [
            source
            for source in list_data_sources(sides.client, wishes.below or "")
            if _free(sides, sync_name(column_name(source.title, ()), _names(ground)), source, None, left)
        ]
        plan = plan_tables(sides.client, sources, wishes)
        if wishes.print_sql:
            return print_script(environment, render_tables(plan.tables))
        tables = make_tables(environment, ground, plan.blueprints, wishes.yes, plan.joins)
        lines = table_lines(plan, read_schema(tables))
        by_name = {table.name: table for table in tables}
        made = [(by_name[print_.table.name], print_) for print_ in plan.blueprints]
        found = Found(
            read_schema(tables),
            {table.oid: print_.source for table, print_ in made},
            lines,
            {table.oid: print_.pairs for table, print_ in made},
            {table.oid: print_.key_property for table, print_ in made},
            left,
        )
    else:
        found = _from_tables(environment, wishes, ground, sides)
    return _set_up(environment, wishes, ground, sides, found)


def _from_tables(environment: Environment, wishes: Wishes, ground: Ground, sides: Sides) -> Found:
    with closing(Session(ground.config.postgres.dsn)) as session, session.use() as connection:
        schema = read_schema(list_tables(connection, wishes.schema))
    known = known_sources(ground.config.syncs, sides, schema.tables)
    tables = [table for table in schema.tables if table.oid not in known]
    if not tables:
        raise SetupError(
            f"the schema {wishes.schema} has no table with a primary key that has no sync yet",
            hint="Name another one with --schema.",
        )
    left = dict(schema.left_out)
    if wishes.create_notion:
        left.update({table.qualified: why for table in tables if (why := why_not(wishes, schema, table))})
        tables = [table for table in tables if table.qualified not in left]
        made = make_sources(OnPaper(), wishes, schema, tables, known)
        return Found(schema, made.sources, made.lines, made.pairs, made.keys, left, _ids(known), known)
    ids = _ids(known)
    listed = [source for source in list_data_sources(sides.client, wishes.below or "") if source.id not in ids]
    sources = dict(_matched(tables, listed, left))
    keys = dict.fromkeys(sources, wishes.key_property)
    return Found(schema, sources, find_lines(schema, sources, known), {}, keys, left, ids)


def _names(ground: Ground) -> set[str]:
    return {sync.name for sync in ground.config.syncs}


def _free(sides: Sides, name: str, source: DataSource, table: Table | None, left: dict[str, str]) -> bool:
    """Whether no other sync has the data source; where one has, that is noted as the reason why it is left out."""
    try:
        refuse_taken(sides, name, source, table)
    except (ConfigError, SetupError) as error:
        left[source.title] = error.message
        return False
    return True


def _ids(known: Mapping[int, DataSource]) -> set[str]:
    return {source.id for source in known.values()}


def _matched(
    tables: Sequence[Table], listed: Sequence[DataSource], left: dict[str, str]
) -> Iterator[tuple[int, DataSource]]:
    """Each table with the one data source of its name; what is left over is noted with its reason."""
    used = set()
    for table in tables:
        same = [source for source in listed if _singular(source.title) == _singular(table.name)]
        exact = [source for source in same if plain_name(source.title) == plain_name(table.name)]
        found = exact or same
        if len(found) == 1 and found[0].id not in used:
            used.add(found[0].id)
            yield table.oid, found[0]
        else:
            left[table.qualified] = "several data sources are named so" if found else "no data source is named so"
    left.update({source.title: "no table is named so" for source in listed if source.id not in used})


def _singular(name: str) -> str:
    """One customer, many customers: people name tables and databases either way."""
    return plain_name(name).removesuffix("s")


def _set_up(environment: Environment, wishes: Wishes, ground: Ground, sides: Sides, found: Found) -> ExitCode:
    taken = _names(ground)
    names: dict[int, str] = {}
    proposals: list[tuple[Table, DataSource, Proposal]] = []
    for table in found.schema.tables:
        if table.oid not in found.sources:
            continue
        source = found.sources[table.oid]
        name = sync_name(table.name, taken)
        if found.on_paper is None and not _free(sides, name, source, table, found.left_out):
            continue
        names[table.oid] = name
        taken.add(name)
        lines, pairs = found.lines.get(table.oid, ()), found.pairs.get(table.oid, {})
        try:
            proposals.append((table, source, propose(table, source, found.keys[table.oid], pairs, lines)))
        except SetupError as error:
            found.left_out[table.qualified] = error.message
    proposals = _without_dangling(proposals, found)
    for table, source, proposal in proposals:
        show(environment, table, source, proposal)
    _note_links(found, proposals, ground.text or "")
    for name, why in found.left_out.items():
        environment.say(f"left out: {clean(name)}: {why}")
    if not proposals:
        raise SetupError(
            "no table goes with a data source",
            hint="Make what is missing: --create-notion PAGE, or --create-table.",
        )
    if not agreed(environment, wishes, [(source, proposal) for _, source, proposal in proposals]):
        environment.say("nothing was written" + ("" if found.on_paper is None else ", and nothing was made in Notion"))
        return ExitCode.OK
    maker = InNotion(sides.client, str(wishes.create_notion))
    words = f"init --all --schema {shlex.quote(wishes.schema)} --below {shlex.quote(str(wishes.create_notion))}"
    with naming_what_was_made(environment, wishes, maker, words):
        if found.on_paper is not None:
            tables = [table for table, *_ in proposals]
            made = make_sources(maker, wishes, found.schema, tables, found.on_paper)
            proposals = [(table, made.of(table), proposal_of(made, table)) for table in tables]
        return _write(environment, wishes, ground, sides, found, proposals, names)


def _write(
    environment: Environment,
    wishes: Wishes,
    ground: Ground,
    sides: Sides,
    found: Found,
    proposals: Sequence[tuple[Table, DataSource, Proposal]],
    names: Mapping[int, str],
) -> ExitCode:
    setups = []
    for table, source, proposal in proposals:
        setups.append(Setup(names[table.oid], table, add_key(sides, source, proposal), proposal))
    return finish(environment, wishes, ground, sides, setups, _as_json(environment, setups, found))


def _note_links(found: Found, proposals: Sequence[tuple[Table, DataSource, Proposal]], text: str) -> None:
    """Join tables that no line maps, here or in the file."""
    mapped = {line.column.name for _, _, proposal in proposals for line in proposal.lines if line.through}
    for join in found.schema.joins:
        name = table_text(join.table)
        if name not in mapped and toml_key(name) not in text:
            ends = f"{join.owner.name} and {join.other.name}"
            found.left_out[join.table.qualified] = f"it links {ends}, and no relation of their data sources is free"


def _without_dangling(
    proposals: list[tuple[Table, DataSource, Proposal]], found: Found
) -> list[tuple[Table, DataSource, Proposal]]:
    """A relation needs the sync of its target; where that one is left out, so is the line."""
    kept = {source.id for _, source, _ in proposals} | set(found.known)
    return [(table, source, proposal.linked_to(kept)) for table, source, proposal in proposals]


def _as_json(environment: Environment, setups: Sequence[Setup], found: Found) -> dict[str, Any]:
    return {
        "version": JSON_VERSION,
        "config": str(environment.config_path),
        "syncs": [as_json(setup) for setup in setups],
        "left_out": [{"name": name, "why": why} for name, why in found.left_out.items()],
        "installed": True,
    }
