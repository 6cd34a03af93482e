"""Relations between several data sources and what they stand for in the tables: the lines that map them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from bridge.cli.init.schema import Join, Reference, Schema
from bridge.cli.proposal import Line, plain_name
from bridge.cli.tomlfile import table_text
from bridge.model import Direction
from bridge.shapes import Column, DataSource, Property, Table

_SUFFIXES = ("_id", "_fk", "Id", "_uuid", "_key")


def relation_name(column: str, taken: Collection[str]) -> str:
    """What the relation of a referencing column is called: `customer` for `customer_id`, where that is free."""
    for suffix in _SUFFIXES:
        short = column.removesuffix(suffix)
        if short not in ("", column):
            return column if plain_name(short) in {plain_name(name) for name in taken} else short
    return column


def join_name(join: Join, taken: Collection[str]) -> str:
    """What the relation of a join table is called: as the table that it links to, where that is free."""
    known = {plain_name(name) for name in taken}
    return next(
        (name for name in (join.other.name, join.table.name) if plain_name(name) not in known),
        f"{join.other.name} ({join.table.name})",
    )


def _names(column: str) -> tuple[str, str]:
    return column, relation_name(column, ())


def is_named(prop: Property, column: str) -> bool:
    """Whether a relation is named as the column that refers to the same."""
    return plain_name(prop.name) in {plain_name(name) for name in _names(column)}


def reference_line(reference: Reference, prop: Property, why: str) -> Line:
    """A column of the key cannot be changed from Notion."""
    column = reference.table.column(reference.column)
    assert column is not None, "a foreign key is about columns of its table"
    direction = Direction.TO_NOTION if column.name in reference.table.key or not column.writable else Direction.BOTH
    return Line(column, prop, direction, f"{why}; links to {reference.target.name}")


def join_line(join: Join, prop: Property, why: str) -> Line:
    """The join table stands where a column would."""
    column = Column(table_text(join.table), "join table", "", join.table.oid)
    through = (join.own, join.linked)
    return Line(column, prop, Direction.BOTH, f"{why}; links to {join.other.name}", through)


def find_lines(
    schema: Schema, sources: Mapping[int, DataSource], known: Mapping[int, DataSource]
) -> dict[int, list[Line]]:
    """The lines for relations that are there already; data sources and lines by the table's oid.

    `known` are data sources of tables that have a sync: they are linked to, and get no line.
    """
    used: set[tuple[str, str]] = set()
    lines: dict[int, list[Line]] = {oid: [] for oid in sources}
    places = {**known, **sources}
    for table in schema.tables:
        if table.oid not in sources:
            continue
        # Those whose names say so first: the only relation that is left may be another column's.
        left = schema.references_of(table)
        for by_name in (True, False):
            for reference in tuple(left):
                names = (*_names(reference.column), *(() if by_name else (reference.target.name,)))
                prop = _relation(table, reference.target, places, names, used, alone=not by_name)
                if prop is not None:
                    left.remove(reference)
                    lines[table.oid].append(reference_line(reference, prop, "refers to the same"))
    for join in schema.joins:
        for seen in (join, join.turned):
            if seen.owner.oid not in sources:
                continue
            prop = _relation(seen.owner, seen.other, places, (seen.other.name, seen.table.name), used, alone=True)
            if prop is not None:
                lines[seen.owner.oid].append(join_line(seen, prop, "links the same"))
                break
    return lines


def _relation(
    table: Table,
    target: Table,
    sources: Mapping[int, DataSource],
    names: Sequence[str],
    used: set[tuple[str, str]],
    *,
    alone: bool,
) -> Property | None:
    """The free relation from one data source to the other that has one of the names, or that is left `alone`."""
    if table.oid not in sources or target.oid not in sources:
        return None
    source, there = sources[table.oid], sources[target.oid]
    free = [p for p in relations_to(source, there) if (source.id, p.id) not in used]
    wanted = [plain_name(name) for name in names]
    named = [p for p in free if plain_name(p.name) in wanted]
    if not named and (len(free) > 1 or not alone):
        return None
    prop = next(iter(named or free), None)
    if prop is not None:
        used |= {(source.id, prop.id), (there.id, mirror_of(prop))}
    return prop


def relations_to(source: DataSource, target: DataSource) -> Iterator[Property]:
    """The relations of a data source that link to pages of another, or of itself."""
    return (p for p in source.properties if p.type == "relation" and target_id(p) == target.id)


def target_id(prop: Property) -> str:
    """The data source that a relation links to."""
    return str(prop.config.get("data_source_id") or "") if isinstance(prop.config, Mapping) else ""


def mirror_of(prop: Property) -> str:
    """The id of the other side of a two-way relation; "" for a one-way one."""
    config = prop.config if isinstance(prop.config, Mapping) else {}
    return str((config.get("dual_property") or {}).get("synced_property_id") or "")
