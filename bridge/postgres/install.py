"""Installs the capture of a sync's changes, and removes it.

What is executed is exactly the text of `render_sql`, so that a DBA who runs it by hand gets the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from bridge import migrations
from bridge.errors import SetupError
from bridge.model import Sync
from bridge.postgres.capture import DEFAULTS, CaptureSettings, render_capture
from bridge.postgres.connection import Connection
from bridge.postgres.findings import FOLDER, installed, schema_version
from bridge.postgres.names import (
    SCHEMA,
    capture_function,
    counter,
    links_function,
    quoted,
    statement_function,
    table_name,
)
from bridge.postgres.statement import OPERATIONS
from bridge.postgres.trouble import explain, primary
from bridge.shapes import Table

_OF_SCHEMA = {"missing", "outdated", "sequence-cache"}  # findings that the numbered files mend
_INSTALL_LOCK = 0x6E6F74696F6E  # one for all syncs: they share the schema

_MAY_READ = """
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = 'sync'
"""
_KEEPER = """
SELECT s.name, s.table_oid, n.nspname, c.relname FROM notion_bridge.sync AS s
LEFT JOIN pg_class AS c ON c.oid = s.table_oid LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE s.data_source = %s AND s.name <> %s ORDER BY s.name LIMIT 1
"""

# Making or replacing a trigger waits for the table's writers, and new writers wait behind it: not for long. Readers,
# such as a pg_dump that takes hours, are not waited for: DROP TRIGGER would, and everybody else behind it.
_PROLOGUE = f"""\
BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = 'warning';
SELECT pg_advisory_xact_lock({_INSTALL_LOCK});

"""


def install(conn: Connection, sync: Sync, settings: CaptureSettings = DEFAULTS) -> bool:
    """Makes the schema, the function and the triggers of a sync. False when all was there already.

    Raises SetupError when the role may not do it (saying who may) or when the sync captures another table.
    """
    try:
        found = {finding.name for finding in installed(conn, sync, settings)}
        if not found:
            return False
        _refuse_second_table(conn, sync)
        conn.execute(_script(sync, settings, schema=not _OF_SCHEMA.isdisjoint(found)).encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise _not_allowed(sync, primary(error)) from error
    except psycopg.Error as error:
        raise explain(error, _where(conn)) from error
    finally:
        _end_transaction(conn)
    return True


def render_sql(sync: Sync, settings: CaptureSettings = DEFAULTS) -> str:
    """Everything that `install` may execute, as one script for psql."""
    return _script(sync, settings, schema=True)


def _script(sync: Sync, settings: CaptureSettings, *, schema: bool) -> str:
    """`schema` False leaves the numbered files out, which have run: their ALTER TABLEs wait for readers of the outbox,
    and every writer of the table for them."""
    parts = [_PROLOGUE, *(_migrations() if schema else ()), render_capture(sync, settings).script]
    return "".join([*parts, "\nCOMMIT;\n"])


def uninstall(conn: Connection, sync_name: str | None) -> None:
    """Removes one sync's triggers and waiting changes; the last one, or None, takes the schema along.

    Raises SetupError when the role may not, or when something foreign depends on the schema.
    """
    try:
        if schema_version(conn) is None:
            return
        with conn.transaction():
            conn.execute("SET LOCAL lock_timeout = '10s'")
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [_INSTALL_LOCK])
            names = {name for (name,) in conn.execute("SELECT name FROM notion_bridge.sync").fetchall()}
            leaving = names if sync_name is None else names & {sync_name}
            for name in sorted(leaving):
                _remove_capture(conn, name)
            if leaving == names:
                conn.execute(migrations.text(FOLDER, "remove.sql").encode())
    except psycopg.errors.DependentObjectsStillExist as error:
        raise SetupError(
            f"the schema {SCHEMA} cannot be dropped: {primary(error)}",
            hint="somebody has put objects of their own there; move them away and uninstall again",
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise SetupError(
            f"this role may not remove what the bridge installed: {primary(error)}",
            hint=f"run `notion-bridge uninstall` as the owner of the schema {SCHEMA}",
        ) from error
    except psycopg.Error as error:
        raise explain(error, _where(conn)) from error


def grants_sql(
    role: str,
    tables: Sequence[Table] = (),
    sequences: Sequence[tuple[str, str]] = (),
    veiled: Sequence[tuple[str, str]] = (),
) -> str:
    """The rights that `notion-bridge run` needs, and no more, for a role that owns neither schema nor tables.

    `sequences` are those of the tables, by schema and name; see `catalog.table_sequences`, and `catalog.veiled_tables`.
    """
    to = sql.Identifier(role)
    grants: list[sql.Composable] = [
        sql.SQL("USAGE ON SCHEMA notion_bridge"),
        sql.SQL("SELECT ON notion_bridge.schema_version, notion_bridge.installation, notion_bridge.sync"),
        sql.SQL("SELECT, DELETE ON notion_bridge.outbox"),
        sql.SQL("SELECT, INSERT, UPDATE, DELETE ON notion_bridge.applied"),
    ]
    for table in tables:
        schema = sql.Identifier(table.schema)
        grants.append(sql.SQL("USAGE ON SCHEMA {}").format(schema))
        grants.append(sql.SQL("SELECT, INSERT, UPDATE, DELETE ON {}").format(table_name(table)))
    # A serial column draws from a sequence; a key that comes from Notion advances it.
    grants += [sql.SQL("USAGE, UPDATE ON SEQUENCE {}").format(sql.Identifier(*name)) for name in sequences]
    lines = (sql.SQL("GRANT {} TO {};\n").format(grant, to).as_string(None) for grant in grants)
    return "".join(dict.fromkeys(lines)) + "".join(_unveiling(role, name) for name in veiled)


def _unveiling(role: str, table: tuple[str, str]) -> str:
    """A remark: it takes a superuser, counts for every table, and is not the only way."""
    bypass = sql.SQL("ALTER ROLE {} BYPASSRLS;").format(sql.Identifier(role)).as_string(None)
    return (
        f"\n-- {quoted(*table)} has row-level security: a row that a policy hides would look deleted, and the bridge\n"
        f"-- refuses to read it so. Let a superuser run this, or let the bridge be the table's owner:\n-- {bypass}\n"
    )


def _migrations() -> Iterator[str]:
    """The numbered files, each followed by the note that it has run."""
    for migration in migrations.read(FOLDER):
        note = sql.SQL(
            "INSERT INTO notion_bridge.schema_version (version, name)\nVALUES ({}, {}) ON CONFLICT DO NOTHING;"
        ).format(migration.number, migration.name)
        yield f"{migration.sql.rstrip()}\n\n{note.as_string(None)}\n\n"


def _refuse_second_table(conn: Connection, sync: Sync) -> None:
    """One sync captures one table; a table that was dropped and made again counts as the same."""
    if schema_version(conn) is None:
        return
    other = conn.execute(
        "SELECT n.nspname, c.relname FROM notion_bridge.sync AS s JOIN pg_class AS c ON c.oid = s.table_oid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE s.name = %s AND s.table_oid <> %s",
        [sync.name, sync.table.oid],
    ).fetchone()
    if other is not None:
        raise SetupError(
            f'the sync "{sync.name}" captures {quoted(*other)}, not {sync.table.qualified}',
            hint=f"run `notion-bridge uninstall --sync {sync.name}` first, or give this sync another name",
        )


def refuse_taken(conn: Connection, sync_name: str, data_source_id: str, table: Table | None) -> None:
    """A data source belongs to one sync: rows of two tables would overwrite each other, and two syncs of one table take
    each other's pages for surplus. `table` None: it is still to be made. Raises SetupError.

    Who may not read what is installed is told nothing here: `init --print-sql` must work for a role without rights, and
    nothing is installed or written without them.
    """
    if conn.execute(_MAY_READ, [SCHEMA]).fetchone() != (True,):
        return
    other = conn.execute(_KEEPER, [data_source_id, sync_name]).fetchone()
    if other is None:
        return
    name, oid, schema, relation = other
    kept = "a table that is gone" if relation is None else quoted(schema, relation)
    remove = f"notion-bridge uninstall --sync {name}"
    if table is not None and oid == table.oid:
        hint = f'give this one the name "{name}", or remove the other first: {remove}'
    else:
        hint = f'take another data source; or, if nobody needs "{name}" any more, remove it first: {remove}'
    raise SetupError(f'the sync "{name}" already keeps {kept} and this data source the same', hint=hint)


def _remove_capture(conn: Connection, name: str) -> None:
    # CASCADE takes the triggers along, those on partitions too, wherever the table is now.
    functions = [capture_function(name), links_function(name)]
    for function in [*functions, *(statement_function(name, operation) for operation in OPERATIONS)]:
        conn.execute(sql.SQL("DROP FUNCTION IF EXISTS {}() CASCADE").format(sql.Identifier(SCHEMA, function)))
    conn.execute(sql.SQL("DROP SEQUENCE IF EXISTS {}").format(sql.Identifier(SCHEMA, counter(name))))
    conn.execute("DELETE FROM notion_bridge.outbox WHERE sync = %s", [name])
    conn.execute("DELETE FROM notion_bridge.applied WHERE sync = %s", [name])
    conn.execute("DELETE FROM notion_bridge.sync WHERE name = %s", [name])


def _not_allowed(sync: Sync, said: str) -> SetupError:
    return SetupError(
        f"this role may not install the trigger on {sync.table.qualified}: {said}",
        hint="let the table's owner (or a superuser) run what `notion-bridge init --print-sql` (with nothing else: the "
        "file names the tables) prints, grants included; the bridge's own role needs no more than those. Or let this "
        "role install: GRANT CREATE ON DATABASE to it and make it a member of the role that owns the table",
    )


def _where(conn: Connection) -> str:
    return "this database" if conn.closed else f"{conn.info.host or 'the local socket'}/{conn.info.dbname}"


def _end_transaction(conn: Connection) -> None:
    if not conn.closed:
        conn.rollback()
