"""Changes of linked records go from the outbox into the journal and through the merge, as fast as one core can: what is
decided to be written is journaled, too, and not sent."""

from __future__ import annotations

import time
import uuid
from contextlib import closing

import psycopg

from bench.case import Case, Figure, Found
from bench.stage import Place, Stage
from bridge.config import load
from bridge.engine.intake import Intake
from bridge.engine.opening import open_sides
from bridge.engine.planner import Planner
from bridge.engine.settle import Settler
from bridge.journal import Journal

_PLANNED_AT_ONCE = 1000


def _run(place: Place, *, rows: int) -> Found:
    with place.stage(requests_per_minute=6000, latency_s=0.0) as stage:
        stage.insert(rows)
        stage.add_pages()
        stage.process.start()
        stage.quiet(1200)
        stage.process.stop()
        _change(stage, rows)
        config = load(stage.folder / "bridge.toml")
        with (
            open_sides(config) as sides,
            closing(Journal.open(config.journal.path, sides.clock.local)) as journal,
        ):
            sync = sides.bind(config.syncs[0])
            end = sides.postgres_end(sync)
            settler = Settler(journal, sync, sides.clock.local)
            intake = Intake(journal, sync, settler)
            planner = Planner(journal, sync, sides.clock.local, lambda: str(uuid.uuid4()))
            events = merged = 0
            began, computed = time.monotonic(), time.process_time()
            while (batch := end.changes()).token is not None:
                events += len(batch.observations)
                intake.take(batch)
                end.acknowledge(batch)
            journaled_s, journaled_cpu_s = time.monotonic() - began, time.process_time() - computed
            while intents := planner.plan(_PLANNED_AT_ONCE):
                merged += len(intents)
            merged_s, merged_cpu_s = time.monotonic() - began, time.process_time() - computed
        assert (events, merged) == (rows, rows), (events, merged)
        return Found(
            [
                Figure("merged events per second of one core", merged / merged_cpu_s, "", 10_000, "more"),
                Figure("journaled events per second of one core", events / journaled_cpu_s),
                Figure("merged events per second, with the disk", merged / merged_s),
                Figure("journaled events per second, with the disk", events / journaled_s),
            ]
        )


def _change(stage: Stage, rows: int) -> None:
    """Each row by a transaction of its own, so that each change is noted with what it led to."""
    with psycopg.connect(stage.dsn, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for number in range(1, rows + 1):
            connection.execute("UPDATE items1 SET amount = amount + 1, note = 'now ' || id WHERE id = %s", [number])


CASE = Case(
    "journal",
    "Changes into the journal and through the merge",
    _run,
    full={"rows": 10_000},
    tiny={"rows": 20},
)
