"""Which settings of a writing session would show in the text of a captured value, and so are fixed in the trigger.

Only what a sync needs is fixed: the server sets and restores each of them around every call of the function, and
looking up a time zone or a locale costs more than writing the note.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.connection import FORMATS
from bridge.postgres.wire import captured_columns

_ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "search_path": "pg_catalog, pg_temp",
        "row_security": "off",  # fail, and note 'unknown', rather than not see a row
    }
)

# What the text of a type, or its form in JSON, depends on. Dates and times are always ISO in JSON (json.c,
# JsonEncodeDateTime), but not inside of a range, which is written as its text.
_SHAPED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "timestamp with time zone": ("TimeZone",),
        "daterange": ("DateStyle",),
        "tsrange": ("DateStyle",),
        "tstzrange": ("DateStyle", "TimeZone"),
        "interval": ("IntervalStyle",),
        "bytea": ("bytea_output",),
        "real": ("extra_float_digits",),
        "double precision": ("extra_float_digits",),
        "money": ("lc_monetary",),
    }
)
_SHAPED_BY_NOTHING = frozenset(
    {
        "bigint",
        "bit",
        "bit varying",
        "boolean",
        "character",
        "character varying",
        "cidr",
        "citext",
        "date",
        "enum",
        "hstore",
        "inet",
        "int4range",
        "int8range",
        "integer",
        "json",
        "jsonb",
        "macaddr",
        "macaddr8",
        "numeric",
        "numrange",
        "smallint",
        "text",
        "time with time zone",
        "time without time zone",
        "timestamp without time zone",
        "uuid",
    }
)


def fixed_settings(sync: Sync) -> dict[str, str]:
    """What the trigger functions of a sync fix: everything where there is a filter, which may say anything, or a type
    that is not known here."""
    needed = set(FORMATS) if sync.where else set[str]()
    for column in (*sync.key, *captured_columns(sync)):
        name = column.type_name.removesuffix("[]")
        if name not in _SHAPED_BY_NOTHING:
            needed.update(_SHAPED_BY.get(name, tuple(FORMATS)))
    return {**_ALWAYS, **{name: value for name, value in FORMATS.items() if name in needed}}


def settings_clause(sync: Sync) -> sql.Composable:
    """The same as clauses of CREATE FUNCTION, a line each."""
    lines = []
    for name, value in fixed_settings(sync).items():
        # Quoted as one, "pg_catalog, pg_temp" would be the name of one schema.
        text = sql.SQL(value) if name == "search_path" else sql.Literal(value)
        lines.append(sql.SQL("    SET {} = {}\n").format(sql.Identifier(name), text))
    return sql.SQL("").join(lines)


def stored_settings(sync: Sync) -> set[str]:
    """The same as the server keeps them, in pg_proc.proconfig."""
    return {f"{name}={value}" for name, value in fixed_settings(sync).items()}
