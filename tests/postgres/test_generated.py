"""Generated columns. One that is virtual (PostgreSQL 18) is computed whenever it is read, and NULL in a trigger: the
capture, a scan, a look and the answer to a write tell the same value all the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.ends import Outcome
from bridge.errors import SetupError
from bridge.model import Sync
from bridge.postgres import open_connection, read_table
from bridge.postgres.rowfilter import check_filter
from tests.postgres.support import User, end_for, pair_of, set_up, update, waiting

DDL = """
CREATE SCHEMA other;
CREATE FUNCTION other.shout(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.upper($1) || chr(33)';
CREATE TABLE t (
    id int PRIMARY KEY,
    "new" int,
    title text,
    doubled bigint GENERATED ALWAYS AS ("new" * 2) {kind},
    loud text GENERATED ALWAYS AS ({loud} || ' -- %') {kind}
)
"""
LOUD = {
    "STORED": "other.shout(title)",
    "VIRTUAL": "upper(title) || chr(33)",
}  # a virtual one takes only what is built in
FIELDS = ("title", "doubled", "loud")


@pytest.fixture(params=LOUD)
def generated(request: pytest.FixtureRequest, database: str, user: User) -> Sync:
    kind: str = request.param
    if kind == "VIRTUAL" and user.info.server_version < 180_000:
        pytest.skip("PostgreSQL 18 is the first with virtual generated columns")
    return set_up(database, DDL.format(kind=kind, loud=LOUD[kind]), FIELDS, table="t")


def test_every_reading_tells_the_same(database: str, user: User, generated: Sync) -> None:
    user.execute("INSERT INTO t (id, \"new\", title) VALUES (1, 5, 'a')")
    user.execute('UPDATE t SET "new" = 6')
    user.execute("UPDATE t SET title = NULL")
    told = [event.values for event in waiting(database, generated)]
    assert told == [
        {"title": "a", "doubled": Decimal(10), "loud": "A! -- %"},
        {"title": "a", "doubled": Decimal(12), "loud": "A! -- %"},
        {"title": None, "doubled": Decimal(12), "loud": None},
    ]
    end = end_for(database, generated)
    scanned = [seen.values for batch in end.scan() for seen in batch.observations]
    assert [*scanned, *(seen.values for seen in end.look([pair_of(("1",))]))] == [told[-1]] * 2
    end.close()


def test_an_answer_shows_what_was_computed(database: str, user: User, generated: Sync) -> None:
    user.execute("INSERT INTO t (id, title) VALUES (1, 'a')")
    end = end_for(database, generated)
    [receipt] = end.apply([update(("1",), title=("a", "b"))])
    end.close()
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values["loud"] == "B! -- %"


def test_a_filter_over_a_virtual_column_is_refused(database: str, generated: Sync) -> None:
    with open_connection(database) as conn:
        check_filter(conn, generated.table, "title = 'a'")
        if generated.table.columns[-1].virtual:
            with pytest.raises(SetupError, match='column "doubled" does not exist') as raised:
                check_filter(conn, generated.table, "doubled > 3")
            assert "virtual" in raised.value.hint
        else:
            check_filter(conn, generated.table, "doubled > 3")


def test_another_expression_is_another_column(database: str, user: User, generated: Sync) -> None:
    if user.info.server_version < 170_000:
        pytest.skip("PostgreSQL 17 is the first that changes the expression of a column")
    end = end_for(database, generated)
    assert not end.drifted()
    user.execute('ALTER TABLE t ALTER COLUMN doubled SET EXPRESSION AS ("new" * 3)')
    assert end.drifted()
    end.close()
    with open_connection(database) as conn:
        assert [column.expression for column in read_table(conn, "t").columns[3:4]] == ["(new * 3)"]
