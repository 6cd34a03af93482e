"""Rows are updated that have pages: each page is looked at before it is written, and what does that cost?"""

from __future__ import annotations

from bench.case import Case, Figure, Found, Line, Picture, cumulated
from bench.stage import Place, updates


def _run(place: Place, *, rows: int, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.sandbox.options.guard_window_s = 3.0
        stage.insert(rows)
        stage.add_pages()
        stage.process.start()
        stage.quiet(600)
        stage.sql("UPDATE items1 SET note = 'now ' || id")
        began = stage.requests()[-1].monotonic
        limit_s = rows * 60.0 / per_minute

        def written() -> int:
            return len(updates(stage.requests(since=began)))

        ended = stage.until(lambda: written() >= rows, "all pages are written", 120 + 3 * limit_s)
        requests = [entry for entry in stage.requests(since=began, until=ended) if entry.monotonic > began]
        wrote = updates(requests)
        first = requests[0].monotonic
        return Found(
            [
                Figure("requests per row", len(requests) / rows, "", 1.2),
                Figure("time / limit", (ended - first) * per_minute / 60.0 / len(requests), "x", 1.05),
                Figure("writes later than 3 s after the look", sum(e.unguarded_patch for e in wrote), "", 0),
            ],
            Picture(
                f"{rows:,} updated rows",
                "seconds",
                "pages written",
                [Line("bridge", cumulated([entry.monotonic - first for entry in wrote]))],
            ),
        )


CASE = Case(
    "updates",
    "2,000 updated rows, PostgreSQL to Notion",
    _run,
    full={"rows": 2000, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 20, "per_minute": 6000, "latency_s": 0.01},
)
