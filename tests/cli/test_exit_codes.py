"""Proves: `sync` and `status` leave with the documented exit code in each of the seven situations, and their JSON has
the documented keys.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from bridge.cli.status import exit_code
from bridge.cli.sync import Outcome
from bridge.clock import SystemClock
from bridge.engine.status import SyncStatus
from bridge.errors import ExitCode
from bridge.journal import Journal
from bridge.postgres.lock import SyncLock
from tests.cli.conftest import World

SYNC_KEYS = {"version", "to_notion", "to_postgres", "conflicts", "parked", "requests"}
STATUS_KEYS = {"name", "in_step", "pending", "conflicts", "parked", "breaker", "lag_seconds", "last_event_at"}


def fill(world: World, rows: int) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, %s) AS n", rows)


def test_0_when_everything_is_in_step(world: World) -> None:
    fill(world, 3)
    world.ada.create_row(world.source, {"Name": "made in Notion"})

    done = world.json("sync")

    assert done.keys() >= SYNC_KEYS
    assert done["version"] == 1
    assert done["to_notion"] == {"created": 3, "updated": 1, "trashed": 0, "restored": 0}  # the new page gets its key
    assert done["to_postgres"] == {"created": 1, "updated": 0, "deleted": 0}
    assert (done["conflicts"], done["parked"]) == (0, 0)
    assert done["requests"] >= 5
    assert world.sql("SELECT count(*) FROM tasks WHERE title = 'made in Notion'") == [(1,)]

    status = world.json("status")
    assert (status["version"], status["in_step"], status["running"]) == (1, True, False)
    assert status["syncs"][0].keys() >= STATUS_KEYS
    assert status["syncs"][0]["pending"] == 0
    assert status["requests"]["budget"] == 6000
    assert status["requests"]["used"] in range(len(world.sandbox.log.entries) + 1)
    assert "of 6000 requests to Notion in the last minute" in world.type("status").stdout

    again = world.json("sync")
    assert not any([*again["to_notion"].values(), *again["to_postgres"].values()])


def test_a_page_updates_its_row_and_a_row_its_page(world: World) -> None:
    fill(world, 2)
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET status = 'from SQL' WHERE id = 1")
    world.ada.edit(world.page(2), {"Status": "from Notion"})

    done = world.json("sync")

    assert (done["to_notion"]["updated"], done["to_postgres"]["updated"]) == (1, 1)
    assert world.sql("SELECT status FROM tasks ORDER BY id") == [("from SQL",), ("from Notion",)]
    assert world.ada.read(world.page(1))["Status"] == "from SQL"


def test_1_when_a_side_does_not_answer(world: World) -> None:
    result = world.type("sync", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_1_for_a_status_that_is_not_known_to_be_in_step(world: World) -> None:
    never = world.type("status")
    assert never.exit_code == 1
    assert "never" in never.stdout

    assert world.type("sync").exit_code == 0
    assert world.type("status").exit_code == 0

    blind = world.type("status", "--json", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert blind.exit_code == 1
    assert json.loads(blind.stdout)["in_step"] is False
    assert "was not asked" in blind.stderr


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("DROP FUNCTION notion_bridge.capture_tasks CASCADE", "notion_bridge_rows_tasks on tasks is missing"),
        ("DROP TRIGGER notion_bridge_update_tasks ON tasks", "notion_bridge_update_tasks on tasks is missing"),
        ("ALTER TABLE tasks DISABLE TRIGGER ALL", "on tasks is disabled"),
        ("ALTER TABLE tasks ENABLE REPLICA TRIGGER notion_bridge_insert_tasks", "on tasks is not enabled"),
        ("DROP TABLE tasks", "is gone"),
        ("DELETE FROM notion_bridge.sync", "not installed"),
    ],
)
def test_1_when_changes_are_not_captured(world: World, damage: str, why: str) -> None:
    assert world.type("sync").exit_code == 0
    assert world.json("status")["syncs"][0]["not_captured"] is None
    world.sql(damage)
    status = world.json("status", code=1)
    assert status["in_step"] is False
    assert why in status["syncs"][0]["not_captured"]
    shown = world.type("status")
    assert "not in step" in shown.stdout
    assert status["syncs"][0]["not_captured"] in shown.stdout


def test_1_when_another_bridge_has_removed_it(world: World) -> None:
    """The schema stays for a sync of another configuration."""
    assert world.type("sync").exit_code == 0
    world.sql("INSERT INTO notion_bridge.sync SELECT 'x', id, 1, 'elsewhere', columns, notify FROM notion_bridge.sync")
    assert world.type("uninstall", "--yes").exit_code == 0
    fill(world, 1)
    assert "not installed" in world.json("status", code=1)["syncs"][0]["not_captured"]
    assert world.type("sync").exit_code == 0
    assert world.type("status").exit_code == 0


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE parts (LIKE tasks INCLUDING ALL) PARTITION BY HASH (id)",
        "CREATE TABLE parents (LIKE tasks); CREATE TABLE parts (LIKE tasks INCLUDING ALL) INHERITS (parents)",
    ],
)
def test_0_where_rows_are_captured_one_by_one(world: World, table: str) -> None:
    world.sql(table)
    if "PARTITION" in table:
        world.sql("CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    world.configure(name='"parts"', table='"parts"')
    assert world.type("sync").exit_code == 0
    assert world.type("status").exit_code == 0


def test_1_for_a_change_that_waits_in_the_outbox(world: World) -> None:
    assert world.type("sync").exit_code == 0
    fill(world, 2)
    status = world.json("status", code=1)
    assert status["syncs"][0]["pending"] == 2
    assert status["syncs"][0]["outbox"] == 2


def test_2_for_a_wrong_configuration(world: World) -> None:
    world.configure(policy='"newest"')
    result = world.type("sync", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["message"].endswith("policy cannot be 'newest'")


@pytest.mark.parametrize("command", ["check", "sync", "run", "plan", "verify"])
def test_2_for_a_token_that_notion_does_not_know(world: World, command: str) -> None:
    """Trying again does not help, so that a supervisor must not."""
    assert world.type(command, NOTION_TOKEN="ntn_unknown").exit_code == 2


def test_3_for_an_open_conflict(world: World) -> None:
    world.configure(policy='"manual"')
    fill(world, 1)
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET title = 'ours'")
    world.ada.edit(world.page(1), {"Name": "theirs"})

    assert world.json("sync", code=3)["conflicts"] == 1
    assert world.json("status", code=3)["syncs"][0]["conflicts"] == 1


def test_4_for_a_parked_value(world: World) -> None:
    world.sql("INSERT INTO tasks (title, estimate) VALUES ('too exact', 9007199254740993)")
    assert world.json("sync", code=4)["parked"] == 1
    assert world.json("status", code=4)["syncs"][0]["parked"] == 1
    assert world.ada.rows(world.source), "the page is made all the same; only the value waits"


def test_5_for_a_mass_deletion_and_the_way_on(world: World) -> None:
    fill(world, 12)
    assert world.type("sync").exit_code == 0
    world.sql("DELETE FROM tasks")

    stopped = world.type("sync", "--json")
    assert stopped.exit_code == 5
    assert json.loads(stopped.stdout)["breaker"]
    assert "--allow-deletes" in stopped.stderr
    assert len(world.ada.rows(world.source)) == 12
    assert world.type("status").exit_code == 5

    refused = world.type("resume")
    assert refused.exit_code == 1
    assert "needs a word" in refused.stderr

    assert world.type("resume", "--undo-deletes").exit_code == 0
    assert world.type("sync").exit_code == 0
    assert world.sql("SELECT count(*) FROM tasks") == [(12,)]


def test_6_while_another_process_holds_the_journal(world: World) -> None:
    assert world.type("sync").exit_code == 0
    journal = Journal.open(world.journal, SystemClock())
    try:
        result = world.type("sync")
        assert world.json("status")["running"] is True
        uninstalled = world.type("uninstall", "--yes")
    finally:
        journal.close()
    assert result.exit_code == 6
    assert "another notion-bridge" in result.stderr
    assert uninstalled.exit_code == 6


def test_6_while_a_bridge_with_another_journal_has_the_sync(world: World) -> None:
    assert world.type("sync").exit_code == 0
    with psycopg.connect(world.dsn, autocommit=True, application_name="the other one") as other:
        SyncLock("tasks", SystemClock()).take(other)
        result = world.type("sync")
    assert result.exit_code == 6
    assert "the other one" in result.stderr


def test_check_tells_that_another_bridge_has_the_sync_and_does_not_fail(world: World) -> None:
    assert world.type("sync").exit_code == 0
    assert "bridge:" not in world.type("check").stdout
    with psycopg.connect(world.dsn, autocommit=True) as other:
        SyncLock("tasks", SystemClock()).take(other)
        checked, session = world.type("check"), other.info.backend_pid
    assert checked.exit_code == 0
    assert "warning  tasks: bridge: another bridge, with a journal of its own, works on this sync" in checked.stdout
    assert f"server process {session}" in checked.stdout


def test_a_paused_sync_writes_nothing_and_says_so(world: World) -> None:
    assert world.type("sync").exit_code == 0
    assert "was not paused or stopped" in world.type("resume").stdout
    assert world.type("pause").exit_code == 0
    fill(world, 1)
    paused = world.type("sync")
    assert paused.exit_code == 1
    assert "is paused" in paused.stderr
    assert not world.ada.rows(world.source)

    resumed = world.type("resume")
    assert (resumed.exit_code, resumed.stdout) == (0, "tasks: goes on\n")
    assert world.type("sync").exit_code == 0
    assert len(world.ada.rows(world.source)) == 1


def test_what_was_never_synced_says_what_to_type(world: World) -> None:
    assert "tasks: not synced yet: `notion-bridge sync`" in world.type("status").stdout
    removed = world.type("uninstall", "--yes")
    assert "kept" not in removed.stdout


def test_pause_before_the_first_sync_is_told(world: World) -> None:
    result = world.type("pause")
    assert result.exit_code == 1
    assert "notion-bridge sync" in result.stderr


def told(*, in_step: bool = False, conflicts: int = 0, parked: int = 0, breaker: str = "") -> SyncStatus:
    return SyncStatus("tasks", in_step, 1, 0, conflicts, parked, breaker, False, 0.0, None, "", 0, None)


FINE = told(in_step=True)


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ([], ExitCode.OK),
        ([told()], ExitCode.FAILED),
        ([told(parked=1), told()], ExitCode.PARKED),
        ([told(parked=1), told(conflicts=1)], ExitCode.CONFLICTS),
        ([told(conflicts=1, parked=1), told(breaker="stopped")], ExitCode.BREAKER),
    ],
)
def test_of_several_syncs_the_worst_is_told(others: list[SyncStatus], code: ExitCode) -> None:
    assert exit_code([FINE, *others]) is exit_code([*others, FINE]) is code


@pytest.mark.parametrize(
    ("left", "code"),
    [
        ({}, ExitCode.OK),
        ({"paused": ["tasks"]}, ExitCode.FAILED),
        ({"finished": False}, ExitCode.FAILED),
        ({"parked": 1, "paused": ["tasks"]}, ExitCode.PARKED),
        ({"parked": 1, "conflicts": 1}, ExitCode.CONFLICTS),
        ({"conflicts": 1, "breakers": ["stopped"]}, ExitCode.BREAKER),
    ],
)
def test_what_one_pass_left_is_told_as_status_tells_it(left: dict[str, Any], code: ExitCode) -> None:
    nothing: dict[str, Any] = {"conflicts": 0, "parked": 0, "breakers": [], "paused": [], "finished": True}
    assert Outcome({}, requests=0, **{**nothing, **left}).exit_code is code
