"""The feed. Nothing that was committed is lost, whatever the order of commits; a scan is one instant; a look is
the truth."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from bridge.ends import Batch, Evidence, Observation
from bridge.engine.binding import means_the_same
from bridge.errors import AccessLost, SetupError, Stopped
from bridge.model import Key, Presence
from bridge.postgres import PostgresEnd, grants_sql, install, open_connection, read_table, table_sequences, uninstall
from bridge.postgres.reader import look, read_rows
from bridge.postgres.wire import Row
from tests.postgres.support import User, end_for, pair_of, set_up, sync_for, taken


@pytest.fixture
def end(database: str) -> Iterator[PostgresEnd]:
    end = end_for(database, set_up(database))
    yield end
    end.close()


def titles(batch: Batch) -> list[object]:
    return [event.values["title"] for event in batch.observations]


def test_a_late_commit_with_an_early_number(end: PostgresEnd, users: Callable[[], User]) -> None:
    slow, quick = users(), users()
    slow.execute("INSERT INTO tasks (title) VALUES ('slow')")
    quick.execute("INSERT INTO tasks (title) VALUES ('quick')")
    quick.commit()
    first = taken(end)
    slow.commit()
    second = taken(end)
    assert (titles(first), titles(second)) == (["quick"], ["slow"])
    assert second.observations[0].position is not None
    assert first.observations[0].position is not None
    assert second.observations[0].position < first.observations[0].position


@pytest.mark.parametrize("commits", list(itertools.permutations(range(3))))
def test_every_order_of_commits(end: PostgresEnd, users: Callable[[], User], commits: tuple[int, ...]) -> None:
    sessions = [users() for _ in range(3)]
    for number, session in enumerate(sessions):
        session.execute("INSERT INTO tasks (title) VALUES (%s)", [f"first {number}"])
    for number, session in enumerate(sessions):
        session.execute("INSERT INTO tasks (title) VALUES (%s)", [f"second {number}"])
    found: list[object] = []
    for number in commits:
        sessions[number].commit()
        batch = taken(end)
        assert titles(batch) == [f"first {number}", f"second {number}"]
        found += titles(batch)
    assert len(found) == len(set(found)) == 6


def test_changes_of_one_row_come_in_order(end: PostgresEnd, user: User, users: Callable[[], User]) -> None:
    """The transaction that began first writes last: ordering by transaction would end on the older value."""
    user.execute("INSERT INTO tasks (title) VALUES ('0')")
    early = users()
    early.execute("SELECT pg_current_xact_id()")
    user.execute("UPDATE tasks SET title = '1'")
    early.execute("UPDATE tasks SET title = '2'")
    early.commit()
    assert titles(taken(end)) == ["0", "1", "2"]


def test_what_is_not_acknowledged_comes_again(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    first = end.changes()
    user.execute("INSERT INTO tasks (title) VALUES ('b')")
    again = end.changes()
    assert first.observations[0].event_id == again.observations[0].event_id
    end.acknowledge(first)  # only what was in it
    assert titles(end.changes()) == ["b"]


def test_changes_of_one_number_are_told_apart(end: PostgresEnd, user: User) -> None:
    """Numbers come again after a restore or a setval; what passes for a change that was read already is lost."""
    found: list[Observation] = []
    for title in ("a", "b"):
        user.execute("INSERT INTO tasks (title) VALUES (%s)", [title])
        found += taken(end).observations
        user.execute("ALTER TABLE notion_bridge.outbox ALTER COLUMN id RESTART")
    assert [event.position for event in found] == [1, 1]
    assert found[0].event_id != found[1].event_id


def test_backlog(end: PostgresEnd, user: User) -> None:
    assert end.backlog().changes == 0
    user.execute("INSERT INTO tasks (title) SELECT 'x' FROM generate_series(1, 1500)")
    waiting = end.backlog()
    assert waiting.changes == 1500
    assert waiting.oldest is not None
    batch = end.changes()
    assert batch.more
    assert len(batch.observations) == 1000
    assert waiting.oldest == batch.observations[0].stamp.earliest  # type: ignore[union-attr]


def test_a_full_batch_tells_that_there_may_be_more(end: PostgresEnd, user: User) -> None:
    user.execute("""
        DO $$ BEGIN FOR i IN 1..1001 LOOP INSERT INTO tasks (title) VALUES ('x'); END LOOP; END $$""")
    for count, more in ((1000, True), (1, False)):
        batch = taken(end)
        assert (len(batch.observations), batch.more) == (count, more)


def test_scan_is_one_instant(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) SELECT 'old' FROM generate_series(1, 2500)")
    taken(end)
    scan = end.scan()
    events = next(scan)
    assert events.token is not None
    user.execute("DELETE FROM tasks WHERE id > 10")
    user.execute("INSERT INTO tasks (title) VALUES ('new')")
    end.acknowledge(events)
    rest = list(scan)
    events_seen = [*events.observations, *(seen for batch in rest if batch.token for seen in batch.observations)]
    rows = [seen for batch in rest if not batch.token for seen in batch.observations]
    assert len(events_seen) == 1500
    assert [seen.key for seen in rows] == [(str(number),) for number in range(1, 2501)]
    assert {seen.evidence for seen in rows} == {Evidence.SCAN}
    assert all(seen.seen is not None for seen in rows)


PARTS = """
CREATE TABLE t (id int PRIMARY KEY, s text) PARTITION BY RANGE (id);
CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t_high (id int PRIMARY KEY, s text);
INSERT INTO t_high VALUES (11, 'with it');
"""


@pytest.mark.parametrize(
    "how",
    [
        "ALTER TABLE t ATTACH PARTITION t_high FOR VALUES FROM (10) TO (20)",
        "ALTER TABLE t DETACH PARTITION t_low",
        "DROP TABLE t_low",
        "ALTER TABLE t DISABLE TRIGGER ALL",
        "ALTER TABLE t_low DISABLE TRIGGER ALL; ALTER TABLE t_low ENABLE TRIGGER ALL",
    ],
)
def test_what_no_trigger_tells_is_found_by_looking(database: str, user: User, how: str) -> None:
    sync = set_up(database, PARTS, ("s",), table="t")
    end = end_for(database, sync)
    assert not end.drifted()
    user.execute(how.encode())
    assert end.drifted()
    with open_connection(database) as conn:
        now = sync_for(read_table(conn, "t"), ("s",))
        repaired = install(conn, now)
    assert repaired == ("TRIGGER" in how)
    assert means_the_same(sync, now) == repaired, "else its rows are read again for that"
    end.adopt(now)
    assert not end.drifted()
    end.close()


@pytest.mark.parametrize(
    "how",
    [
        "DROP COLUMN done, ADD COLUMN done boolean",
        "DROP COLUMN done",
        "DROP COLUMN id, ADD COLUMN id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    ],
)
def test_changes_wait_when_a_column_is_not_the_one_that_was_bound(end: PostgresEnd, user: User, how: str) -> None:
    """The trigger goes by names: in a column that was made anew nobody has emptied anything."""
    user.execute("INSERT INTO tasks (title, done) VALUES ('one', true)")
    taken(end)
    user.execute(f"ALTER TABLE tasks {how}".encode())
    user.execute("UPDATE tasks SET title = 'two'")
    batch = end.changes()
    assert (batch.observations, batch.token) == ((), None)
    assert "dropped, or made anew" in batch.reread
    assert end.drifted()
    assert end.changes().reread, "nothing was taken"


def test_a_table_whose_column_was_made_anew_is_not_read_with_the_old_binding(database: str, user: User) -> None:
    """Seed 338 of the worlds (of 100 steps): every row looked as if somebody had emptied it."""
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title, due) VALUES ('a', '2026-01-01')")
    user.execute("ALTER TABLE tasks DROP COLUMN due")
    user.execute("ALTER TABLE tasks ADD COLUMN due date")
    end = end_for(database, sync)
    with pytest.raises(SetupError, match="dropped, or made anew"):
        list(end.scan())
    end.close()


def test_an_abandoned_scan_lets_go(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) SELECT 'x' FROM generate_series(1, 10)")
    scan = end.scan()
    next(scan)
    scan.close()  # type: ignore[attr-defined]
    open_transactions = user.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    ).fetchone()
    assert open_transactions == (0,)


def test_a_stop_ends_a_scan(database: str, user: User) -> None:
    stop = threading.Event()
    end = end_for(database, set_up(database), stop=stop)
    user.execute("INSERT INTO tasks (title) SELECT 'x' FROM generate_series(1, 2500)")
    scan = end.scan()
    next(scan)
    stop.set()
    with pytest.raises(Stopped):
        next(scan)
    end.close()


def test_scan_leaves_out_inheriting_tables(database: str, user: User) -> None:
    sync = set_up(database, "CREATE TABLE t (id int PRIMARY KEY, s text)", ("s",), table="t")
    user.execute("CREATE TABLE heir () INHERITS (t)")
    user.execute("INSERT INTO t VALUES (1, 'ours')")
    user.execute("INSERT INTO heir VALUES (2, 'not captured')")
    end = end_for(database, sync)
    taken(end)
    assert [seen.key for batch in end.scan() for seen in batch.observations] == [("1",)]
    assert end.look([pair_of(("2",))])[0].presence is Presence.GONE
    end.close()


def test_a_look_does_not_read_a_column_that_was_made_anew(end: PostgresEnd, user: User) -> None:
    """It is empty, which nobody has done to its rows."""
    user.execute("INSERT INTO tasks (title, done) VALUES ('one', true)")
    user.execute("ALTER TABLE tasks DROP COLUMN done, ADD COLUMN done boolean")
    with pytest.raises(SetupError, match="dropped, or made anew"):
        end.look([pair_of(("1",))])


def test_a_look_does_not_read_a_column_that_is_made_anew_meanwhile(
    end: PostgresEnd, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.execute("INSERT INTO tasks (title, done) VALUES ('a', true)")

    def after_a_migration(*arguments: Any) -> list[Observation]:
        user.execute("ALTER TABLE tasks DROP COLUMN done, ADD COLUMN done boolean")
        return look(*arguments)

    monkeypatch.setattr("bridge.postgres.end.look", after_a_migration)
    with pytest.raises(SetupError, match="dropped, or made anew"):
        end.look([pair_of(("1",))])


def test_what_is_read_was_so_when_the_reading_began(
    end: PostgresEnd, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told as of later, an edit of the meantime would count as younger than it is, or as already seen."""

    def now() -> datetime:
        [(moment,)] = user.execute("SELECT clock_timestamp()").fetchall()
        assert isinstance(moment, datetime)
        return moment

    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    scan = end.scan()
    next(scan)
    read_at = [now()]
    seen = [one for batch in scan for one in batch.observations if one.evidence is Evidence.SCAN]

    def read(*arguments: Any) -> dict[Key, Row]:
        rows = read_rows(*arguments)
        read_at.append(now())
        return rows

    monkeypatch.setattr("bridge.postgres.reader.read_rows", read)
    seen += end.look([pair_of(("1",))])
    assert [one.seen is not None and one.seen <= moment for one, moment in zip(seen, read_at, strict=True)] == [
        True
    ] * 2


def test_look_answers_in_order(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 1200) AS n")
    keys = [str(number) for number in (1200, 5, 77777, 5)]
    many = [str(number) for number in range(1, 1201)]
    pairs = [*(pair_of((key,)) for key in keys), pair_of(None), *(pair_of((key,)) for key in many)]
    looks = end.look(pairs)
    assert [seen.values.get("title") for seen in looks[:4]] == ["task 1200", "task 5", None, "task 5"]
    assert looks[2].presence is Presence.GONE
    assert looks[4].presence is Presence.UNSEEN
    assert [seen.key for seen in looks[5:]] == [(key,) for key in many]


def test_look_survives_an_impossible_key(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a'), ('b'), ('c')")
    pairs = [pair_of((key,)) for key in ("1", "not a number", "2", "99999999999999999999", "3")]
    assert [seen.presence.value for seen in end.look(pairs)] == ["live", "gone", "live", "gone", "live"]


def test_a_look_finds_the_record_and_not_the_row_that_has_its_key_now(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (id, title) VALUES (1, 'one'), (2, 'two')")
    taken(end)
    user.execute("UPDATE tasks SET id = 9 WHERE id = 2")
    user.execute("UPDATE tasks SET id = 2 WHERE id = 1")
    shown = [(seen.key, seen.old_key, seen.values["title"]) for seen in end.look([pair_of(("1",)), pair_of(("2",))])]
    assert shown == [(("2",), ("1",), "one"), (("9",), ("2",), "two")]


def test_a_key_of_other_columns_is_no_row_s(end: PostgresEnd, user: User) -> None:
    """The file may name other key columns than those of before."""
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    assert [seen.presence.value for seen in end.look([pair_of(("1", "a")), pair_of(("1",))])] == ["gone", "live"]


def test_a_record_whose_key_changed_is_not_gone(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (id, title) VALUES (1, 'a'), (2, 'b')")
    taken(end)
    user.execute("UPDATE tasks SET id = 5 WHERE id = 1")
    user.execute("UPDATE tasks SET id = 9 WHERE id = 5")
    user.execute("DELETE FROM tasks WHERE id = 2")
    moved, gone = end.look([pair_of(("1",)), pair_of(("2",))])
    assert (moved.presence, moved.key, moved.old_key) == (Presence.LIVE, ("9",), ("1",))
    assert (gone.presence, gone.key) == (Presence.GONE, ("2",))


def test_composite_and_odd_names(database: str, user: User) -> None:
    ddl = 'CREATE TABLE "100 % {}" ("a%s" int, "b{}" text, "v%" text, PRIMARY KEY ("a%s", "b{}"))'
    sync = set_up(database, ddl, ("v%",), table='"100 % {}"')
    user.execute("""INSERT INTO "100 % {}" VALUES (1, 'x', 'one'), (1, 'y', 'two')""")
    end = end_for(database, sync)
    taken(end)
    assert [seen.key for batch in end.scan() for seen in batch.observations] == [("1", "x"), ("1", "y")]
    looks = end.look([pair_of(("1", "y")), pair_of(("2", "y"))])
    assert [seen.values.get("v%") for seen in looks] == ["two", None]
    end.close()


def test_hidden_rows_are_an_error_not_an_absence(database: str, user: User, role: str) -> None:
    """A scan under row-level security would otherwise look like a mass deletion."""
    sync = set_up(database)
    user.execute("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY")
    user.execute(grants_sql(role, [sync.table], table_sequences(user, [sync.table])).encode())
    end = end_for(make_conninfo(database, user=role), sync)
    with pytest.raises(AccessLost, match="row-level security") as caught:
        list(end.scan())
    assert "BYPASSRLS" in caught.value.hint
    end.close()


def test_the_clock_is_sampled(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    (event,) = taken(end).observations
    now = end._sessions._clock.now()
    assert end._sessions._clock.postgres.known
    assert now.latest - now.earliest < timedelta(seconds=5)
    assert event.stamp is not None
    assert event.stamp.earliest <= now.latest


def test_an_uninstalled_bridge_says_so(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("DROP SCHEMA notion_bridge CASCADE")
    end = end_for(database, sync)
    with pytest.raises(SetupError, match="missing"):
        end.changes()
    end.close()


def test_identity_changes_with_a_table_that_was_made_anew(database: str, user: User) -> None:
    """As by a dump that is restored into the same database, which brings the installation's own mark along."""
    end = end_for(database, set_up(database))
    before = end.identity()
    end.close()
    user.execute("DROP TABLE tasks")
    end = end_for(database, set_up(database))
    assert end.identity() != before
    end.close()


def test_the_identity_names_the_timeline(end: PostgresEnd, user: User) -> None:
    """A replica that is promoted begins one, and may lack what the bridge has seen; all the rest of it is the same."""
    [(timeline,)] = user.execute("SELECT lpad(to_hex(timeline_id), 8, '0') FROM pg_control_checkpoint()").fetchall()
    assert timeline.upper() in end.identity().split("/")


def test_identity_changes_with_a_new_installation(database: str, user: User) -> None:
    sync = set_up(database)
    end = end_for(database, sync)
    before = end.identity()
    assert end.identity() == before
    user.execute("DROP TRIGGER notion_bridge_rows_tasks ON tasks")
    with open_connection(database) as conn:
        assert install(conn, sync)
        assert end.identity() == before
        uninstall(conn, None)
        assert install(conn, sync)
    assert end.identity() != before
    end.close()
