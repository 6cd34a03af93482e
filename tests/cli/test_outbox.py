"""Proves: how much waits in the outbox, and that it is full, is told by `status`, `check` and the log of `run`."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import World
from tests.cli.test_run import logged, running, until


@pytest.fixture
def away(world: World) -> World:
    """A sync whose outbox holds five changes, and no bridge."""
    text = world.config.read_text(encoding="utf-8")
    world.config.write_text(text.replace("[notion]", "outbox_max = 5\n[notion]", 1), encoding="utf-8")
    assert world.type("sync").exit_code == 0
    return world


def add(world: World, rows: int) -> None:
    """A statement for each row: a statement whose changes do not fit is left out as a whole."""
    for number in range(rows):
        world.sql("INSERT INTO tasks (title) VALUES (%s)", f"row {number}")


def test_what_waits_is_counted(away: World) -> None:
    add(away, 3)
    told = away.json("status", code=1)["syncs"][0]
    assert (told["outbox"], told["left_out"], told["in_step"]) == (3, 0, False)
    assert "3 changes waiting" in away.type("check").stdout


def test_a_full_outbox_is_told_and_ends_with_the_next_sync(away: World) -> None:
    add(away, 8)
    told = away.json("status", code=1)["syncs"][0]
    assert (told["outbox"], told["left_out"]) == (5, 3)
    assert "3 changes more were not noted one by one" in away.type("status").stdout
    [outbox] = [
        check for check in json.loads(away.type("check", "--json").stdout)["checks"] if check["name"] == "outbox"
    ]
    assert outbox["state"] == "warning"
    assert "the outbox is full" in outbox["message"]
    assert away.type("sync").exit_code == 0
    assert len(away.ada.rows(away.source)) == 8
    told = away.json("status")["syncs"][0]
    assert (told["outbox"], told["left_out"]) == (0, 0)


def test_the_log_begins_with_what_was_found(away: World) -> None:
    add(away, 3)
    with running(away):
        until(lambda: "tasks outbox: 3 changes waiting, the oldest since" in logged(away), "what waits is told")
        until(lambda: len(away.ada.rows(away.source)) == 3, "it is carried over")
    add(away, 8)
    with running(away):
        until(lambda: "tasks outbox: the outbox is full" in logged(away), "the full outbox is told")
        until(lambda: len(away.ada.rows(away.source)) == 11, "it is carried over")


@pytest.mark.parametrize(
    ("line", "said"),
    [('outbox_full = "drop"', "outbox_full cannot be 'drop'"), ("outbox_max = 0", "must be greater than zero")],
)
def test_a_limit_that_cannot_be_is_a_mistake(world: World, line: str, said: str) -> None:
    text = world.config.read_text(encoding="utf-8")
    world.config.write_text(text.replace("[notion]", f"{line}\n[notion]", 1), encoding="utf-8")
    result = world.type("status")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "line 3" in result.stderr
