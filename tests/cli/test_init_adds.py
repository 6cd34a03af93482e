"""Proves: `init` adds a sync to a file and touches nothing else in it; it makes a table for a data source, after it has
shown the SQL and was told to; questions have short lists and a default.
"""

from __future__ import annotations

import io
import tomllib

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from bridge.cli import main
from bridge.cli.environment import Environment
from bridge.clock import SystemClock
from tests.cli.conftest import World

NOTES = {"Title": "title", "Due Date": "date", "Stage": {"select": {"options": [{"name": "a'b"}, {"name": "c"}]}}}


def add(world: World, *more: str) -> Result:
    return world.type("init", *more)


def notes(world: World) -> str:
    return world.ada.create_database("Notes & more", NOTES)[1]


def columns(world: World, table: str) -> dict[str, str]:
    return dict(
        world.sql(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0",
            table,
        )
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_sync_is_added_and_nothing_else_is_touched(world: World, end: str) -> None:
    before = (world.config.read_text().rstrip("\n") + "\n# the end").replace("\n", end or "\n").encode() + end.encode()
    world.config.write_bytes(before)
    world.config.chmod(0o640)
    world.sql("CREATE TABLE notes (id int PRIMARY KEY, title text)")
    result = add(world, "--table", "notes", "--data-source", notes(world), "--yes")
    assert result.exit_code == 0, result.stderr
    after = world.config.read_bytes()
    assert after.startswith(before)
    assert (end or "\n").encode() + b"[[sync]]" in after[len(before) :]
    assert (b"\r\n" in after) == (end == "\r\n")
    assert world.config.stat().st_mode & 0o777 == 0o640
    assert [sync["name"] for sync in tomllib.loads(after.decode())["sync"]] == ["tasks", "notes"]
    assert world.type("sync").exit_code == 0
    assert world.type("verify").exit_code == 0


def test_what_the_file_has_already_is_not_added(world: World) -> None:
    before = world.config.read_text()
    result = add(world, "--table", "tasks", "--data-source", world.source)
    assert result.exit_code == 2
    assert "as 'tasks'" in result.stderr
    assert world.config.read_text() == before


def test_another_address_than_that_of_the_file_is_refused(world: World) -> None:
    result = add(world, "--table", "tasks", "--base-url", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert world.server.url in result.stderr


def test_a_second_sync_of_a_table_gets_a_name_of_its_own(world: World) -> None:
    other = world.ada.create_database("Tasks of others", {"title": "title", "id": "number"})[1]
    made = world.json("init", "--table", "tasks", "--data-source", other)
    assert made["sync"]["name"] == "tasks-2"


def test_a_file_without_a_sync_is_added_to(world: World) -> None:
    head = world.config.read_text().partition("[[sync]]")[0]
    world.config.write_text(head)
    assert add(world, "--table", "tasks", "--data-source", world.source).exit_code == 0
    assert world.config.read_text().startswith(head)


def test_a_table_is_made_from_a_data_source(world: World) -> None:
    source = notes(world)
    page = world.ada.create_row(source, {"Title": "first", "Due Date": "2026-01-02", "Stage": "c"})
    result = add(world, "--data-source", source, "--create-table", "--yes")
    assert result.exit_code == 0, result.stderr
    assert 'CREATE TABLE "public"."notes_more"' in result.stderr
    assert columns(world, "notes_more") == {"id": "bigint", "title": "text", "due_date": "date", "stage": "text"}
    assert world.type("sync").exit_code == 0
    assert world.sql("SELECT title, due_date::text, stage FROM notes_more") == [("first", "2026-01-02", "c")]
    assert world.ada.read(page)["id"] == 1
    world.sql("INSERT INTO notes_more (title) VALUES ('second')")
    assert world.type("sync").exit_code == 0
    assert world.type("verify").exit_code == 0


def test_the_sql_is_shown_and_nothing_is_made_without_a_word(world: World) -> None:
    source, before = notes(world), world.config.read_text()
    asked = add(world, "--data-source", source, "--create-table", '"My Notes"', "--enums")
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    printed = add(world, "--data-source", source, "--create-table", '"My Notes"', "--enums", "--print-sql")
    assert printed.exit_code == 0
    assert columns(world, '"My Notes"') == {}
    assert world.config.read_text() == before
    world.sql(printed.stdout.replace("%", "%%"))
    assert columns(world, '"My Notes"')["stage"] == '"My Notes_stage"'
    assert world.sql("SELECT enumlabel FROM pg_enum ORDER BY enumsortorder") == [("a'b",), ("c",)]
    mapped = add(world, "--table", '"My Notes"', "--data-source", source, "--yes")
    assert mapped.exit_code == 0, mapped.stderr


def test_a_table_that_is_there_is_not_made_again(world: World) -> None:
    result = add(world, "--data-source", notes(world), "--create-table", "tasks", "--yes")
    assert result.exit_code == 2
    assert "--table NAME" in result.stderr


def test_keys_that_pages_hold_become_the_keys_of_rows(world: World) -> None:
    for kind, keys in (("rich_text", ["a", "b"]), ("number", [7, 9])):
        source = world.ada.create_database(f"Kept {kind}", {"Name": "title", "Code": kind})[1]
        pages = [world.ada.create_row(source, {"Name": "x", "Code": key}) for key in keys]
        name = f"kept_{kind}"
        made = add(world, "--data-source", source, "--create-table", "--key-property", "Code", "--yes")
        assert made.exit_code == 0, made.stderr
        world.ada.create_row(source, {"Name": "without a key"})
        assert world.type("sync", "--sync", name).exit_code == 0
        assert [world.ada.read(page)["Code"] for page in pages] == keys
        found = [key for (key,) in world.sql(f"SELECT code FROM {name}")]  # noqa: S608 - a name of this test
        assert set(found) > set(keys)
        assert len(found) == 3


@pytest.mark.parametrize(
    "wishes",
    [
        ("--table", "tasks", "--create-table"),
        ("--enums", "--table", "tasks"),
        ("--all", "--table", "tasks"),
        ("--all", "--create-table", "x"),
        ("--below", "x"),
        ("--update", "--table", "tasks"),
        ("--create-notion", "x", "--data-source", "y"),
    ],
)
def test_options_that_contradict_each_other_are_refused(world: World, wishes: tuple[str, ...]) -> None:
    before = world.config.read_text()
    assert add(world, *wishes).exit_code == 2
    assert world.config.read_text() == before


def test_the_likeliest_is_the_default_and_a_part_of_a_name_is_enough(world: World) -> None:
    world.config.unlink()
    for number in range(12):
        world.sql(f"CREATE TABLE another_{number} (id int PRIMARY KEY, title text)")
        world.ada.create_database(f"Other {number}", {"Name": "title", "id": "number"})
    shown = io.StringIO()
    environment = Environment(
        out=Console(file=shown, markup=False),
        err=Console(file=shown, markup=False),
        clock=SystemClock(),
        variables=world.environment,
        interactive=True,
        config_path=world.config,
    )
    args = ["init", "--base-url", world.server.url]
    result = CliRunner().invoke(main, args, input="99\nask\n\n\n", obj=environment)
    assert result.exit_code == 0, shown.getvalue()
    assert "and 4 more" in shown.getvalue()
    assert "there is no 99: type 1 to 13, or part of a name" in shown.getvalue()
    assert world.source in world.config.read_text()
    assert 'table = "public.tasks"' in world.config.read_text()


def test_what_to_type_next_names_the_file(world: World) -> None:
    other = world.folder / "other.toml"
    wishes = ("--table", "tasks", "--data-source", world.source, "--base-url", world.server.url)
    assert "`notion-bridge plan`" in world.type("init", *wishes, "--force").stderr
    assert f"plan --config {other}`" in world.type("init", *wishes, "--config", str(other)).stderr
