"""Proves: `init` leads from nothing to a sync that runs, asks before it changes Notion, loses no file, and gives a DBA
the same script that it would run itself.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console

from bridge.cli import main
from bridge.cli.environment import Environment
from bridge.clock import SystemClock
from tests.cli.conftest import World


@pytest.fixture
def fresh(world: World) -> World:
    """Both sides, and no configuration yet."""
    world.config.unlink()
    return world


def init(world: World, *more: str) -> tuple[int, str, str]:
    result = world.type("init", "--base-url", world.server.url, *more)
    return result.exit_code, result.stdout, result.stderr


def triggers(world: World) -> list[tuple[object, ...]]:
    return world.sql("SELECT tgname FROM pg_trigger WHERE tgrelid = 'tasks'::regclass AND NOT tgisinternal")


def test_from_nothing_to_in_step(fresh: World) -> None:
    code, stdout, stderr = init(fresh, "--table", "tasks", "--data-source", fresh.source)
    assert code == 0, stderr
    assert stdout == ""
    assert len(triggers(fresh)) == 5
    fresh.sql("INSERT INTO tasks (title) VALUES ('first')")
    assert fresh.type("check").exit_code == 0
    assert fresh.type("sync").exit_code == 0
    assert fresh.type("verify").exit_code == 0


def test_the_file_holds_no_secret_and_says_what_to_export(fresh: World) -> None:
    result = fresh.type(
        *("init", "--table", "tasks", "--data-source", fresh.source, "--base-url", fresh.server.url),
        *("--dsn", fresh.dsn, "--token", fresh.token),
        DATABASE_URL=None,
        NOTION_TOKEN=None,
    )
    assert result.exit_code == 0, result.stderr
    assert fresh.token not in fresh.config.read_text()
    assert fresh.dsn not in fresh.config.read_text()
    for name in ("DATABASE_URL", "NOTION_TOKEN"):
        assert f"set {name}" in result.stderr


def test_a_data_source_made_from_the_table(fresh: World) -> None:
    page = fresh.sandbox.root_page_id
    code, _, stderr = init(fresh, "--table", "tasks", "--create-notion", page, "--yes")
    assert code == 0, stderr
    fresh.sql("INSERT INTO tasks (title, estimate) VALUES ('first', 1.5)")
    assert fresh.type("sync").exit_code == 0
    assert fresh.type("verify").exit_code == 0


def test_notion_is_not_changed_without_a_word(fresh: World) -> None:
    wishes = ("--table", "tasks", "--data-source", fresh.source, "--key-property", "Row number")
    code, _, stderr = init(fresh, *wishes)
    assert code == 2
    assert "--yes" in stderr
    assert not fresh.config.exists()
    assert "Row number" not in fresh.ada.read(fresh.ada.create_row(fresh.source))

    assert init(fresh, *wishes, "--yes")[0] == 0
    assert "Row number" in fresh.ada.read(fresh.ada.create_row(fresh.source))


def test_a_new_file_takes_the_place_of_the_old_one_only_when_forced(fresh: World) -> None:
    fresh.config.write_text("# mine\n")
    assert init(fresh, "--table", "tasks", "--data-source", fresh.source, "--force")[0] == 0
    assert (fresh.folder / "bridge.toml.1.bak").read_text() == "# mine\n"


def test_with_a_file_it_installs_what_the_file_asks_for(world: World) -> None:
    before = world.config.read_text()
    assert world.type("init").exit_code == 0
    assert len(triggers(world)) == 5
    assert world.config.read_text() == before


def test_the_script_for_the_dba_installs_and_nothing_else_does(fresh: World) -> None:
    code, script, _ = init(fresh, "--table", "tasks", "--data-source", fresh.source, "--print-sql")
    assert code == 0
    assert triggers(fresh) == []
    assert fresh.type("init", "--print-sql").stdout == script, "the same with the file that was written"

    with psycopg.connect(fresh.dsn, autocommit=True) as dba:
        dba.execute(script.encode())

    assert len(triggers(fresh)) == 5
    assert fresh.type("check").exit_code == 0


def test_without_a_terminal_what_is_missing_is_named(fresh: World) -> None:
    for missing, hint in (((), "public.tasks"), (("--table", "tasks"), "Tasks")):
        code, _, stderr = init(fresh, *missing)
        assert code == 2
        assert "is missing" in stderr
        assert hint in stderr


def test_a_role_without_rights_leaves_the_file_for_the_one_who_has_them(fresh: World) -> None:
    fresh.sql("DROP ROLE IF EXISTS bridge_visitor")
    fresh.sql("CREATE ROLE bridge_visitor LOGIN")
    fresh.sql("GRANT SELECT ON tasks TO bridge_visitor")
    dsn = fresh.dsn.replace("postgres@", "bridge_visitor@")
    try:
        result = fresh.type(
            *("init", "--base-url", fresh.server.url, "--table", "tasks", "--data-source", fresh.source),
            DATABASE_URL=dsn,
        )
    finally:
        fresh.sql("DROP OWNED BY bridge_visitor")
        fresh.sql("DROP ROLE bridge_visitor")
    assert result.exit_code == 2
    assert "--print-sql" in result.stderr
    assert fresh.config.exists()


@pytest.fixture
def stranger(fresh: World) -> Iterator[str]:
    """The DSN of a role without any right, not even on the schema `app`, where there is a table with policies."""
    name = f"stranger_of_{conninfo_to_dict(fresh.dsn)['dbname']}"
    fresh.sql("CREATE SCHEMA app; CREATE TABLE app.notes (id integer PRIMARY KEY, title text)")
    fresh.sql("ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY")
    fresh.sql(f'CREATE ROLE "{name}" LOGIN')
    yield make_conninfo(fresh.dsn, user=name)
    fresh.sql(f'DROP OWNED BY "{name}" CASCADE; DROP ROLE "{name}"')


NOTES = ("--table", "app.notes", "--name", "notes", "--print-sql", "--yes")


def test_a_role_without_any_right_can_print_what_it_needs(fresh: World, stranger: str) -> None:
    owner, fresh.dsn = fresh.dsn, stranger
    role = conninfo_to_dict(stranger)["user"]
    code, script, stderr = init(fresh, *NOTES, "--data-source", fresh.source)
    assert code == 0, stderr
    assert f'GRANT USAGE ON SCHEMA "app" TO "{role}";' in script
    assert f'-- ALTER ROLE "{role}" BYPASSRLS;' in script
    assert f"name the role {role}" in stderr

    checked = fresh.type("check").stdout
    assert "the role may not use the schema app" in checked
    assert "row-level security hides rows" in checked
    assert "BYPASSRLS (ALTER ROLE" in checked

    twice = fresh.type("init", *NOTES, "--data-source", fresh.source)
    assert twice.exit_code == 2
    assert "`notion-bridge init --print-sql`, with nothing else, prints the script" in twice.stderr
    assert fresh.type("init", "--print-sql").stdout == script

    fresh.dsn = owner
    fresh.sql(script)
    fresh.sql(f'ALTER ROLE "{role}" BYPASSRLS')
    fresh.dsn = stranger
    again = fresh.type("check")
    fresh.dsn = owner
    assert again.exit_code == 0, again.stdout
    assert "BYPASSRLS" not in again.stdout


def test_the_grants_are_for_the_role_of_the_environment(fresh: World, stranger: str) -> None:
    """A DBA names another DSN for this one command; later ones have that of the environment."""
    owner, fresh.dsn = fresh.dsn, stranger
    code, script, stderr = init(fresh, *NOTES, "--data-source", fresh.source, "--dsn", owner)
    fresh.dsn = owner
    assert code == 0, stderr
    assert f'TO "{conninfo_to_dict(stranger)["user"]}";' in script
    assert "BYPASSRLS" in script
    assert 'TO "postgres"' not in script


def test_on_a_terminal_it_asks(fresh: World) -> None:
    shown = io.StringIO()
    environment = Environment(
        out=Console(file=shown, markup=False),
        err=Console(file=shown, markup=False),
        clock=SystemClock(),
        variables=fresh.environment,
        interactive=True,
        config_path=fresh.config,
    )
    runner = CliRunner()
    args = ["init", "--base-url", fresh.server.url]
    declined = runner.invoke(main, args, input="1\n1\nn\n", obj=environment)
    assert declined.exit_code == 0
    assert not fresh.config.exists()
    assert not fresh.journal.parent.exists(), "nothing is left behind"

    agreed = runner.invoke(main, args, input="\n\n\n", obj=environment)
    assert agreed.exit_code == 0, shown.getvalue()
    assert fresh.config.exists()
    assert len(triggers(fresh)) == 5
