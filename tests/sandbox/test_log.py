"""Proves that the log tells what happened and flags what a well-behaved client does not do."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.notion import ConnectionCut, ManualClock, Person, Request, Sandbox
from tests import manners
from tests.sandbox.conftest import Api


class Stopwatch:
    """A monotonic clock under the test's control."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def sandbox(clock: ManualClock, stopwatch: Stopwatch) -> Sandbox:
    return Sandbox(clock=clock, monotonic=stopwatch)


@pytest.fixture
def page(ada: Person, tasks: str) -> str:
    return ada.create_row(tasks, {"Estimate": 1})


def estimate(number: float) -> dict[str, Any]:
    return {"properties": {"Estimate": {"number": number}}}


def last_flags(sandbox: Sandbox) -> list[str]:
    return sandbox.log.entries[-1].violations


def test_the_window_is_fixed_and_per_token(api: Api, sandbox: Sandbox, clock: ManualClock) -> None:
    sandbox.options.requests_per_minute = 3
    sandbox.add_token("ntn_other", "other")
    clock.advance(20)
    assert [api.send("GET", "users/me").status for _ in range(3)] == [200] * 3
    clock.advance(30.5)
    refused = api.send("GET", "users/me")
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "30"
    assert refused.json()["additional_data"] == {
        "rate_limit_reason": "public_api_request_rate_limit",
        "retry_after": "30",
    }
    assert Api(sandbox, token="ntn_other").send("GET", "users/me").status == 200
    clock.advance(29.5)
    assert [api.send("GET", "users/me").status for _ in range(4)] == [200] * 3 + [429]
    assert [entry.violations for entry in sandbox.log.violations()] == [["rate_violation"]] * 2


def test_a_limit_that_is_only_marked(api: Api, sandbox: Sandbox) -> None:
    sandbox.options.update(requests_per_minute=1, rate_enforced=False)
    assert [api.send("GET", "users/me").status for _ in range(2)] == [200, 200]
    assert last_flags(sandbox) == ["rate_violation"]


def test_a_bucket_gives_a_burst_and_then_one_by_one(api: Api, sandbox: Sandbox, clock: ManualClock) -> None:
    sandbox.options.update(requests_per_minute=30, request_burst=3)
    assert [api.send("GET", "users/me").status for _ in range(4)] == [200] * 3 + [429]
    clock.advance(1.5)
    assert api.send("GET", "users/me").headers["Retry-After"] == "1"
    clock.advance(0.5)
    assert [api.send("GET", "users/me").status for _ in range(2)] == [200, 429]
    clock.advance(600)
    assert [api.send("GET", "users/me").status for _ in range(4)] == [200] * 3 + [429]


def test_answers_take_their_time(sandbox: Sandbox) -> None:
    sandbox.options.latency_s = 0.35
    waits: list[float] = []
    for _ in range(400):
        sandbox.handle(Request("GET", "/v1/users/me", "", {}, b""), sleep=waits.append)
    whole = sorted(before + after for before, after in zip(waits[::2], waits[1::2], strict=True))
    assert 0.3 < whole[200] < 0.4
    assert 1.0 < whole[396] < 2.5  # seeded: the same each time


def test_a_scripted_429_is_no_violation(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.fail(429, retry_after=3)
    assert api.send("GET", "users/me").status == 429
    assert sandbox.log.violations() == []


@pytest.mark.parametrize("reading", ["get", "query", "patch"])
def test_a_write_needs_a_look_just_before(
    api: Api, sandbox: Sandbox, stopwatch: Stopwatch, tasks: str, page: str, reading: str
) -> None:
    def look() -> None:
        if reading == "get":
            api.ok("GET", f"pages/{page}")
        elif reading == "query":
            api.ok("POST", f"data_sources/{tasks}/query", {})
        else:
            api.ok("PATCH", f"pages/{page}", {"icon": None})

    api.ok("PATCH", f"pages/{page}", estimate(2))
    assert last_flags(sandbox) == ["unguarded_patch"]
    stopwatch.now += 100
    look()
    stopwatch.now += 4.9
    api.ok("PATCH", f"pages/{page}", estimate(3))
    assert last_flags(sandbox) == []
    stopwatch.now += 100
    look()
    stopwatch.now += 5.1
    api.ok("PATCH", f"pages/{page}", {"in_trash": True})
    assert last_flags(sandbox) == ["unguarded_patch"]
    stopwatch.now += 5.1
    api.ok("PATCH", f"pages/{page}", {"in_trash": False})
    assert last_flags(sandbox) == ["unguarded_patch"]


def test_another_tokens_look_does_not_count(api: Api, sandbox: Sandbox, page: str) -> None:
    sandbox.add_token("ntn_other", "other")
    Api(sandbox, token="ntn_other").ok("GET", f"pages/{page}")
    api.ok("PATCH", f"pages/{page}", estimate(2))
    assert last_flags(sandbox) == ["unguarded_patch"]


def test_an_answer_that_never_arrived_is_no_look(api: Api, sandbox: Sandbox, page: str) -> None:
    sandbox.faults.apply_then_drop("GET")
    with pytest.raises(ConnectionCut):
        api.send("GET", f"pages/{page}")
    api.ok("PATCH", f"pages/{page}", estimate(2))
    assert last_flags(sandbox) == ["unguarded_patch"]


def test_a_page_just_made_counts_as_seen(api: Api, sandbox: Sandbox, tasks: str) -> None:
    page = api.ok("POST", "pages", {"parent": {"data_source_id": tasks}})["id"]
    api.ok("PATCH", f"pages/{page}", estimate(2))
    assert sandbox.log.violations() == []


@pytest.mark.parametrize(
    "body",
    [
        estimate(1),
        {"properties": {"Done": {"checkbox": False}, "Notes": {"rich_text": []}}},
        {"properties": {"State": {"status": {"name": "NOT STARTED"}}}},
        {"in_trash": False},
    ],
)
def test_a_write_that_changes_nothing_is_marked(
    api: Api, sandbox: Sandbox, clock: ManualClock, page: str, body: dict[str, Any]
) -> None:
    api.ok("GET", f"pages/{page}")
    clock.advance(60)
    shown = api.ok("PATCH", f"pages/{page}", body)
    assert last_flags(sandbox) == ["noop_patch"]
    assert shown["last_edited_time"] == "2026-11-22T10:01:00.000Z"
    sandbox.options.noop_patch_bumps = False
    clock.advance(60)
    assert api.ok("PATCH", f"pages/{page}", body)["last_edited_time"] == "2026-11-22T10:01:00.000Z"


def test_an_entry_tells_all_about_its_request(api: Api, sandbox: Sandbox, clock: ManualClock, page: str) -> None:
    sandbox.faults.apply_then_fail(500, "PATCH")
    api.send("PATCH", f"pages/{page}", estimate(2), query="filter_properties=title")
    entry = sandbox.log.entries[-1]
    assert (entry.method, entry.path, entry.status) == ("PATCH", f"/v1/pages/{page}", 500)
    assert entry.query == [("filter_properties", "title")]
    assert entry.body == estimate(2)
    assert entry.response["code"] == "internal_server_error"
    assert entry.bot_id == sandbox.bot().id
    assert entry.fault == "apply, then fail 500"
    assert entry.at == clock.now()
    assert sandbox.log.find("PATCH", "pages") == [entry]
    assert sandbox.log.since(entry.seq) == []


def test_the_watch_over_every_test_sees_what_a_test_made_the_sandbox_forget() -> None:
    """What tests/conftest.py holds against every test of the bridge."""
    with manners.every_request() as collected:
        sandbox = Sandbox()
        _, source = sandbox.person("Ada").create_database("Tasks", {"Name": "title", "Done": "checkbox"})
        page = sandbox.person("Ada").create_row(source, {"Done": True})
        api = Api(sandbox)
        api.ok("GET", f"pages/{page}")
        manners.check(collected)
        api.ok("PATCH", f"pages/{page}", {"properties": {"Done": {"checkbox": True}}})
        sandbox.log.clear()
    with pytest.raises(AssertionError, match=r"PATCH .* \[noop_patch\]"):
        manners.check(collected)
