"""A person edits a row, then another a page: how long until the other side has it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.case import Case, Figure, Found, percentile
from bench.stage import Place, Stage
from bench.watch import each, watching
from bridge.model import Side


def _run(place: Place, *, rows: int, times: int, pause_s: float, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage, watching(stage) as watch:
        stage.insert(rows)
        pages = stage.add_pages()
        stage.process.start()
        stage.quiet()

        def row(number: int) -> float:
            stage.quiet()
            return watch.row_to_wire(number % rows + 1, pages[number % rows])

        there = each(watch, times, (pause_s, 3 * pause_s), row)
        stage.quiet()
        began = datetime.now(UTC)
        back = each(watch, times, (pause_s / 3, pause_s), lambda n: watch.page_to_row(n % rows + 1, pages[n % rows]))
        stamps = _stamps(stage, began)
        return Found(
            [
                Figure("row to the request, p50", 1000 * percentile(there, 50), "ms", 30),
                Figure("row to the request, p99", 1000 * percentile(there, 99), "ms", 150),
                Figure("page to the row, p50", percentile(back, 50), "s", 1.2),
                Figure("page to the row, p99", percentile(back, 99), "s", 2.5),
                Figure("when the page was edited, known to, p99", percentile(stamps, 99), "s"),
            ]
        )


def _stamps(stage: Stage, since: datetime) -> list[float]:
    """How exactly the journal knows the time of each edit in Notion, which itself tells the minute."""
    with stage.journal() as journal:
        rows = [row for row in journal.events_since("items1", since) if row["side"] == Side.NOTION]
    moments = [(row["earliest"], row["latest"]) for row in rows if not row["intent"] and row["earliest"]]
    return [_passed(earliest, latest) / timedelta(seconds=1) for earliest, latest in moments]


def _passed(earliest: str, latest: str) -> timedelta:
    return datetime.fromisoformat(latest) - datetime.fromisoformat(earliest)


CASE = Case(
    "edits",
    "One edit, 50 rows in step",
    _run,
    full={"rows": 50, "times": 100, "pause_s": 1.0, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 5, "times": 2, "pause_s": 0.1, "per_minute": 6000, "latency_s": 0.01},
)
