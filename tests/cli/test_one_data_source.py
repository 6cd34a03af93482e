"""Proves: a data source belongs to one sync. A second one, of another table, is refused before it writes anything: by
`init`, `check`, `plan`, `sync` and `run`, in one configuration and across several that share the database.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import PROPERTIES, World

SECOND = """
[[sync]]
name = "others"
table = "public.others"
data_source = "{source}"
key_property = "id"

[sync.fields]
title = "Name"
"""


@pytest.fixture
def others(world: World) -> World:
    """A second table like the first, and a row in each."""
    world.sql("CREATE TABLE others (LIKE tasks INCLUDING ALL)")
    world.sql("INSERT INTO tasks (id, title) VALUES (10, 'ours')")
    world.sql("INSERT INTO others (id, title) VALUES (10, 'theirs')")
    return world


def database_of(world: World) -> str:
    return world.sandbox.world.data_sources[world.source].database_id


def untouched(world: World) -> bool:
    return world.sql("SELECT title FROM others") == [("theirs",)] and [
        values["Name"] for values in world.ada.rows(world.source).values()
    ] == ["ours"]


@pytest.mark.parametrize("wishes", [("--table", "others"), ("--create-table", "mine"), ("--create-table",)])
def test_init_adds_no_second_table(others: World, wishes: tuple[str, ...]) -> None:
    assert others.type("sync").exit_code == 0
    before, tables = others.config.read_text(), others.sql("SELECT count(*) FROM pg_tables")
    refused = others.type("init", "--data-source", others.source, *wishes, "--yes")
    assert refused.exit_code == 2
    assert "'tasks' with the table public.tasks" in refused.stderr
    assert others.config.read_text() == before
    assert others.sql("SELECT count(*) FROM pg_tables") == tables


@pytest.mark.parametrize("installed", [False, True])
@pytest.mark.parametrize("named", ["data source", "database"])
def test_a_file_that_names_it_twice_is_refused(others: World, named: str, installed: bool) -> None:
    if installed:
        assert others.type("sync").exit_code == 0
    else:
        others.ada.create_row(others.source, {"Name": "ours"})
    source = others.source if named == "data source" else database_of(others)
    others.config.write_text(others.config.read_text() + SECOND.format(source=source))
    for command in (["sync"], ["run"], ["plan"], ["sync", "--sync", "others"], ["init"]):
        refused = others.type(*command)
        assert refused.exit_code == 2, command
        assert "to two syncs" in refused.stderr
    checked = others.type("check")
    assert checked.exit_code == 2
    assert "wrong    others: data source:" in checked.stdout
    assert untouched(others)
    assert others.type("status").exit_code == 1  # what repairs, or only looks, goes on
    assert others.type("uninstall", "--sync", "others", "--yes").exit_code in (0, 2)


def test_two_data_sources_of_one_database_are_two(others: World) -> None:
    assert others.type("sync").exit_code == 0
    others.config.write_text(others.config.read_text().replace(others.source, database_of(others)))
    more = others.ada.add_data_source(database_of(others), "More", PROPERTIES)
    others.config.write_text(others.config.read_text() + SECOND.format(source=more))
    synced = others.type("sync")
    assert synced.exit_code == 0, synced.stderr
    assert others.type("verify").exit_code == 0


@pytest.fixture
def elsewhere(others: World) -> World:
    """A second configuration, of the second table; the first one is installed."""
    assert others.type("sync").exit_code == 0
    others.config = others.folder / "elsewhere" / "bridge.toml"
    others.config.parent.mkdir()
    return others


def test_another_configuration_is_refused_too(elsewhere: World) -> None:
    elsewhere.configure(name='"others"', table='"public.others"')
    for command in ("sync", "run", "plan", "init"):
        refused = elsewhere.type(command)
        assert refused.exit_code == 2, command
        assert 'the sync "tasks" already keeps public.tasks and this data source the same' in refused.stderr
        assert "notion-bridge uninstall --sync tasks" in refused.stderr
    checked = elsewhere.type("check")
    assert checked.exit_code == 2
    assert 'wrong    others: data source: the sync "tasks" already keeps public.tasks' in checked.stdout
    assert untouched(elsewhere)
    assert elsewhere.sql("SELECT name FROM notion_bridge.sync") == [("tasks",)]


@pytest.mark.parametrize("more", [(), ("--print-sql",)])
def test_init_is_refused_before_a_dba_runs_anything(elsewhere: World, more: tuple[str, ...]) -> None:
    for table in ("others", "tasks"):  # the same table under another name, too
        wishes = ("--table", table, "--data-source", elsewhere.source, "--name", "mine", "--yes", *more)
        refused = elsewhere.type("init", *wishes, "--base-url", elsewhere.server.url)
        assert refused.exit_code == 2, refused.stdout
        assert '"tasks" already keeps public.tasks' in refused.stderr
        assert not elsewhere.config.exists()


def test_a_table_that_was_made_anew_keeps_its_data_source(others: World) -> None:
    assert others.type("sync").exit_code == 0
    others.sql("DROP TABLE tasks; ALTER TABLE others RENAME TO tasks")
    again = ("--table", "tasks", "--data-source", others.source, "--force", "--yes", "--base-url", others.server.url)
    made = others.type("init", *again)
    assert made.exit_code == 0, made.stderr


def test_a_sync_whose_table_is_gone_can_be_removed(elsewhere: World) -> None:
    elsewhere.sql("DROP TABLE tasks")
    elsewhere.configure(name='"others"', table='"public.others"')
    assert "keeps a table that is gone" in elsewhere.type("check").stdout
    assert elsewhere.type("uninstall", "--sync", "tasks", "--yes").exit_code == 0
    assert elsewhere.type("check").exit_code == 0


def test_all_leaves_out_what_another_sync_has(elsewhere: World, tmp_path: Path) -> None:
    elsewhere.sql("CREATE SCHEMA app; CREATE TABLE app.tasks (LIKE tasks INCLUDING ALL)")
    elsewhere.sql("CREATE TABLE app.others (LIKE tasks INCLUDING ALL)")
    elsewhere.ada.create_database("Others", PROPERTIES)
    for sync in elsewhere.sql("SELECT name FROM notion_bridge.sync"):
        assert sync == ("tasks",)
    elsewhere.sql("UPDATE notion_bridge.sync SET name = 'elsewhere'")
    made = elsewhere.json("init", "--all", "--schema", "app", "--yes", "--base-url", elsewhere.server.url)
    assert [sync["name"] for sync in made["syncs"]] == ["others"]
    assert 'the sync "elsewhere" already keeps' in str(made["left_out"])
