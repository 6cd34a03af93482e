"""Writes that cannot be made now: somebody holds the row, the statement is cancelled, the server takes none. Each is
tried again, and holds up no other."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from bridge.ends import Blame, Outcome, Receipt
from bridge.errors import Unavailable
from bridge.postgres.connection import Limits
from bridge.postgres.writer import RowWriter
from tests.postgres.support import AloneSession, User, end_for, eventually, set_up, update


def test_the_guard_waits_for_a_writer(database: str, user: User) -> None:
    """The row is compared after its lock is had, not before."""
    session, sync = AloneSession(database), set_up(database)
    writer = RowWriter(session, sync, patience=60_000)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    receipts: list[Receipt] = []
    with user.transaction():
        user.execute("UPDATE tasks SET title = 'theirs'")
        thread = threading.Thread(target=lambda: receipts.extend(writer.apply([update(("1",), title=("a", "b"))])))
        thread.start()
        eventually(
            lambda: user.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None,
            "the bridge waits for the row",
        )
    thread.join()
    assert [receipt.outcome for receipt in receipts] == [Outcome.STALE]
    session.close()


def test_a_row_that_is_busy_time_and_again_is_waited_for_longer(database: str, user: User) -> None:
    session, sync = AloneSession(database), set_up(database)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    receipts: list[Receipt] = []
    write = replace(update(("1",), title=("a", "b")), attempts=5)
    with user.transaction():
        user.execute("SELECT FROM tasks FOR UPDATE")
        thread = threading.Thread(
            target=lambda: receipts.extend(RowWriter(session, sync, patience=1000).apply([write]))
        )
        thread.start()
        eventually(
            lambda: user.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None,
            "the bridge waits for the row",
        )
        user.execute("SELECT pg_sleep(1.5)")
    thread.join()
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE]
    session.close()


def test_busy_rows_are_tried_later_and_keep_nobody_waiting(database: str, user: User) -> None:
    """The session's own patience would be 60 seconds for each of them."""
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title) SELECT 'a' FROM generate_series(1, 40)")
    session = AloneSession(database, limits=Limits(lock=60))
    with user.transaction():
        user.execute("SELECT FROM tasks WHERE id < 40 FOR UPDATE")
        writes = [update((str(number),), title=("a", "b")) for number in range(1, 41)]
        receipts = list(RowWriter(session, sync).apply(writes))
    assert {(receipt.outcome, receipt.blame) for receipt in receipts[:-1]} == {(Outcome.RETRY, Blame.SIDE)}, (
        "no record is given up for a lock"
    )
    assert receipts[-1].outcome is Outcome.DONE
    session.close()


def test_a_write_that_met_a_read_only_server_reaches_the_primary_afterwards(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute(f"ALTER DATABASE {user.info.dbname} SET default_transaction_read_only = on".encode())
    session = AloneSession(database)
    writer, write = RowWriter(session, sync), update(("1",), title=("a", "b"))
    with pytest.raises(Unavailable, match="read-only"):
        list(writer.apply([write]))
    user.execute(f"ALTER DATABASE {user.info.dbname} RESET default_transaction_read_only".encode())
    assert [receipt.outcome for receipt in writer.apply([write])] == [Outcome.DONE]
    session.close()


def test_a_write_that_was_cancelled_holds_up_no_other(database: str, user: User) -> None:
    """As by statement_timeout: a trigger of the table may take its time with this row."""
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title) VALUES ('slow'), ('quick')")
    user.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled';
        END $$""")
    user.execute("CREATE TRIGGER slow BEFORE UPDATE ON tasks FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION slow()")
    end = end_for(database, sync)
    receipts = list(end.apply([update(("1",), title=("slow", "new")), update(("2",), title=("quick", "new"))]))
    assert [receipt.outcome for receipt in receipts] == [Outcome.RETRY, Outcome.DONE]
    end.close()
