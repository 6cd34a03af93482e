"""Proves: of tables that reference each other `plan` foretells what `sync` then does: which pages are made with their
links, which links follow, and what really has to wait.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import World

TABLES = """
CREATE TABLE people (id int PRIMARY KEY, name text, boss_id int REFERENCES people);
CREATE TABLE jobs (id int PRIMARY KEY, title text, owner_id int NOT NULL REFERENCES people);
CREATE TABLE helpers (job_id int REFERENCES jobs, person_id int REFERENCES people, PRIMARY KEY (job_id, person_id));
"""


@pytest.fixture
def firm(world: World) -> World:
    """A sync for people, and one for jobs."""
    world.sql(TABLES)
    world.config.write_text(world.config.read_text().partition("[[sync]]")[0])
    for table in ("people", "jobs"):
        made = world.type("init", "--table", table, "--create-notion", world.sandbox.root_page_id, "--yes")
        assert made.exit_code == 0, made.stderr
    return world


def plans(world: World, *words: str) -> dict[str, Any]:
    return {plan["name"]: plan for plan in world.json("plan", *words)["syncs"]}


def test_what_is_linked_at_once_and_what_follows(firm: World) -> None:
    firm.sql("INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 20) AS n")
    firm.sql("UPDATE people SET boss_id = 1 WHERE id > 10")
    firm.sql("UPDATE people SET boss_id = 20 WHERE id = 1")
    firm.sql("INSERT INTO jobs SELECT n, 'j' || n, (n + 1) / 2 FROM generate_series(1, 40) AS n")
    firm.sql("INSERT INTO helpers SELECT n, p FROM generate_series(1, 40) AS n, generate_series(3, 4) AS p")

    people, jobs = (plans(firm, "--limit", "1000")[name] for name in ("people", "jobs"))

    assert (people["counts"], people["waiting"]) == ({"notion create": 20, "notion update": 1}, 0)
    assert (jobs["counts"], jobs["waiting"]) == ({"notion create": 40}, 0)
    [action] = jobs["records"][39]["actions"]
    assert (action["changes"]["owner_id"], action["changes"]["public.helpers"]) == (
        {"number": "20"},
        {"list": ["3", "4"]},
    )
    assert "park" not in firm.type("plan").stdout

    done = firm.json("sync")["to_notion"]
    assert (done["created"], done["updated"]) == (60, 1)
    assert firm.json("verify")["agrees"]


def test_links_to_pages_that_are_there(firm: World) -> None:
    firm.sql("INSERT INTO people VALUES (1, 'Ada')")
    assert firm.type("sync").exit_code == 0
    firm.sql("INSERT INTO jobs VALUES (1, 'j', 1)")
    assert plans(firm)["jobs"]["counts"] == {"notion create": 1}
    assert firm.type("sync").exit_code == 0
    firm.sql("INSERT INTO people VALUES (2, 'Bob')")
    firm.sql("UPDATE jobs SET title = 'k', owner_id = 2")
    assert plans(firm)["jobs"]["counts"] == {"notion update": 2}


def test_alone_a_sync_waits_for_what_nobody_makes(firm: World) -> None:
    firm.sql("INSERT INTO people VALUES (1, 'Ada')")
    firm.sql("INSERT INTO jobs VALUES (1, 'j', 1)")
    found = plans(firm, "--sync", "jobs")["jobs"]
    assert (found["counts"], found["waiting"]) == ({"notion create": 1}, 1)
