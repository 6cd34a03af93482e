"""Proves: `plan` tells what `sync` then does and writes nothing anywhere; `verify` answers yes exactly when both sides
agree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from tests.cli.conftest import FIELDS, World


def contents(world: World) -> tuple[Any, ...]:
    """Everything that must not change: both sides, the outbox, the journal."""
    outbox = world.sql("SELECT to_regclass('notion_bridge.outbox')")[0][0]
    waiting = world.sql("SELECT id FROM notion_bridge.outbox ORDER BY id") if outbox else None
    journal: Sequence[str] = ()
    if world.journal.exists():
        with sqlite3.connect(world.journal) as connection:
            journal = list(connection.iterdump())
        connection.close()
    rows = world.sql("SELECT * FROM tasks ORDER BY id")
    return rows, world.ada.rows(world.source), outbox, waiting, list(journal)


def test_a_plan_before_anything_is_installed(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 9) AS n")
    before = contents(world)

    [plan] = world.json("plan", "--limit", "2")["syncs"]

    assert contents(world) == before
    assert not world.journal.exists()
    assert plan["counts"] == {"notion create": 9}
    assert plan["records_total"] == 9
    assert [record["key"] for record in plan["records"]] == ["1", "2"]
    assert plan["requests"] == 11  # nine pages, and a look before each eight
    assert "not installed" in plan["trigger"]

    assert world.json("sync")["to_notion"]["created"] == 9


def test_a_plan_after_an_uninstall_deletes_nothing_as_the_sync_does_not(world: World) -> None:
    """What happened meanwhile was not captured: a row that is missing may never have been deleted."""
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 3) AS n")
    assert world.type("sync").exit_code == 0
    assert world.type("uninstall", "--yes").exit_code == 0
    world.sql("DELETE FROM tasks WHERE id = 1")

    [plan] = world.json("plan")["syncs"]

    assert plan["counts"] == {"postgres create": 1}
    assert "not installed" in plan["trigger"]
    assert world.json("sync")["to_postgres"] == {"created": 1, "updated": 0, "deleted": 0}


def test_a_plan_between_two_syncs_is_what_the_second_does(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 5) AS n")
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = 1")
    world.sql("DELETE FROM tasks WHERE id = 2")
    world.ada.edit(world.page(3), {"Status": "done"})
    world.ada.create_row(world.source, {"Name": "new in Notion"})
    world.sql("UPDATE tasks SET estimate = 9007199254740993 WHERE id = 4")
    before = contents(world)

    [plan] = world.json("plan")["syncs"]

    assert contents(world) == before
    assert plan["counts"] == {
        "postgres create": 1,
        "postgres update": 1,
        "notion update": 1,
        "notion delete": 1,
    }
    assert plan["requests"] == 4  # the two pages, the key into the new one, and a look before them
    assert plan["waiting"] == 1
    assert plan["breaker"] is None

    done = world.json("sync", code=4)
    assert done["to_notion"]["trashed"] == 1
    assert done["to_postgres"] == {"created": 1, "updated": 1, "deleted": 0}


def test_a_plan_after_another_format_is_what_the_sync_does(world: World) -> None:
    """Text that is Markdown by chance was not edited by anybody: no conflict, as in the sync itself."""
    world.sql("INSERT INTO tasks (title) VALUES ('__init__'), ('plain')")
    assert world.type("sync").exit_code == 0
    world.configure(fields=FIELDS | {"title": '{ property = "Name", format = "markdown" }'})
    world.ada.edit(world.page(2), {"Status": "todo"})
    before = contents(world)

    [plan] = world.json("plan")["syncs"]

    assert contents(world) == before
    assert (plan["conflicts"], plan["counts"]) == (0, {"postgres update": 2})
    assert world.json("verify", code=1)["syncs"][0]["differences"]
    assert contents(world) == before
    done = world.json("sync")
    assert (done["conflicts"], done["to_postgres"]["updated"]) == (0, 2)
    assert world.json("verify")["agrees"]


def test_a_plan_tells_that_the_sync_would_stop(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 12) AS n")
    assert world.type("sync").exit_code == 0
    world.sql("DELETE FROM tasks")
    assert "would delete 12 of 12" in world.json("plan")["syncs"][0]["breaker"]
    assert "would stop" in world.type("plan").stdout


def test_a_plan_of_a_first_meeting_shows_the_conflicts(world: World) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('ours')")
    world.ada.create_row(world.source, {"Name": "theirs", "id": 1})
    [plan] = world.json("plan")["syncs"]
    assert plan["conflicts"] == 1
    [record] = plan["records"]
    assert record["conflicts"] == [{"field": "title", "rule": "first-sync", "winner": "postgres"}]


def test_verify_agrees_only_when_both_sides_do(world: World) -> None:
    world.sql("INSERT INTO tasks (title, status) VALUES ('one', 'todo'), ('two', 'todo')")
    assert world.type("sync").exit_code == 0
    before = contents(world)
    verified = world.json("verify")
    assert (verified["version"], verified["agrees"]) == (1, True)
    assert {key: verified["syncs"][0][key] for key in ("name", "rows", "pages", "fields", "differences")} == {
        "name": "tasks",
        "rows": 2,
        "pages": 2,
        "fields": 8,
        "differences": [],
    }
    assert contents(world) == before

    world.sql("UPDATE tasks SET status = 'done' WHERE id = 1")
    differs = world.json("verify", code=1)
    [difference] = differs["syncs"][0]["differences"]
    assert (difference["key"], difference["field"]) == ("1", "status")
    assert (difference["postgres"], difference["notion"]) == ("done", "todo")

    world.ada.create_row(world.source, {"Name": "three"})
    text = world.type("verify", "--limit", "1")
    assert text.exit_code == 1
    assert "2 differences" in text.stdout
    assert "and 1 more" in text.stdout


def test_verify_does_not_count_what_is_parked(world: World) -> None:
    world.sql("INSERT INTO tasks (title, estimate) VALUES ('too exact', 9007199254740993)")
    assert world.type("sync").exit_code == 4
    [difference] = world.json("verify")["syncs"][0]["differences"]
    assert difference["field"] == "estimate"
    assert difference["excused"].startswith("parked")
    assert world.type("verify").stdout.startswith("tasks: both sides agree, but for 1 known difference (1 row,")


def test_what_is_parked_hides_no_other_difference_behind_the_limit(world: World) -> None:
    world.sql("INSERT INTO tasks (title, estimate) VALUES ('too exact', 9007199254740993), ('plain', 1)")
    assert world.type("sync").exit_code == 4
    world.sql("UPDATE tasks SET title = 'changed' WHERE id = 2")
    [result] = world.json("verify", "--limit", "1", code=1)["syncs"]
    assert result["differences_total"] == 2
    assert [difference["key"] for difference in result["differences"]] == ["2"]


def test_verify_before_anything_is_installed(world: World) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('only here')")
    world.ada.create_row(world.source, {"Name": "only there", "id": 7})
    [result] = world.json("verify", code=1)["syncs"]
    assert {(difference["key"], difference["field"]) for difference in result["differences"]} == {("1", ""), ("7", "")}
