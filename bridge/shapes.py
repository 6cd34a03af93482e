"""The shapes of the two sides: what a catalog reads about a table and about a data source.

Plain frozen values, so that the mapping can be checked, shown and tested without either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    `type_name` is PostgreSQL's name of the base type without modifiers (`integer`, `character varying`,
    `timestamp with time zone`, `text[]`, or `enum` for an enum type); a domain has the type below it.
    `type_sql` is the exact type, quoted, fit for a CAST (`numeric(10,2)`, `"my schema".mood`); `base_sql` is the
    same below domains and arrays, with the modifiers that count (`timestamp(3) with time zone`).
    """

    name: str
    type_name: str
    type_sql: str
    attnum: int
    not_null: bool = False
    has_default: bool = False
    generated: bool = False
    identity: str = ""  # "", "always" or "by default"
    max_length: int | None = None  # varchar(n), char(n): characters; bit(n): bits
    precision: int | None = None  # numeric(p, s)
    scale: int | None = None  # also of money: the decimals of the database's currency
    labels: tuple[str, ...] = ()  # an enum's labels, or of an enum array's element
    comment: str = ""
    allowed: tuple[str, ...] = ()  # the texts that CHECK (column IN (...)) leaves
    base_sql: str = ""
    expression: str = ""  # of a generated column, over the plain names of other ones; what is not built in is qualified
    virtual: bool = False  # a generated column that is not stored

    @property
    def writable(self) -> bool:
        """Whether an UPDATE may set it."""
        return not self.generated and self.identity != "always"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key: `columns` hold the values of `references` in the table `schema`.`table`, in that order."""

    name: str
    columns: tuple[str, ...]
    schema: str
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its columns in order and the names of its primary key's columns."""

    schema: str
    name: str
    oid: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    kind: str = "table"  # table, partitioned table, view, materialized view, foreign table
    estimated_rows: int = 0
    foreign_keys: tuple[ForeignKey, ...] = ()
    inherits: bool = False  # a partition, or a child of classical inheritance
    parts: tuple[int, ...] = ()  # the oids of its partitions or children, and of theirs

    @property
    def rows_tell(self) -> bool:
        """Whether only triggers for rows see every change: a statement fires those of the table that it names, which
        may be the parent, or the partition."""
        return self.inherits or self.kind == "partitioned table"

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Through:
    """A join table, seen from the records of one side: `own` holds their key, `other` that of what they link to."""

    table: Table
    own: Column
    other: Column


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a select, multi_select or status property; the id survives a rename."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the data source. `id` is as Notion returns it (URL-encoded) and survives a rename."""

    id: str
    name: str
    type: str
    options: tuple[Option, ...] = ()
    config: Any = None  # the type's configuration object as Notion sent it


@dataclass(frozen=True, slots=True)
class DataSource:
    """One Notion data source (one table of a database)."""

    id: str
    database_id: str
    title: str
    properties: tuple[Property, ...]
    url: str = ""

    def property(self, name_or_id: str) -> Property | None:
        """The property of that name, else of that id."""
        by_name = (p for p in self.properties if p.name == name_or_id)
        by_id = (p for p in self.properties if p.id == name_or_id)
        return next(by_name, next(by_id, None))
