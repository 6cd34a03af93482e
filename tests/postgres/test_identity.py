"""Another database behind the same address, as after a failover: nothing is read from it or written into it before it
was recognised."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.ends import Outcome
from bridge.errors import Replaced, Unavailable
from bridge.postgres import PostgresEnd
from tests.postgres.support import User, end_for, pair_of, set_up, update

USES: dict[str, Callable[[PostgresEnd], object]] = {
    "changes": lambda end: end.changes(),
    "scan": lambda end: list(end.scan()),
    "look": lambda end: end.look([pair_of(("1",))]),
    "drifted": lambda end: end.drifted(),
    "apply": lambda end: list(end.apply([update(("1",), title=("a", "b"))])),
    "trim": lambda end: end.trim(["00000000-0000-4000-8000-000000000001"]),
}


def cut(user: User) -> None:
    """Ends every connection of the bridge."""
    user.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


def replace_it(user: User) -> None:
    """The database has another mark from now on, and every connection to the old one is lost."""
    user.execute("UPDATE notion_bridge.installation SET id = gen_random_uuid()")
    cut(user)


def prepared(database: str, user: User) -> PostgresEnd:
    """An end with all its connections, in a database that it has recognised, and that is another one by now."""
    end = end_for(database, set_up(database))
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    end.identity()
    end.take_lock()
    assert end.changes().observations
    replace_it(user)
    # Each of these finds that its connection is lost.
    for use in (end.backlog, end.take_lock):
        with pytest.raises(Unavailable):
            use()
    return end


@pytest.mark.parametrize("use", USES)
def test_another_database_is_not_used_before_it_is_recognised(database: str, user: User, use: str) -> None:
    end = prepared(database, user)
    for _ in range(2):
        with pytest.raises(Replaced, match="another database than before") as raised:
            USES[use](end)
        assert "compared" in raised.value.hint
    assert user.execute("SELECT title FROM tasks").fetchall() == [("a",)]
    end.identity()
    USES[use](end)
    end.close()


def test_the_outbox_of_another_database_is_not_acknowledged(database: str, user: User) -> None:
    """What was read from the old one says nothing of what waits in the new one, whatever number it bears."""
    end = end_for(database, set_up(database))
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    end.identity()
    batch = end.changes()
    end.take_lock()
    replace_it(user)
    with pytest.raises(Unavailable):
        end.take_lock()
    with pytest.raises(Replaced):
        end.acknowledge(batch)
    assert user.execute("SELECT count(*) FROM notion_bridge.outbox").fetchone() == (1,)
    end.close()


def test_a_connection_that_has_not_noticed_its_loss_is_in_nobodys_way(database: str, user: User) -> None:
    end = end_for(database, set_up(database))
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    end.identity()
    end.take_lock()
    replace_it(user)
    with pytest.raises(Unavailable):
        end.changes()
    end.identity()
    write = update(("1",), title=("a", "b"))
    with pytest.raises(Replaced):  # the writing session's turn comes only now
        list(end.apply([write]))
    assert [receipt.outcome for receipt in end.apply([write])] == [Outcome.DONE]
    end.close()


def test_what_became_of_a_write_is_asked_of_any_database(database: str, user: User) -> None:
    """It must be known before the other database can be recognised: what that does not have was not written."""
    end = prepared(database, user)
    assert end.find_out(update(("1",), title=("a", "b"))).outcome is Outcome.RETRY
    end.close()


def test_a_connection_that_was_lost_and_leads_to_the_same_database_is_used(database: str, user: User) -> None:
    end = end_for(database, set_up(database))
    end.identity()
    cut(user)
    with pytest.raises(Unavailable):
        end.changes()
    assert not end.changes().reread
    end.close()
