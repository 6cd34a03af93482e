"""Random worlds, each drawn from its seed: users on both sides, faults, crashes; and an oracle that trusts nobody.

What a failing world prints is the command that plays it again.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.figures import Figures
from tests.worlds.play import Played, play, play_many
from tests.worlds.situations import EXPECTED, total

GATE = range(1, 9)
LONG = range(1, 2001)
AGAIN = range(5001, 5101)


@pytest.mark.parametrize("seed", GATE)
def test_nothing_is_lost_and_nothing_is_made_up(seed: int) -> None:
    played = play(seed, 40)
    assert not played.wrong, "\n".join([played.replay, *played.wrong])


def test_a_seed_is_always_the_same_world() -> None:
    assert play(3, 25).digest == play(3, 25).digest


@pytest.mark.long
@pytest.mark.timeout(0)
def test_two_thousand_worlds(figures: Figures) -> None:
    """The long run. A situation that never occurred is a fault of what draws the worlds."""
    found = list(play_many(LONG, 100, 2))
    tell(found, figures, f"{len(found)} worlds of 100 steps, from seed {LONG.start}")
    counts = total(one.situations for one in found)
    for name in EXPECTED:
        figures.count("worlds", name, counts[name])
    assert not counts.missing()


@pytest.mark.long
@pytest.mark.timeout(0)
def test_a_hundred_worlds_are_the_same_a_second_time(figures: Figures) -> None:
    found = list(play_many(AGAIN, 60, 2, twice=True))
    tell(found, figures, f"{len(found)} worlds of 60 steps, each twice, from seed {AGAIN.start}")


def tell(found: Iterable[Played], figures: Figures, what: str) -> None:
    broken = [one for one in found if one.wrong]
    figures.say("worlds", f"{what}: {len(broken)} broken")
    assert not broken, "\n".join(f"{one.replay}: {one.wrong[0]}" for one in broken)
