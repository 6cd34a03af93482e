"""What `init` makes on one side from the other: databases from tables, or many tables from data sources."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bridge.cli.environment import Environment
from bridge.cli.init.linked import (
    join_line,
    join_name,
    mirror_of,
    reference_line,
    relation_name,
    target_id,
)
from bridge.cli.init.newtable import Blueprint, blueprint, column_name
from bridge.cli.init.schema import Join, Schema
from bridge.cli.init.wishes import Wishes
from bridge.cli.proposal import Line, Proposal, database_title, propose, schema_for
from bridge.errors import SetupError
from bridge.notion.catalog import add_properties, create_data_source, survey
from bridge.notion.client import NotionClient
from bridge.postgres.create import NewColumn, NewTable
from bridge.shapes import DataSource, Option, Property, Table

_WHY = "made for it"
_SINGLE, _DUAL = "single_property", "dual_property"


@dataclass(slots=True)
class Sources:
    """The data sources that were made for tables, by the table's oid; `known` are those of tables with a sync."""

    known: Mapping[int, DataSource]
    sources: dict[int, DataSource] = field(default_factory=dict)
    keys: dict[int, str | None] = field(default_factory=dict)
    pairs: dict[int, dict[str, str]] = field(default_factory=dict)
    lines: dict[int, list[Line]] = field(default_factory=dict)

    def of(self, table: Table) -> DataSource:
        return self.sources.get(table.oid) or self.known[table.oid]


class Maker(Protocol):
    """Makes data sources, or says what they would be."""

    def create(self, title: str, properties: Mapping[str, Any]) -> DataSource: ...

    def relate(self, source: DataSource, relations: Mapping[str, Any]) -> DataSource: ...


class OnPaper:
    """Nothing is made: so a person sees the whole mapping before anything is there."""

    def __init__(self) -> None:
        self._made = 0

    def create(self, title: str, properties: Mapping[str, Any]) -> DataSource:
        self._made += 1  # two tables may have one title
        return self.relate(DataSource(f"planned {self._made}", "", title, ()), properties)

    def relate(self, source: DataSource, relations: Mapping[str, Any]) -> DataSource:
        added = (_planned(name, kind, config) for name, what in relations.items() for kind, config in what.items())
        return replace(source, properties=(*source.properties, *added))


def _planned(name: str, kind: str, config: Mapping[str, Any]) -> Property:
    options = tuple(Option(option["name"], option["name"]) for option in config.get("options", ()))
    return Property(name, name, kind, options, config)


class InNotion:
    """Makes them below a page; `made` are those that are there, whatever happens then."""

    def __init__(self, client: NotionClient, page: str) -> None:
        self._client = client
        self._page = page
        self.made: list[DataSource] = []

    def create(self, title: str, properties: Mapping[str, Any]) -> DataSource:
        source = create_data_source(self._client, self._page, title, properties)
        self.made.append(source)
        return source

    def relate(self, source: DataSource, relations: Mapping[str, Any]) -> DataSource:
        return add_properties(self._client, source, relations)


@contextmanager
def naming_what_was_made(environment: Environment, wishes: Wishes, maker: InNotion, take_up: str) -> Iterator[None]:
    """Whatever ends the set-up early: which databases are there, in no file, and the command that takes them up."""
    where = f" --base-url {wishes.base_url}" if wishes.base_url else ""
    try:
        yield
    except BaseException:
        path = environment.config_path
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        lost = [source for source in maker.made if source.id not in written]
        if lost:
            names = ", ".join(f"{source.title!r} ({source.id})" for source in lost)
            environment.say(f"made in Notion, and not in {path}: {names}", "yellow")
            command = environment.command(take_up + where)
            environment.say(f"  `{command}` takes up what is there; or put it into the trash before you try again")
        raise


def make_sources(
    maker: Maker, wishes: Wishes, schema: Schema, tables: Sequence[Table], known: Mapping[int, DataSource]
) -> Sources:
    """A database for each table, and relations once all are there: a relation needs the id of its target.

    Raises SetupError, Unavailable, AccessLost.
    """
    made = Sources(known)
    linkable = {table.oid for table in tables} | known.keys()
    for table in tables:
        _make_source(maker, wishes, schema, table, made, linkable)
    for table in tables:
        _relate(maker, schema, table, made, linkable)
    return made


def proposal_of(made: Sources, table: Table) -> Proposal:
    """The mapping of a table with the data source that it has there. Raises SetupError."""
    lines, pairs = made.lines.get(table.oid, ()), made.pairs.get(table.oid, {})
    return propose(table, made.of(table), made.keys[table.oid], pairs, lines)


def why_not(wishes: Wishes, schema: Schema, table: Table) -> str:
    """Why no data source can be made for the table; "" when one can."""
    try:
        proposal_of(make_sources(OnPaper(), wishes, schema, [table], {}), table)
    except SetupError as error:
        return error.message
    return ""


def _make_source(
    maker: Maker, wishes: Wishes, schema: Schema, table: Table, made: Sources, linkable: Container[int]
) -> None:
    columns = {item.column for item in schema.references_of(table) if item.target.oid in linkable}
    properties, made.keys[table.oid] = schema_for(table, wishes.key_property, columns)
    source = maker.create(database_title(table), properties)
    made.sources[table.oid] = source
    ids = {prop.name: prop.id for prop in source.properties}
    made.pairs[table.oid] = {column.name: ids[column.name] for column in table.columns if column.name in ids}


def _relate(maker: Maker, schema: Schema, table: Table, made: Sources, linkable: Container[int]) -> None:
    """The relations of one data source. Links of many are two-way; the other side is Notion's own, and not mapped."""
    references = [item for item in schema.references_of(table) if item.target.oid in linkable]
    joins = [item for item in schema.joins_of(table) if item.other.oid in linkable]
    # Of a join table whose first end has a sync already, this is the end that is new.
    joins += [join.turned for join in schema.joins if join.other.oid == table.oid and join.owner.oid in made.known]
    names = [prop.name for prop in made.sources[table.oid].properties]
    wanted: dict[str, Any] = {}
    named: list[tuple[str, Any]] = []
    for reference in references:
        name = relation_name(reference.column, [*names, *wanted])
        wanted[name] = _relation(made.of(reference.target), _SINGLE)
        named.append((name, reference))
    for join in joins:
        name = join_name(join, [*names, *wanted])
        wanted[name] = _relation(made.of(join.other), _DUAL)
        named.append((name, join))
    if not wanted:
        return
    source = maker.relate(made.sources[table.oid], wanted)
    made.sources[table.oid] = source
    made.lines[table.oid] = []
    for name, item in named:
        prop = source.property(name)
        if prop is None:
            raise SetupError(f"Notion did not make the relation {name!r} in {source.title!r}.")
        line = join_line if isinstance(item, Join) else reference_line
        made.lines[table.oid].append(line(item, prop, _WHY))


def _relation(target: DataSource, kind: str) -> dict[str, Any]:
    return {"relation": {"data_source_id": target.id, "type": kind, kind: {}}}


@dataclass(frozen=True, slots=True)
class Link:
    """A relation property as it is planned: a column of its table, or a join table with the column of the own key."""

    table: str
    prop: Property
    column: str
    join: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The tables for several data sources, and those that only link."""

    blueprints: list[Blueprint]
    joins: list[NewTable]
    links: list[Link]

    @property
    def tables(self) -> list[NewTable]:
        return [*(item.table for item in self.blueprints), *self.joins]


def plan_tables(client: NotionClient, sources: Sequence[DataSource], wishes: Wishes) -> Plan:
    """A table for each data source; a relation becomes a foreign key where no page links to several, else a join table.

    Raises SetupError when there is no data source, Unavailable, AccessLost.
    """
    if not sources:
        raise SetupError(
            "there is no data source to be seen",
            hint="Share databases with the integration (menu '...' -> Connections); a new one shows after a while.",
        )
    prints: dict[str, Blueprint] = {}
    counts: dict[str, Mapping[str, int]] = {}
    # By name, so that the script is the same each time: Notion lists the latest edited first.
    for source in sorted(sources, key=lambda item: (item.title, item.id)):
        name = column_name(source.title, [item.table.name for item in prints.values()])
        found = survey(client, source)
        counts[source.id] = found.related
        prints[source.id] = blueprint(
            source, wishes.schema, name, found, key_property=wishes.key_property, enums=wishes.enums
        )
    plan = Plan([], [], [])
    mirrors: set[tuple[str, str]] = set()
    for source_id, item in list(prints.items()):
        for prop in item.source.properties:
            target = target_id(prop) if prop.type == "relation" else ""
            if target in prints and (source_id, prop.id) not in mirrors:
                _plan_link(plan, prints, counts, source_id, prop, mirrors)
    plan.blueprints.extend(prints.values())
    return plan


def _plan_link(
    plan: Plan,
    prints: dict[str, Blueprint],
    counts: Mapping[str, Mapping[str, int]],
    source_id: str,
    prop: Property,
    mirrors: set[tuple[str, str]],
) -> None:
    """One relation; of a two-way one the side that links to one page each is the foreign key."""
    there, back = target_id(prop), mirror_of(prop)
    if back:
        many_here, many_there = counts[source_id].get(prop.id, 0) > 1, counts[there].get(back, 0) > 1
        if many_here and not many_there and (mirror := prints[there].source.property(back)) is not None:
            mirrors.add((source_id, prop.id))
            if (there, back) not in mirrors:
                _add_column(plan, prints, there, mirror, source_id)
                mirrors.add((there, back))
            return
        mirrors.add((there, back))
        # Nothing tells which side would hold one only: a join table holds whatever comes.
        single = many_there and not many_here
    else:
        single = counts[source_id].get(prop.id, 0) <= 1
    if single:
        _add_column(plan, prints, source_id, prop, there)
    else:
        _add_join(plan, prints, source_id, prop, there)


def _add_column(plan: Plan, prints: dict[str, Blueprint], source_id: str, prop: Property, target: str) -> None:
    own, other = prints[source_id], prints[target]
    taken = [column.name for column in own.table.columns]
    plain = column_name(prop.name, ())
    name = column_name(plain if plain.endswith("_id") else f"{plain} id", taken)
    column = NewColumn(name, other.key.type_sql, references=other.table.name)
    prints[source_id] = replace(own, table=replace(own.table, columns=(*own.table.columns, column)))
    plan.links.append(Link(own.table.name, prop, name))


def _add_join(plan: Plan, prints: dict[str, Blueprint], source_id: str, prop: Property, target: str) -> None:
    own, other = prints[source_id], prints[target]
    taken = [*(item.table.name for item in prints.values()), *(table.name for table in plan.joins)]
    name = column_name(f"{own.table.name} {prop.name}", taken)
    first = column_name(f"{own.table.name} id", ())
    second = column_name(f"{other.table.name} id", [first])
    columns = (
        NewColumn(first, own.key.type_sql, references=own.table.name, cascades=True),
        NewColumn(second, other.key.type_sql, references=other.table.name, cascades=True),
    )
    plan.joins.append(NewTable(own.table.schema, name, (first, second), columns))
    plan.links.append(Link(own.table.name, prop, first, name))


def table_lines(plan: Plan, schema: Schema) -> dict[int, list[Line]]:
    """The lines of the relations, once the tables are there; by the table's oid."""
    lines: dict[int, list[Line]] = {}
    for link in plan.links:
        for reference in schema.references:
            if not link.join and (reference.table.name, reference.column) == (link.table, link.column):
                lines.setdefault(reference.table.oid, []).append(reference_line(reference, link.prop, _WHY))
        for join in schema.joins:
            if link.join == join.table.name:
                seen = join if join.own == link.column else join.turned
                lines.setdefault(seen.owner.oid, []).append(join_line(seen, link.prop, _WHY))
    return lines
