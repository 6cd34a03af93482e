"""The one form in which rows are read, whoever reads them: the trigger, a scan, a look, the writer.

A row is two jsonb values: its key, an array of the key columns in order, and its values, an object of the
mapped columns (and the tombstone column) by column name. Unmapped columns are never read, and of a row outside
of the sync's filter nothing but its key: its values are NULL.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from bridge.model import Field, FieldValue, Key, Presence, Sync
from bridge.postgres.names import source
from bridge.postgres.rowfilter import inside
from bridge.shapes import Column
from bridge.values.keys import key_text
from bridge.values.registry import wire_cast

# PostgreSQL allows 100 arguments per function call; an object takes two per column.
_COLUMNS_PER_CALL = 50
_OF_A_TRIGGER = ("old", "new")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read, in canonical values. `unreadable`: that it is there is all that could be read."""

    key: Key
    presence: Presence
    values: Mapping[str, FieldValue]
    unreadable: bool = False


def captured_columns(sync: Sync) -> tuple[Column, ...]:
    """The columns whose values are read: the mapped ones, and the tombstone."""
    columns = {field.column.name: field.column for field in sync.fields if field.through is None}
    if sync.tombstone is not None:
        columns.setdefault(sync.tombstone.name, sync.tombstone)
    return tuple(columns.values())


def through_fields(sync: Sync) -> tuple[Field, ...]:
    """The fields that are links through a join table."""
    return tuple(field for field in sync.fields if field.through is not None)


def captured_names(sync: Sync) -> list[str]:
    """What the installation of a sync was made for: its columns, and its join tables."""
    return [column.name for column in captured_columns(sync)] + [field.name for field in through_fields(sync)]


def key_expression(sync: Sync, record: str) -> sql.Composable:
    """The key of `record` (an alias, or NEW or OLD in the trigger) as a jsonb array."""
    parts = sql.SQL(", ").join(_member(record, column) for column in sync.key)
    return sql.SQL("jsonb_build_array({})").format(parts)


def values_expression(sync: Sync, record: str, *, links: bool = True) -> sql.Composable:
    """The captured columns of `record` as a jsonb object, and its links through join tables; NULL where the row is
    outside of the filter.

    The trigger must leave the links out: what other transactions link at the same moment it cannot see.
    """
    calls: list[sql.Composable] = [
        sql.SQL("jsonb_build_object({})").format(
            sql.SQL(", ").join(
                sql.SQL("{}, {}").format(sql.Literal(column.name), _captured(record, column)) for column in columns
            )
        )
        for columns in _chunks(captured_columns(sync))
    ]
    if links:
        calls += [_links(sync, record, field) for field in through_fields(sync)]
    values: sql.Composable = sql.SQL(" || ").join(calls) if calls else sql.SQL("'{}'::jsonb")
    if not sync.where:
        return values
    return sql.SQL("CASE WHEN {} THEN {} END").format(inside(sync, record), values)


def _links(sync: Sync, record: str, field: Field) -> sql.Composable:
    through = field.through
    assert through is not None
    own, other = _member("j", through.own), _member("j", through.other)
    return sql.SQL("jsonb_build_object({}, (SELECT jsonb_agg({}) FROM {} AS j WHERE {} {} {}))").format(
        sql.Literal(field.name), other, source(through.table), own, _equals(through.own), _member(record, sync.key[0])
    )


def in_query(part: sql.Composable) -> sql.SQL:
    """A part without placeholders, fit for a query that has parameters.

    There the driver takes % for the beginning of a placeholder, also inside the name of a column.
    """
    return sql.SQL(part.as_string(None).replace("%", "%%"))


def key_is(sync: Sync, record: str, keys: int = 1) -> sql.Composable:
    """A condition with a placeholder for every part of `keys` keys; its parameters are `key_parameters`.

    The parameters are sent without a type, like literals: each takes the type of the column it meets.
    """
    parts = in_query(sql.SQL(", ").join(_member(record, column) for column in sync.key))
    one = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(sync.key)))
    return sql.SQL("({}) IN ({})").format(parts, sql.SQL(", ").join([one] * keys))


def key_follows(sync: Sync, record: str) -> sql.Composable:
    """A condition with placeholders for one key: the record's own comes after it. See `key_is`."""
    parts = in_query(sql.SQL(", ").join(_member(record, column) for column in sync.key))
    return sql.SQL("({}) > ({})").format(parts, sql.SQL(", ").join([sql.Placeholder()] * len(sync.key)))


def row_is(sync: Sync, one: str, other: str) -> sql.Composable:
    """A condition, without parameters: both records have the same key."""
    return sql.SQL(" AND ").join(
        sql.SQL("{} {} {}").format(_member(one, column), _equals(column), _member(other, column)) for column in sync.key
    )


def key_parameters(keys: Sequence[Key]) -> list[str]:
    return [part for key in keys for part in key]


def read_key(sync: Sync, wire: Sequence[Any]) -> Key:
    return tuple(key_text(column, part) for column, part in zip(sync.key, wire, strict=True))


def read_row(sync: Sync, key: Sequence[Any], values: Mapping[str, Any] | None) -> Row:
    """The row for its two jsonb values. A field that is missing in `values` was not captured: it stays missing.

    Without values the row is there, but outside of the filter.
    """
    if values is None:
        return Row(read_key(sync, key), Presence.AWAY, {})
    tombstoned = sync.tombstone is not None and values.get(sync.tombstone.name) is not None
    return Row(
        key=read_key(sync, key),
        presence=Presence.GONE if tombstoned else Presence.LIVE,
        values={
            field.name: field.codec.from_postgres(values[field.column.name])
            for field in sync.fields
            if field.column.name in values
        },
    )


def literal(value: str | list[str] | None) -> str | None:
    """A codec's output as the text of an SQL literal without a type.

    Assigning that uses the column's own input function, which refuses a text that is too long. A CAST to
    varchar(n) would cut it off instead.
    """
    if not isinstance(value, list):
        return value
    escaped = (element.replace("\\", "\\\\").replace('"', '\\"') for element in value)
    return "{" + ",".join(f'"{element}"' for element in escaped) + "}"


def _captured(record: str, column: Column) -> sql.Composable:
    """The column in the form in which jsonb loses nothing of it: a document as its text."""
    cast = wire_cast(column)
    value = triggers_value(record, column) if record in _OF_A_TRIGGER else _member(record, column)
    return sql.SQL("{}::{}").format(value, sql.SQL(cast)) if cast else value


def triggers_value(record: str, column: Column) -> sql.Composable:
    """A column of a record that a trigger is given. A virtual one is NULL there: PostgreSQL computes it when it is read
    from its table."""
    if not column.virtual:
        return _member(record, column)
    return sql.SQL("(SELECT ({}) FROM (SELECT ({}).*) AS r)").format(sql.SQL(column.expression), sql.Identifier(record))


def _member(record: str, column: Column) -> sql.Composable:
    return sql.SQL("{}.{}").format(sql.Identifier(record), sql.Identifier(column.name))


def _equals(column: Column) -> sql.Composable:
    # The trigger's search_path is empty, and there citext would be compared as text, past its index.
    schema, dot, name = column.type_sql.rpartition(".")
    if dot and name == "citext":
        return sql.SQL("OPERATOR({}.=)").format(sql.SQL(schema))
    return sql.SQL("=")


def _chunks(columns: Sequence[Column]) -> Iterator[tuple[Column, ...]]:
    remaining = iter(columns)
    while chunk := tuple(itertools.islice(remaining, _COLUMNS_PER_CALL)):
        yield chunk
