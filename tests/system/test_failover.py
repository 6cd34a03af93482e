"""A replica that lacks the last transactions takes the place of the database, under the same address, while the bridge
runs. What was written into the old database and carried over since must not be undone in silence.

S3 (no lost update), S14 (another database), L1 (in step again), S27 (truthful).
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.system.test_both_ways import insert
from tests.system.world import World


class Replica:
    """A copy of the world's database as it was at one moment."""

    def __init__(self, world: World) -> None:
        self._own = str(conninfo_to_dict(world.dsn)["dbname"])
        self._copy, self._old = f"{self._own}_copy", f"{self._own}_old"
        self._admin = make_conninfo(world.dsn, dbname="postgres")
        self._run("CREATE DATABASE {copy} TEMPLATE {own}")

    def promote(self) -> None:
        """From now on the world's address leads to the copy."""
        self._run("ALTER DATABASE {own} WITH ALLOW_CONNECTIONS false")
        with psycopg.connect(self._admin, autocommit=True) as admin:
            ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s"
            admin.execute(ended, [self._own])
        self._run("ALTER DATABASE {own} RENAME TO {old}", "ALTER DATABASE {copy} RENAME TO {own}")

    def drop(self) -> None:
        self._run("DROP DATABASE IF EXISTS {copy} WITH (FORCE)", "DROP DATABASE IF EXISTS {old} WITH (FORCE)")

    def _run(self, *statements: str) -> None:
        names = {name: sql.Identifier(getattr(self, f"_{name}")) for name in ("own", "copy", "old")}
        with psycopg.connect(self._admin, autocommit=True) as admin:
            for statement in statements:
                admin.execute(sql.SQL(statement).format(**names))


def edited_by_a_program(world: World) -> None:
    """Another column: the note of it shows the whole row, with what it lost."""
    world.sql("UPDATE tasks SET amount = 5 WHERE id = 1")


def nothing_more(world: World) -> None:
    """Nobody writes into the replica."""


@pytest.mark.parametrize("then", [nothing_more, edited_by_a_program])
def test_what_a_replica_lacks_is_compared_and_not_undone(world: World, then: Callable[[World], None]) -> None:
    key = insert(world, "one", mail="old@example.com")
    world.sync()
    replica = Replica(world)
    try:
        with world.running():
            page_id = world.page(key)["_id"]
            world.person.edit(page_id, {"Mail": "typed@example.com"})
            world.until(lambda: world.rows()[key]["mail"] == "typed@example.com", "the edit is carried over")
            added = world.person.create_row(world.data_source, {"Name": "added"})
            world.until(lambda: len(world.rows()) == 2, "the new page has a row")
            replica.promote()
            then(world)
            world.until(lambda: len(world.rows()) == 2, "the new page has a row again")
            world.until(lambda: world.journal().conflicts(), "a person is told what differs")
            world.until(world.in_step, "both sides agree again, but for what was told")
        kept = [row["notion"] for row in world.journal().conflicts() if row["field"] == "mail"]
        assert kept == ['"typed@example.com"'] or world.rows()[key]["mail"] == "typed@example.com"
        assert world.person.read(added)["Name"] == "added"
        assert len(world.pages()) == 2
    finally:
        replica.drop()
