"""Proves that the official Python client works against the sandbox unchanged, in each version it may speak."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from notion_client import APIResponseError, Client
from notion_client.helpers import collect_paginated_api

from bridge.sandbox.notion import DEFAULT_TOKEN, Person, Sandbox, SandboxServer

# The client types every answer as "now or awaitable"; here it is always now.
Connect = Callable[..., Any]


@pytest.fixture
def connect(server: SandboxServer) -> Iterator[Connect]:
    opened: list[httpx.Client] = []

    def make(**options: Any) -> Any:
        connection = httpx.Client()
        opened.append(connection)
        settings: dict[str, Any] = {
            "auth": DEFAULT_TOKEN,
            "base_url": server.url,
            "log_level": logging.CRITICAL,
        } | options
        return Client(client=connection, **settings)

    yield make
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("version", [None, "2025-09-03", "2026-03-11"])
def test_a_row_through_its_whole_life(connect: Connect, ada: Person, tasks: str, version: str | None) -> None:
    client = connect(**({"notion_version": version} if version else {}))
    page = client.pages.create(
        parent={"data_source_id": tasks},
        properties={"Name": {"title": [{"text": {"content": "Launch"}}]}, "Estimate": {"number": 8.5}},
    )
    assert client.pages.retrieve(page["id"])["properties"]["Estimate"]["number"] == 8.5
    client.pages.update(page["id"], properties={"Estimate": {"number": 9}})
    assert ada.read(page["id"])["Estimate"] == 9

    found = client.data_sources.query(tasks, filter={"property": "Estimate", "number": {"equals": 9}})
    assert [row["id"] for row in found["results"]] == [page["id"]]
    item = client.pages.properties.retrieve(page["id"], page["properties"]["Estimate"]["id"])
    assert item["number"] == 9

    assert client.pages.update(page["id"], in_trash=True)["in_trash"] is True
    assert client.data_sources.query(tasks)["results"] == []
    with pytest.raises(APIResponseError, match="unarchive the block before editing"):
        client.pages.update(page["id"], properties={"Estimate": {"number": 1}})
    assert client.pages.update(page["id"], in_trash=False)["in_trash"] is False


def test_the_old_version_knows_databases_only(connect: Connect, ada: Person) -> None:
    database_id, source_id = ada.create_database("Tasks", {"Name": "title", "Done": "checkbox"})
    client = connect(notion_version="2022-06-28")
    schema = client.databases.retrieve(database_id)
    assert schema["properties"]["Done"]["type"] == "checkbox"
    assert "data_sources" not in schema
    page = client.pages.create(parent={"database_id": database_id}, properties={"Done": {"checkbox": True}})
    assert page["parent"] == {"type": "database_id", "database_id": database_id}
    assert page["archived"] is False
    client.pages.update(page["id"], archived=True)
    client.pages.update(page["id"], archived=False)
    found = client.request(f"databases/{database_id}/query", "POST", body={})
    assert [row["id"] for row in found["results"]] == [page["id"]]
    assert found["type"] == "page_or_database"
    with pytest.raises(APIResponseError, match="Invalid request URL"):
        client.data_sources.retrieve(source_id)


def test_paging_helpers_find_every_row_once(connect: Connect, ada: Person, tasks: str) -> None:
    made = {ada.create_row(tasks, {"Estimate": number}) for number in range(230)}
    rows = collect_paginated_api(connect().data_sources.query, data_source_id=tasks)
    assert [row["id"] for row in rows].count(rows[0]["id"]) == 1
    assert {row["id"] for row in rows} == made
    assert len(rows) == 230


def test_databases_and_data_sources_are_made_and_changed(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    database = client.databases.create(
        parent={"type": "page_id", "page_id": sandbox.root_page_id},
        title=[{"text": {"content": "Orders"}}],
        initial_data_source={"properties": {"Name": {"title": {}}, "Total": {"number": {"format": "euro"}}}},
    )
    source_id = database["data_sources"][0]["id"]
    assert database["data_sources"][0]["name"] == "Orders"
    changed = client.data_sources.update(source_id, properties={"Total": {"name": "Sum"}, "Paid": {"checkbox": {}}})
    assert set(changed["properties"]) == {"Name", "Sum", "Paid"}
    assert changed["properties"]["Sum"]["number"] == {"format": "euro"}
    second = client.data_sources.create(
        parent={"type": "database_id", "database_id": database["id"]}, properties={"Name": {"title": {}}}
    )
    ids = [source["id"] for source in client.databases.retrieve(database["id"])["data_sources"]]
    assert ids == [source_id, second["id"]]
    assert client.data_sources.list_templates(source_id)["templates"] == []


def test_users_search_and_bodies(connect: Connect, ada: Person, tasks: str) -> None:
    client = connect()
    page_id = ada.create_row(tasks, {"Name": "Launch the rocket"})
    me = client.users.me()
    assert me["type"] == "bot"
    assert {user["name"] for user in client.users.list()["results"]} == {"Owner", "sandbox bot", "Ada"}
    assert client.users.retrieve(ada.user.id)["person"]["email"] == "ada@example.com"

    hits = client.search(query="rocket", filter={"property": "object", "value": "page"})["results"]
    assert [hit["id"] for hit in hits] == [page_id]
    tables = client.search(filter={"property": "object", "value": "data_source"})["results"]
    assert [table["id"] for table in tables] == [tasks]

    paragraph = {"paragraph": {"rich_text": [{"text": {"content": "A body."}}]}}
    client.blocks.children.append(page_id, children=[paragraph])
    blocks = client.blocks.children.list(page_id)["results"]
    assert [block["paragraph"]["rich_text"][0]["plain_text"] for block in blocks] == ["A body."]
    assert client.blocks.delete(page_id)["in_trash"] is True
    assert client.pages.retrieve(page_id)["in_trash"] is True


def test_the_client_obeys_a_429_and_goes_on(connect: Connect, sandbox: Sandbox, tasks: str) -> None:
    sandbox.faults.fail(429, retry_after=0)
    assert connect().data_sources.retrieve(tasks)["id"] == tasks
    assert [entry.status for entry in sandbox.log.entries] == [429, 200]
