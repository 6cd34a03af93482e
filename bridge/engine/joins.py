"""A join table as a field of one of the two tables that it references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from bridge.config import FieldConfig, SyncConfig
from bridge.errors import SetupError
from bridge.shapes import Column, Table, Through
from bridge.values.registry import column_type


def join_tables(config: SyncConfig, read: Callable[[str], Table]) -> dict[str, Table]:
    """The join tables of a sync, as its fields name them; one that `read` cannot find is left out."""
    found: dict[str, Table] = {}
    for item in config.fields:
        if item.through:
            with suppress(SetupError):  # its own field waits, or is the mistake
                found[item.column] = read(item.column)
    return found


def join_of(item: FieldConfig, joins: Mapping[str, Table], own_table: Table) -> Through:
    """The join table of a field whose `through` is given. Raises SetupError when it is none of `own_table`."""
    table = joins.get(item.column)
    if table is None:
        raise SetupError(
            f"there is no join table {item.column} with a primary key",
            hint=f"Name it as in SQL; its primary key must be ({', '.join(item.through)}).",
        )
    own, other = (_column(table, name) for name in item.through)
    if set(table.key) != {own.name, other.name}:
        raise SetupError(
            f"{table.qualified} is no join table of {own.name} and {other.name}: its primary key is "
            f"({', '.join(table.key)}).",
            hint="A link must be there only once: make the two columns its primary key.",
        )
    if len(own_table.key) != 1:
        raise SetupError(
            f"{table.qualified} cannot link rows of {own_table.qualified}, whose key has several columns.",
            hint="Links need a key of one column.",
        )
    reference = next((key for key in table.foreign_keys if key.columns == (own.name,)), None)
    name = f"{reference.schema}.{reference.table}" if reference else own_table.qualified
    if name != own_table.qualified or (reference is not None and reference.references != own_table.key):
        references = f"{name} ({', '.join(reference.references)})" if reference else name
        raise SetupError(
            f'The column "{own.name}" of {table.qualified} references {references}, not the key of '
            f"{own_table.qualified}.",
            hint="Name the column with this table's key first in `through`.",
        )
    key = own_table.column(own_table.key[0])
    if key is not None and column_type(key).kind is not column_type(own).kind:
        raise SetupError(
            f'The column "{own.name}" ({own.type_name}) of {table.qualified} cannot hold the key of '
            f"{own_table.qualified} ({key.type_name}).",
            hint="Name the column with this table's key first in `through`.",
        )
    return Through(table, own, other)


def join_column(item: FieldConfig, through: Through) -> Column:
    """What stands for the column that the table does not have. Another join table is another column."""
    return Column(item.column, "join table", "", attnum=through.table.oid)


def _column(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        names = ", ".join(column.name for column in table.columns)
        raise SetupError(f"the join table {table.qualified} has no column {name!r}", hint=f"It has: {names}.")
    return column
