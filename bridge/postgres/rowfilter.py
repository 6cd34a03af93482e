"""The row filter of a sync: which rows are in it, told the same way by the trigger, a scan, a look and the writer.

The condition is the configuration's (`where`), never data. It is used inside of expressions, not as a WHERE: a row
outside has to be told from a row that is gone. Only a full read asks for the rows that are in the sync, and looks at
those that it misses afterwards: of a large table they may be few, and there may be an index for them.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from bridge.errors import SetupError
from bridge.model import Sync
from bridge.postgres.connection import Connection
from bridge.postgres.names import table_name
from bridge.postgres.trouble import primary
from bridge.shapes import Table

# The trigger function's own path (capture.sql): nothing that a writing session has set may change the meaning.
_TRIGGER_PATH = "pg_catalog, pg_temp"

_RULES = (
    "It is a condition over the table's own columns, by their plain names: no virtual generated ones, no sub-selects, "
    "no aggregates, nothing whose result changes by itself (now(), current_user, random()). Functions, types and "
    "operators that are not built in need their schema (public.f(x), x OPERATOR(public.=) y): the trigger looks into "
    "pg_catalog only."
)

_PROBE = sql.Identifier("pg_temp", "notion_bridge_filter")

# What an index takes as its predicate is what a filter may be: PostgreSQL itself refuses the rest.
_INDEX = "CREATE INDEX ON {} ({}) WHERE ({}\n)"


def inside(sync: Sync, record: str) -> sql.Composable:
    """Whether `record` (an alias, or NEW or OLD in the trigger) is in the sync; NULL counts as no.

    A row that is marked as deleted is: that it is deleted must be seen, whatever else it is.
    """
    return _or_marked(sync, _condition(sync.where, record), record)


def only_inside(sync: Sync) -> list[sql.Composable]:
    """The conditions of a query over the table as `r` and nothing else, for the rows of the sync; none without a
    filter."""
    if not sync.where:
        return []
    return [_or_marked(sync, sql.SQL("({}\n)").format(sql.SQL(sync.where)), "r")]


def _or_marked(sync: Sync, fulfils: sql.Composable, record: str) -> sql.Composable:
    if sync.tombstone is None:
        return fulfils
    marked = sql.SQL("{}.{} IS NOT NULL").format(sql.Identifier(record), sql.Identifier(sync.tombstone.name))
    return sql.SQL("({} OR {})").format(fulfils, marked)


def check_filter(conn: Connection, table: Table, where: str) -> None:
    """Whether PostgreSQL takes `where` as a filter of the table; nothing is changed. Raises SetupError."""
    if not where:
        return
    try:
        with conn.transaction(force_rollback=True):
            _probe(conn, table, where)
    except psycopg.errors.InsufficientPrivilege as error:
        said, name = primary(error), table_name(table).as_string(None)
        if "temporary" in said:
            hint = "a temporary table serves as the touchstone: GRANT TEMPORARY ON DATABASE to the bridge's role"
        else:
            hint = f"it is tried on the table: first grant the bridge's role USAGE on its schema and SELECT on {name}"
        raise SetupError(f"the filter of {table.qualified} cannot be checked: {said}", hint=hint) from error
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
        raise SetupError(f"where = {where!r} cannot filter {table.qualified}: {primary(error)}", hint=_RULES) from error


def _probe(conn: Connection, table: Table, where: str) -> None:
    [(own_path,)] = conn.execute("SELECT current_setting('search_path')").fetchall()
    name, key = table_name(table), sql.Identifier(table.key[0])
    conn.execute("SELECT set_config('search_path', %s, true)", [_TRIGGER_PATH])
    # In the extended protocol, of which binary answers are a part, there is one statement, whatever is written there.
    select = sql.SQL("SELECT 1 FROM {} AS r WHERE {} LIMIT 0").format(name, _condition(where, "r"))
    conn.execute(select, binary=True)
    conn.execute(sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {})").format(_PROBE, name))
    for column in table.columns:
        if column.virtual:  # in the trigger it would be NULL
            drop = sql.SQL("ALTER TABLE {} DROP COLUMN {}").format(_PROBE, sql.Identifier(column.name))
            conn.execute(drop)
    for path in (_TRIGGER_PATH, own_path):
        conn.execute("SELECT set_config('search_path', %s, true)", [path])
        conn.execute(sql.SQL(_INDEX).format(_PROBE, key, sql.SQL(where)))
    [(meanings,)] = conn.execute(
        "SELECT count(DISTINCT indpred::text) FROM pg_index WHERE indrelid = %s::regclass",
        [_PROBE.as_string(None)],
    ).fetchall()
    if meanings != 1:
        # citext compares without case only where its operators are found.
        raise SetupError(
            f"where = {where!r} means one thing in the trigger of {table.qualified} and another in this session, "
            "whose search_path finds other operators or functions",
            hint=_RULES,
        )


def _condition(where: str, record: str) -> sql.Composable:
    # A row source of its own lets plain names mean the record's columns in queries and in plpgsql alike. The line
    # break ends a comment.
    return sql.SQL("(SELECT ({}\n) FROM (SELECT ({}).*) AS r)").format(sql.SQL(where), sql.Identifier(record))
