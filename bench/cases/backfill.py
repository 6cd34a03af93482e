"""A large table is being copied, and people go on editing what is there already: do they have to wait for it?"""

from __future__ import annotations

import time

from bench.case import Case, Figure, Found, Line, Picture, cumulated, percentile
from bench.stage import Place, creates
from bench.watch import each, per_minute, watching

BURST_S = 75.0  # the first minute's requests may all be sent at once; then it goes evenly


def _run(
    place: Place, *, rows: int, alone_s: float, times: int, pause_s: float, per_minute_limit: int, latency_s: float
) -> Found:
    with place.stage(requests_per_minute=per_minute_limit, latency_s=latency_s) as stage, watching(stage) as watch:
        stage.insert(_IN_STEP)
        pages = stage.add_pages()
        stage.process.start()
        stage.quiet()
        stage.insert(rows)
        began = time.monotonic()
        stage.until(lambda: stage.pages() > _IN_STEP, "the copy has begun")
        time.sleep(BURST_S * alone_s / _ALONE_S)
        alone = time.monotonic()
        time.sleep(alone_s)
        edited = time.monotonic()
        there = each(
            watch,
            times,
            (pause_s, 3 * pause_s),
            lambda n: watch.row_to_wire(n % _IN_STEP + 1, pages[n % _IN_STEP]),
        )
        back = each(
            watch,
            times,
            (pause_s, 3 * pause_s),
            # Not the pages whose rows were just edited: what is written there may still be under way.
            lambda n: watch.page_to_row((n + _APART) % _IN_STEP + 1, pages[(n + _APART) % _IN_STEP]),
        )
        ended = time.monotonic()
        made = [entry.monotonic for entry in creates(stage.requests(since=began))]
        undisturbed, disturbed = per_minute(made, alone, edited), per_minute(made, edited, ended)
        return Found(
            [
                Figure("row to the request, p99", percentile(there, 99), "s", 4),
                Figure("page to the row, p99", percentile(back, 99), "s", 20),
                Figure("pages made per minute, nobody edits", undisturbed),
                Figure("pages made per minute, somebody edits", disturbed, "", 0.9 * undisturbed, "more"),
            ],
            Picture(
                f"{rows:,} rows, and somebody edits others from second {edited - made[0]:.0f} on",
                "seconds",
                "pages made",
                [Line("bridge", cumulated(made))],
            ),
        )


_IN_STEP = 100
_APART = 50
_ALONE_S = 120.0

CASE = Case(
    "backfill",
    "Edits of rows in step, while 20,000 others are copied",
    _run,
    full={
        "rows": 20_000,
        "alone_s": _ALONE_S,
        "times": 40,
        "pause_s": 1.5,
        "per_minute_limit": 180,
        "latency_s": 0.35,
    },
    tiny={"rows": 500, "alone_s": 0.5, "times": 1, "pause_s": 0.05, "per_minute_limit": 6000, "latency_s": 0.01},
)
