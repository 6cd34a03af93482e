"""Checks of the database: reachable, the table, what the role may do, whether every change is captured."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.cli.checks.report import Report
from bridge.cli.output import many, outbox_full, seconds_shown, unconfigured
from bridge.cli.tomlfile import table_text
from bridge.config import Config, SyncConfig
from bridge.model import Field, Side, Sync
from bridge.postgres.catalog import read_table, table_sequences
from bridge.postgres.connection import Connection, Session, open_connection
from bridge.postgres.findings import Finding, installed, next_start_mends, owns_table, schema_version
from bridge.postgres.inventory import InstalledSync, others
from bridge.postgres.links import throughs
from bridge.postgres.lock import who_works
from bridge.postgres.names import SCHEMA, counter, quoted, table_name
from bridge.postgres.outbox import backlog
from bridge.postgres.rowfilter import check_filter
from bridge.postgres.trouble import SEE_ALL
from bridge.postgres.wire import through_fields
from bridge.shapes import Table

_BACKLOG_OLD_S = 600
_VEILED = "row-level security"
_GRANTS = "`notion-bridge init --print-sql` prints the grants that the role needs."
_TAKE = "Nobody takes them: start `notion-bridge run`, or uninstall the trigger."

_SERVER = "SELECT current_setting('server_version'), current_user::text, pg_is_in_recovery()"
_ROW_SECURITY = "SELECT relrowsecurity AND row_security_active(oid) FROM pg_class WHERE oid = %s"
_RIGHTS = """
SELECT privilege FROM unnest(%s::text[]) AS privilege
WHERE NOT has_table_privilege(%s::oid, privilege)
"""
# What the role needs of the bridge's own objects, and of the sequences that new rows draw from; see grants_sql().
_OWN_TABLES = {
    "applied": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "installation": ("SELECT",),
    "outbox": ("SELECT", "DELETE"),
    "schema_version": ("SELECT",),
    "sync": ("SELECT",),
}
_OWN_RIGHTS = """
SELECT wanted.name, wanted.privilege FROM unnest(%s::text[], %s::text[]) AS wanted (name, privilege)
JOIN pg_class AS c ON c.relname = wanted.name AND c.relnamespace = 'notion_bridge'::regnamespace
WHERE NOT has_table_privilege(c.oid, wanted.privilege)
"""
_SEQUENCE_RIGHTS = """
SELECT privilege FROM unnest('{USAGE,UPDATE}'::text[]) AS privilege
WHERE NOT has_sequence_privilege(%s::regclass, privilege)
"""
_MAY_CREATE = "SELECT has_database_privilege(current_database(), 'CREATE')"


def check_server(report: Report, session: Session, dsn: str) -> bool:
    """Whether the database answers; without it the other checks of this side are left out."""

    def ask() -> tuple[str, str, bool]:
        with session.use() as connection:
            [(version, role, standby)] = connection.execute(_SERVER).fetchall()
            open_connection(dsn).close()  # a pooler that shares sessions shows in a second one beside the first
            return version, role, standby

    found = report.attempt("database", ask, lambda f: f"PostgreSQL {f[0]} at {session.where}, as role {f[1]}")
    if found is not None and found[2]:
        report.wrong(
            "database", "this server is a standby: it cannot be written", "Name the primary in [postgres] dsn."
        )
    return found is not None


def check_others(report: Report, session: Session, config: Config) -> None:
    """Whether changes are captured for a sync that nobody here reads: a renamed one, or another configuration's."""

    def ask() -> list[InstalledSync]:
        with session.use() as connection:
            return others(connection, [sync.name for sync in config.syncs])

    for other in report.attempt("unconfigured", ask) or ():
        report.warn("unconfigured", *unconfigured(other, config.path))


def check_table(report: Report, session: Session, config: SyncConfig) -> Table | None:
    """The table with its key; the mapped columns; what else a new row needs."""

    def read() -> Table:
        with session.use() as connection:
            return read_table(connection, config.table, config.key or None)

    table = report.attempt("table", read, lambda found: f"{table_text(found)} ({found.kind}), key {_key(found)}")
    if table is None:
        return None
    _check_new_rows(report, table, config)
    return table if not config.where or _check_filter(report, session, table, config) else None


def _key(table: Table) -> str:
    return ", ".join(table.key)


def _check_filter(report: Report, session: Session, table: Table, config: SyncConfig) -> bool:
    def ask() -> str:
        with session.use() as connection:
            check_filter(connection, table, config.where)
            return config.where

    return report.attempt("filter", ask, lambda where: f"in the sync are the rows where {where}") is not None


def _check_new_rows(report: Report, table: Table, config: SyncConfig) -> None:
    """A page made in Notion becomes a row only if every column that must have a value gets one."""
    mapped = {item.column for item in config.fields if item.direction.into(Side.POSTGRES)}
    for column in table.columns:
        given = column.has_default or column.identity or column.generated or not column.not_null
        if given or column.name in mapped:
            continue
        if column.name in table.key:
            message = f"the key column {column.name!r} has no default: a page made in Notion needs its key typed in"
            report.warn("new rows", message, "Give the column a default, such as an identity or gen_random_uuid().")
        else:
            message = f"{column.name!r} is NOT NULL without a default and not mapped: no page can become a row"
            report.warn("new rows", message, "Give the column a default, or map it.")


def check_rights(report: Report, session: Session, table: Table, config: SyncConfig) -> None:
    """What the role may do with the table, and whether policies hide rows from it."""

    def ask() -> list[str]:
        with session.use() as connection:
            return list(_rights_missing(connection, table, config))

    missing = report.attempt("rights", ask)
    for text in missing or ():
        report.wrong("rights", text, f"{SEE_ALL[0].upper()}{SEE_ALL[1:]}." if _VEILED in text else _GRANTS)
    if missing == []:
        report.ok("rights", "the role may read and write what the mapping asks for")


def _rights_missing(connection: Connection, table: Table, config: SyncConfig) -> Iterator[str]:
    wanted = ["SELECT"]
    if any(item.direction.into(Side.POSTGRES) for item in config.fields):
        wanted += ["UPDATE", "INSERT"]
    if config.deletes.to_postgres in ("mirror", "hold"):
        wanted.append("DELETE")
    name = table_name(table).as_string(None)
    [(usable,)] = connection.execute("SELECT has_schema_privilege(%s, 'USAGE')", [table.schema]).fetchall()
    if not usable:
        yield f"the role may not use the schema {table.schema}"
    for (privilege,) in connection.execute(_RIGHTS, [wanted, table.oid]).fetchall():
        yield f"the role may not {privilege} on {name}"
    [(hidden,)] = connection.execute(_ROW_SECURITY, [table.oid]).fetchall()
    if hidden:
        yield f"{_VEILED} hides rows of {name} from the role, and a hidden row would look deleted"


def check_bridge(report: Report, session: Session, sync_name: str, *, running: bool) -> None:
    """Whether a bridge works on the sync; `running`: one of this configuration does. Nothing is wrong with another one,
    but `sync` and `run` leave while it works."""
    with session.use() as connection:
        who = who_works(connection, sync_name)
    if who and running:
        report.ok("bridge", f"a bridge works on this sync ({who})")
    elif who:
        hint = "`notion-bridge sync` and `run` leave with 6 as long as it does; stop it, or leave the sync to it."
        report.warn("bridge", f"another bridge, with a journal of its own, works on this sync ({who})", hint)


def check_capture(report: Report, session: Session, sync: Sync) -> None:
    """Whether the trigger is there and unchanged, and how much waits in the outbox."""
    with session.use() as connection:
        for item in through_fields(sync):
            _check_join_table(report, connection, item)
        if schema_version(connection) is None:
            _check_may_install(report, connection, sync)
            return
        findings = installed(connection, sync)
        if findings:
            _tell_findings(report, findings, mended=next_start_mends(connection, sync, findings))
            return
        captured = [table_text(table) for table in (sync.table, *(through.table for through in throughs(sync)))]
        report.ok("trigger", f"every change of {' and '.join(captured)} is captured")
        _check_own_rights(report, connection, sync)
        waiting = backlog(connection, sync.name)
        [(now,)] = connection.execute("SELECT clock_timestamp()").fetchall()
    if waiting.left_out:
        report.warn("outbox", outbox_full(waiting.left_out), _TAKE)
        return
    if waiting.oldest is None:
        report.ok("outbox", "empty")
        return
    age = (now - waiting.oldest).total_seconds()
    text = f"{many(waiting.changes, 'change')} waiting, the oldest for {seconds_shown(age)}"
    if age < _BACKLOG_OLD_S:
        report.ok("outbox", text)
    else:
        report.warn("outbox", text, _TAKE)


def _tell_findings(report: Report, findings: list[Finding], *, mended: bool) -> None:
    """What is wrong with the trigger. After a change of the file that is no mistake: the next start mends it."""
    by_itself = "The next `notion-bridge run` or `sync` installs it anew by itself."
    for finding in findings:
        if mended:
            report.warn("trigger", finding.message, by_itself)
        else:
            report.wrong("trigger", finding.message, finding.hint)


def _check_own_rights(report: Report, connection: Connection, sync: Sync) -> None:
    """The bridge's own tables, its counter, and the sequences that an insert draws from."""
    asked = [(name, privilege) for name, privileges in _OWN_TABLES.items() for privilege in privileges]
    names, privileges = zip(*asked, strict=True)
    missing = [
        (f"{SCHEMA}.{name}", privilege)
        for name, privilege in connection.execute(_OWN_RIGHTS, [list(names), list(privileges)]).fetchall()
    ]
    for sequence in _sequences(connection, sync):
        found = connection.execute(_SEQUENCE_RIGHTS, [sequence]).fetchall()
        missing += [(f"SEQUENCE {sequence}", privilege) for (privilege,) in found]
    [(role,)] = connection.execute("SELECT quote_ident(current_user)").fetchall()
    for what, privilege in missing:
        grant = f"GRANT {privilege} ON {what} TO {role};"
        report.wrong("rights", f"the role may not {privilege} on {what}", f"Let the owner run: {grant}")
    if not missing:
        report.ok("rights", f"the role has every right that it needs in the schema {SCHEMA}")


def _sequences(connection: Connection, sync: Sync) -> list[str]:
    found: list[tuple[str, str]] = []
    if any(item.direction.into(Side.POSTGRES) for item in sync.fields):
        found += table_sequences(connection, [sync.table, *(through.table for through in throughs(sync))])
    return [quoted(*name) for name in (*found, (SCHEMA, counter(sync.name)))]


def _check_join_table(report: Report, connection: Connection, item: Field) -> None:
    """Its rows are read, inserted and deleted, never updated."""
    assert item.through is not None
    wanted = ["SELECT", *(["INSERT", "DELETE"] if item.direction.into(Side.POSTGRES) else [])]
    for (privilege,) in connection.execute(_RIGHTS, [wanted, item.through.table.oid]).fetchall():
        what = f"the role may not {privilege} on {table_text(item.through.table)}"
        report.wrong("rights", what, _GRANTS)


def _check_may_install(report: Report, connection: Connection, sync: Sync) -> None:
    [(create,)] = connection.execute(_MAY_CREATE).fetchall()
    owner = owns_table(connection, sync)
    if create and owner:
        report.warn("trigger", "not installed yet", "`notion-bridge sync`, `run` or `init` installs it.")
        return
    what = "CREATE on the database" if owner else "the table's ownership, which an ALWAYS trigger needs"
    hint = "Let the table's owner (or a superuser) run what `notion-bridge init --print-sql` prints."
    report.wrong("trigger", f"not installed, and this role may not install it: it lacks {what}", hint)
