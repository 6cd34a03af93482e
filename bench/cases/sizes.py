"""What a record, and an edit of one, take on disk: in the journal, and in the outbox while no bridge reads it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg

from bench.case import Case, Figure, Found
from bench.stage import Place, Stage


def _run(place: Place, *, rows: int, per_minute: int) -> Found:
    with place.stage(requests_per_minute=per_minute) as stage:
        stage.insert(rows)
        pages = stage.add_pages()
        stage.process.start()
        stage.quiet(600)
        linked = _journal_bytes(stage)
        ada = stage.sandbox.person("Ada")
        for page in pages:
            ada.edit(page, {"Status": "doing"})
        stage.until(
            lambda: stage.sql("SELECT count(*) FROM items1 WHERE status = 'doing'") == [(rows,)], "arrived", 600
        )
        stage.quiet(600)
        edited = _journal_bytes(stage)
        stage.process.stop()
        empty = _outbox_bytes(stage)
        with psycopg.connect(stage.dsn, autocommit=True) as connection:
            for key in range(1, rows + 1):
                connection.execute("UPDATE items1 SET amount = amount + 1 WHERE id = %s", [key])
        single = _outbox_bytes(stage)
        stage.sql("UPDATE items1 SET amount = amount + 1")
        return Found(
            [
                Figure("journal, per record", linked / rows, "bytes"),
                Figure("journal, per edit that was carried over", (edited - linked) / rows, "bytes"),
                Figure("outbox, per change of one row", (single - empty) / rows, "bytes"),
                Figure("outbox, per row of a bulk update", (_outbox_bytes(stage) - single) / rows, "bytes"),
            ],
            notes=["records of 7 fields, about 60 bytes of values"],
        )


def _journal_bytes(stage: Stage) -> int:
    """The pages that hold something; what is freed is used again."""
    with closing(sqlite3.connect(f"file:{stage.journal_path}?mode=ro", uri=True)) as connection:
        [(used,)] = connection.execute("SELECT sum(pgsize) FROM dbstat").fetchall()
        return int(used)


def _outbox_bytes(stage: Stage) -> int:
    [(size,)] = stage.sql("SELECT pg_total_relation_size('notion_bridge.outbox')")
    return int(size)


CASE = Case(
    "sizes",
    "What 2,000 records take on disk",
    _run,
    full={"rows": 2000, "per_minute": 100_000},
    tiny={"rows": 20, "per_minute": 6000},
)
