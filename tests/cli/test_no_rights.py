"""Proves: a role that may use the table and not the bridge's own schema gets a clear word from every command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.cli.conftest import World


@pytest.fixture
def role(world: World) -> Iterator[str]:
    """A role that may log in and use the table."""
    name = f"role_of_{conninfo_to_dict(world.dsn)['dbname']}"
    owner = world.dsn
    world.sql(f'CREATE ROLE "{name}" LOGIN')
    world.sql(f'GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO "{name}"')
    yield name
    world.dsn = owner
    world.sql(f'DROP OWNED BY "{name}" CASCADE')
    world.sql(f'DROP ROLE "{name}"')


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["status"],
        ["plan"],
        ["verify"],
        ["sync"],
        ["run"],
        ["uninstall", "--yes"],
        ["uninstall", "--yes", "--sync", "another"],
        ["init", "--yes"],
    ],
    ids=" ".join,
)
def test_a_missing_right_is_told_in_words(world: World, role: str, command: list[str]) -> None:
    assert world.type("sync").exit_code == 0
    world.dsn = make_conninfo(world.dsn, user=role)
    said = world.type(*command)  # a traceback would come out of this
    assert said.exit_code in (1, 2)
    assert "permission denied for schema notion_bridge" in said.stdout + said.stderr
