"""A fresh world per test: its own database, sandbox and folder."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.sandbox.notion import Options, Sandbox, SandboxServer
from tests.figures import Figures
from tests.line import Line
from tests.system.shop import Shop
from tests.system.world import TASKS_PROPERTIES, TASKS_TABLE, World

STORM_SEED = int(os.environ.get("BRIDGE_STORM_SEED", "0"))  # read before the environment is wiped


@contextmanager
def tasks_world(database: str, folder: Path) -> Iterator[World]:
    """Tasks on both sides, nothing in them."""
    sandbox = Sandbox(options=Options(requests_per_minute=6000))
    person = sandbox.person("Ada")
    _, data_source = person.create_database("Tasks", TASKS_PROPERTIES)
    with SandboxServer(sandbox) as server:
        made = World(folder, database, sandbox, server, data_source, person)
        made.sql(TASKS_TABLE)
        made.write_config()
        yield made


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    """See `tasks_world`."""
    with tasks_world(database, tmp_path) as made:
        yield made


@pytest.fixture
def pages_line(world: World) -> Iterator[Line]:
    """Between the bridge of this world and Notion; another bridge goes past it."""
    with Line.to_http(world.server.url) as line:
        world.bridge_url = line.url
        world.write_config()
        yield line


@pytest.fixture
def storm_seed(figures: Figures, request: pytest.FixtureRequest) -> int:
    """A fresh seed for a long test, or the one that BRIDGE_STORM_SEED names. It is told at the end of the run."""
    seed = STORM_SEED or random.SystemRandom().randrange(1, 1_000_000)
    figures.say("storms", f"{request.node.name}: BRIDGE_STORM_SEED={seed}")
    return seed


@contextmanager
def _shop(database: str, folder: Path, *, dual: bool) -> Iterator[Shop]:
    sandbox = Sandbox(options=Options(requests_per_minute=6000))
    with SandboxServer(sandbox) as server:
        made = Shop(folder, database, sandbox, server, "", sandbox.person("Ada"))
        made.build(dual=dual)
        yield made


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[Shop]:
    """Several tables that reference each other, and data sources with relations, nothing in them."""
    with _shop(database, tmp_path, dual=False) as made:
        yield made


@pytest.fixture
def dual_shop(database: str, tmp_path: Path) -> Iterator[Shop]:
    """The same, with relations that Notion mirrors."""
    with _shop(database, tmp_path, dual=True) as made:
        yield made
