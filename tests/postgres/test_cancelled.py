"""A statement that the server cancels concerns one write: that one is tried again, and the others go on."""

from __future__ import annotations

from bridge.ends import Outcome
from tests.postgres.support import User, end_for, set_up, update


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
