"""A whole schema as Notion is to show it: which tables, what refers to what, which tables are only links. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.shapes import Table


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that holds the key of a row of another table, or of the same one."""

    table: Table
    column: str
    target: Table


@dataclass(frozen=True, slots=True)
class Join:
    """A table that holds nothing but links: a relation of many between the rows of two others.

    `own` is its column with the key of `owner`, `linked` the one with the key of `other`.
    """

    table: Table
    owner: Table
    own: str
    other: Table
    linked: str

    @property
    def turned(self) -> Join:
        """The same links, seen from the other table."""
        return Join(self.table, self.other, self.linked, self.owner, self.own)


@dataclass(frozen=True, slots=True)
class Schema:
    """`tables` come referenced first, where there is no circle; `left_out` says why by the table's name."""

    tables: tuple[Table, ...]
    references: tuple[Reference, ...]
    joins: tuple[Join, ...]
    left_out: Mapping[str, str]

    def references_of(self, table: Table) -> list[Reference]:
        return [reference for reference in self.references if reference.table.oid == table.oid]

    def joins_of(self, table: Table) -> list[Join]:
        return [join for join in self.joins if join.owner.oid == table.oid]

    def around(self, table: Table) -> list[Table]:
        """The other tables that the rows of this one may be linked to."""
        referenced = [item.target for item in self.references_of(table)]
        joined = [seen.other for join in self.joins for seen in (join, join.turned) if seen.owner.oid == table.oid]
        found = {other.oid: other for other in (*referenced, *joined) if other.oid != table.oid}
        return list(found.values())


def read_schema(tables: Sequence[Table]) -> Schema:
    """Sorts the tables of one catalog."""
    left = {table.qualified: "it has no primary key" for table in tables if not table.key}
    keyed = {table.qualified: table for table in tables if table.key}
    references = [reference for table in keyed.values() for reference in _references(table, keyed)]
    joins = [join for table in keyed.values() for join in _join(table, references)]
    only_links = {join.table.oid for join in joins}
    # What a join table links must be there as a table of its own.
    joins = [join for join in joins if not {join.owner.oid, join.other.oid} & only_links]
    only_links = {join.table.oid for join in joins}
    kept = [table for table in keyed.values() if table.oid not in only_links]
    references = [item for item in references if not {item.table.oid, item.target.oid} & only_links]
    return Schema(_referenced_first(kept, references), tuple(references), tuple(joins), left)


def _references(table: Table, keyed: Mapping[str, Table]) -> Iterator[Reference]:
    """The columns that refer to a row by its whole key; what refers otherwise is a column like any other."""
    seen = set()
    for foreign in table.foreign_keys:
        target = keyed.get(f"{foreign.schema}.{foreign.table}")
        if target is None or len(foreign.columns) != 1 or foreign.references != target.key:
            continue
        if foreign.columns[0] not in seen:
            seen.add(foreign.columns[0])
            yield Reference(table, foreign.columns[0], target)


def _join(table: Table, references: Sequence[Reference]) -> Iterator[Join]:
    own = {item.column: item.target for item in references if item.table.oid == table.oid}
    names = [column.name for column in table.columns]
    if len(names) == 2 and set(names) == set(table.key) == set(own):  # noqa: PLR2004 - the two ends of a link
        first, second = table.key
        yield Join(table, own[first], first, own[second], second)


def _referenced_first(tables: Sequence[Table], references: Sequence[Reference]) -> tuple[Table, ...]:
    targets = {table.oid: [item.target for item in references if item.table.oid == table.oid] for table in tables}
    found: dict[int, Table] = {}
    entered: set[int] = set()

    def visit(table: Table) -> None:
        if table.oid in entered:
            return
        entered.add(table.oid)
        for target in targets[table.oid]:
            visit(target)
        found[table.oid] = table

    for table in tables:
        visit(table)
    return tuple(found.values())
