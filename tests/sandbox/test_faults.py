"""Proves that scripted faults reach a client over real sockets, and take effect or do not, as scripted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from bridge.sandbox.notion import Fault, Person, Request, Sandbox, SandboxServer
from tests.sandbox.conftest import Api


class Wire:
    """A client over a real connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2026-03-11"})

    def send(self, method: str, path: str, body: Any = None, timeout: float = 30) -> requests.Response:
        return self.session.request(method, f"{self.url}/v1/{path}", json=body, timeout=timeout)


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    client = Wire(server.url)
    with client.session:
        yield client


@pytest.fixture
def page(ada: Person, tasks: str) -> str:
    return ada.create_row(tasks, {"Estimate": 1})


def estimate(number: float) -> dict[str, Any]:
    return {"properties": {"Estimate": {"number": number}}}


def test_failing_without_effect(wire: Wire, sandbox: Sandbox, ada: Person, page: str) -> None:
    for status in (409, 429, 500, 502, 503, 504, 529):
        sandbox.faults.fail(status, "PATCH", r"/pages/", retry_after=7)
        answer = wire.send("PATCH", f"pages/{page}", estimate(status))
        assert answer.status_code == status
        assert answer.headers["Retry-After"] == "7"
        assert answer.json()["status"] == status
    assert ada.read(page)["Estimate"] == 1
    assert wire.send("PATCH", f"pages/{page}", estimate(2)).status_code == 200


def test_failing_after_taking_effect(wire: Wire, sandbox: Sandbox, ada: Person, tasks: str, page: str) -> None:
    sandbox.faults.apply_then_fail(500, "PATCH")
    assert wire.send("PATCH", f"pages/{page}", estimate(2)).status_code == 500
    assert ada.read(page)["Estimate"] == 2
    sandbox.faults.apply_then_fail(503, "POST", r"/pages$", reveal=True)
    answer = wire.send("POST", "pages", {"parent": {"data_source_id": tasks}})
    assert answer.status_code == 503
    assert set(ada.rows(tasks)) == {page, answer.json()["additional_data"]["committed_resource_id"]}


def test_connections_are_really_cut(wire: Wire, sandbox: Sandbox, ada: Person, page: str) -> None:
    sandbox.faults.drop("PATCH")
    with pytest.raises(requests.ConnectionError):
        wire.send("PATCH", f"pages/{page}", estimate(2))
    assert ada.read(page)["Estimate"] == 1
    sandbox.faults.apply_then_drop("PATCH")
    with pytest.raises(requests.ConnectionError):
        wire.send("PATCH", f"pages/{page}", estimate(3))
    assert ada.read(page)["Estimate"] == 3
    sandbox.faults.truncate("PATCH")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        wire.send("PATCH", f"pages/{page}", estimate(4))
    assert ada.read(page)["Estimate"] == 4
    assert wire.send("GET", f"pages/{page}").json()["properties"]["Estimate"]["number"] == 4


def test_a_slow_answer_comes_after_the_client_gave_up(wire: Wire, sandbox: Sandbox, ada: Person, page: str) -> None:
    sandbox.faults.delay("PATCH", after_s=600)
    with pytest.raises(requests.ReadTimeout):
        wire.send("PATCH", f"pages/{page}", estimate(2), timeout=0.5)
    assert ada.read(page)["Estimate"] == 2


def test_a_slow_start_delays_the_effect(
    wire: Wire, server: SandboxServer, sandbox: Sandbox, ada: Person, page: str
) -> None:
    sandbox.faults.delay("PATCH", before_s=600)
    with pytest.raises(requests.ReadTimeout):
        wire.send("PATCH", f"pages/{page}", estimate(2), timeout=0.5)
    server.stop()
    assert ada.read(page)["Estimate"] == 1


def test_answers_that_are_not_json(wire: Wire, sandbox: Sandbox, page: str) -> None:
    sandbox.faults.html(502)
    answer = wire.send("GET", f"pages/{page}")
    assert answer.headers["content-type"] == "text/html"
    assert answer.text.startswith("<html>")
    sandbox.faults.add(Fault(status=200, raw=""))
    assert wire.send("GET", f"pages/{page}").content == b""


def test_an_answer_from_another_age(wire: Wire, sandbox: Sandbox, page: str) -> None:
    def older(answer: Any) -> Any:
        return {key: value for key, value in answer.items() if key != "in_trash"} | {"surprise": 1}

    sandbox.faults.rewrite(older, "GET", "/pages/")
    shown = wire.send("GET", f"pages/{page}").json()
    assert ("in_trash" in shown, shown["surprise"], shown["id"]) == (False, 1, page)


def test_a_hook_runs_between_the_guard_and_the_write(wire: Wire, sandbox: Sandbox, ada: Person, page: str) -> None:
    seen: list[Any] = []

    def somebody_edits(request: Request) -> None:
        seen.append(ada.read(page)["Estimate"])
        ada.edit(page, {"Estimate": 50, "Notes": "mine"})

    sandbox.faults.hook(somebody_edits, "PATCH")
    assert wire.send("PATCH", f"pages/{page}", estimate(2)).status_code == 200
    assert seen == [1]
    assert (ada.read(page)["Estimate"], ada.read(page)["Notes"]) == (2, "mine")


def test_which_requests_are_met(api: Api, sandbox: Sandbox, page: str) -> None:
    fault = sandbox.faults.fail(500, "PATCH", r"/v1/pages/", body='"Estimate"', skip=1, times=2)
    done = {"properties": {"Done": {"checkbox": True}}}
    bodies = [estimate(2), done, estimate(3), estimate(4), estimate(5)]
    statuses = [api.send("PATCH", f"pages/{page}", body).status for body in bodies]
    assert statuses == [200, 200, 500, 500, 200]
    assert fault.hits == 2
    assert api.send("GET", f"pages/{page}").status == 200


def test_a_client_that_waits_does_not_keep_the_server_from_stopping(sandbox: Sandbox, page: str) -> None:
    arrived = threading.Event()

    def note(request: Request) -> None:
        arrived.set()

    sandbox.faults.add(Fault(hook=note, delay_after_s=3600))
    with SandboxServer(sandbox) as server:
        client = Wire(server.url)
        thread = threading.Thread(target=client.send, args=("GET", f"pages/{page}"))
        thread.start()
        assert arrived.wait(30)
    thread.join(30)
    client.session.close()
    assert not thread.is_alive()


def test_requests_are_answered_side_by_side(wire: Wire, sandbox: Sandbox, page: str) -> None:
    sandbox.faults.delay("PATCH", before_s=3600)
    stuck = Wire(wire.url)
    with stuck.session:
        with pytest.raises(requests.ReadTimeout):
            stuck.send("PATCH", f"pages/{page}", estimate(2), timeout=0.2)
        assert wire.send("GET", f"pages/{page}").status_code == 200
