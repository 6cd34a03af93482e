"""A table full of rows, and an empty data source: how close to Notion's limit is it filled?"""

from __future__ import annotations

from bench.case import Case, Figure, Found, Line, Picture, cumulated
from bench.stage import Place, creates


def _run(place: Place, *, rows: int, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.insert(rows)
        stage.process.start()
        limit_s = rows * 60.0 / per_minute
        ended = stage.until(lambda: stage.pages() >= rows, "all pages are made", 120 + 3 * limit_s)
        requests = stage.requests(until=ended)
        began = requests[0].monotonic
        made = [entry.monotonic - began for entry in creates(requests)]
        ideal = [(0.0, 0.0), (limit_s, float(rows))]
        return Found(
            [
                Figure("time / limit", (ended - began) / limit_s, "x", 1.03),
                Figure("requests per row", len(requests) / rows, "", 1.02),
            ],
            Picture(
                f"First sync of {rows:,} rows",
                "seconds",
                "pages made",
                [Line("bridge", cumulated(made)), Line(f"{per_minute} per minute", ideal)],
            ),
        )


CASE = Case(
    "first_sync",
    "First sync of 2,000 rows into an empty data source",
    _run,
    full={"rows": 2000, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 20, "per_minute": 6000, "latency_s": 0.01},
)
