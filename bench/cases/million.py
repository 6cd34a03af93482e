"""A large table of which a filter lets a small part into the sync, and nothing changes: what does the rest cost?"""

from __future__ import annotations

import time

from bench.case import Case, Figure, Found
from bench.cases.idle import resident_mb
from bench.stage import Place


def _run(
    place: Place, *, rows: int, every: int, calm_s: float, watch_s: float, per_minute: int, latency_s: float
) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.insert(rows)
        stage.sql("UPDATE items1 SET done = true WHERE id %% %s = 0", every)
        stage.where("done")
        stage.add_pages(condition="done")
        started = time.monotonic()
        stage.process.start()
        first_s = stage.quiet(3600) - started
        time.sleep(calm_s)
        began = time.monotonic()
        time.sleep(watch_s)
        per_minute_idle = len(stage.requests(since=began)) * 60 / (time.monotonic() - began)
        memory = resident_mb(stage.process.pid)
        stage.process.stop()
        again = time.monotonic()
        stage.process.start()
        asked = stage.until(lambda: stage.requests(since=again), "it asks Notion") - again
        rested_s = stage.rested(again, 3600) - again
        return Found(
            [
                Figure("requests per minute", per_minute_idle, "", 4),
                Figure("memory", memory, "MB", 150),
                Figure("until a restart asks Notion", asked, "s", 5),
                Figure("until a restart has read both sides", rested_s, "s"),
                Figure("until the first start had", first_s, "s"),
            ]
        )


CASE = Case(
    "million",
    "1,000,000 rows, 50,000 of them in the sync",
    _run,
    full={"rows": 1_000_000, "every": 20, "calm_s": 660, "watch_s": 180, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 100, "every": 20, "calm_s": 0, "watch_s": 1, "per_minute": 6000, "latency_s": 0.01},
)
