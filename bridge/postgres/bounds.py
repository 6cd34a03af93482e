"""How many changes may wait in the outbox, and what the trigger does with one more.

A bridge that is away for a month must not fill the host's disk. When a statement's changes would make it more than
`outbox_max` that wait for a sync, the trigger notes none of them, and the bridge reads the whole table instead. A
sequence counts: it costs a transaction of the user's next to nothing, is never waited for, and shows its value of now
even to a transaction with an old snapshot.

Whether a change was left out must be known to whoever reads the table: not before the transaction that left it out has
ended. So that transaction holds a shared lock, and the bridge begins to count anew only in an instant in which nobody
holds it. Neither of them ever waits for the other: who does not get the lock notes the change, or tries again later.
"""

from __future__ import annotations

from textwrap import indent

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.connection import Connection
from bridge.postgres.names import SCHEMA, counter, lock_number

_LOCK_CLASS = 0x6E747066  # ours among the advisory locks of other programs ("ntpf"); see also lock.py

FULL = "more changes had come than may wait in the outbox (outbox_max)"

_COUNTER = """\
-- Counts the noted changes since the bridge last found none waiting.
CREATE SEQUENCE IF NOT EXISTS {counter} CACHE 1;
"""
_NO_COUNTER = "DROP SEQUENCE IF EXISTS {counter};\n"

_BOUNDED = """\
    -- As many changes wait as may: these are not noted, and the bridge reads the whole table. The bridge's own are
    -- noted all the same. The lock tells it that somebody left changes out who has not committed yet; under it nobody
    -- begins to count anew, so that the count, which is set beyond the limit, stays there.
    IF origin IS NULL AND coalesce(pg_sequence_last_value({counter_text}::regclass), 0) + changes > {limit} THEN
        BEGIN
            full_up := pg_try_advisory_xact_lock_shared({lock_class}, {lock_number});
            IF full_up THEN
                PERFORM setval({counter_text}::regclass, changes
                    + greatest({limit}, coalesce(pg_sequence_last_value({counter_text}::regclass), 0)));
            END IF;
        EXCEPTION WHEN OTHERS THEN
            full_up := false; -- no room for a lock: they are noted
        END;
        IF full_up THEN
{wake}            RETURN NULL;
        END IF;
    END IF;

"""

_COUNTED = """\
    -- An assignment, because a query costs more than drawing the number.
    IF origin IS NULL AND changes = 1 THEN
        counted := nextval({counter_text}::regclass);
    ELSIF origin IS NULL THEN
        counted := (SELECT max(nextval({counter_text}::regclass)) FROM generate_series(1, changes));
    END IF;
"""

# One statement, so that the lock is held for no longer than it runs, whatever becomes of the connection. It begins to
# count anew when everything was read, and only while nobody who left a change out is still at work; after an overflow
# only when told to forget it: until then it is the one trace of what was left out. The count is read under the lock: it
# may pass the limit at any moment before.
_COUNT_ANEW = sql.SQL("""
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock({lock_class}, {lock_number}) AS mine),
noted AS MATERIALIZED (
    SELECT pg_sequence_last_value({counter_text}::regclass) AS changes FROM turn WHERE mine
)
SELECT changes > {limit},
    CASE WHEN changes <= {limit} OR {forget} THEN setval({counter_text}::regclass, 1, false) END
FROM noted WHERE changes IS NOT NULL
""")


def bounded(sync: Sync, limit: int | None, wake: str) -> sql.Composable:
    """The part of a trigger function that leaves a change out; nothing where there is no limit."""
    if limit is None:
        return sql.SQL("")
    return sql.SQL(_BOUNDED).format(**_parts(sync, limit), wake=sql.SQL(indent(wake, " " * 8)))


def counted(sync: Sync, limit: int | None) -> sql.Composable:
    """The part of a trigger function that counts what it has noted; nothing where there is no limit."""
    return sql.SQL("") if limit is None else sql.SQL(_COUNTED).format(**_parts(sync, limit))


def make_counter(sync: Sync, limit: int | None) -> sql.Composable:
    """Makes the counter where there is a limit, and removes it where there is none."""
    name = sql.Identifier(SCHEMA, counter(sync.name))
    return sql.SQL(_NO_COUNTER if limit is None else _COUNTER).format(counter=name)


def overflowed(conn: Connection, sync: Sync, limit: int | None) -> bool:
    """To be called when no change waits; then counts anew, unless changes were left out. Answers whether they were, and
    all of them are committed by now: then the whole table is to be read, after `forget_overflow`."""
    return limit is not None and _count(conn, sync, limit, forget=False)


def forget_overflow(conn: Connection, sync: Sync, limit: int | None) -> None:
    """Counts anew: the journal has that the table is to be read. If somebody is leaving another change out at this very
    moment nothing is forgotten, and `overflowed` tells of it again when that is committed."""
    if limit is not None:
        _count(conn, sync, limit, forget=True)


def _count(conn: Connection, sync: Sync, limit: int, *, forget: bool) -> bool:
    row = conn.execute(_COUNT_ANEW.format(**_parts(sync, limit), forget=sql.Literal(forget))).fetchone()
    return row is not None and bool(row[0])


def left_out(conn: Connection, sync_name: str, limit: int | None) -> int:
    """How many changes were not noted since the bridge last found none waiting."""
    if limit is None:
        return 0
    name = sql.Identifier(SCHEMA, counter(sync_name)).as_string(None)
    [(changes,)] = conn.execute("SELECT pg_sequence_last_value(%s::regclass)", [name]).fetchall()
    return max(0, (changes or 0) - limit)


def _parts(sync: Sync, limit: int) -> dict[str, sql.Composable]:
    return {
        "counter_text": sql.Literal(sql.Identifier(SCHEMA, counter(sync.name)).as_string(None)),
        "limit": sql.Literal(limit),
        "lock_class": sql.Literal(_LOCK_CLASS),
        "lock_number": sql.Literal(lock_number(sync.name)),
    }
