"""How many changes wait in the outbox: whom the trigger wakes, and what it does with more than may.

A bridge that is away for a month must not fill the host's disk. When a statement's changes would make it more than
`outbox_max` that wait for a sync, the trigger notes none of them, and the bridge reads the whole table instead. A
sequence counts: it costs a transaction of the user's next to nothing, is never waited for, and shows its value of now
even to a transaction with an old snapshot.

Whether a change was left out must be known to whoever reads the table: not before the transaction that left it out has
ended. So that transaction holds a shared lock, and the bridge begins to count anew only in an instant in which nobody
holds it. Neither of them ever waits for the other: who does not get the lock notes the change, or tries again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.connection import Connection
from bridge.postgres.names import CHANNEL, SCHEMA, counter, lock_number

_LOCK_CLASS = 0x6E747066  # ours among the advisory locks of other programs ("ntpf"); see also lock.py

FULL = "more changes had come than may wait in the outbox (outbox_max)"

_COUNTER = """\
-- Counts the noted changes since the bridge last found none waiting.
CREATE SEQUENCE IF NOT EXISTS {counter} CACHE 1;
"""

# Drawn before the change is noted: one call tells whether there is room, and whether the bridge is to be woken. An
# assignment, because a query costs more than drawing the number.
_COUNTED = """\
    IF origin IS NULL AND changes = 1 THEN
        counted := nextval({counter_text}::regclass);
    ELSIF origin IS NULL THEN
        counted := (SELECT min(nextval({counter_text}::regclass)) FROM generate_series(1, changes));
    END IF;
"""

_BOUNDED = """\
    -- As many changes wait as may: these are not noted, and the bridge reads the whole table. The bridge's own are
    -- noted all the same. The lock tells it that somebody left changes out who has not committed yet; under it nobody
    -- begins to count anew, so that the count, which is set beyond the limit, stays there.
    IF counted + changes - 1 > {limit} THEN
        BEGIN
            full_up := pg_try_advisory_xact_lock_shared({lock_class}, {lock_number});
            IF full_up THEN
                PERFORM setval({counter_text}::regclass,
                    greatest({limit} + changes, pg_sequence_last_value({counter_text}::regclass)));
            END IF;
        EXCEPTION WHEN OTHERS THEN
            full_up := false; -- no room for a lock: they are noted
        END;
        IF full_up THEN
{wake}            RETURN NULL;
        END IF;
    END IF;
"""

# A transaction with a NOTIFY commits alone: the server takes a lock for the whole cluster, and keeps it until the
# commit is on the disk. So only the first change that is noted after the bridge has found none waiting wakes it.
# Whoever comes later is found by that look; or, when he commits after it, by the next, which comes soon.
_WAKE = """\
    IF counted = 1 OR origin IS NOT NULL THEN
        PERFORM pg_notify({channel}, '');
    END IF;
"""

# One statement, so that the lock is held for no longer than it runs, whatever becomes of the connection. It begins to
# count anew when everything was read, and only while nobody who left a change out is still at work; after an overflow
# only when told to forget it: until then it is the one trace of what was left out. The count is read under the lock: it
# may pass the limit at any moment before.
#
# Anew from nothing, so that the next change wakes the bridge; or from one, where so many come that it would be woken
# without end: it looks again soon without that.
_COUNT_ANEW = sql.SQL("""
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock({lock_class}, {lock_number}) AS mine),
noted AS MATERIALIZED (
    SELECT pg_sequence_last_value({counter_text}::regclass) AS changes FROM turn WHERE mine
)
SELECT changes, CASE WHEN changes <= {limit} OR {forget}
    THEN setval({counter_text}::regclass, 1, changes <= {limit} AND changes > {few}) END
FROM noted WHERE changes IS NOT NULL
""")
_FEW = 10  # changes since the last look that are no load
_NO_LIMIT = 2**63 - 1


def counted(sync: Sync, limit: int | None, *, notify: bool) -> sql.Composable:
    """The part of a trigger function that counts what it is about to note, and leaves it out where there is no room;
    nothing where there is neither a limit nor anybody to wake."""
    parts: sql.Composable = sql.SQL("")
    if notify or limit is not None:
        parts += sql.SQL(_COUNTED).format(**_parts(sync, limit))
    if limit is not None:
        loud = sql.SQL(indent(_WAKE, " " * 8)).format(channel=sql.Literal(CHANNEL)) if notify else sql.SQL("")
        parts += sql.SQL(_BOUNDED).format(**_parts(sync, limit), wake=loud)
    return parts


def wake(*, notify: bool) -> sql.Composable:
    """The part of a trigger function that wakes the bridge."""
    return sql.SQL(_WAKE).format(channel=sql.Literal(CHANNEL)) if notify else sql.SQL("")


def make_counter(sync: Sync) -> sql.Composable:
    """Makes the counter."""
    return sql.SQL(_COUNTER).format(counter=sql.Identifier(SCHEMA, counter(sync.name)))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many changes were noted since the last look that found none waiting, and whether others were left out."""

    changes: int
    overflowed: bool


def count_anew(conn: Connection, sync: Sync, limit: int | None, *, calm: bool) -> Counted:
    """To be called when no change waits: begins to count anew, unless changes were left out and all of them are
    committed by now. Then the whole table is to be read, after `forget_overflow`.

    `calm`: the look before has found none, either, so that the next change may wake the bridge.
    """
    changes = _count(conn, sync, limit, few=_NO_LIMIT if calm else _FEW)
    return Counted(changes, changes > (_NO_LIMIT if limit is None else limit))


def forget_overflow(conn: Connection, sync: Sync, limit: int | None) -> None:
    """Counts anew: the journal has that the table is to be read. If somebody is leaving another change out at this very
    moment nothing is forgotten, and `count_anew` tells of it again when that is committed."""
    if limit is not None:
        _count(conn, sync, limit, few=_FEW, forget=True)


def _count(conn: Connection, sync: Sync, limit: int | None, *, few: int, forget: bool = False) -> int:
    query = _COUNT_ANEW.format(**_parts(sync, limit), few=sql.Literal(few), forget=sql.Literal(forget))
    row = conn.execute(query).fetchone()
    return 0 if row is None else int(row[0])


def left_out(conn: Connection, sync_name: str, limit: int | None) -> int:
    """How many changes were not noted since the bridge last found none waiting."""
    if limit is None:
        return 0
    name = sql.Identifier(SCHEMA, counter(sync_name)).as_string(None)
    [(changes,)] = conn.execute("SELECT pg_sequence_last_value(%s::regclass)", [name]).fetchall()
    return max(0, (changes or 0) - limit)


def _parts(sync: Sync, limit: int | None) -> dict[str, sql.Composable]:
    return {
        "counter_text": sql.Literal(sql.Identifier(SCHEMA, counter(sync.name)).as_string(None)),
        "limit": sql.Literal(_NO_LIMIT if limit is None else limit),
        "lock_class": sql.Literal(_LOCK_CLASS),
        "lock_number": sql.Literal(lock_number(sync.name)),
    }
