"""Join tables of a sync: how their rows are captured, read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from psycopg import sql

from bridge.errors import Refused
from bridge.model import Change, FieldValue, Key, Sync
from bridge.postgres.names import (
    SCHEMA,
    links_function,
    links_trigger,
    links_truncate_trigger,
    source,
    table_name,
)
from bridge.postgres.wire import in_query, through_fields
from bridge.shapes import Through

# AFTER, and ALWAYS, for the same reasons as on the sync's own table.
_TRIGGERS = """
CREATE OR REPLACE TRIGGER {row_trigger} AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {function}({own}, {other});
CREATE OR REPLACE TRIGGER {truncate_trigger} AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {row_trigger};
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {truncate_trigger};
"""


@dataclass(frozen=True, slots=True)
class LinkWrite:
    """One statement on a join table with its parameters."""

    statement: sql.Composed
    parameters: list[str]


def render_links(sync: Sync, parts: Mapping[str, sql.Composable]) -> str:
    """What captures the join tables of a sync; first of all it removes what an earlier mapping needed. `parts` are
    those that all functions of the sync have in common."""
    function = sql.Identifier(SCHEMA, links_function(sync.name))
    script = sql.SQL("\nDROP FUNCTION IF EXISTS {}() CASCADE;\n").format(function)
    if not through_fields(sync):
        return script.as_string(None)
    template = resources.files("bridge.postgres").joinpath("links.sql").read_text(encoding="utf-8")
    script += sql.SQL(template).format(**{**parts, "function": function})
    for number, through in enumerate(throughs(sync), 1):
        script += sql.SQL(_TRIGGERS).format(
            function=function,
            table=table_name(through.table),
            row_trigger=sql.Identifier(links_trigger(sync.name, number)),
            truncate_trigger=sql.Identifier(links_truncate_trigger(sync.name, number)),
            own=sql.Literal(through.own.name),
            other=sql.Literal(through.other.name),
        )
    return script.as_string(None)


def throughs(sync: Sync) -> list[Through]:
    """The join tables of a sync, in the order of its fields."""
    return [field.through for field in through_fields(sync) if field.through is not None]


def link_writes(
    sync: Sync, key: Key, now: Mapping[str, FieldValue], changes: Mapping[str, Change]
) -> Iterator[LinkWrite]:
    """What turns the links of a row from `now` into what is wanted. Raises Refused.

    Only what differs is touched: a link that somebody else makes or removes at the same moment, which no lock on the
    row prevents, is neither undone nor made twice.
    """
    for field in through_fields(sync):
        change = changes.get(field.name)
        if change is None or field.through is None:
            continue
        wanted = field.codec.to_postgres(change.new) or []
        if isinstance(wanted, str):
            raise Refused("links are a list of keys")
        held = now.get(field.name)
        present = held if isinstance(held, tuple) else ()
        gone = [other for other in present if other not in wanted]
        new = [other for other in wanted if other not in present]
        if gone:
            yield LinkWrite(_delete(field.through, len(gone)), [key[0], *gone])
        if new:
            yield LinkWrite(_insert(field.through, len(new)), [part for other in new for part in (key[0], other)])


def blamed_link(sync: Sync, written: Sequence[str], schema: str | None, table: str | None) -> str:
    """The field whose join table an error names; "" when it is none of those that were written."""
    for field in through_fields(sync):
        through = field.through
        if through is not None and (through.table.schema, through.table.name) == (schema, table):
            return field.name if field.name in written else ""
    return ""


def _delete(through: Through, count: int) -> sql.Composed:
    return sql.SQL("DELETE FROM {} AS j WHERE {} = %s AND {} IN ({})").format(
        in_query(source(through.table)),
        in_query(sql.Identifier("j", through.own.name)),
        in_query(sql.Identifier("j", through.other.name)),
        sql.SQL(", ").join([sql.Placeholder()] * count),
    )


def _insert(through: Through, count: int) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}, {}) VALUES {} ON CONFLICT DO NOTHING").format(
        in_query(table_name(through.table)),
        in_query(sql.Identifier(through.own.name)),
        in_query(sql.Identifier(through.other.name)),
        sql.SQL(", ").join([sql.SQL("(%s, %s)")] * count),
    )
