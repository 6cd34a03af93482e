"""Both sides hold the same already: what does it cost to find out?"""

from __future__ import annotations

from bench.case import Case, Figure, Found
from bench.stage import Place, creates, updates


def _run(place: Place, *, rows: int, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.insert(rows)
        stage.add_pages()
        stage.process.start()
        ended = stage.quiet(600)
        requests = stage.requests(until=ended)
        writes = [*creates(requests), *updates(requests)]
        return Found(
            [
                Figure("requests per 100 rows", len(requests) * 100 / rows, "", 1.1),
                Figure("writes", len(writes), "", 0),
                Figure("seconds", ended - requests[0].monotonic, "s"),
            ]
        )


CASE = Case(
    "adopt",
    "First sync when both sides hold 5,000 equal rows",
    _run,
    full={"rows": 5000, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 30, "per_minute": 6000, "latency_s": 0.01},
)
