"""The trigger functions that capture whole statements, as SQL text: one for each of INSERT, UPDATE and DELETE.

Of a single row, and of few, the note says what they hold; of many only their keys, in bundles, which is as cheap as a
bulk load deserves. `outbox` reads what they hold then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from types import MappingProxyType

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.names import SCHEMA, source, statement_function, statement_trigger, table_name
from bridge.postgres.rowfilter import inside
from bridge.postgres.wire import captured_columns, key_expression, row_is, triggers_value, values_expression
from bridge.shapes import Column

_SEVERAL = 100  # so many rows of one statement are noted with what they hold
_BUNDLE = 500  # keys in one row of the outbox

_TRANSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "insert": "NEW TABLE AS new_rows",
        "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "delete": "OLD TABLE AS old_rows",
    }
)
OPERATIONS = tuple(_TRANSITIONS)

_INSERTED = """
            SELECT 'insert' AS op, {new_key} AS key, NULL::jsonb AS old_key, now_is."values"
            FROM new_rows AS n
            CROSS JOIN LATERAL (SELECT {row} AS "values" FROM {source} AS r WHERE {is_new} LIMIT 1) AS now_is
            WHERE {new_inside}"""
_INSERTED_KEYS = """
                SELECT row_number() OVER () AS place, {new_key} AS key, false AS moved
                FROM new_rows AS n WHERE {new_inside}"""

_UPDATED = """
            SELECT
                CASE WHEN now_is.found THEN 'update' ELSE 'unknown' END AS op, {new_key} AS key,
                CASE WHEN {moved} THEN {old_key} END AS old_key, now_is."values"
            FROM {pairs}
            LEFT JOIN LATERAL (
                SELECT true AS found, {row} AS "values" FROM {source} AS r WHERE {is_new} LIMIT 1
            ) AS now_is ON true
            WHERE {changed} AND (now_is.found OR {moved})"""
_UPDATED_KEYS = """
                SELECT {place} AS place, {new_key} AS key, {moved} AS moved
                FROM {pairs} WHERE {changed}"""

_MOVED_APART = """\
            IF moved THEN -- rows with another key, each with both
                SELECT array_agg(c.op), array_agg(c.key), array_agg(c.old_key), array_agg(c."values")
                INTO ops, keys, old_keys, rows
                FROM ({changes} AND {moved}
                ) AS c;
            END IF;
"""

_DELETED = """
            SELECT 'delete' AS op, {old_key} AS key, NULL::jsonb AS old_key, NULL::jsonb AS "values"
            FROM old_rows AS o
            WHERE {old_inside} AND (SELECT true FROM {source} AS r WHERE {is_old} LIMIT 1) IS NULL"""
_DELETED_KEYS = """
                SELECT row_number() OVER () AS place, {old_key} AS key, false AS moved
                FROM old_rows AS o WHERE {old_inside}"""

# 1.50 is 1.5, and nobody changed it. Texts are compared by their bytes: a collation may hold two for equal.
_OWN_EQUALITY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "boolean", "uuid", "date"), "{}"),
        **dict.fromkeys(("timestamp with time zone", "timestamp without time zone"), "{}"),
        **dict.fromkeys(("text", "character varying"), '{} COLLATE "C"'),
    }
)

_ONE_PAIR = "new_rows AS n CROSS JOIN old_rows AS o"
# Both transition tables are filled row by row (trigger.c, AfterTriggerSaveEvent): the n-th row of one became the n-th
# of the other.
_PAIRS = """(SELECT row_number() OVER () AS {place}, * FROM new_rows) AS n
            FULL JOIN (SELECT row_number() OVER () AS {place}, * FROM old_rows) AS o USING ({place})"""


def render_statement(sync: Sync, operation: str, parts: Mapping[str, sql.Composable]) -> str:
    """The function and the trigger for one operation. `parts` are those that all functions of the sync share."""
    name, trigger = statement_function(sync.name, operation), statement_trigger(sync.name, operation)
    template = resources.files("bridge.postgres").joinpath("statement.sql").read_text(encoding="utf-8")
    own: dict[str, sql.Composable] = {
        "function": sql.Identifier(SCHEMA, name),
        "trigger": sql.Identifier(trigger),
        "table": table_name(sync.table),
        "event": sql.SQL(operation.upper()),
        "op": sql.Literal(operation),
        "transition_tables": sql.SQL(_TRANSITIONS[operation]),
        "rows_of_statement": sql.SQL("old_rows" if operation == "delete" else "new_rows"),
        "several": sql.Literal(_SEVERAL),
        "bundle": sql.Literal(_BUNDLE),
        **_queries(sync, operation),
    }
    return sql.SQL(template).format(**{**parts, **own}).as_string(None)


def _queries(sync: Sync, operation: str) -> dict[str, sql.Composable]:
    expressions = _expressions(sync)
    apart: sql.Composable = sql.SQL("")  # only an update gives a row another key
    match operation:
        case "insert":
            change, keys = sql.SQL(_INSERTED).format(**expressions), sql.SQL(_INSERTED_KEYS).format(**expressions)
            of_one = change
        case "update":
            place = _free_name(sync)
            pairs = sql.SQL(_PAIRS).format(place=place)
            of_one = sql.SQL(_UPDATED).format(**expressions, pairs=sql.SQL(_ONE_PAIR))
            change = sql.SQL(_UPDATED).format(**expressions, pairs=pairs)
            apart = sql.SQL(_MOVED_APART).format(changes=change, moved=expressions["moved"])
            keys = sql.SQL(_UPDATED_KEYS).format(**expressions, pairs=pairs, place=place)
        case _:
            change, keys = sql.SQL(_DELETED).format(**expressions), sql.SQL(_DELETED_KEYS).format(**expressions)
            of_one = change
    return {
        "change_of_one": of_one,
        "changes_of_several": change,
        "moved_apart": apart,
        "changed_keys": keys,
    }


def _expressions(sync: Sync) -> dict[str, sql.Composable]:
    everything = sql.SQL("true")
    is_old = row_is(sync, "r", "o")
    if sync.where:
        # A row that came back outside of the filter came unnoticed: it explains nothing.
        is_old = sql.SQL("{} AND {}").format(is_old, inside(sync, "r"))
    return {
        "new_key": key_expression(sync, "n"),
        "old_key": key_expression(sync, "o"),
        "row": values_expression(sync, "r", links=False),
        "source": source(sync.table),
        "is_new": row_is(sync, "r", "n"),
        "is_old": is_old,
        "new_inside": sql.SQL("{} IS TRUE").format(inside(sync, "n")) if sync.where else everything,
        "old_inside": sql.SQL("{} IS TRUE").format(inside(sync, "o")) if sync.where else everything,
        "moved": _moved(sync),
        "changed": _changed(sync),
    }


def _moved(sync: Sync) -> sql.Composable:
    """Whether it is another key. 1.50 that was 1.5 is not, and most rows are told apart without building both."""
    differs = _differ(sync.key)
    if all(_own_equality(column) is not None for column in sync.key):
        return differs
    return sql.SQL("({} AND {} <> {})").format(differs, key_expression(sync, "n"), key_expression(sync, "o"))


def _changed(sync: Sync) -> sql.Composable:
    """Whether a key or a mapped column holds another value, as far as that is told cheaply.

    The filter may look at columns that are not mapped. Of a row that was outside and stays there only the key counts.
    """
    differs = _differ(tuple({column.name: column for column in (*sync.key, *captured_columns(sync))}.values()))
    if not sync.where:
        return differs
    was, is_now = inside(sync, "o"), inside(sync, "n")
    return sql.SQL(
        "({moved} OR ({was} IS TRUE OR {now} IS TRUE) AND ({was} IS DISTINCT FROM {now} OR {differs}))"
    ).format(moved=_moved(sync), was=was, now=is_now, differs=differs)


def _differ(columns: Sequence[Column]) -> sql.Composable:
    """By the types' own equality where that is quick and right, and else by the bytes, which any type has."""
    tests: list[sql.Composable] = []
    others: list[Column] = []
    for column in columns:
        equality = _own_equality(column)
        if equality is None:
            others.append(column)
        else:
            new, old = (sql.SQL(equality).format(value) for value in _both(column))
            tests.append(sql.SQL("{} IS DISTINCT FROM {}").format(new, old))
    if others:
        new_values, old_values = (sql.SQL(", ").join(values) for values in zip(*map(_both, others), strict=True))
        tests.append(sql.SQL("record_image_ne(ROW({}), ROW({}))").format(new_values, old_values))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(tests))


def _own_equality(column: Column) -> str | None:
    """How a column is written to be compared by its type's own equality; None where that equality is none of ours: json
    has none, to citext A is a, and to an interval a day is 24 hours."""
    if column.type_name == "numeric[]":
        return "{}"
    return _OWN_EQUALITY.get(column.type_name)


def _both(column: Column) -> tuple[sql.Composable, sql.Composable]:
    return triggers_value("n", column), triggers_value("o", column)


def _free_name(sync: Sync) -> sql.Identifier:
    """A name that no column of the table has."""
    name = "place"
    while sync.table.column(name) is not None:
        name += "_"
    return sql.Identifier(name)
