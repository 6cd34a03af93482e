"""What the trigger costs the programs that write the table, while nobody reads the outbox: the same statements on a
table with it and on a twin without, in turn, for the machine has other things to do as well."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from psycopg import sql

from bench.case import Case, Figure, Found
from bench.stage import Place, Stage
from bridge.sandbox.postgres.binaries import installed

WITH, WITHOUT = "items1", "twin"
# One row by its key, as the transactions of pgbench do; each commit waits for the disk.
_TRANSACTION = "\\set id random(1, {rows})\nUPDATE {table} SET amount = amount + 1 WHERE id = :id;\n"
_TPS = re.compile(r"tps = ([\d.]+)")


def _run(place: Place, *, rows: int, clients: int, seconds: int, rounds: int, bulks: int) -> Found:
    with place.stage() as stage:
        stage.process.command("sync")  # it installs the trigger
        stage.sql("CREATE TABLE twin (LIKE items1 INCLUDING ALL)")
        for table in (WITH, WITHOUT):
            stage.insert(rows, table)

        def throughput(table: str) -> float:
            script = stage.folder / f"{table}.sql"
            script.write_text(_TRANSACTION.format(rows=rows, table=table), encoding="utf-8")
            return _pgbench(script, stage.dsn, clients, seconds)

        def bulk(table: str) -> float:
            began = time.monotonic()
            stage.sql(sql.SQL("UPDATE {} SET amount = amount + 1").format(sql.Identifier(table)))
            return time.monotonic() - began

        shares = _ratios(stage, throughput, rounds)
        factors = _ratios(stage, bulk, bulks)
        return Found(
            [
                Figure("throughput, one row a transaction", statistics.median(shares) * 100, "%", 90, "more"),
                Figure("range of these", (max(shares) - min(shares)) * 100, "points"),
                Figure("time of a bulk update", statistics.median(factors), "x", 2.5),
                Figure("range of those", max(factors) - min(factors), "x"),
            ]
        )


def _ratios(stage: Stage, measure: Callable[[str], float], rounds: int) -> list[float]:
    """What is measured with the trigger, as a multiple of what is measured without it just before or after."""
    found = []
    for number in range(rounds):
        figures = {}
        for table in (WITH, WITHOUT) if number % 2 else (WITHOUT, WITH):
            _tidy(stage)
            figures[table] = measure(table)
        found.append(figures[WITH] / figures[WITHOUT])
    return found


def _tidy(stage: Stage) -> None:
    """As after a bridge that has read everything. No checkpoint falls into what is measured."""
    stage.sql("TRUNCATE notion_bridge.outbox")
    stage.sql("SELECT setval('notion_bridge.noted_items1', 1, false)")
    stage.sql("VACUUM ANALYZE items1, twin")
    stage.sql("CHECKPOINT")


def _pgbench(script: Path, dsn: str, clients: int, seconds: int) -> float:
    """Transactions per second."""
    command = [installed().program("pgbench"), "--no-vacuum", "--client", str(clients), "--jobs", "2"]
    command += ["--time", str(seconds), "--file", str(script), dsn]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = _TPS.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


CASE = Case(
    "trigger",
    "Cost of the trigger: 8 clients, and 100,000 rows at once",
    _run,
    full={"rows": 100_000, "clients": 8, "seconds": 4, "rounds": 12, "bulks": 6},
    tiny={"rows": 200, "clients": 2, "seconds": 1, "rounds": 1, "bulks": 1},
)
