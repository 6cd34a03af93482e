"""The same tasks by others: the ordinary script, and two packages that carry one direction. What do they cost, and what
is wrong afterwards?"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.case import Case, Figure, Found
from bench.edits import EDITS, RECORDS, Wrong, make, wrong
from bench.packages import Packages
from bench.report import ROOT
from bench.stage import Place, Stage, StageError
from bridge.sandbox.notion import DEFAULT_TOKEN

_CHANGE = "UPDATE items1 SET note = 'now ' || id"
_LAG_S = 3.0  # a query shows a new page so much later, as Notion's do at times
_SCRIPT_S = 1800.0
_OF_THE_SCRIPT = (
    "the script (`bench/baseline.py`) is the one that tutorials teach: per row a query for its key, then a PATCH or a"
    " POST, 0.4 s between two requests, and back by a query of all pages; the bridge's updates wait for the minute"
    " after its first sync, which has spent the budget of the one before"
)
_OF_WHAT_IS_WRONG = (
    f"wrong is what is so after {EDITS} edits, two deletions and a lost answer on {RECORDS} records (`bench/edits.py`),"
    f" with queries {_LAG_S:g} s late; the script was run until it ended well, and once more"
)
_OF_THE_PACKAGES = (
    "data2notion (a CSV export to Notion) and notion2pg (Notion to a table that it makes anew) carry one direction, so"
    " nothing is counted as wrong; a `sitecustomize` sent them to the sandbox (`bench/packages.py`)"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one task."""

    requests: float  # per row
    seconds: float


def _run(place: Place, *, rows: int, per_minute: int, latency_s: float, pause_s: float, packages: bool) -> Found:
    options: dict[str, Any] = {"requests_per_minute": per_minute, "latency_s": latency_s}
    with place.stage(**options) as stage:
        ours = _bridge(stage, rows)
    with place.stage(**options) as stage:
        stage.insert(rows)
        script = _by_script(stage, rows, pause_s), _changed_by_script(stage, rows, pause_s)
    with place.stage(**options, query_lag_s=_LAG_S) as stage:
        our_wrong = _edits_with_the_bridge(stage)
    with place.stage(**options, query_lag_s=_LAG_S) as stage:
        their_wrong = _edits_with_the_script(stage, pause_s)
    figures = [
        *_costs("first sync", ours[0], "bridge"),
        *_costs("first sync", script[0], "script"),
        *_costs("every row updated", ours[1], "bridge"),
        *_costs("every row updated", script[1], "script"),
        *_faults(our_wrong, "bridge", goal=0),
        *_faults(their_wrong, "script"),
    ]
    if packages:
        with place.stage(**options) as stage:
            figures += _one_direction(stage, rows, place.folder / "packages")
    return Found(figures, notes=[_OF_THE_SCRIPT, _OF_WHAT_IS_WRONG, *[_OF_THE_PACKAGES] * packages])


def _costs(task: str, cost: Cost, who: str) -> list[Figure]:
    return [
        Figure(f"{task}, {who}: requests per row", cost.requests),
        Figure(f"{task}, {who}: time", cost.seconds, "s"),
    ]


def _faults(found: Wrong, who: str, goal: float | None = None) -> list[Figure]:
    return [
        Figure(f"{who}: edits lost of {EDITS}", found.lost, "", goal),
        Figure(f"{who}: duplicates", found.duplicates, "", goal),
        Figure(f"{who}: deleted records that came back, of 2", found.resurrected, "", goal),
    ]


# The bridge


def _bridge(stage: Stage, rows: int) -> tuple[Cost, Cost]:
    stage.insert(rows)
    stage.process.start()
    ended = stage.until(lambda: stage.pages() >= rows, "all pages are made", 600)
    first = _cost(stage, rows, until=ended)
    stage.quiet(600)
    stage.sql(_CHANGE)
    since = stage.requests()[-1].monotonic
    ended = stage.until(lambda: _all_changed(stage, rows), "all pages are written", 600)
    return first, _cost(stage, rows, since=since, until=ended)


def _all_changed(stage: Stage, rows: int) -> bool:
    shown = stage.sandbox.person("Ada").rows(stage.sources[0]).values()
    return sum(str(page["Note"]).startswith("now ") for page in shown) >= rows


def _cost(stage: Stage, rows: int, since: float = float("-inf"), until: float = float("inf")) -> Cost:
    """From the first request of the task to its last."""
    requests = [entry for entry in stage.requests(until=until) if entry.monotonic > since]
    last = until if until != float("inf") else requests[-1].monotonic
    return Cost(len(requests) / rows, last - requests[0].monotonic)


def _edits_with_the_bridge(stage: Stage) -> Wrong:
    stage.insert(RECORDS)
    stage.process.start()
    stage.until(lambda: stage.pages() >= RECORDS, "all pages are made", 600)
    stage.quiet(600)
    stage.process.stop()
    make(stage)
    stage.process.start()
    stage.until(lambda: wrong(stage, _kept(stage)) == Wrong(0, 0, 0), "nothing is wrong", 600)
    stage.quiet(600)
    return wrong(stage, _kept(stage))


def _kept(stage: Stage) -> str:
    """Both values of every conflict, as the journal has them."""
    with stage.journal() as journal:
        return " ".join(f"{row['postgres']} {row['notion']}" for row in journal.conflicts())


# The script


def _script(stage: Stage, pause_s: float, *steps: str) -> bool:
    """Runs it; whether it came to its end."""
    told = {"DATABASE_URL": stage.dsn, "NOTION_URL": stage.url, "NOTION_TOKEN": DEFAULT_TOKEN, "PAUSE_S": str(pause_s)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.baseline", stage.sources[0], *steps],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_SCRIPT_S,
        cwd=ROOT,
        env={**os.environ, **told},
    )
    return done.returncode == 0


def _by_script(stage: Stage, rows: int, pause_s: float) -> Cost:
    since = max((entry.monotonic for entry in stage.requests()), default=float("-inf"))
    if not _script(stage, pause_s, "push"):
        raise StageError("the script did not come to its end")
    return _cost(stage, rows, since=since)


def _changed_by_script(stage: Stage, rows: int, pause_s: float) -> Cost:
    stage.sql(_CHANGE)
    return _by_script(stage, rows, pause_s)


def _edits_with_the_script(stage: Stage, pause_s: float) -> Wrong:
    stage.insert(RECORDS)
    _script(stage, pause_s, "push")
    make(stage)
    for _ in range(5):  # as a person would run it again, or cron
        if _script(stage, pause_s, "push", "pull"):
            break
    _script(stage, pause_s, "push", "pull")
    return wrong(stage)


# One direction


def _one_direction(stage: Stage, rows: int, folder: Path) -> list[Figure]:
    packages = Packages(folder)
    packages.install()
    database = stage.sandbox.world.data_sources[stage.sources[0]].database_id
    stage.insert(rows)
    figures: list[Figure] = []
    for task in ("first sync", "every row updated"):
        since = max((entry.monotonic for entry in stage.requests()), default=float("-inf"))
        packages.run("data2notion", "write-to-notion", database, "csv", _csv(stage), url=stage.url, dsn=stage.dsn)
        figures += _costs(task, _cost(stage, rows, since=since), "data2notion")
        stage.sql(_CHANGE)
    if not _all_changed(stage, rows):
        raise StageError("data2notion did not write all pages")
    since = stage.requests()[-1].monotonic
    # It calls the page's id so, and ends with an error where a property does, too.
    stage.sandbox.person("Ada").rename_property(stage.sources[0], "id", "Number")
    packages.run("notion2pg", database.replace("-", ""), "copied", url=stage.url, dsn=stage.dsn)
    if stage.sql("SELECT count(*) FROM copied") != [(rows,)]:
        raise StageError("notion2pg did not make all rows")
    return [*figures, *_costs("every page copied into a table", _cost(stage, rows, since=since), "notion2pg")]


def _csv(stage: Stage) -> str:
    """The table as a file, with the names of the properties."""
    path = stage.folder / "items.csv"
    lines = ["Name,id,Status,Amount,Due,Done,Note"]
    for title, key, status, amount, due, done, note in stage.sql(
        "SELECT title, id, status, amount, due, done, note FROM items1 ORDER BY id"
    ):
        lines.append(f"{title},{key},{status},{float(amount):g},{due},{str(done).lower()},{note}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


CASE = Case(
    "peers",
    "100 rows, by the bridge and by others",
    _run,
    full={"rows": 100, "per_minute": 180, "latency_s": 0.35, "pause_s": 0.4, "packages": True},
    tiny={"rows": 4, "per_minute": 6000, "latency_s": 0.01, "pause_s": 0.0, "packages": False},
)
