"""Long storms over real processes: kill -9 at random moments, a database that restarts all the time. Each is drawn from
its seed (BRIDGE_STORM_SEED repeats one); what people wrote must be found again, every few blows and at the end.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from bridge.sandbox.postgres import EmbeddedPostgres
from bridge.sandbox.postgres.server import StopMode
from tests.figures import Figures
from tests.system.conftest import tasks_world
from tests.system.crashing import KILLED, Command
from tests.system.history import History, is_quiet, judge
from tests.system.world import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(0)]

KILLS = 200
RESTARTS = 60
LOOK_EVERY = 20  # blows, between two judgements


def _no_breaker(world: World) -> None:
    """People trash pages while the bridge is dead, and on a slow machine more than twenty before it looks again. The
    breaker has tests of its own."""
    world.options = "max_deletes = 100000"
    world.write_config()


@pytest.fixture
def people(world: World, storm_seed: int) -> Iterator[History]:
    _no_breaker(world)
    history = History(world, storm_seed)
    yield history
    history.close()


def test_two_hundred_kills(people: History, figures: Figures) -> None:
    """The bridge is killed at random moments, from its first instruction on, while people edit both sides."""
    world, rng = people.world, random.Random(f"kills {people.seed}")
    for number in range(1, KILLS + 1):
        bridge = Command(world, ["run", "--no-live"])
        _edit_for(people, 10 ** rng.uniform(-1.5, 0.4))
        assert bridge.kill() == KILLED, bridge.said()
        for what, count in _left_behind(world).items():
            figures.count("random kills", what, count)
        figures.count("random kills", "kills")
        if number % LOOK_EVERY == 0:
            _come_to_rest(people)
    _say(people, figures, "random kills")


def _edit_for(people: History, seconds: float) -> None:
    """The shape of the load, not a wait for anything."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        people.step_or_fail()
        if people.rng.random() < 0.05:
            people.trouble()
        time.sleep(people.rng.choice([0, 0.01, 0.05]))


def _left_behind(world: World) -> dict[str, int]:
    """What a dead bridge's journal says, and that its file is whole."""
    if not world.journal_path.exists():
        return {"before there was a journal": 1}
    with closing(sqlite3.connect(f"file:{world.journal_path}?mode=ro", uri=True)) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = {name for (name,) in journal.execute("SELECT name FROM sqlite_master")}
        if "intents" not in tables:
            return {"before the journal had its tables": 1}
        [(flying,)] = journal.execute("SELECT count(*) FROM intents WHERE state IN ('open', 'unknown')")
    return {"with writes under way": int(flying > 0), "writes under way": flying}


def _come_to_rest(people: History) -> None:
    world = people.world
    world.sandbox.faults.clear()
    bridge = Command(world, ["run", "--no-live"])
    try:
        world.until(lambda: is_quiet(world), f"quiet (seed {people.seed}): {bridge.said()}")
    finally:
        bridge.kill()
    judge(people)


def _say(people: History, figures: Figures, group: str) -> None:
    figures.count(group, "edits", people.steps)
    figures.count(group, "values written", len(people.written))
    figures.count(group, "values of unknown outcome", len(people.unsure))
    journal = people.world.journal()
    figures.count(group, "conflicts recorded", len(journal.conflicts()))
    journal.close()
    log = people.world.sandbox.log
    figures.count(group, "pages created", len(log.find("POST", r"/pages$")))
    figures.count(group, "pages written", len(log.find("PATCH", r"/pages/")))


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """What it has said to be committed survives its crash, unlike in the server of the other tests."""
    with EmbeddedPostgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture
def restless(own_server: EmbeddedPostgres, tmp_path: Path, storm_seed: int) -> Iterator[History]:
    with tasks_world(own_server.create_database("storm"), tmp_path) as world:
        _no_breaker(world)
        history = History(world, storm_seed)
        yield history
        history.close()


def test_sixty_restarts_of_the_database(own_server: EmbeddedPostgres, restless: History, figures: Figures) -> None:
    """One bridge lives through all of them, fast ones and crashes, while people edit both sides."""
    people, world = restless, restless.world
    rng = random.Random(f"restarts {people.seed}")
    bridge = Command(world, ["run", "--no-live"])
    try:
        for number in range(1, RESTARTS + 1):
            _edit_for(people, rng.uniform(0.2, 2.0))
            mode: StopMode = rng.choice(get_args(StopMode))
            own_server.stop(mode)
            _edit_for(people, rng.choice([0, 0, 0.3, 1.5]))
            own_server.start()
            figures.count("database restarts", mode)
            if number % LOOK_EVERY == 0:
                world.sandbox.faults.clear()
                people.step_or_fail()
                world.until(lambda: is_quiet(world), f"quiet (seed {people.seed})")
                judge(people)
            assert bridge.running(), bridge.said()
    finally:
        bridge.kill()
    _say(people, figures, "database restarts")
