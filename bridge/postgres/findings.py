"""What is wrong with an installation. A finding says what is the matter and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge import migrations
from bridge.errors import SetupError
from bridge.model import Sync
from bridge.postgres.capture import (
    DEFAULTS,
    CaptureSettings,
    TriggerState,
    captured_triggers,
    render_capture,
    triggers_of,
)
from bridge.postgres.connection import Connection
from bridge.postgres.links import throughs
from bridge.postgres.names import (
    SCHEMA,
    capture_function,
    counter,
    links_function,
    links_trigger,
    links_truncate_trigger,
    statement_function,
)
from bridge.postgres.settings import stored_settings
from bridge.postgres.statement import OPERATIONS
from bridge.postgres.wire import captured_names

FOLDER = "postgres"  # of the migrations

_REINSTALL = (
    "run `notion-bridge init` to install it again, or let the table's owner run what "
    "`notion-bridge init --print-sql` prints"
)

_TABLE_OF = """
SELECT s.table_oid, c.oid::regclass::text,
    c.relkind = 'p' OR EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
FROM notion_bridge.sync AS s LEFT JOIN pg_class AS c ON c.oid = s.table_oid WHERE s.name = %s
"""
# Whether the role owns (or is a member of who owns) all that an installation replaces.
_OWNS_ALL = """
SELECT bool_and(pg_has_role(owner, 'USAGE')) FROM (
    SELECT relowner FROM pg_class WHERE oid = ANY (%s)
    UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = %s
    UNION ALL SELECT c.relowner FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND (c.relkind = 'r' OR c.relname = %s)
    UNION ALL SELECT p.proowner FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = %s AND p.proname = ANY (%s)
) AS owners (owner)
"""
# A sync stays with its table and its data source, and a function with its owner.
_NOT_MENDED = {"table", "data-source", "owner"}
_TRIGGERS_OF = """
SELECT t.tgrelid, t.tgname, t.tgrelid::regclass::text, t.tgenabled FROM pg_trigger AS t
JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = %s AND p.proname = ANY (%s) ORDER BY t.tgname
"""
_ANEW = "then start the bridge again, which reads the whole table"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `name` is stable, for programs; `message` and `hint` are for people."""

    name: str
    message: str
    hint: str = _REINSTALL


def installed(conn: Connection, sync: Sync, settings: CaptureSettings | None = None) -> list[Finding]:
    """What is missing or changed in the installation of a sync; empty when it captures everything.

    `settings` None accepts those that it was installed with. Changes nothing.
    """
    version = schema_version(conn)
    if version is None:
        return [Finding("missing", f"the bridge is not installed in this database: no schema {SCHEMA}")]
    if version != _known_version():
        return [Finding("outdated", f"the schema {SCHEMA} has version {version}, not {_known_version()}")]
    found = settings_of(conn, sync.name) or DEFAULTS
    return [
        *_sync_findings(conn, sync, settings),
        *_function_findings(conn, sync, found),
        *_trigger_findings(conn, sync),
        *_sequence_findings(conn),
    ]


def not_captured(conn: Connection, sync_name: str) -> str:
    """Why changes of the sync's table are not captured, as far as that can be told without its mapping: the sync is not
    installed, or a trigger is missing or does not fire. "" when nothing of that is so."""
    row = conn.execute(_TABLE_OF, [sync_name]).fetchone()
    if row is None:
        return "the sync is not installed in the database"
    oid, table, rows_tell = row
    if table is None:
        return "the table for which the sync was installed is gone"
    wanted = triggers_of(sync_name, rows_tell=rows_tell)
    there = set()
    for relation, name, where, enabled in conn.execute(_TRIGGERS_OF, [SCHEMA, _functions_of(sync_name)]).fetchall():
        # How many join tables there are only the mapping tells; all of their triggers fire always.
        state = wanted.get(name, TriggerState.ALWAYS)
        if enabled != state.value:
            return _not_firing(name, where, enabled, state)
        if relation == oid:
            there.add(name)
    return next((_missing(name, table) for name in wanted if name not in there), "")


def next_start_mends(conn: Connection, sync: Sync, findings: Sequence[Finding]) -> bool:
    """Whether a start of the bridge under this role installs what is missing or changed by itself."""
    if any(finding.name in _NOT_MENDED for finding in findings):
        return False
    tables = [sync.table.oid, *(through.table.oid for through in throughs(sync))]
    asked = [tables, SCHEMA, SCHEMA, counter(sync.name), SCHEMA, _functions_of(sync.name)]
    [(owner,)] = conn.execute(_OWNS_ALL, asked).fetchall()
    return bool(owner)


def to_repair(conn: Connection, sync: Sync) -> bool:
    """Whether a trigger of the sync is missing, or does not fire when it should, and this role may make it anew."""
    return owns_table(conn, sync) and any(_trigger_findings(conn, sync))


def owns_table(conn: Connection, sync: Sync) -> bool:
    """Whether this role is the table's owner, or a member of it: only who is may say when a trigger fires."""
    [(owner,)] = conn.execute("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = %s", [sync.table.oid])
    return bool(owner)


def schema_version(conn: Connection) -> int | None:
    """The highest migration that has run; None when the bridge is not installed. Raises SetupError when it is
    newer than this program."""
    # Not to_regclass(): that fails for a role without rights on the schema.
    there = conn.execute(
        "SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = 'schema_version'",
        [SCHEMA],
    ).fetchone()
    if there is None:
        return None
    row = conn.execute("SELECT max(version) FROM notion_bridge.schema_version").fetchone()
    version = int(row[0]) if row and row[0] is not None else 0
    if version > _known_version():
        raise SetupError(
            f"the schema {SCHEMA} has version {version}; this program knows {_known_version()}",
            hint="upgrade notion-postgres-bridge to the version that installed it, or a newer one",
        )
    return version


def _known_version() -> int:
    return migrations.read(FOLDER)[-1].number


def settings_of(conn: Connection, sync_name: str) -> CaptureSettings | None:
    """What a sync was installed with; None when it is not installed."""
    row = conn.execute("SELECT notify, outbox_max FROM notion_bridge.sync WHERE name = %s", [sync_name]).fetchone()
    return None if row is None else CaptureSettings(*row)


def _sync_findings(conn: Connection, sync: Sync, settings: CaptureSettings | None) -> Iterator[Finding]:
    row = conn.execute(
        "SELECT table_oid, EXISTS (SELECT FROM pg_class WHERE oid = table_oid), columns, data_source, notify,"
        " outbox_max FROM notion_bridge.sync WHERE name = %s",
        [sync.name],
    ).fetchone()
    if row is None:
        yield Finding("missing", f'the sync "{sync.name}" is not installed in this database')
        return
    table_oid, there, columns, data_source, notify, outbox_max = row
    if table_oid != sync.table.oid:
        name = "table" if there else "table-anew"
        yield Finding(name, f"the capture was installed for another table than {sync.table.qualified}")
    wanted = captured_names(sync)
    if columns != wanted:
        yield Finding("columns", f"captured are {', '.join(columns)}; the mapping now needs {', '.join(wanted)}")
    if data_source != sync.data_source.id:
        yield Finding("data-source", "the capture was installed for another Notion data source")
    if settings is not None and notify != settings.notify:
        yield Finding("notify", f"the trigger was installed with notify = {str(notify).lower()}")
    if settings is not None and outbox_max != settings.outbox_max:
        had = "without a limit for the outbox" if outbox_max is None else f"with outbox_max = {outbox_max}"
        yield Finding("outbox-max", f"the trigger was installed {had}")


def _function_findings(conn: Connection, sync: Sync, settings: CaptureSettings) -> Iterator[Finding]:
    """Every function that captures is there, as it was made; and none for which there is no need any more."""
    wanted = render_capture(sync, settings).bodies
    ours = _functions_of(sync.name)
    rows = conn.execute(
        "SELECT p.proname, p.prosrc, p.prosecdef, p.proconfig, has_table_privilege(p.proowner, o.oid, 'INSERT')"
        " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " JOIN pg_class AS o ON o.relnamespace = n.oid AND o.relname = 'outbox'"
        " WHERE n.nspname = %s AND p.proname = ANY (%s) AND p.pronargs = 0",
        [SCHEMA, ours],
    ).fetchall()
    there = {name: facts for name, *facts in rows}
    missing = [name for name in ours if name in wanted and name not in there]
    changed = [name for name, (body, *_) in there.items() if body != wanted.get(name)]
    settings_changed = [
        name
        for name, (_, definer, pinned, _) in there.items()
        if name not in changed and (not definer or set(pinned or ()) != stored_settings(sync))
    ]
    if missing:
        yield Finding("function", f"missing, so that changes are not captured: {_functions(missing)}")
    if changed:
        yield Finding("function", f"not what this mapping needs: {_functions(changed)}")
    if settings_changed:
        yield Finding("function", f"the settings were changed of {_functions(settings_changed)}")
    for name, (*_, may_insert) in there.items():
        if not may_insert:
            yield Finding(
                "owner",
                f"the owner of {SCHEMA}.{name} may not insert into the outbox: changes of {sync.table.qualified} fail",
                f"at once: GRANT INSERT ON {SCHEMA}.outbox to the owner of the function",
            )


def _functions_of(sync_name: str) -> list[str]:
    statements = [statement_function(sync_name, operation) for operation in OPERATIONS]
    return [capture_function(sync_name), links_function(sync_name), *statements]


def _functions(names: Sequence[str]) -> str:
    return ("the function " if len(names) == 1 else "the functions ") + ", ".join(f"{SCHEMA}.{name}" for name in names)


def _trigger_findings(conn: Connection, sync: Sync) -> Iterator[Finding]:
    """Every trigger that captures is there and enabled, on the sync's own table and on its join tables."""
    wanted = {(sync.table.oid, name): state for name, state in captured_triggers(sync).items()}
    tables = {sync.table.oid: sync.table}
    for number, through in enumerate(throughs(sync), 1):
        tables[through.table.oid] = through.table
        for name in (links_trigger(sync.name, number), links_truncate_trigger(sync.name, number)):
            wanted[through.table.oid, name] = TriggerState.ALWAYS
    rows = conn.execute(
        "SELECT t.tgrelid, t.tgname, t.tgrelid::regclass::text, t.tgenabled FROM pg_trigger AS t"
        " JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND t.tgname = ANY (%s)",
        [SCHEMA, [name for _, name in wanted]],
    ).fetchall()
    there = {(oid, name): (table, state) for oid, name, table, state in rows}
    for oid, name in wanted:
        if (oid, name) not in there:
            yield Finding("trigger-missing", _missing(name, tables[oid].qualified))
    # Those of partitions, too, which the server made for the parent's.
    by_name = {name: state for (_, name), state in wanted.items()}
    for (_, name), (table, enabled) in there.items():
        if enabled != by_name[name].value:
            yield _disabled(name, table, enabled, by_name[name])


def _missing(name: str, table: str) -> str:
    return f"the trigger {name} on {table} is missing"


def _not_firing(name: str, table: str, enabled: str, wanted: TriggerState) -> str:
    return f"the trigger {name} on {table} is {'disabled' if enabled == 'D' else f'not enabled{_how(wanted)}'}"


def _how(wanted: TriggerState) -> str:
    return "" if wanted is TriggerState.ORIGIN else f" {wanted.name}"


def _disabled(name: str, table: str, enabled: str, wanted: TriggerState) -> Finding:
    how = _how(wanted)
    return Finding(
        "trigger-disabled",
        f"{_not_firing(name, table, enabled, wanted)}: changes are not captured",
        f'ALTER TABLE {table} ENABLE{how} TRIGGER "{name}"; {_ANEW}',
    )


def _sequence_findings(conn: Connection) -> Iterator[Finding]:
    row = conn.execute(
        "SELECT s.seqcache FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace"
        " JOIN pg_depend AS d ON d.refobjid = o.oid AND d.classid = 'pg_class'::regclass"
        " JOIN pg_sequence AS s ON s.seqrelid = d.objid WHERE n.nspname = %s AND o.relname = 'outbox'",
        [SCHEMA],
    ).fetchone()
    if row is not None and row[0] != 1:
        yield Finding(
            "sequence-cache",
            f"the outbox hands out numbers {row[0]} at a time: changes of one row may be read in the wrong order",
            f"ALTER TABLE {SCHEMA}.outbox ALTER COLUMN id SET CACHE 1; {_ANEW}",
        )
