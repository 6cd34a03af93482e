"""Plays worlds by their seeds and tells what came of them."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.worlds.dials import draw
from tests.worlds.oracle import Oracle
from tests.worlds.situations import Situations
from tests.worlds.world import World


@dataclass(frozen=True, slots=True)
class Played:
    """One world, over."""

    seed: int
    steps: int
    digest: str
    seconds: float  # virtual
    wrong: tuple[str, ...]
    situations: Mapping[str, int]
    figures: Mapping[str, int] = field(default_factory=dict)

    @property
    def replay(self) -> str:
        return f"python -m tests.worlds --seed {self.seed} --steps {self.steps} --trace /tmp/world-{self.seed}.trace"


def play(seed: int, steps: int = 100, trace: Path | None = None) -> Played:
    """Runs one world and judges it. What breaks it off is a fault, too."""
    world = World(draw(seed), steps)
    wrong: list[str] = []
    try:
        world.run()
        wrong += Oracle(world).judge()
    except Exception as error:  # noqa: BLE001 - whatever ends a world early is what is looked for
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        wrong += [
            f"{type(error).__name__}: {error}",
            *(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames),
        ]
        world.clock.bury()
    if trace is not None:
        trace.write_text("\n".join(world.ledger.trace), encoding="utf-8")
    count_conflicts(world)
    figures = {
        "requests": world.sandbox.log.entries[-1].seq if world.sandbox.log.entries else 0,
        "page writes": world.watch.page_writes,
        "row writes": world.watch.row_writes,
        "values written": len(world.ledger.written),
    }
    return Played(
        seed, steps, world.digest(), round(world.clock.seconds, 3), tuple(wrong), Situations(world.situations), figures
    )


def count_conflicts(world: World) -> None:
    """What the journal tells of decisions."""
    journal = world.process.disk.open()
    names = {
        "last-writer": "conflict decided by last writer",
        "tie": "conflict decided by tie",
        "manual": "conflict left to a person",
        "first-sync": "conflict of a first sync",
    }
    for row in journal.conflicts():
        world.situations[names.get(row["rule"], f"conflict: {row['rule']}")] += 1
    for row in journal.parked():
        if row["kind"] in ("refused", "failing"):
            world.situations["write refused and parked"] += 1
    for row in journal.store.db.query("SELECT state, count(*) AS n FROM intents GROUP BY state"):
        if row["state"] == "stale":
            world.situations["write found stale"] += row["n"]
    for row in journal.store.db.query("SELECT count(*) AS n FROM events WHERE kind = 'surplus'"):
        world.situations["surplus page trashed"] += row["n"]


def play_many(seeds: Iterable[int], steps: int, processes: int = 1, *, twice: bool = False) -> Iterator[Played]:
    """Many worlds, in the order of their seeds. `twice`: each is played again, and must be the same."""
    work = partial(_play_twice if twice else play, steps=steps)
    if processes == 1:
        yield from map(work, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(work, seeds, chunksize=1)


def _play_twice(seed: int, steps: int) -> Played:
    first, second = play(seed, steps), play(seed, steps)
    if first.digest == second.digest:
        return first
    return replace(first, wrong=(*first.wrong, f"another world the second time: {first.digest}, {second.digest}"))
