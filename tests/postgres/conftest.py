"""A user's session beside the bridge's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.postgres.support import User


@pytest.fixture
def user(database: str) -> Iterator[User]:
    """Somebody who works in the database with a program of their own, in autocommit mode."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def users(database: str) -> Iterator[Callable[[], User]]:
    """More of them, each in transactions of their own."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(psycopg.connect(database))


@pytest.fixture
def role(database: str, user: User) -> Iterator[str]:
    """A role that may log in and has no rights; removed with everything that it owns."""
    name = f"role_of_{conninfo_to_dict(database)['dbname']}"
    role = sql.Identifier(name)
    user.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    yield name
    user.execute("RESET ROLE")
    user.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))
