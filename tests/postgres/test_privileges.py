"""The trigger's functions run with their owner's rights inside the statements of strangers: nobody can make them do
anything but note a change, whatever they put into their search path, their temporary schema or their settings.

S22 (host unharmed), S28.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bridge.model import Sync
from bridge.postgres.capture import CaptureSettings
from tests.postgres.support import User, set_up

# In front of everything: what the function's own text calls, and what it calls without saying so.
_TRAPS = """
CREATE SCHEMA evil AUTHORIZATION {role};
SET ROLE {role};
CREATE TABLE evil.called (who text, what text);
CREATE FUNCTION evil.note(what text) RETURNS boolean LANGUAGE plpgsql AS
    $f$ BEGIN INSERT INTO evil.called VALUES (current_user, what); RETURN true; END $f$;
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $f$ SELECT CASE WHEN evil.note('lower') THEN $1 END $f$;
CREATE FUNCTION evil.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS
    $f$ SELECT CASE WHEN evil.note('to_jsonb') THEN '1'::jsonb END $f$;
CREATE FUNCTION evil.nextval(regclass) RETURNS bigint LANGUAGE sql AS
    $f$ SELECT CASE WHEN evil.note('nextval') THEN 1::bigint END $f$;
CREATE FUNCTION evil.pg_notify(text, text) RETURNS text LANGUAGE sql AS
    $f$ SELECT evil.note('pg_notify')::text $f$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
    $f$ SELECT CASE WHEN evil.note('clock_timestamp') THEN now() END $f$;
CREATE FUNCTION evil.same(jsonb, jsonb) RETURNS boolean LANGUAGE sql AS $f$ SELECT evil.note('=') $f$;
CREATE OPERATOR evil.= (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = evil.same);
CREATE OPERATOR evil.<> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = evil.same);
CREATE FUNCTION evil.like_it(text, text) RETURNS boolean LANGUAGE sql AS $f$ SELECT evil.note('~') $f$;
CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.like_it);
RESET ROLE;
"""


@pytest.fixture
def sync(database: str) -> Sync:
    return set_up(database, settings=CaptureSettings(outbox_max=1000))


@pytest.fixture
def stranger(database: str, sync: Sync, user: User, role: str) -> Iterator[User]:
    """Somebody who may write the table, and nothing of the bridge's."""
    name = sql.Identifier(role)
    user.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO {}").format(name))
    user.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
    with psycopg.connect(make_conninfo(database, user=role), autocommit=True) as connection:
        yield connection


def noted(user: User) -> list[tuple[object, ...]]:
    return user.execute("SELECT op, \"values\" ->> 'title', origin FROM notion_bridge.outbox ORDER BY id").fetchall()


def test_a_search_path_in_front_catches_nothing(user: User, stranger: User, role: str) -> None:
    user.execute(_TRAPS.format(role=sql.Identifier(role).as_string(None)).encode())
    stranger.execute("SET search_path = evil, pg_catalog, public")
    stranger.execute("SELECT lower('trapped')")
    assert stranger.execute("SELECT who, what FROM evil.called").fetchall() == [(role, "lower")], "the trap works"
    stranger.execute("INSERT INTO public.tasks (title) VALUES ('one')")
    stranger.execute("UPDATE public.tasks SET title = 'two'")
    stranger.execute("DELETE FROM public.tasks")
    assert noted(user) == [("insert", "one", None), ("update", "two", None), ("delete", None, None)]
    assert stranger.execute("SELECT count(*) FROM evil.called").fetchall() == [(1,)]


def test_temporary_objects_shadow_nothing(user: User, stranger: User) -> None:
    for statement in (
        "CREATE TEMP TABLE tasks (id bigint, title text)",
        "CREATE TEMP TABLE outbox (sync text, op text, key jsonb, old_key jsonb, values jsonb, origin uuid)",
        "CREATE TEMP TABLE pg_class (oid oid, relname name)",
        "CREATE DOMAIN pg_temp.jsonb AS text",
        "CREATE DOMAIN pg_temp.uuid AS text",
        "CREATE DOMAIN pg_temp.regclass AS text",
        "SET search_path = pg_temp, public, pg_catalog",
        "INSERT INTO public.tasks (title) VALUES ('one')",
    ):
        stranger.execute(statement.encode())
    assert noted(user) == [("insert", "one", None)]
    assert stranger.execute("SELECT count(*) FROM pg_temp.outbox").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM notion_bridge.outbox",
        "INSERT INTO notion_bridge.outbox (sync, op) VALUES ('tasks', 'truncate')",
        "DELETE FROM notion_bridge.outbox",
        "UPDATE notion_bridge.sync SET columns = '{secret}'",
        "SELECT nextval('notion_bridge.noted_tasks')",
        "SELECT notion_bridge.capture_tasks()",
        "CREATE TEMP TABLE m (); CREATE TRIGGER m AFTER INSERT ON m EXECUTE FUNCTION notion_bridge.capture_tasks()",
        "ALTER TABLE tasks DISABLE TRIGGER ALL",
        "DROP FUNCTION notion_bridge.capture_tasks() CASCADE",
    ],
)
@pytest.mark.parametrize("usage", [False, True], ids=["outside", "with USAGE on the schema"])
def test_nothing_of_the_bridges_is_within_reach(
    user: User, stranger: User, role: str, statement: str, *, usage: bool
) -> None:
    if usage:
        user.execute(sql.SQL("GRANT USAGE ON SCHEMA notion_bridge TO {}").format(sql.Identifier(role)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stranger.execute(statement.encode())


@pytest.mark.parametrize(
    "origin", ["'); DROP TABLE tasks; --", "00000000-0000-4000-8000-00000000000g", "", "x" * 10_000, "\\x00"]
)
def test_a_setting_that_anybody_can_set_is_only_a_word(user: User, stranger: User, origin: str) -> None:
    stranger.execute("SELECT set_config('notion_bridge.origin', %s, false)", [origin])
    stranger.execute("INSERT INTO tasks (title) VALUES ('one')")
    assert noted(user) == [("insert", "one", None)]


def test_the_functions_belong_to_who_installed_them_and_to_nobody_else(user: User, sync: Sync) -> None:
    found = user.execute(
        "SELECT proname, prosecdef, proacl::text, proconfig::text FROM pg_proc"
        " WHERE pronamespace = 'notion_bridge'::regnamespace"
    ).fetchall()
    assert found
    for name, definer, acl, config in found:
        assert definer, name
        assert "=X/" not in acl.replace(f"{user.info.user}=X/", ""), f"{name} may be executed by others: {acl}"
        assert "search_path=pg_catalog, pg_temp" in config
