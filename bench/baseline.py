"""The ordinary script, as tutorials teach it: the peer that the bridge is measured against (`bench/cases/peers.py`).

It writes every row to its page, found by one query for the unique property, then every page to its row, and sleeps
between two requests. It is written to be fair, not to be good: there is no journal, so it cannot know who changed what.

    DATABASE_URL=... NOTION_TOKEN=... NOTION_URL=... python -m bench.baseline DATA_SOURCE [push] [pull]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import requests
from psycopg.rows import dict_row

_PAUSE_S = 0.4
_TIMEOUT_S = 60
_VERSION = "2025-09-03"
_UPSERT: LiteralString = """
INSERT INTO items1 (id, title, status, amount, due, done, note)
VALUES (%(id)s, %(title)s, %(status)s, %(amount)s, %(due)s, %(done)s, %(note)s)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, status = excluded.status, amount = excluded.amount,
    due = excluded.due, done = excluded.done, note = excluded.note
"""
_INSERT: LiteralString = """
INSERT INTO items1 (title, status, amount, due, done, note)
VALUES (%(title)s, %(status)s, %(amount)s, %(due)s, %(done)s, %(note)s) RETURNING id
"""
Row = dict[str, Any]


class Script:
    """One run. `pause` is in seconds."""

    def __init__(self, connection: psycopg.Connection[Row], url: str, token: str, source: str, pause: float) -> None:
        self._connection = connection
        self._url = f"{url}/v1"
        self._source = source
        self._pause = pause
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {token}", "Notion-Version": _VERSION})

    def push(self) -> None:
        """Every row to its page, the newest first."""
        for row in self._connection.execute("SELECT * FROM items1 ORDER BY id DESC").fetchall():
            same = {"property": "id", "number": {"equals": row["id"]}}
            found = self._call("POST", f"/data_sources/{self._source}/query", {"filter": same})["results"]
            if found:
                self._call("PATCH", f"/pages/{found[0]['id']}", {"properties": _as_page(row)})
            else:
                parent = {"type": "data_source_id", "data_source_id": self._source}
                self._call("POST", "/pages", {"parent": parent, "properties": _as_page(row)})

    def pull(self) -> None:
        """Every page to its row."""
        for page in list(self._pages()):
            row = _as_row(page["properties"])
            if row["id"] is None:
                made = self._connection.execute(_INSERT, row).fetchone()
                assert made is not None
                self._call("PATCH", f"/pages/{page['id']}", {"properties": {"id": {"number": made["id"]}}})
            else:
                self._connection.execute(_UPSERT, row)

    def _pages(self) -> Iterator[dict[str, Any]]:
        body: dict[str, Any] = {"page_size": 100}
        while True:
            answer = self._call("POST", f"/data_sources/{self._source}/query", body)
            yield from answer["results"]
            if not answer["has_more"]:
                return
            body["start_cursor"] = answer["next_cursor"]

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(self._pause)
        answer = self._session.request(method, self._url + path, json=body, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        return dict(answer.json())


def _as_page(row: Row) -> dict[str, Any]:
    return {
        "id": {"number": row["id"]},
        "Name": {"title": [{"text": {"content": row["title"]}}]},
        "Status": {"select": {"name": row["status"]} if row["status"] else None},
        "Amount": {"number": None if row["amount"] is None else float(row["amount"])},
        "Due": {"date": {"start": row["due"].isoformat()} if row["due"] else None},
        "Done": {"checkbox": row["done"]},
        "Note": {"rich_text": [{"text": {"content": row["note"]}}] if row["note"] else []},
    }


def _as_row(properties: dict[str, Any]) -> Row:
    return {
        "id": properties["id"]["number"],
        "title": _text(properties["Name"]["title"]) or "",
        "status": (properties["Status"]["select"] or {}).get("name"),
        "amount": properties["Amount"]["number"],
        "due": (properties["Due"]["date"] or {}).get("start"),
        "done": properties["Done"]["checkbox"],
        "note": _text(properties["Note"]["rich_text"]),
    }


def _text(parts: list[dict[str, Any]]) -> str | None:
    return "".join(part["plain_text"] for part in parts) or None


def main() -> None:
    """The steps that are named, in their order."""
    source, *steps = sys.argv[1:]
    environment = os.environ
    pause = float(environment.get("PAUSE_S", _PAUSE_S))
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
        script = Script(connection, environment["NOTION_URL"], environment["NOTION_TOKEN"], source, pause)
        for step in steps:
            {"push": script.push, "pull": script.pull}[step]()


if __name__ == "__main__":
    main()
