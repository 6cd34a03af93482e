"""What every test stands on: a clean environment, a PostgreSQL server, a fresh database per test.

The server is the embedded one, started once per run. BRIDGE_TEST_DSN may name another one instead
(superuser, for it makes and drops databases): to test against an older or a vendor's PostgreSQL.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bridge.sandbox.notion.log import Entry
from bridge.sandbox.postgres import EmbeddedPostgres
from tests import manners
from tests.figures import figures, lines

__all__ = ["figures"]

# Hypothesis draws the same cases every time, so that the gate never fails by luck, nor by a slow machine.
# HYPOTHESIS_PROFILE=search draws many fresh ones and prints how to repeat a failure; floor, as many as we promise.
SLOW_IS_FINE = [HealthCheck.too_slow]
settings.register_profile(
    "gate", derandomize=True, database=None, deadline=None, max_examples=50, suppress_health_check=SLOW_IS_FINE
)
settings.register_profile(
    "search", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=SLOW_IS_FINE
)
settings.register_profile("floor", settings.get_profile("search"), max_examples=20_000, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# Durability costs most of the time of a test and protects nothing: the data is thrown away.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

# What a developer may have set, and what would change the meaning of a test.
WIPED = {"CLICOLOR_FORCE", "COLUMNS", "DATABASE_URL", "FORCE_COLOR", "LINES", "NO_COLOR"}
WIPED_PREFIXES = ("BRIDGE_", "NOTION_", "PG", "TTY_")


@dataclass(frozen=True, slots=True)
class ForeignServer:
    """A server that BRIDGE_TEST_DSN names."""

    dsn: str

    def dsn_for(self, database: str) -> str:
        return make_conninfo(self.dsn, dbname=database)


@pytest.fixture(scope="session")
def foreign_dsn() -> str | None:
    """What BRIDGE_TEST_DSN said before the environment was wiped."""
    return os.environ.get("BRIDGE_TEST_DSN")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(foreign_dsn: str | None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name in WIPED or name.startswith(WIPED_PREFIXES):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def requests_to_notion() -> Iterator[list[Entry]]:
    """What the sandboxes of the test are asked, whoever made them."""
    with manners.every_request() as collected:
        yield collected


@pytest.fixture(autouse=True)
def good_manners(requests_to_notion: list[Entry]) -> Iterator[None]:
    """Fails a test in which a sandbox saw what a bridge must not do.

    A folder where not the bridge talks, or where other rules judge it, puts its own in this place.
    """
    yield
    manners.check(requests_to_notion)


@pytest.fixture(scope="session")
def postgres_server(foreign_dsn: str | None, clean_environment: None) -> Iterator[EmbeddedPostgres | ForeignServer]:
    """The server of this run. Do not stop it: tests that need that start one of their own."""
    if foreign_dsn is not None:
        yield ForeignServer(foreign_dsn)
        return
    with EmbeddedPostgres(settings=FAST) as server:
        yield server


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    """Names that no other run on the same server uses."""
    return (f"bridge_test_{os.getpid()}_{number}" for number in itertools.count(1))


@pytest.fixture
def database(postgres_server: EmbeddedPostgres | ForeignServer, database_names: Iterator[str]) -> Iterator[str]:
    """The DSN of an empty database, dropped afterwards whoever is still connected to it."""
    name = next(database_names)
    with psycopg.connect(postgres_server.dsn, autocommit=True) as admin:
        # template0, for an administrator may have put things into template1.
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield postgres_server.dsn_for(name)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests have counted, below their results."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = lines(report for report in reports if isinstance(report, pytest.TestReport))
    if told:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(told))
