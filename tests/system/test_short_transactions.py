"""S22: no transaction and no lock of the bridge in the host's database lasts as long as a request to Notion.

Notion is slow here: while it thinks, the database is looked at twice. A transaction that is there both times was held
across the request.
"""

from __future__ import annotations

import time
from typing import Any

from bridge.sandbox.notion import Request
from tests.system.test_both_ways import insert
from tests.system.world import World

_THINKS_S = 0.25
_OPEN = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE application_name = 'notion-bridge' AND xact_start IS NOT NULL AND datname = current_database()
"""
_LOCKS = """
SELECT l.pid, l.locktype, l.relation, l.mode FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE a.application_name = 'notion-bridge' AND a.datname = current_database() AND l.locktype <> 'advisory'
"""


def test_nothing_is_held_while_notion_thinks(world: World) -> None:
    looks: list[str] = []
    held: list[Any] = []

    def think(request: Request) -> None:
        before = {*world.sql(_OPEN), *world.sql(_LOCKS)}
        time.sleep(_THINKS_S)  # Notion's own time, not the test's
        held.extend((request.method, request.path, kept) for kept in before & {*world.sql(_OPEN), *world.sql(_LOCKS)})
        looks.append(f"{request.method} {request.path.split('/')[2]}")

    keys = [insert(world, f"row {number}") for number in range(3)]
    world.sandbox.faults.hook(think, times=None)
    with world.running():
        world.until(lambda: len(world.pages()) == 3, "the first fill")
        world.sql("UPDATE tasks SET title = title || '!'")
        world.sql("DELETE FROM tasks WHERE id = %s", int(keys[2]))
        world.person.edit(world.page(keys[0])["_id"], {"Amount": 7})
        world.person.create_row(world.data_source, {"Name": "from Notion"})
        world.until(lambda: world.page(keys[1])["Name"] == "row 1!", "an update")
        world.until(lambda: world.rows()[keys[0]]["amount"] == 7, "an edit")
        world.until(lambda: any(row["title"] == "from Notion" for row in world.rows().values()), "a new row")
        world.until(lambda: len(world.pages()) == 3, "a deletion")
    assert {"POST pages", "PATCH pages", "GET pages", "POST data_sources"} <= set(looks)
    assert held == []
