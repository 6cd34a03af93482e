"""The statements of the writer, for one sync. Values are placeholders, sent as literals without a type."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.names import source, table_name
from bridge.postgres.wire import in_query, key_expression, key_is, values_expression
from bridge.shapes import Column

# How long this transaction waits for a lock.
LOCK_PATIENCE = "SELECT set_config('lock_timeout', %s, true)"

# Stores the proof, and marks all that follows in the transaction as ours.
BEGIN_PROOF = (
    "INSERT INTO notion_bridge.applied (intent, sync) SELECT %s, %s FROM set_config('notion_bridge.origin', %s, true)"
)

# The key as written, for those who must find the row again after an ambiguous COMMIT; and the page it was made for.
NOTE_KEY = "UPDATE notion_bridge.applied SET key = %s, page = %s WHERE intent = %s"

# Our echo: the last outbox row of the written record. The user's AFTER triggers may have changed the row again
# after our statement returned it, so this is its final state; what they changed in other rows has our origin, too,
# but another key.
ECHO = (
    'SELECT o.id, o.at, o.key, o."values", o.op FROM notion_bridge.outbox AS o'
    " JOIN notion_bridge.applied AS a ON a.intent = o.origin AND a.key = o.key"
    " WHERE o.origin = %s AND o.sync = %s ORDER BY o.id DESC LIMIT 1"
)

# A key that somebody typed into Notion would later be handed out again by the column's sequence, and then the
# user's own INSERT would fail. nextval() cannot set the sequence back while others draw from it; a long way is
# gone by setval(), for which nobody can draw that many numbers in between. NULL where a long way would leave less
# than a hundredth of all numbers: somebody typed one like 2147483647, and soon no INSERT would get one any more.
ADVANCE_SEQUENCE = """
SELECT CASE
    WHEN behind.numbers > 1000 AND behind.is_last_hundredth THEN NULL
    WHEN behind.numbers <= 1000 AND behind.step = 1
        THEN (SELECT max(drawn.number) FROM (
            SELECT nextval(behind.sequence) AS number FROM generate_series(1, behind.numbers)
        ) AS drawn)
    ELSE setval(behind.sequence, behind.target)
END
FROM (
    SELECT
        owned.sequence, wanted.target, s.seqincrement AS step,
        wanted.target - drawn.last AS numbers,
        NOT s.seqcycle AND s.seqmax - wanted.target < (s.seqmax::numeric - s.seqmin) / 100 AS is_last_hundredth
    FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) AS owned
    JOIN pg_sequence AS s ON s.seqrelid = owned.sequence AND s.seqincrement > 0
    CROSS JOIN LATERAL (SELECT coalesce(pg_sequence_last_value(owned.sequence), s.seqstart - 1) AS last) AS drawn
    CROSS JOIN (SELECT %s::bigint AS target) AS wanted
) AS behind
WHERE behind.numbers > 0
"""

_COUNTED = {"smallint", "integer", "bigint"}


class Statements:
    """Every statement returns the row as (key, values, key as text, time of the statement)."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._source = in_query(source(sync.table))
        self._where = key_is(sync, "r")
        key = in_query(key_expression(sync, "r"))
        self._row = sql.SQL("{}, {}, {}::text, statement_timestamp()").format(
            key, in_query(values_expression(sync, "r")), key
        )

    def lock(self, *, deleting: bool) -> sql.Composed:
        """The row as it is now, kept so. An update locks it no harder than it must: not against foreign keys."""
        strength = sql.SQL("UPDATE" if deleting else "NO KEY UPDATE")
        return sql.SQL("SELECT {} FROM {} AS r WHERE {} FOR {}").format(self._row, self._source, self._where, strength)

    def update(self, columns: Sequence[str]) -> sql.Composed:
        assignments = [sql.SQL("{} = %s").format(_name(column)) for column in columns]
        return self._update(assignments)

    def revive(self, columns: Sequence[str], tombstone: Column) -> sql.Composed:
        """An update that also takes the tombstone away."""
        assignments = [sql.SQL("{} = %s").format(_name(column)) for column in columns]
        return self._update([*assignments, sql.SQL("{} = NULL").format(_name(tombstone.name))])

    def bury(self, tombstone: Column) -> sql.Composed:
        """The deletion of `deletes = "column:..."`: the row stays, marked."""
        return self._update([sql.SQL("{} = now()").format(_name(tombstone.name))])

    def delete(self) -> sql.Composed:
        return sql.SQL("DELETE FROM {} AS r WHERE {} RETURNING {}").format(self._source, self._where, self._row)

    def insert(self, columns: Sequence[str]) -> sql.Composed:
        into = sql.SQL("INSERT INTO {} AS r").format(in_query(table_name(self._sync.table)))
        if not columns:
            return sql.SQL("{} DEFAULT VALUES RETURNING {}").format(into, self._row)
        # A column GENERATED ALWAYS AS IDENTITY takes no value otherwise; for the others it means nothing.
        return sql.SQL("{} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) RETURNING {}").format(
            into,
            sql.SQL(", ").join(map(_name, columns)),
            sql.SQL(", ").join([sql.SQL("%s")] * len(columns)),
            self._row,
        )

    def sequences(self, key: Sequence[str]) -> list[tuple[str, str, str]]:
        """The parameters of ADVANCE_SEQUENCE for each key column that counts by itself."""
        table = table_name(self._sync.table).as_string(None)
        return [
            (table, column.name, part)
            for column, part in zip(self._sync.key, key, strict=True)
            if column.has_default and column.type_name in _COUNTED
        ]

    def _update(self, assignments: Sequence[sql.Composed]) -> sql.Composed:
        return sql.SQL("UPDATE {} AS r SET {} WHERE {} RETURNING {}").format(
            self._source, sql.SQL(", ").join(assignments), self._where, self._row
        )


def _name(column: str) -> sql.SQL:
    return in_query(sql.Identifier(column))
