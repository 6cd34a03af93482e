"""Proves what the sandbox tells of people and files, and that it takes back no more than Notion does."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.notion import Person, Sandbox
from tests.sandbox.conftest import Api


def papers(api: Api, page: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.ok("GET", f"pages/{page}")["properties"]["Papers"]["files"]
    return found


def listed(api: Api) -> set[str]:
    names, query = set(), "page_size=2"
    while True:
        answer = api.ok("GET", "users", query=query)
        names |= {user["name"] for user in answer["results"]}
        if not answer["has_more"]:
            return names
        query = f"page_size=2&start_cursor={answer['next_cursor']}"


def test_a_guest_is_shown_but_not_listed_and_who_left_is_an_id(
    api: Api, ada: Person, sandbox: Sandbox, tasks: str
) -> None:
    bob = sandbox.person("Bob")
    page = ada.create_row(tasks, {"Name": "a", "Owner": ["Ada", "Bob"]})
    bob.become_guest()
    assert listed(api) == {"Owner", "sandbox bot", "Ada"}
    assert api.ok("GET", f"users/{bob.user.id}")["person"] == {"email": "bob@example.com"}
    bob.change_email("bob@elsewhere.example")
    shown = api.ok("GET", f"pages/{page}")["properties"]["Owner"]["people"][1]
    assert shown["person"] == {"email": "bob@elsewhere.example"}
    bob.leave()
    assert api.error("GET", f"users/{bob.user.id}")[:2] == (404, "object_not_found")
    shown = api.ok("GET", f"pages/{page}")["properties"]["Owner"]["people"][1]
    assert shown == {"object": "user", "id": bob.user.id}
    body = {"properties": {"Owner": {"people": [{"id": bob.user.id}]}}}
    assert "Could not find user" in api.error("PATCH", f"pages/{page}", body)[2]


def test_a_hosted_file_has_another_address_each_time_and_stays_when_it_is_sent_back(
    api: Api, ada: Person, tasks: str
) -> None:
    page = ada.create_row(tasks, {"Name": "a", "Papers": ["scan.png"]})
    first, second = papers(api, page), papers(api, page)
    assert first[0]["type"] == "file"
    assert first != second
    more = [*second, {"name": "b", "type": "external", "external": {"url": "https://example.com/b"}}]
    api.ok("PATCH", f"pages/{page}", {"properties": {"Papers": {"files": more}}})
    assert ada.read(page)["Papers"] == ["scan.png", "https://example.com/b"]
    api.ok("PATCH", f"pages/{page}", {"properties": {"Papers": {"files": more[1:]}}})
    assert ada.read(page)["Papers"] == ["https://example.com/b"]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"name": "x", "type": "file", "file": {"url": "https://example.com/x"}}, "hosted by Notion"),
        ({"name": "x", "type": "file_upload", "file_upload": {"id": "0" * 32}}, "Could not find file_upload"),
        ({"name": "x" * 101, "type": "external", "external": {"url": "https://example.com/x"}}, "≤ `100`"),
        ({"name": "x", "type": "external"}, "should be defined"),
    ],
)
def test_a_file_that_is_not_there_cannot_be_sent(
    api: Api, ada: Person, tasks: str, item: dict[str, Any], told: str
) -> None:
    page = ada.create_row(tasks, {"Name": "a", "Papers": ["scan.png"]})
    status, _, message = api.error("PATCH", f"pages/{page}", {"properties": {"Papers": {"files": [item]}}})
    assert status == 400
    assert told in message
    assert ada.read(page)["Papers"] == ["scan.png"]


def test_a_person_can_make_what_no_client_can(api: Api, ada: Person, tasks: str) -> None:
    for name, kind in (("Checked", "verification"), ("Run", "button"), ("Spot", "location")):
        body: dict[str, Any] = {"properties": {name: {kind: {}}}}
        assert "through the API" in api.error("PATCH", f"data_sources/{tasks}", body)[2]
        ada.add_property(tasks, name, kind)
    page = ada.create_row(tasks, {"Name": "a", "Checked": "verified"})
    shown = api.ok("GET", f"pages/{page}")["properties"]
    assert shown["Checked"]["verification"]["state"] == "verified"
    assert shown["Run"]["button"] == {}
    assert api.ok("GET", f"data_sources/{tasks}")["properties"]["Spot"]["type"] == "location"


def test_an_option_cannot_have_the_name_of_another(ada: Person, tasks: str) -> None:
    ada.add_option(tasks, "Priority", "Middle")
    ada.rename_option(tasks, "Priority", "Middle", "MIDDLE")
    for name in ("high", "a,b", ""):
        with pytest.raises(ValueError, match="cannot have"):
            ada.rename_option(tasks, "Priority", "MIDDLE", name)
