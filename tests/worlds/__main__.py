"""Plays worlds, prints what went wrong and how to see it again, and how often each rare situation occurred.

python -m tests.worlds --seed 17 --steps 100                    one world
python -m tests.worlds --seed 17 --steps 100 --trace FILE       the same, and all that happened in it
python -m tests.worlds --seed 1 --count 200 --twice             two hundred, each played again and compared
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.worlds.dials import draw
from tests.worlds.play import Played, play, play_many
from tests.worlds.situations import total

_TOLD_MAX = 12


def main() -> int:
    arguments = _arguments()
    began = time.monotonic()
    played = list(_play(arguments))
    broken = [one for one in played if one.wrong]
    counts = total(one.situations for one in played)
    _say("\n".join(counts.table()))
    for name in ("requests", "page writes", "row writes", "values written"):
        _say(f"{name}: {sum(one.figures[name] for one in played):,}")
    hours = sum(one.seconds for one in played) / 3600
    took = time.monotonic() - began
    _say(f"{len(played)} worlds, {hours:.1f} virtual hours in {took:.0f} s, {len(broken)} broken")
    return 1 if broken else 0


def _play(arguments: argparse.Namespace) -> Iterator[Played]:
    """One after the other; what is wrong with one is told at once."""
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    if arguments.trace is None:
        every = play_many(seeds, arguments.steps, arguments.processes, twice=arguments.twice)
    else:
        every = iter([play(arguments.seed, arguments.steps, arguments.trace)])
        _say(f"What happens in it is written to {arguments.trace}")
    for one in every:
        if one.wrong:
            _tell(one)
        if arguments.count == 1:
            _say(f"world {one.seed}: {draw(one.seed).describe()}, digest {one.digest}")
        yield one


def _arguments() -> argparse.Namespace:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m tests.worlds", description=__doc__, formatter_class=style)
    parser.add_argument("--seed", type=int, default=1, help="the first world")
    parser.add_argument("--steps", type=int, default=100, help="acts of people in each")
    parser.add_argument("--count", type=int, default=1, help="how many worlds, one seed after the other")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--twice", action="store_true", help="play each world again and compare")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="one world: write what happened in it there")
    return parser.parse_args()


def _tell(played: Played) -> None:
    _say(f"\nseed {played.seed}: {played.replay}")
    for line in played.wrong[:_TOLD_MAX]:
        _say(f"  {line}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
