"""Proves: a sync that is installed in the database and that bridge.toml does not name (any more) is told, with what
piles up for it, and can be removed by its name; one that another bridge works on is left alone.
"""

from __future__ import annotations

import psycopg
import pytest

from bridge.clock import SystemClock
from bridge.postgres.lock import SyncLock
from tests.cli.conftest import PROPERTIES, World


@pytest.fixture
def renamed(world: World) -> World:
    """The sync `tasks` was installed; bridge.toml now names another one, of another table. Two changes wait."""
    assert world.type("sync").exit_code == 0
    world.sql("CREATE TABLE other (LIKE tasks INCLUDING ALL)")
    others = world.ada.create_database("Others", PROPERTIES)[1]
    world.configure(name='"other"', table='"public.other"', data_source=f'"{others}"')
    world.sql("INSERT INTO tasks (title) VALUES ('one'), ('two')")
    return world


def test_check_and_status_tell_what_piles_up(renamed: World) -> None:
    checked = renamed.type("check")
    assert "warning  unconfigured: changes of tasks are captured for the sync 'tasks'" in checked.stdout
    assert "2 changes wait there" in checked.stdout
    assert "uninstall --sync tasks" in checked.stdout

    assert "for the sync 'tasks'" in renamed.type("status").stderr
    assert renamed.json("status", code=1)["unconfigured"] == [{"name": "tasks", "table": "tasks", "waiting": 2}]


def test_it_is_removed_by_its_name(renamed: World) -> None:
    removed = renamed.type("uninstall", "--sync", "tasks", "--yes")
    assert removed.exit_code == 0, removed.stderr
    assert "unconfigured" not in renamed.type("check").stdout
    assert renamed.sql("SELECT tgname FROM pg_trigger WHERE tgrelid = 'tasks'::regclass AND NOT tgisinternal") == []


def test_the_configured_one_stays(renamed: World) -> None:
    assert renamed.type("plan").exit_code == 0
    assert renamed.type("sync").exit_code == 0
    assert renamed.type("uninstall", "--sync", "tasks", "--yes").exit_code == 0
    assert renamed.sql("SELECT name FROM notion_bridge.sync") == [("other",)]


def test_a_name_that_nobody_knows_is_a_mistake(renamed: World) -> None:
    unknown = renamed.type("uninstall", "--sync", "no-such", "--yes")
    assert unknown.exit_code == 2
    assert "no sync named 'no-such'" in unknown.stderr


def test_one_that_another_bridge_works_on_is_left_alone(renamed: World) -> None:
    with psycopg.connect(renamed.dsn, autocommit=True) as other:
        SyncLock("tasks", SystemClock()).take(other)
        refused = renamed.type("uninstall", "--sync", "tasks", "--yes")
    assert refused.exit_code == 6
    assert renamed.json("status", code=1)["unconfigured"]


def test_nothing_is_told_where_all_is_configured(world: World) -> None:
    assert world.type("sync").exit_code == 0
    assert "unconfigured" not in world.type("check").stdout
    assert world.json("status")["unconfigured"] == []
