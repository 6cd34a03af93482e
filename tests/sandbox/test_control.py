"""Proves that everything a test can do in process it can do over HTTP, and that strangers cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from bridge.sandbox.notion import Person, Sandbox, SandboxServer

Control = Callable[..., Any]

FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
FORM = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.fixture
def control(server: SandboxServer) -> Control:
    def send(method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        url = f"{server.url}/_sandbox/{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


def test_a_person_by_wire(control: Control, ada: Person) -> None:
    def act(do: str, **args: Any) -> Any:
        return control("POST", "person", {"as": "Ada", "do": do, "args": args})["result"]

    _, source = act("create_database", title="Tasks", properties={"Name": "title", "Done": "checkbox"})
    page = act("create_row", data_source_id=source, values={"Name": "a"})
    act("edit", page_id=page, values={"Done": True})
    assert act("rows", data_source_id=source) == {page: {"Name": "a", "Done": True}}
    assert ada.read(page) == {"Name": "a", "Done": True}
    assert (
        "no property 'Nope'"
        in control("POST", "person", {"do": "edit", "args": {"page_id": page, "values": {"Nope": 1}}}, 400)["error"]
    )
    assert "cannot 'reset'" in control("POST", "person", {"do": "reset"}, 400)["error"]


def test_faults_log_options_and_clock(control: Control, server: SandboxServer, sandbox: Sandbox) -> None:
    control("POST", "faults", {"method": "GET", "path": "users", "status": 503, "times": 1})
    control("PATCH", "options", {"requests_per_minute": 1})
    headers = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2026-03-11"}
    url = f"{server.url}/v1/users/me"
    assert [requests.get(url, headers=headers, timeout=30).status_code for _ in range(2)] == [503, 429]
    assert control("GET", "faults") == [{"name": "fault", "method": "GET", "path": "users", "hits": 1}]
    assert [entry["status"] for entry in control("GET", "log")] == [503, 429]
    assert [entry["seq"] for entry in control("GET", "log?since=1")] == [2]
    assert [entry["violations"] for entry in control("GET", "violations")] == [["rate_violation"]]
    control("POST", "clock", {"advance_s": 60})
    assert requests.get(url, headers=headers, timeout=30).status_code == 200
    assert control("POST", "clock", {"now": "2027-01-01T00:00:00+00:00"})["now"] == sandbox.clock.now().isoformat()
    assert control("POST", "clock", {"offset_s": -90})["now"] == "2026-12-31T23:58:30+00:00"
    control("DELETE", "log")
    assert control("GET", "log") == []
    assert "no such sandbox option" in control("PATCH", "options", {"nope": 1}, 400)["error"]
    assert "a fault has no nope" in control("POST", "faults", {"nope": 1}, 400)["error"]


def test_tokens_and_reset(control: Control, server: SandboxServer, sandbox: Sandbox) -> None:
    bot = control("POST", "tokens", {"token": "ntn_more", "name": "more", "capabilities": ["read"]})["bot_id"]
    headers = {"Authorization": "bearer  ntn_more", "Notion-Version": "2026-03-11"}
    url = f"{server.url}/v1/users/me"
    assert requests.get(url, headers=headers, timeout=30).json()["id"] == bot
    assert control("POST", "reset")["root_page_id"] == sandbox.root_page_id
    assert requests.get(url, headers=headers, timeout=30).status_code == 401


def test_strangers_are_refused(control: Control) -> None:
    assert "to the name evil.example" in control("GET", "log", status=403, Host="evil.example")["error"]
    assert "to pages from" in control("POST", "reset", status=403, Origin="https://evil.example")["error"]
    # What a form or a picture in a page elsewhere can send without asking first.
    assert "other pages" in control("GET", "log", status=403, **{"Sec-Fetch-Site": "cross-site"})["error"]
    assert "other pages" in control("GET", "log", status=403, **{"Sec-Fetch-Site": "same-site"})["error"]
    assert "other pages" in control("POST", "reset", status=403, **FOLLOWED)["error"]
    assert "takes application/json, not text/plain" in control("POST", "reset", {}, 403, **FORM)["error"]


def test_a_link_from_elsewhere_and_the_own_page_are_no_strangers(control: Control) -> None:
    assert control("GET", "log", **FOLLOWED) == []
    assert control("GET", "log", **{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}) == []
    assert control("GET", "log", **{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}) == []
