"""People edit both sides at random while the bridge runs and things go wrong; nothing may be missing (S1, S3, S10)."""

from __future__ import annotations

import time

import pytest

from tests.system.history import History, is_quiet, judge
from tests.system.world import World

STEPS = 120


def play(world: World, seed: int) -> None:
    history = History(world, seed)
    try:
        with world.running():
            for _ in range(STEPS):
                history.step()
                if history.rng.random() < 0.1:
                    history.trouble()
                time.sleep(history.rng.choice([0, 0, 0.01, 0.1]))  # the shape of the load, not a wait for anything
            world.sandbox.faults.clear()
            world.until(lambda: is_quiet(world), f"quiet (seed {seed})")
    finally:
        history.close()
    judge(history)


@pytest.mark.parametrize("seed", range(4))
def test_no_edit_is_lost(world: World, seed: int) -> None:
    play(world, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_no_edit_is_lost_in_many_runs(world: World, seed: int) -> None:
    play(world, seed)
