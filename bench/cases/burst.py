"""One row is updated a hundred times in a burst: only the last value matters."""

from __future__ import annotations

import psycopg

from bench.case import Case, Figure, Found
from bench.stage import Place, updates


def _run(place: Place, *, times: int, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.insert(1)
        stage.process.start()
        stage.quiet()
        began = stage.requests()[-1].monotonic
        with psycopg.connect(stage.dsn, autocommit=True) as connection:
            for number in range(1, times + 1):
                connection.execute("UPDATE items1 SET amount = %s", [number])
        ada = stage.sandbox.person("Ada")
        stage.until(lambda: ada.rows(stage.sources[0]).popitem()[1]["Amount"] == times, "the last value is there")
        stage.quiet()
        writes = updates(stage.requests(since=began))
        shown = ada.rows(stage.sources[0]).popitem()[1]["Amount"]
        return Found(
            [Figure("writes", len(writes), "", 3), Figure("the last value wins", shown == times, "", 1, "more")]
        )


CASE = Case(
    "burst",
    "One row updated 100 times in a burst",
    _run,
    full={"times": 100, "per_minute": 180, "latency_s": 0.35},
    tiny={"times": 10, "per_minute": 6000, "latency_s": 0.01},
)
