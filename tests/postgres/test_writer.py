"""The writer. It changes only what it was told to, never over something that the merge has not seen; a refusal names
its reason and, where it is known, the field."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import cast

import pytest
from psycopg.conninfo import make_conninfo

from bridge.ends import Blame, Evidence, Intent, Outcome, Receipt
from bridge.errors import AccessLost, Unavailable
from bridge.model import Codec, FieldValue, Presence, Value
from bridge.postgres import PostgresEnd, grants_sql, table_sequences
from tests.postgres.support import (
    User,
    create,
    delete,
    end_for,
    pair_of,
    set_up,
    taken,
    update,
)


@pytest.fixture
def end(database: str) -> Iterator[PostgresEnd]:
    end = end_for(database, set_up(database))
    yield end
    end.close()


def one(end: PostgresEnd, intent: Intent) -> Receipt:
    (receipt,) = end.apply([intent])
    assert receipt.intent_id == intent.id
    return receipt


def test_update_sets_only_what_changed(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title, total, secret) VALUES ('a', 1.5, 's')")
    user.execute("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE; END'")
    user.execute("CREATE TRIGGER untouched BEFORE UPDATE OF total, done, due, secret ON tasks EXECUTE FUNCTION note()")
    taken(end)
    intent = update(("1",), title=("a", "b"))
    receipt = one(end, intent)
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.evidence is Evidence.RECEIPT
    assert receipt.seen.key == ("1",)
    assert receipt.seen.values == {"title": "b", "total": Decimal("1.5"), "done": None, "due": None}
    assert user.execute("SELECT title, total, secret FROM tasks").fetchall() == [("b", Decimal("1.50"), "s")]
    (echo,) = taken(end).observations
    assert (echo.origin, echo.position, echo.stamp) == (intent.id, receipt.position, receipt.seen.stamp)


def test_update_is_guarded(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title, total) VALUES ('a', 1)")
    user.execute("UPDATE tasks SET title = 'theirs'")
    receipt = one(end, update(("1",), title=("a", "ours"), total=(Decimal(1), Decimal(2))))
    assert receipt.outcome is Outcome.STALE
    assert receipt.seen is not None
    assert receipt.seen.values["title"] == "theirs"
    assert "title" in receipt.reason
    assert user.execute("SELECT title, total FROM tasks").fetchall() == [("theirs", Decimal("1.00"))]
    assert user.execute("SELECT count(*) FROM notion_bridge.applied").fetchone() == (0,)


def test_a_missing_row_is_stale_and_a_moved_one_is_found(end: PostgresEnd, user: User) -> None:
    receipt = one(end, update(("1",), title=("a", "b")))
    assert receipt.outcome is Outcome.STALE
    assert receipt.seen is not None
    assert receipt.seen.presence is Presence.GONE

    user.execute("INSERT INTO tasks (id, title) VALUES (1, 'a')")
    user.execute("UPDATE tasks SET id = 8")
    receipt = one(end, update(("1",), title=("a", "b")))
    assert receipt.seen is not None
    assert (receipt.seen.presence, receipt.seen.key) == (Presence.LIVE, ("8",))


def test_delete_is_guarded_by_the_whole_record(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title, total) VALUES ('a', 1)")
    user.execute("UPDATE tasks SET total = 2")
    receipt = one(end, delete(("1",), title="a", total=Decimal(1)))
    assert receipt.outcome is Outcome.STALE
    receipt = one(end, delete(("1",), title="a", total=Decimal(2), unmapped_now="x"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.presence is Presence.GONE
    assert user.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
    assert taken(end).observations[-1].position == receipt.position
    assert one(end, delete(("1",), title="a")).outcome is Outcome.STALE


def test_create_takes_defaults_and_answers_with_the_key(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), s text, state text NOT NULL DEFAULT 'new')"
    end = end_for(database, set_up(database, ddl, ("s", "state"), table="t"))
    intent = create({"s": "a", "state": None})
    receipt = one(end, intent)
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values == {"s": "a", "state": "new"}
    (echo,) = taken(end).observations
    assert (echo.key, echo.position) == (receipt.seen.key, receipt.position)
    assert one(end, create({})).outcome is Outcome.DONE
    end.close()


def test_create_with_a_key(end: PostgresEnd, user: User) -> None:
    assert one(end, create({"title": "a"}, ("3",))).outcome is Outcome.DONE
    receipt = one(end, create({"title": "other"}, ("3",)))
    assert receipt.outcome is Outcome.STALE
    assert receipt.seen is not None
    assert receipt.seen.values["title"] == "a"
    user.execute("INSERT INTO tasks (title) VALUES ('next')")
    assert user.execute("SELECT id FROM tasks ORDER BY id").fetchall() == [(3,), (4,)]


def test_a_far_key_advances_the_sequence_too(end: PostgresEnd, user: User) -> None:
    assert one(end, create({"title": "a"}, ("5000000000",))).outcome is Outcome.DONE
    assert one(end, create({"title": "b"}, ("7",))).outcome is Outcome.DONE
    assert user.execute("INSERT INTO tasks (title) VALUES ('c') RETURNING id").fetchone() == (5000000001,)


@pytest.mark.parametrize(
    ("kind", "key"), [("int", "2147483647"), ("bigint", "9223372036854775807"), ("smallint", "32700")]
)
def test_no_key_uses_up_the_numbers_of_the_column(database: str, user: User, kind: str, key: str) -> None:
    """Somebody in Notion typed it. The program's own INSERT has to work afterwards."""
    ddl = f"CREATE TABLE t (id {kind} GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, s text)"
    end = end_for(database, set_up(database, ddl, ("s",), table="t"))
    refused = one(end, create({"s": "a"}, (key,)))
    assert (refused.outcome, f"the key {key} is so high" in refused.reason) == (Outcome.REFUSED, True)
    assert user.execute("INSERT INTO t (s) VALUES ('b') RETURNING id").fetchone() == (1,)
    assert one(end, create({"s": "c"}, ("9000",))).outcome is Outcome.DONE
    assert user.execute("INSERT INTO t (s) VALUES ('d') RETURNING id").fetchone() == (9001,)
    end.close()


def test_a_key_that_is_another_spelling_of_a_rows(database: str, user: User) -> None:
    """No row with this very text can ever be made: that is no race which another attempt might win."""
    ddl = "CREATE TABLE t (id interval PRIMARY KEY, s text); INSERT INTO t VALUES ('1 day', 'a')"
    end = end_for(database, set_up(database, ddl, ("s",), table="t"))
    refused = one(end, create({"s": "b"}, ("PT24H",)))
    assert (refused.outcome, "that of the row P1D" in refused.reason) == (Outcome.REFUSED, True)
    end.close()


def test_create_into_an_identity_that_is_always_generated(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s text)"
    end = end_for(database, set_up(database, ddl, ("s",), table="t"))
    assert one(end, create({"s": "a"}, ("41",))).outcome is Outcome.DONE
    assert one(end, create({"s": "b"})).seen.key == ("42",)  # type: ignore[union-attr]
    end.close()


def test_an_intent_is_applied_once(end: PostgresEnd, user: User) -> None:
    intent = create({"title": "a"})
    first, again = one(end, intent), one(end, intent)
    assert again.outcome is Outcome.DONE
    assert again.position == first.position
    assert again.seen is not None
    assert first.seen is not None
    assert (again.seen.key, again.seen.values) == (first.seen.key, first.seen.values)
    assert user.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
    end.trim([intent.id])
    assert user.execute("SELECT count(*) FROM notion_bridge.applied").fetchone() == (0,)


@dataclass(frozen=True)
class Careless:
    """A codec that lets every text through."""

    codec: Codec

    def from_postgres(self, wire: object) -> FieldValue:
        return self.codec.from_postgres(wire)

    def to_postgres(self, value: Value) -> Value:
        return value


def test_values_are_never_cut_to_fit(database: str, user: User) -> None:
    """A CAST to varchar(3) would."""
    ddl = (
        "CREATE DOMAIN code AS varchar(3);"
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(3), d code, c char(3));"
        "INSERT INTO t VALUES (1)"
    )
    sync = set_up(database, ddl, ("v", "d", "c"), table="t")
    careless = [replace(field, codec=cast("Codec", Careless(field.codec))) for field in sync.fields]
    end = end_for(database, replace(sync, fields=tuple(careless)))
    for name in ("v", "d", "c"):
        receipt = one(end, update(("1",), **{name: (None, "abcd")}))
        assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, name)
        assert "too long" in receipt.reason
    assert user.execute("SELECT v, d, c FROM t").fetchone() == (None, None, None)
    end.close()


def test_every_type_is_written(database: str, user: User) -> None:
    ddl = """
    CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('sad', 'very "happy"');
    CREATE TABLE t (id int PRIMARY KEY, t text, n numeric, i bigint, b boolean, d date, u uuid, m s.mood, a text[],
        v varchar(5), c char(4), x double precision);
    INSERT INTO t VALUES (1)
    """
    fields = ("t", "n", "i", "b", "d", "u", "m", "a", "v", "c", "x")
    end = end_for(database, set_up(database, ddl, fields, table="t"))
    new: dict[str, Value] = {
        "t": "' \\ \" \r\n\t $1 %s {}",
        "n": Decimal("-12345678901234567890.123456789"),
        "i": Decimal(2**63 - 1),
        "b": False,
        "d": date(1582, 10, 4),
        "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "m": 'very "happy"',
        "a": ("plain", 'q"uo\\te', "{brace}", "NULL", " "),
        "v": "12345",
        "c": "ab",
        "x": Decimal("0.1"),
    }
    receipt = one(end, update(("1",), **{name: (None, value) for name, value in new.items()}))
    assert receipt.outcome is Outcome.DONE, receipt
    assert receipt.seen is not None
    assert receipt.seen.values == new
    back = update(("1",), **{name: (value, None) for name, value in new.items()})
    assert one(end, back).outcome is Outcome.DONE
    end.close()


CONSTRAINED = """
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE t (
    id int PRIMARY KEY,
    code text UNIQUE,
    n bigint CONSTRAINT positive CHECK (n > 0),
    low bigint, high bigint, CONSTRAINT ordered CHECK (low < high),
    needed boolean NOT NULL,
    ref bigint REFERENCES other DEFERRABLE INITIALLY DEFERRED,
    secret text DEFAULT 'hunter2'
);
INSERT INTO t VALUES (1, 'a', 1, 1, 2, true), (2, 'b', 1, 1, 2, true);
"""


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"code": ("a", "b"), "n": (Decimal(1), Decimal(2))}, "code", "t_code_key"),
        ({"code": ("a", "c"), "n": (Decimal(1), Decimal(-1))}, "n", "positive"),
        ({"low": (Decimal(1), Decimal(5)), "code": ("a", "c")}, "low", "ordered"),
        ({"low": (Decimal(1), Decimal(5)), "high": (Decimal(2), Decimal(4))}, "", "ordered"),
        ({"needed": (True, None), "code": ("a", "c")}, "needed", "null value"),
        ({"ref": (None, Decimal(77)), "code": ("a", "c")}, "ref", "t_ref_fkey"),  # answered by COMMIT
        ({"gone": (None, "x")}, "gone", "no longer mapped"),
    ],
)
def test_constraints_refuse(
    database: str, user: User, changes: dict[str, tuple[object, object]], field: str, reason: str
) -> None:
    sync = set_up(database, CONSTRAINED, ("code", "n", "low", "high", "needed", "ref"), table="t")
    end = end_for(database, sync)
    receipt = one(end, update(("1",), **changes))  # type: ignore[arg-type]
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, field), receipt
    assert reason in receipt.reason
    assert "hunter2" not in str(receipt)  # the server's DETAIL shows the whole row
    assert user.execute("SELECT code, n, low, high, needed, ref FROM t WHERE id = 1").fetchone() == (
        ("a", 1, 1, 2, True, None)
    )
    # The session works on.
    assert one(end, update(("1",), code=("a", "fine"))).outcome is Outcome.DONE
    end.close()


def test_any_other_error_of_the_write_is_the_records(end: PostgresEnd, user: User) -> None:
    """A code of the user's own, a limit of an index. What the server calls internal may be its fault or the value's."""
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute("CREATE INDEX ON tasks (title)")
    user.execute(
        """CREATE FUNCTION raise_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF length(NEW.title) = 5 THEN RAISE 'not now' USING ERRCODE = NEW.title; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER raise_it BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION raise_it()"""
    )
    long = random.Random(1).randbytes(6000).hex()  # too long for the index, and not to be compressed
    for title, said in (("MY001", "not now"), ("HV000", "not now"), (long, "index row")):
        refused = one(end, update(("1",), title=("a", title)))
        assert refused.outcome is Outcome.REFUSED, refused
        assert said in refused.reason
    internal = one(end, update(("1",), title=("a", "XX000")))
    assert (internal.outcome, internal.blame, internal.reason) == (Outcome.RETRY, Blame.UNCLEAR, "not now")
    with pytest.raises(Unavailable, match="not now"):
        one(end, update(("1",), title=("a", "53100")))
    assert one(end, update(("1",), title=("a", "b"))).outcome is Outcome.DONE


def test_a_trigger_may_refuse_change_or_swallow(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute(
        """CREATE FUNCTION decide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            CASE NEW.title
                WHEN 'refused' THEN RAISE 'not on Sundays';
                WHEN 'swallowed' THEN RETURN NULL;
                ELSE NEW.title := upper(NEW.title);
            END CASE;
            RETURN NEW;
        END $$;
        CREATE TRIGGER decide BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION decide()"""
    )
    refused = one(end, update(("1",), title=("a", "refused")))
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "not on Sundays")
    for intent in (update(("1",), title=("a", "swallowed")), create({"title": "swallowed"})):
        swallowed = one(end, intent)
        assert swallowed.outcome is Outcome.REFUSED
        assert "trigger" in swallowed.reason
    changed = one(end, update(("1",), title=("a", "b")))
    assert changed.outcome is Outcome.DONE
    assert changed.seen is not None
    assert changed.seen.values["title"] == "B"


def test_what_after_triggers_did_is_in_the_receipt(end: PostgresEnd, user: User) -> None:
    """They run after our statement has returned the row; and they touch other rows with our origin."""
    user.execute("INSERT INTO tasks (title, total) VALUES ('a', 1), ('other', 1)")
    user.execute(
        """CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE tasks SET total = 42 WHERE id = 1 AND total <> 42;
            UPDATE tasks SET total = 43 WHERE id = 2 AND total <> 43;
            RETURN NULL;
        END $$;
        CREATE TRIGGER zzz AFTER UPDATE OF title ON tasks FOR EACH ROW EXECUTE FUNCTION follow()"""
    )
    taken(end)
    intent = update(("1",), title=("a", "b"))
    receipt = one(end, intent)
    assert receipt.seen is not None
    assert receipt.seen.values["total"] == Decimal(42)
    echoes = taken(end).observations
    assert {echo.origin for echo in echoes} == {intent.id}
    assert receipt.position == max(echo.position or 0 for echo in echoes if echo.key == ("1",))
    assert any(echo.key == ("2",) for echo in echoes)


def test_a_write_that_the_trigger_does_not_see_has_no_position(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    receipt = one(end, update(("1",), title=("a", "a")))
    assert (receipt.outcome, receipt.position) == (Outcome.DONE, None)


def test_tombstones(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (id int PRIMARY KEY, s text, deleted_at timestamptz); INSERT INTO t VALUES (1, 'a')"
    end = end_for(database, set_up(database, ddl, ("s",), table="t", tombstone="deleted_at"))
    buried = one(end, delete(("1",), s="a"))
    assert buried.outcome is Outcome.DONE
    assert buried.seen is not None
    assert buried.seen.presence is Presence.GONE
    assert user.execute("SELECT s, deleted_at IS NOT NULL FROM t").fetchall() == [("a", True)]
    assert end.look([pair_of(("1",))])[0].presence is Presence.GONE
    assert one(end, update(("1",), s=("a", "b"))).outcome is Outcome.STALE
    assert one(end, delete(("1",), s="a")).outcome is Outcome.STALE
    revived = one(end, create({"s": "back"}, ("1",)))
    assert revived.outcome is Outcome.DONE
    assert user.execute("SELECT s, deleted_at FROM t").fetchall() == [("back", None)]
    end.close()


def test_partitions_and_odd_names(database: str, user: User) -> None:
    ddl = """
    CREATE TABLE "100 %" ("a%s" int, "v{}" text, PRIMARY KEY ("a%s")) PARTITION BY RANGE ("a%s");
    CREATE TABLE low PARTITION OF "100 %" FOR VALUES FROM (0) TO (10);
    CREATE TABLE high PARTITION OF "100 %" FOR VALUES FROM (10) TO (20);
    """
    end = end_for(database, set_up(database, ddl, ("v{}",), table='"100 %"'))
    assert one(end, create({"v{}": "a"}, ("1",))).outcome is Outcome.DONE
    assert one(end, update(("1",), **{"v{}": ("a", "b")})).outcome is Outcome.DONE
    assert one(end, create({"v{}": "c"}, ("30",))).outcome is Outcome.REFUSED  # no partition for it
    assert one(end, delete(("1",), **{"v{}": "b"})).outcome is Outcome.DONE
    end.close()


def test_lost_rights_stop_everything(database: str, user: User, role: str) -> None:
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute(grants_sql(role, [sync.table], table_sequences(user, [sync.table])).encode())
    end = end_for(make_conninfo(database, user=role), sync)
    assert one(end, update(("1",), title=("a", "b"))).outcome is Outcome.DONE
    assert one(end, create({"title": "c"})).outcome is Outcome.DONE
    assert len(taken(end).observations) == 3
    user.execute("CREATE TABLE audit (a int)")
    user.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO audit VALUES (1); RETURN NULL; END';"
        "CREATE TRIGGER note AFTER UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION note()"
    )
    # The user's trigger needs a right that we do not have: only such writes are refused.
    assert one(end, update(("1",), title=("b", "d"))).outcome is Outcome.REFUSED
    user.execute(f'REVOKE UPDATE ON tasks FROM "{role}"'.encode())
    with pytest.raises(AccessLost, match="permission denied"):
        one(end, update(("1",), title=("b", "d")))
    end.close()


def test_a_batch_goes_on_after_a_refusal(end: PostgresEnd, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a'), ('b')")
    intents = [
        update(("1",), title=("a", None)),
        replace(update(("2",), title=("b", "c")), backfill=True),
    ]
    receipts = list(end.apply(intents))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.DONE]
    assert user.execute("SELECT title FROM tasks ORDER BY id").fetchall() == [("",), ("c",)]
