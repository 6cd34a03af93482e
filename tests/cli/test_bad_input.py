"""Proves: whatever is wrong with the set-up, the answer says what, where and what to do; the exit code tells a retry
from a repair; there is no traceback; neither side is touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from psycopg.conninfo import make_conninfo

from tests.cli.conftest import World

COMMANDS = ("check", "plan", "sync", "verify")


def unshared(world: World) -> None:
    world.ada.unshare(world.sandbox.root_page_id)


def second_source(world: World) -> None:
    database_id = world.sandbox.world.data_sources[world.source].database_id
    world.ada.add_data_source(database_id, "Archive", {"Name": "title"})
    world.configure(data_source=f'"{database_id}"')


def no_key(world: World) -> None:
    world.sql("ALTER TABLE tasks DROP CONSTRAINT tasks_pkey")


def unmappable(world: World) -> None:
    world.sql("ALTER TABLE tasks ADD COLUMN place point")
    world.configure(fields={"title": "Name", "place": "Status"})


def wrong_types(world: World) -> None:
    world.configure(fields={"done": "Estimate"})


def wrong_address(world: World) -> None:
    text = world.config.read_text(encoding="utf-8")
    world.config.write_text(text.replace(world.server.url, f"{world.server.url}/d"), encoding="utf-8")


def wrong_token(world: World) -> None:
    world.token = "ntn_wrong"


SETUPS: dict[str, tuple[Callable[[World], None], str, str]] = {
    "unknown key": (lambda w: w.configure(polcy='"manual"'), "line 14: unknown key 'polcy'", "Did you mean 'policy'"),
    "unknown table": (lambda w: w.configure(table='"public.taks"'), "no table public.taks", "tasks"),
    "unknown column": (lambda w: w.configure(fields={"titel": "Name"}), "no column 'titel'", "title"),
    "unknown property": (lambda w: w.configure(fields={"title": "Nmae"}), "no property 'Nmae'", "Did you mean 'Name'"),
    "type that is not carried": (unmappable, "point", "Leave it out"),
    "types that do not fit": (wrong_types, '"Estimate" (number) cannot carry', "checkbox"),
    "no primary key": (no_key, "no primary key", "`key`"),
    "wrong token": (wrong_token, "401", "[notion] token"),
    "wrong address": (wrong_address, "Invalid request URL", "Check [notion] base_url"),
    "not shared": (unshared, "Notion shows the integration nothing", "Connections"),
    "several data sources": (second_source, "2 data sources", "data_source"),
}


@pytest.mark.parametrize("name", SETUPS)
def test_it_is_told_what_is_wrong_and_what_to_do(world: World, name: str) -> None:
    spoil, problem, way_out = SETUPS[name]
    spoil(world)
    world.sandbox.log.clear()

    for command in COMMANDS:
        result = world.type(command)
        said = result.stdout + result.stderr
        assert result.exit_code == 2, said
        assert problem in said, command
        assert way_out in said, command

    assert not world.sandbox.log.find("PATCH")
    assert not world.sandbox.log.find("POST", "/v1/pages")
    assert world.sql("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'tasks'::regclass AND NOT tgisinternal") == [(0,)]


def test_no_configuration_file(world: World) -> None:
    world.config.unlink()
    for command in (*COMMANDS, "status", "conflicts", "parked", "pause", "resume", "uninstall"):
        result = world.type(command)
        assert result.exit_code == 2
        assert "there is no configuration file" in result.stdout + result.stderr
        assert "notion-bridge init" in result.stdout + result.stderr


def test_an_unset_variable_is_named(world: World) -> None:
    result = world.type("status", NOTION_TOKEN=None)
    assert result.exit_code == 2
    assert "NOTION_TOKEN is not set" in result.stderr
    assert "line 4" in result.stderr


def test_an_unknown_sync_names_the_known_ones(world: World) -> None:
    result = world.type("plan", "--sync", "task")
    assert result.exit_code == 2
    assert "It has: tasks." in result.stderr


def test_a_role_that_may_not_make_the_trigger(world: World) -> None:
    world.sql("DROP ROLE IF EXISTS bridge_reader")
    world.sql("CREATE ROLE bridge_reader LOGIN")
    world.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO bridge_reader")
    dsn = make_conninfo(world.dsn, user="bridge_reader")
    try:
        result = world.type("sync", DATABASE_URL=dsn)
        checked = world.type("check", DATABASE_URL=dsn)
    finally:
        world.sql("DROP OWNED BY bridge_reader")
        world.sql("DROP ROLE bridge_reader")
    assert result.exit_code == 2
    assert "may not install the trigger" in result.stderr
    assert checked.exit_code == 2
    for said in (result.stderr, checked.stdout):
        assert "init --print-sql" in said


def test_without_notion_the_database_is_still_checked(world: World) -> None:
    world.server.stop()
    result = world.type("check", "--json")
    assert result.exit_code == 1
    states = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
    assert states["notion"] == "wait"
    assert states["table"] == "ok"


def test_without_the_database_notion_is_still_checked(world: World) -> None:
    result = world.type("check", "--json", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    states = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
    assert states["database"] == "wait"
    assert states["data source"] == "ok"


@pytest.mark.parametrize("command", [*COMMANDS, "status", "run --no-live", "uninstall --yes"])
def test_a_password_that_is_not_encoded_is_a_mistake_of_the_set_up(world: World, command: str) -> None:
    result = world.type(*command.split(), DATABASE_URL="postgresql://me:p@ss/word@127.0.0.1:1/shop")
    said = result.stdout + result.stderr
    assert result.exit_code == 2, said
    assert "the PostgreSQL connection string cannot be read" in said
    assert "@ as %40" in said
    assert "notion: the PostgreSQL" not in said
    assert not any(piece in said for piece in ("ss/word", "127.0.0.1:1", "shop"))


def test_a_typing_mistake_is_told_in_json_too(world: World) -> None:
    result = world.type("statsu", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["message"]


def test_a_missing_journal_says_what_makes_one(world: World) -> None:
    for command in ("conflicts", "parked", "pause"):
        result = world.type(command)
        assert result.exit_code == 1
        assert "notion-bridge sync" in result.stderr


@pytest.mark.parametrize("typed", ["", "2026-07-07", "77|tomorrow"])
@pytest.mark.parametrize("kept", ["in the table", "in partitions", "in the default partition"])
def test_a_key_that_is_none_is_told_how_to_be_written(world: World, typed: str, kept: str) -> None:
    """The server names a partition that nobody knows, or says that there is none."""
    parted = "" if kept == "in the table" else "PARTITION BY RANGE (at)"
    world.sql(f"CREATE TABLE events (id integer, at date, note text, PRIMARY KEY (id, at)) {parted}")
    if parted:
        place = "DEFAULT" if "default" in kept else "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
        world.sql(f"CREATE TABLE events_1 PARTITION OF events {place}")
    world.source = world.ada.create_database("Events", {"Note": "title", "id at": "rich_text"})[1]
    world.configure(table='"events"', key_property='"id at"', fields={"note": "Note"})
    page = world.ada.create_row(world.source, {"Note": "typed by hand", "id at": typed})
    assert world.type("sync").exit_code == 4
    told = world.type("parked", "list").stdout
    assert '"id at" names no key, and id has no default: type the key there, the parts joined as id|at' in told
    world.ada.edit(page, {"id at": "77|2026-07-07"})
    assert world.type("sync").exit_code == 0
    assert world.sql("SELECT id, at::text FROM events") == [(77, "2026-07-07")]
