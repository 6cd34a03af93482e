"""Proves what people can do beside a client, and how little of it the stamps betray."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.sandbox.notion import ManualClock, Person, Sandbox
from tests.sandbox.conftest import Api


@pytest.fixture
def page(ada: Person, tasks: str) -> str:
    return ada.create_row(tasks, {"Name": "a", "Priority": "High", "Tags": ["x"]})


def stamp(api: Api, page: str) -> str:
    return str(api.ok("GET", f"pages/{page}")["last_edited_time"])


def test_typing_and_reading_every_kind_of_cell(ada: Person, tasks: str) -> None:
    typed = {
        "Name": "Launch",
        "Notes": "a" * 5000,
        "Estimate": 2.5,
        "Done": True,
        "Priority": "New",
        "Tags": ["x", "y"],
        "State": "Done",
        "Owner": ["Ada"],
        "Link": "https://example.com",
        "Mail": "a@example.com",
        "Phone": "1",
        "Papers": ["https://example.com/a.pdf"],
    }
    page = ada.create_row(tasks, typed | {"Due": datetime(2026, 9, 15, 9, 30, tzinfo=UTC)})
    shown = ada.read(page)
    assert {name: shown[name] for name in typed} == typed
    assert shown["Due"] == "2026-09-15T09:30:00.000+00:00"
    assert shown["Double"] == 5
    ada.edit(page, dict.fromkeys(typed))
    assert ada.read(page)["Notes"] == ""
    assert ada.read(page)["Priority"] is None


def test_a_person_is_not_limited_and_not_logged(sandbox: Sandbox, ada: Person, page: str) -> None:
    sandbox.options.requests_per_minute = 1
    for number in range(10):
        ada.edit(page, {"Estimate": number})
    assert sandbox.log.entries == []


def test_edits_leave_a_stamp_and_a_name(api: Api, sandbox: Sandbox, ada: Person, clock: ManualClock, page: str) -> None:
    clock.advance(61)
    ada.edit(page, {"Name": "b"})
    shown = api.ok("GET", f"pages/{page}")
    assert shown["created_time"] == "2026-11-22T10:00:00.000Z"
    assert shown["last_edited_time"] == "2026-11-22T10:01:00.000Z"
    assert shown["last_edited_by"]["id"] == ada.user.id
    shown = api.ok("PATCH", f"pages/{page}", {"properties": {"Done": {"checkbox": True}}})
    assert shown["last_edited_by"]["id"] == sandbox.bot().id


def test_changes_that_move_no_stamp(api: Api, ada: Person, clock: ManualClock, tasks: str, page: str) -> None:
    before = stamp(api, page)
    clock.advance(300)
    ada.rename_option(tasks, "Priority", "High", "Urgent")
    ada.remove_option(tasks, "Tags", "x")
    ada.rename_property(tasks, "Notes", "Remarks")
    ada.retype_property(tasks, "Mail", "rich_text")
    assert ada.read(page)["Priority"] == "Urgent"
    assert ada.read(page)["Tags"] == []
    assert stamp(api, page) == before


def test_trash_restore_and_the_end(api: Api, sandbox: Sandbox, ada: Person, clock: ManualClock, page: str) -> None:
    clock.advance(60)
    ada.trash(page)
    shown = api.ok("GET", f"pages/{page}")
    assert (shown["in_trash"], shown["last_edited_time"]) == (True, "2026-11-22T10:01:00.000Z")
    ada.restore(page)
    assert api.ok("GET", f"pages/{page}")["in_trash"] is False
    ada.trash(page)
    clock.advance(sandbox.options.purge_after_s + 1)
    assert api.error("GET", f"pages/{page}")[1] == "object_not_found"


def test_a_duplicate_copies_everything_but_the_identity(api: Api, ada: Person, tasks: str, page: str) -> None:
    ada.write_body(page, "A body.")
    copy = ada.duplicate(page)
    assert copy != page
    same = {name: value for name, value in ada.read(page).items() if name != "Ticket"}
    assert ada.read(copy) == same | {"Ticket": 2}
    bodies = [api.ok("GET", f"blocks/{item}/children")["results"] for item in (page, copy)]
    assert [[block["paragraph"]["rich_text"][0]["plain_text"] for block in body] for body in bodies] == [
        ["A body."]
    ] * 2
    assert bodies[0][0]["id"] != bodies[1][0]["id"]


def test_a_moved_page_keeps_its_id_and_changes_its_parent(api: Api, ada: Person, tasks: str, page: str) -> None:
    _, other = ada.create_database("Other", {"Title": "title", "Priority": "select"})
    ada.move(page, other)
    assert api.ok("GET", f"pages/{page}")["parent"]["data_source_id"] == other
    assert ada.read(page) == {"Title": "a", "Priority": "High"}
    assert api.ok("POST", f"data_sources/{tasks}/query", {})["results"] == []
    ada.move(page)
    assert api.ok("GET", f"pages/{page}")["parent"]["type"] == "page_id"


def test_taking_access_away_and_giving_it_back(api: Api, ada: Person) -> None:
    database, source = ada.create_database("Tasks", {"Name": "title"})
    page = ada.create_row(source)
    ada.unshare(database)
    for method, path in (
        ("GET", f"pages/{page}"),
        ("GET", f"data_sources/{source}"),
        ("POST", f"data_sources/{source}/query"),
        ("GET", f"databases/{database}"),
        ("PATCH", f"pages/{page}"),
    ):
        assert api.error(method, path, None if method == "GET" else {})[1] == "object_not_found"
    ada.share(database)
    api.ok("GET", f"pages/{page}")
    ada.unshare(page)
    assert api.error("GET", f"pages/{page}")[1] == "object_not_found"
    assert api.ok("POST", f"data_sources/{source}/query", {})["results"] == []


def test_a_trashed_database_takes_its_rows_along(api: Api, sandbox: Sandbox, ada: Person) -> None:
    database, source = ada.create_database("Tasks", {"Name": "title"})
    page = ada.create_row(source)
    ada.trash_database(database)
    assert api.ok("GET", f"pages/{page}")["in_trash"] is True
    assert api.ok("POST", f"data_sources/{source}/query", {})["results"] == []
    sandbox.options.trashed_parent_hides = False
    assert api.ok("GET", f"pages/{page}")["in_trash"] is False
    ada.trash_database(database, False)
    assert len(api.ok("POST", f"data_sources/{source}/query", {})["results"]) == 1


def test_formats_that_no_client_can_write(api: Api, ada: Person, page: str) -> None:
    preview = {
        "type": "mention",
        "mention": {"type": "link_preview", "link_preview": {"url": "https://example.com/1"}},
        "annotations": {},
        "plain_text": "https://example.com/1",
        "href": "https://example.com/1",
    }
    ada.edit(page, {"Notes": [preview]})
    shown = api.ok("GET", f"pages/{page}")["properties"]["Notes"]["rich_text"]
    assert shown[0]["mention"]["type"] == "link_preview"
    body = {"properties": {"Notes": {"rich_text": shown}}}
    assert api.error("PATCH", f"pages/{page}", body)[1] == "validation_error"


def test_the_same_seed_gives_the_same_ids() -> None:
    def story(seed: int) -> tuple[str, str]:
        person = Sandbox(seed=seed, clock=ManualClock()).person("Ada")
        _, source = person.create_database("Tasks", {"Name": "title", "Tag": "select"})
        return source, person.create_row(source, {"Tag": "x"})

    assert story(1) == story(1)
    assert story(1) != story(2)
