"""Many syncs over one token, and each table is edited at the same time: who has to wait, and for how long?"""

from __future__ import annotations

import time

from bench.case import Case, Figure, Found, Line, Picture, percentile
from bench.stage import Place, updates
from bench.watch import watching


def _run(
    place: Place, *, syncs: int, rows: int, rounds: int, calm_s: float, per_minute: int, latency_s: float
) -> Found:
    tables = [f"items{number}" for number in range(1, syncs + 1)]
    with place.stage(syncs=syncs, requests_per_minute=per_minute, latency_s=latency_s) as stage:
        pages = {}
        for table in tables:
            stage.insert(rows, table)
            pages[table] = stage.add_pages(table)
        stage.process.start()
        stage.quiet(300)
        time.sleep(calm_s)
        began = time.monotonic()
        time.sleep(calm_s)
        idle = len(stage.requests(since=began)) * 60.0 / (time.monotonic() - began)
        waits = dict.fromkeys(tables, 0.0)
        with watching(stage) as watch:
            for _ in range(rounds):
                committed = {table: watch.edit_row(1, table) for table in tables}
                first = min(committed.values())

                def written(first: float = first) -> bool:
                    paths = {entry.path for entry in updates(stage.requests(since=first))}
                    return all(f"/v1/pages/{pages[table][0]}" in paths for table in tables)

                stage.until(written, "an edit in each table has arrived", 300)
                arrived = {entry.path: entry.monotonic for entry in reversed(updates(stage.requests(since=first)))}
                for table in tables:
                    wait = arrived[f"/v1/pages/{pages[table][0]}"] - committed[table]
                    waits[table] = max(waits[table], wait)
                time.sleep(calm_s)
            back = [watch.page_to_row(1, pages[table][0], table) for table in tables[:: max(1, syncs // 10)]]
        ordered = sorted(waits.values())
        return Found(
            [
                Figure("requests per minute, nothing happens", idle, "", per_minute),
                Figure("row to the page, the luckiest sync", ordered[0], "s"),
                Figure("row to the page, the last one", ordered[-1], "s", syncs * 60.0 / per_minute),
                Figure("page to the row, one edit, p50", percentile(back, 50), "s"),
                Figure("page to the row, one edit, worst", max(back), "s"),
            ],
            Picture(
                f"One edit in each of {syncs} tables at once",
                "seconds",
                "tables whose edit has arrived",
                [Line("bridge", [(wait, number) for number, wait in enumerate(ordered, 1)])],
            ),
            notes=[
                "seconds from the row to the page for each sync, in the order of the configuration, the longest of "
                f"{rounds} rounds: " + ", ".join(f"{waits[table]:.1f}" for table in tables)
            ],
        )


CASE = Case(
    "forty",
    "40 syncs over one token, an edit in each at once",
    _run,
    full={"syncs": 40, "rows": 20, "rounds": 3, "calm_s": 60.0, "per_minute": 180, "latency_s": 0.35},
    tiny={"syncs": 3, "rows": 3, "rounds": 1, "calm_s": 0.2, "per_minute": 6000, "latency_s": 0.01},
)
