"""A fresh sandbox per test, with a clock that stands still, and ways to talk to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.sandbox.notion import DEFAULT_TOKEN, Answer, ManualClock, Person, Request, Sandbox, SandboxServer

EVERY_TYPE: dict[str, Any] = {
    "Name": "title",
    "Notes": "rich_text",
    "Estimate": "number",
    "Done": "checkbox",
    "Priority": {"select": {"options": [{"name": "High", "color": "red"}, {"name": "Low", "color": "blue"}]}},
    "Tags": "multi_select",
    "State": "status",
    "Due": "date",
    "Owner": "people",
    "Link": "url",
    "Mail": "email",
    "Phone": "phone_number",
    "Papers": "files",
    "Where": "place",
    "Made": "created_time",
    "Changed": "last_edited_time",
    "Maker": "created_by",
    "Changer": "last_edited_by",
    "Ticket": {"unique_id": {"prefix": "T"}},
    "Double": {"formula": {"expression": 'prop("Estimate") * 2'}},
}


@dataclass(frozen=True, slots=True)
class Api:
    """A client without manners: sends what it is told, in process, and returns the answer as it is."""

    sandbox: Sandbox
    token: str | None = DEFAULT_TOKEN
    version: str | None = "2025-09-03"

    def send(self, method: str, path: str, body: Any = None, query: str = "", raw: bytes | None = None) -> Answer:
        headers = {}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        if self.version is not None:
            headers["notion-version"] = self.version
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self.sandbox.handle(Request(method, f"/v1/{path}", query, headers, content))

    def ok(self, method: str, path: str, body: Any = None, query: str = "") -> Any:
        answer = self.send(method, path, body, query)
        assert answer.status == 200, answer.json()
        return answer.json()

    def error(self, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, str, str]:
        """Status, code and message of a refusal."""
        answer = self.send(method, path, body, query)
        assert answer.status >= 400, answer.json()
        error = answer.json()
        return answer.status, error["code"], error["message"]


@pytest.fixture(autouse=True)
def good_manners() -> None:
    """Not asked of these tests: they try what a bridge must not do."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    return Sandbox(clock=clock)


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox)


@pytest.fixture
def ada(sandbox: Sandbox) -> Person:
    return sandbox.person("Ada")


@pytest.fixture
def tasks(ada: Person) -> str:
    """The id of a data source with a property of nearly every type."""
    return ada.create_database("Tasks", EVERY_TYPE)[1]


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as running:
        yield running
