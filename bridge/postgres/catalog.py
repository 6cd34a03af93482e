"""What the database says about its tables: columns, types, keys."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

import psycopg

from bridge.errors import SetupError
from bridge.postgres.allowed import allowed_texts
from bridge.postgres.connection import Connection
from bridge.postgres.names import SCHEMA, quoted
from bridge.postgres.trouble import primary
from bridge.shapes import Column, ForeignKey, Table

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_SYNCABLE = {"table", "partitioned table"}
_NAMES_SHOWN = 3

# A type modifier counts its own four bytes; numeric packs precision and an 11-bit signed scale into it.
_MODIFIER_OFFSET = 4
_SCALE_BITS = 0x7FF
_SCALE_SIGN = 0x400

_TABLES = """
SELECT
    c.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence = 't',
    greatest(0, CASE WHEN c.relkind = 'p' THEN (
        SELECT sum(leaf.reltuples) FROM pg_partition_tree(c.oid) AS tree
        JOIN pg_class AS leaf ON leaf.oid = tree.relid WHERE tree.isleaf
    ) ELSE c.reltuples END)::bigint,
    ARRAY(
        SELECT a.attname::text FROM pg_index AS i, unnest(i.indkey) WITH ORDINALITY AS part (attnum, place)
        JOIN pg_attribute AS a ON a.attnum = part.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid ORDER BY part.place
    ),
    EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = c.oid),
    ARRAY(
        WITH RECURSIVE below AS (
            SELECT h.inhrelid FROM pg_inherits AS h WHERE h.inhparent = c.oid
            UNION
            SELECT h.inhrelid FROM pg_inherits AS h JOIN below ON h.inhparent = below.inhrelid
        )
        SELECT inhrelid::bigint FROM below ORDER BY 1
    )
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
"""
_ONE_TABLE = f"{_TABLES} WHERE c.oid = %s"
# The catalog is open to everybody: to find a table there takes no right on its schema.
_UNSEEN = """
SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE ARRAY[n.nspname, c.relname]::text[] = parse_ident(%s)
"""
_OPEN_TABLES = f"""{_TABLES}
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', '{SCHEMA}') AND n.nspname !~ '^pg_'
    AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
ORDER BY n.nspname, c.relname
"""

# Those of partitions are copies of their parent's.
_FOREIGN_KEYS = """
SELECT k.conrelid, k.conname,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS part (attnum, place)
        JOIN pg_attribute AS a ON a.attnum = part.attnum AND a.attrelid = k.conrelid ORDER BY part.place),
    n.nspname, c.relname,
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS part (attnum, place)
        JOIN pg_attribute AS a ON a.attnum = part.attnum AND a.attrelid = k.confrelid ORDER BY part.place)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.confrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid = ANY (%s::oid[])
ORDER BY k.conname
"""

# Every set of columns that an index of this table keeps unique.
_UNIQUE = """
SELECT ARRAY(SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = i.indrelid
    AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
FROM pg_index AS i
WHERE i.indrelid = %s AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
"""


# Where policies could hide rows from the role of that name.
_VEILED = """
SELECT n.nspname, c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%(tables)s::oid[]) AND c.relrowsecurity AND NOT EXISTS (
    SELECT FROM pg_roles AS r WHERE r.rolname = %(role)s AND (r.rolsuper OR r.rolbypassrls
        OR (pg_has_role(r.oid, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity))
)
ORDER BY n.nspname, c.relname
"""

# Those that belong to a column (serial, identity), and those of others that a default draws from.
_SEQUENCES = """
SELECT n.nspname, c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.oid IN (
    SELECT d.objid FROM pg_depend AS d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = ANY (%(tables)s::oid[]) AND d.deptype IN ('a', 'i')
    UNION ALL
    SELECT d.refobjid FROM pg_depend AS d
    JOIN pg_attrdef AS f ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
    WHERE d.refclassid = 'pg_class'::regclass AND f.adrelid = ANY (%(tables)s::oid[])
)
ORDER BY n.nspname, c.relname
"""


def read_table(conn: Connection, name: str, key: Sequence[str] | None = None) -> Table:
    """The table of that name, written as in SQL: `tasks`, `public.tasks`, `"My Schema"."Tasks"`.

    `key` replaces the primary key: columns that are NOT NULL and unique together. Raises SetupError when
    there is no such table, when it cannot be synced, or when the key is none.
    """
    with conn.transaction():
        oid = _find(conn, name)
        row = conn.execute(_ONE_TABLE, [oid]).fetchone() if oid is not None else None
        if row is None:
            raise _unknown(conn, name)
        (table,) = _with_columns(conn, [_table(row)])
        if row[4] or table.kind not in _SYNCABLE:
            raise SetupError(
                f"{table.qualified} is a {'temporary table' if row[4] else table.kind}, which cannot be synced",
                hint="triggers capture the changes, and they need an ordinary or a partitioned table",
            )
        if key:
            _check_key(conn, table, key)
            table = replace(table, key=tuple(key))
    if not table.key:
        raise SetupError(
            f"{table.qualified} has no primary key",
            hint="add one, or name columns that are NOT NULL and unique together as `key`",
        )
    return table


def list_tables(conn: Connection, schema: str | None = None) -> list[Table]:
    """The tables that could be synced, of one schema or of all; those without a primary key too."""
    with conn.transaction():
        rows = conn.execute(_OPEN_TABLES, {"schema": schema}).fetchall()
        return _with_columns(conn, [_table(row) for row in rows])


def table_sequences(conn: Connection, tables: Sequence[Table]) -> list[tuple[str, str]]:
    """The sequences that an INSERT into these tables draws from, by schema and name."""
    rows = conn.execute(_SEQUENCES, {"tables": [table.oid for table in tables]}).fetchall()
    return [(str(schema), str(name)) for schema, name in rows]


def veiled_tables(conn: Connection, tables: Sequence[Table], role: str) -> list[tuple[str, str]]:
    """Those of the tables, by schema and name, whose row-level security counts for that role."""
    rows = conn.execute(_VEILED, {"tables": [table.oid for table in tables], "role": role}).fetchall()
    return [(str(schema), str(name)) for schema, name in rows]


def _find(conn: Connection, name: str) -> int | None:
    try:
        with conn.transaction():
            row = conn.execute("SELECT to_regclass(%s)::oid", [name]).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        row = conn.execute(_UNSEEN, [name]).fetchone()
    except (psycopg.errors.InvalidName, psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported) as error:
        raise SetupError(
            f"{name!r} is no name of a table: {primary(error)}",
            hint='write it as in SQL: tasks, public.tasks, or "My Schema"."Tasks"',
        ) from error
    return None if row is None or row[0] is None else int(row[0])


def _table(row: tuple[Any, ...]) -> Table:
    oid, schema, name, kind, _, rows, key, inherits, parts = row
    return Table(
        schema=schema,
        name=name,
        oid=oid,
        columns=(),
        key=tuple(key),
        kind=_KINDS.get(kind, "relation of another kind"),
        estimated_rows=rows,
        inherits=inherits,
        parts=tuple(parts),
    )


def _with_columns(conn: Connection, tables: Sequence[Table]) -> list[Table]:
    # An empty search_path makes format_type qualify every type that is not built in; names and constants are to be
    # quoted in the one way that is read here; and money has the decimals that the database's own currency has.
    conn.execute(
        "SET LOCAL search_path = ''; SET LOCAL quote_all_identifiers = off; SET LOCAL standard_conforming_strings = on;"
        " SET LOCAL lc_monetary TO DEFAULT"
    )
    query = resources.files("bridge.postgres").joinpath("catalog.sql").read_text(encoding="utf-8")
    columns: dict[int, list[Column]] = {table.oid: [] for table in tables}
    for oid, *facts in conn.execute(query.encode(), [list(columns)]):
        columns[oid].append(_column(*facts))
    foreign: dict[int, list[ForeignKey]] = {oid: [] for oid in columns}
    for oid, name, own, schema, other, references in conn.execute(_FOREIGN_KEYS, [list(columns)]):
        foreign[oid].append(ForeignKey(name, tuple(own), schema, other, tuple(references)))
    return [
        replace(table, columns=tuple(columns[table.oid]), foreign_keys=tuple(foreign[table.oid])) for table in tables
    ]


def _column(name: str, type_name: str, type_sql: str, attnum: int, *facts: Any) -> Column:
    not_null, has_default, generated, identity, modifier, labels, comment, base_sql, checks, decimals, *origin = facts
    element = type_name.removesuffix("[]")
    length, precision, scale = None, None, decimals
    if element in {"bit", "bit varying"} and modifier >= 0:
        length = modifier
    elif modifier >= _MODIFIER_OFFSET:
        stored = modifier - _MODIFIER_OFFSET
        if element in {"character varying", "character"}:
            length = stored
        elif element == "numeric":
            precision = stored >> 16
            scale = ((stored & _SCALE_BITS) ^ _SCALE_SIGN) - _SCALE_SIGN
    return Column(
        name=name,
        type_name=type_name,
        type_sql=type_sql,
        attnum=attnum,
        not_null=not_null,
        has_default=has_default,
        generated=generated,
        identity=identity,
        max_length=length,
        precision=precision,
        scale=scale,
        labels=tuple(labels),
        comment=comment,
        allowed=allowed_texts(type_name, checks),
        base_sql=base_sql,
        expression=origin[0],
        virtual=origin[1],
    )


def _check_key(conn: Connection, table: Table, key: Sequence[str]) -> None:
    for name in key:
        column = table.column(name)
        if column is None:
            near = difflib.get_close_matches(name, [column.name for column in table.columns], _NAMES_SHOWN)
            raise SetupError(
                f"{table.qualified} has no column {name!r} for the key",
                hint=f"did you mean {' or '.join(near)}?" if near else "name columns of this table",
            )
        if not column.not_null:
            raise SetupError(
                f"the key column {name!r} of {table.qualified} may be NULL",
                hint="a row without a key cannot be found again: make the column NOT NULL, or take another",
            )
    unique = conn.execute(_UNIQUE, [table.oid]).fetchall()
    if not any(set(columns) <= set(key) for (columns,) in unique):
        raise SetupError(
            f"no unique index makes ({', '.join(key)}) a key of {table.qualified}",
            hint="add a UNIQUE constraint on exactly these columns",
        )


def _unknown(conn: Connection, name: str) -> SetupError:
    rows = conn.execute(_OPEN_TABLES, {"schema": None}).fetchall()
    wanted = name.replace('"', "").lower()
    # By full name, and by bare name for someone who is wrong about the schema.
    spellings: dict[str, list[str]] = {}
    for _, schema, table, *_ in rows:
        for spelling in (f"{schema}.{table}", table):
            spellings.setdefault(spelling.lower(), []).append(quoted(schema, table))
    near = [
        full
        for form in dict.fromkeys([wanted, wanted.rpartition(".")[2]])
        for match in difflib.get_close_matches(form, spellings, _NAMES_SHOWN)
        for full in spellings[match]
    ]
    shown = list(dict.fromkeys(near))[:_NAMES_SHOWN]
    if shown:
        hint = f"did you mean {' or '.join(shown)}?"
    else:
        hint = "there are no tables that this role can see" if not rows else f"there are {len(rows)} others"
    return SetupError(f"there is no table {name} in database {conn.info.dbname}", hint=hint)
