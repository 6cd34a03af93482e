"""Proves: a role with exactly the documented grants is enough for everything that the bridge does, `check` says so, and
`check` names each grant that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.cli.conftest import World
from tests.cli.test_run import running, until


@pytest.fixture
def role(world: World) -> Iterator[str]:
    """A role that may log in; what `init --print-sql` prints for it was run by the owner, and nothing else."""
    name = f"role_of_{conninfo_to_dict(world.dsn)['dbname']}"
    owner = world.dsn
    world.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    world.sql(f'CREATE ROLE "{name}" LOGIN; GRANT USAGE ON SCHEMA public TO "{name}"')
    world.dsn = make_conninfo(owner, user=name)
    world.config.unlink()
    options = ("--table", "public.tasks", "--data-source", world.source, "--base-url", world.server.url)
    script = world.type("init", *options, "--name", "tasks", "--print-sql", "--yes")
    assert script.exit_code == 0, script.stderr
    world.configure()
    world.dsn = owner
    world.sql(script.stdout)
    world.dsn = make_conninfo(owner, user=name)
    yield name
    world.dsn = owner
    world.sql(f'DROP OWNED BY "{name}" CASCADE; DROP ROLE "{name}"')


def as_owner(world: World, statement: str) -> list[tuple[object, ...]]:
    role_dsn, world.dsn = world.dsn, make_conninfo(world.dsn, user="postgres")
    try:
        return world.sql(statement)
    finally:
        world.dsn = role_dsn


def rows(world: World) -> dict[object, object]:
    return dict(as_owner(world, "SELECT title, status FROM tasks"))  # type: ignore[arg-type]


def pages(world: World) -> dict[object, object]:
    return {values["Name"]: values["Status"] for values in world.ada.rows(world.source).values()}


def test_both_ways_with_the_documented_grants(world: World, role: str) -> None:
    as_owner(world, "INSERT INTO tasks (title) VALUES ('one'), ('two'), ('three')")
    world.ada.create_row(world.source, {"Name": "from Notion"})
    world.ada.create_row(world.source, {"Name": "with a key", "id": 77})
    with running(world) as process:
        until(lambda: len(rows(world)) == len(pages(world)) == 5, "the first fill")
        as_owner(world, "UPDATE tasks SET status = 'ours' WHERE title = 'one'")
        as_owner(world, "DELETE FROM tasks WHERE title = 'two'")
        world.ada.edit(world.page(3), {"Status": "theirs"})
        world.ada.trash(world.page(77))
        until(lambda: rows(world) == pages(world) == expected(), "both sides are as they should be")
        process.terminate()
        assert process.wait(30) == 0
    for command in ("sync", "status", "verify", "plan", "check"):
        result = world.type(command)
        assert result.exit_code == 0, f"{command}: {result.stdout}{result.stderr}"
    assert "the role has every right that it needs" in world.type("check").stdout
    assert as_owner(world, "SELECT count(*) FROM notion_bridge.outbox") == [(0,)]


def expected() -> dict[object, object]:
    return {"one": "ours", "three": "theirs", "from Notion": None}


def test_a_full_outbox_with_the_documented_grants(world: World, role: str) -> None:
    as_owner(world, "INSERT INTO tasks (title) VALUES ('one')")
    assert world.type("sync").exit_code == 0
    as_owner(world, "ALTER SEQUENCE notion_bridge.noted_tasks RESTART 2000000")
    as_owner(world, "UPDATE tasks SET status = 'ours'; UPDATE tasks SET status = 'ours again'")
    assert world.json("status", code=1)["syncs"][0]["left_out"] > 0
    assert world.type("sync").exit_code == 0
    assert pages(world) == {"one": "ours again"}
    assert world.json("status")["syncs"][0]["left_out"] == 0


@pytest.mark.parametrize(
    "grant",
    [
        "SELECT ON notion_bridge.sync",
        "DELETE ON notion_bridge.outbox",
        "INSERT ON notion_bridge.applied",
        "UPDATE ON notion_bridge.applied",
        "UPDATE ON SEQUENCE notion_bridge.noted_tasks",
        "USAGE ON SEQUENCE public.tasks_id_seq",
        "UPDATE ON public.tasks",
        "DELETE ON public.tasks",
    ],
)
def test_check_names_a_missing_grant(world: World, role: str, grant: str) -> None:
    as_owner(world, f'REVOKE {grant} FROM "{role}"')
    result = world.type("check")
    assert result.exit_code == 2
    privilege, _, what = grant.partition(" ON ")
    shown = result.stdout.replace('"', "")
    assert f"may not {privilege} on {what}" in shown or "permission denied for table sync" in shown


def test_check_fails_where_the_role_may_not_install_what_the_file_asks_for(world: World, role: str) -> None:
    assert world.type("check").exit_code == 0
    world.configure(where='"NOT done"')
    result = world.type("check")
    assert result.exit_code == 2
    assert "wrong    tasks: trigger: not what this mapping needs" in result.stdout
    assert "init --print-sql" in result.stdout
    as_owner(world, f'ALTER TABLE tasks OWNER TO "{role}"')  # which is not enough
    assert world.type("check").exit_code == 2
