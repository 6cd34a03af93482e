"""Proves: `check` does not fail for a trigger that the next start installs anew by itself, after a change of the file
or damage; it does where no start would. (And where the role may not: tests/cli/test_least_privilege.py.)
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import World


def triggers(world: World, code: int) -> dict[str, str]:
    """What `check` says of the trigger, by state."""
    checks = world.json("check", code=code)["checks"]
    return {check["state"]: check["hint"] for check in checks if check["name"] == "trigger"}


@pytest.mark.parametrize("changes", [{"where": '"NOT done"'}, {"fields": {"title": "Name"}}])
def test_change_the_file_check_start(world: World, changes: dict[str, Any]) -> None:
    assert world.type("sync").exit_code == 0
    world.configure(**changes)
    [(state, hint)] = triggers(world, 0).items()
    assert state == "warning"
    assert "The next `notion-bridge run` or `sync` installs it anew" in hint
    assert world.type("sync").exit_code == 0
    assert triggers(world, 0).keys() == {"ok"}


@pytest.mark.parametrize(
    "damage",
    [
        "DROP FUNCTION notion_bridge.capture_tasks CASCADE",
        "ALTER TABLE tasks DISABLE TRIGGER ALL",
        "DELETE FROM notion_bridge.sync",
        "CREATE TABLE copy (LIKE tasks INCLUDING ALL); DROP TABLE tasks; ALTER TABLE copy RENAME TO tasks",
    ],
)
def test_what_the_next_start_repairs(world: World, damage: str) -> None:
    assert world.type("sync").exit_code == 0
    world.sql(damage)
    assert triggers(world, 0).keys() == {"warning"}
    assert world.type("sync").exit_code == 0
    assert triggers(world, 0).keys() == {"ok"}


def test_a_sync_does_not_wander_to_another_table(world: World) -> None:
    assert world.type("sync").exit_code == 0
    world.sql("CREATE TABLE other (LIKE tasks INCLUDING ALL)")
    world.configure(table='"other"')
    assert triggers(world, 2).keys() == {"wrong"}
