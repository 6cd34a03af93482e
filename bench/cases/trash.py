"""A page goes to the trash, which no poll of a large data source shows: how soon is its row gone, and at what price?"""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.case import Case, Figure, Found, percentile
from bench.stage import Place
from bench.watch import each, watching
from bridge.sandbox.notion.log import Entry


def _run(place: Place, *, rows: int, times: int, pause_s: float, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage, watching(stage) as watch:
        stage.insert(rows)
        pages = stage.add_pages()
        stage.process.start()
        stage.quiet(600)
        began = time.monotonic()
        gone = each(watch, times, (0.0, 2 * pause_s), lambda n: watch.trashed_to_gone(n, pages[n - 1]))
        minutes = (time.monotonic() - began) / 60.0
        looked = [entry for entry in stage.requests(since=began) if _looks_for_trash(entry)]
        return Found(
            [
                Figure("row gone, p50", percentile(gone, 50), "s"),
                Figure("row gone, p99", percentile(gone, 99), "s", 60),
                Figure("listings and searches, of the budget", 100 * len(looked) / minutes / per_minute, "%", 10),
            ]
        )


def _looks_for_trash(entry: Entry) -> bool:
    """A search, or a page of a full listing; a listing is ordered by when pages were made, a poll by edits."""
    return entry.path == "/v1/search" or (entry.path.endswith("/query") and _orders(entry) == ["created_time"])


def _orders(entry: Entry) -> Sequence[str]:
    return [order.get("timestamp", "") for order in (entry.body or {}).get("sorts", ())]


CASE = Case(
    "trash",
    "A page is trashed, 5,000 rows in step",
    _run,
    full={"rows": 5000, "times": 20, "pause_s": 8.0, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 20, "times": 1, "pause_s": 0.05, "per_minute": 6000, "latency_s": 0.01},
)
