"""What a failed write means for its intent: try later, park it with the reason, or stop and ask for rights."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from bridge.ends import Blame, Intent, Outcome, Receipt
from bridge.model import Op, Sync
from bridge.postgres.connection import Connection
from bridge.postgres.links import blamed_link
from bridge.postgres.sqlstates import Reading, Writing, meaning
from bridge.postgres.trouble import explain, primary

_RIGHTS = {
    Op.CREATE: "has_any_column_privilege(%s::oid, 'INSERT')",
    Op.UPDATE: "has_any_column_privilege(%s::oid, 'UPDATE')",
    Op.DELETE: "has_table_privilege(%s::oid, 'DELETE')",
}


def judge(conn: Connection, sync: Sync, intent: Intent, error: psycopg.Error, where: str) -> Receipt:
    """The receipt for a write that the server answered with an error; its transaction is rolled back already.

    What is not known to concern every write concerns this one. Raises AccessLost, SetupError or Unavailable when it
    concerns every write.
    """
    match meaning(error.sqlstate).writing:
        case Writing.AGAIN:
            return Receipt(intent.id, Outcome.RETRY, reason=primary(error))
        case Writing.BUSY:
            return Receipt(intent.id, Outcome.RETRY, reason=primary(error), blame=Blame.SIDE)
        case Writing.UNCLEAR:
            return Receipt(intent.id, Outcome.RETRY, reason=primary(error), blame=Blame.UNCLEAR)
        case Writing.RIGHTS:
            return _no_right(conn, sync, intent, error, where)
        case Writing.EVERYONE:
            raise explain(error, where) from error
        case Writing.REFUSED:
            if reason := _no_key(sync, intent, error):
                return Receipt(intent.id, Outcome.REFUSED, reason=reason)
            field = _blamed(conn, sync, intent, error)
            return Receipt(intent.id, Outcome.REFUSED, reason=_reason(error), field=field)


def _no_right(conn: Connection, sync: Sync, intent: Intent, error: psycopg.Error, where: str) -> Receipt:
    """A right on the table that was revoked stops everything; one that a user's trigger lacks parks this row."""
    right = _RIGHTS.get(intent.action.op, _RIGHTS[Op.UPDATE])
    if conn.execute(f"SELECT {right}", [sync.table.oid]).fetchone() != (True,):
        raise explain(error, where) from error
    return Receipt(intent.id, Outcome.REFUSED, reason=_reason(error))


def _no_key(sync: Sync, intent: Intent, error: psycopg.Error) -> str:
    """What to do where a new row's key comes neither from its page nor from a default; "" for any other error.

    What is typed there and can be no key of these columns counts as nothing. The server would name the column only, and
    of a partitioned table the partition.
    """
    if intent.pair.key is not None:
        return ""
    lacking = [part.name for part in sync.key if not (part.has_default or part.identity or part.generated)]
    nulled = isinstance(error, psycopg.errors.NotNullViolation) and error.diag.column_name in lacking
    # Where a part of the key says which partition it is, there is none for NULL.
    placeless = isinstance(error, psycopg.errors.CheckViolation) and not error.diag.constraint_name
    if not (lacking and (nulled or placeless)):
        return ""
    form = f", the parts joined as {'|'.join(part.name for part in sync.key)}" if len(sync.key) > 1 else ""
    return f'"{sync.key_property.name}" names no key, and {lacking[0]} has no default: type the key there{form}'


def _reason(error: psycopg.Error) -> str:
    """The primary message and the constraint. Not the DETAIL: that may show the whole row."""
    constraint = error.diag.constraint_name
    said = primary(error)
    if constraint and constraint not in said:
        return f"{said} (constraint {constraint})"
    return said


def _blamed(conn: Connection, sync: Sync, intent: Intent, error: psycopg.Error) -> str:
    """The one written field that the error is about; empty when it could be several, or none of ours."""
    written = set(intent.action.changes)
    if link := blamed_link(sync, sorted(written), error.diag.schema_name, error.diag.table_name):
        return link
    if error.diag.column_name:
        columns: Sequence[str] = [error.diag.column_name]
    elif error.diag.constraint_name and error.diag.table_name:
        columns = _constrained(conn, error.diag)
    elif meaning(error.sqlstate).reading is Reading.VALUE:
        # The value itself, and the server does not say which: certain only when there is one.
        return written.pop() if len(written) == 1 else ""
    else:
        return ""
    fields = [field.name for field in sync.fields if field.column.name in columns and field.name in written]
    return fields[0] if len(fields) == 1 else ""


def _constrained(conn: Connection, diag: psycopg.errors.Diagnostic) -> list[str]:
    """The columns of the violated constraint or unique index."""
    rows = conn.execute(
        "SELECT a.attname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid"
        " WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attnum = ANY (coalesce("
        "  (SELECT k.conkey FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.conname = %(name)s),"
        "  (SELECT i.indkey::int2[] FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid"
        "   WHERE i.indrelid = c.oid AND x.relname = %(name)s)))",
        {"schema": diag.schema_name, "table": diag.table_name, "name": diag.constraint_name},
    ).fetchall()
    return [name for (name,) in rows]
