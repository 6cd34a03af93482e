"""Proves that refusals come in Notion's order, with Notion's codes and texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from bridge.sandbox.notion import Person, Sandbox
from tests.sandbox.conftest import Api

LONG = "x" * 2088
CONTENT = "body failed validation: body.properties.Notes.rich_text[0].text.content.length"
VERSIONS = (
    '`"2021-05-11"`, `"2021-05-13"`, `"2021-08-16"`, `"2022-02-22"`, `"2022-06-28"`, `"2025-09-03"`, or `"2026-03-11"`'
)


def text(content: str) -> list[dict[str, Any]]:
    return [{"text": {"content": content}}]


def test_the_first_failing_check_answers(api: Api) -> None:
    nobody = replace(api, token=None, version=None)
    assert nobody.error("GET", "nowhere") == (400, "invalid_request_url", "Invalid request URL.")
    assert nobody.error("DELETE", "pages")[1] == "invalid_request_url"
    assert nobody.error("GET", "users/me") == (401, "unauthorized", "API token is invalid.")
    unversioned = replace(api, version=None)
    assert unversioned.error("POST", "pages", {"nonsense": 1})[1] == "missing_version"
    assert api.error("GET", "pages/not-an-id") == (
        400,
        "validation_error",
        'path failed validation: path.page_id should be a valid uuid, instead was `"not-an-id"`.',
    )
    assert api.error("GET", f"pages/{uuid4()}")[1] == "object_not_found"


def test_version_texts(api: Api) -> None:
    start = "Notion-Version header failed validation: Notion-Version header should be"
    message = replace(api, version=None).error("GET", "users/me")[2]
    assert message == f"{start} defined, instead was `undefined`."
    message = replace(api, version="banana").error("GET", "users/me")[2]
    assert message == f'{start} {VERSIONS}, instead was `"banana"`.'


def test_the_wrong_scheme_is_told_apart_from_a_wrong_token(sandbox: Sandbox) -> None:
    assert Api(sandbox, token="wrong").error("GET", "users/me")[2] == "API token is invalid."
    assert Api(sandbox, token=" ").error("GET", "users/me")[2].startswith("Authorization header must use the format")


def test_every_answer_names_its_request(api: Api) -> None:
    for path in ("users/me", "nowhere"):
        answer = api.send("GET", path)
        assert answer.headers["x-notion-request-id"] == answer.json()["request_id"]
        assert answer.headers["date"] == "Sun, 22 Nov 2026 10:00:00 GMT"
        assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_what_is_missing_and_what_is_not_shared_look_the_same(api: Api, sandbox: Sandbox, ada: Person) -> None:
    _, hidden = ada.create_database("Secret", {"Name": "title"}, shared=False)
    page = ada.create_row(hidden)
    for page_id in (page, str(uuid4())):
        answer = api.send("GET", f"pages/{page_id}")
        assert (answer.status, answer.json()["code"]) == (404, "object_not_found")
        assert answer.json()["message"] == (
            f"Could not find page with ID: {page_id}. Make sure the relevant pages and databases are shared "
            'with your integration "sandbox bot".'
        )
        assert answer.json()["additional_data"] == {"integration_id": sandbox.bot().id}


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Colour": {"number": 1}}, "Colour is not a property that exists."),
        ({"Estimate": {"rich_text": []}}, "Estimate is expected to be number."),
        (
            {"Colour": {"number": 1}, "Estimate": {"rich_text": []}},
            "Colour is not a property that exists. Estimate is expected to be number.",
        ),
        (
            {"Estimate": {"number": "8"}},
            'body failed validation: body.properties.Estimate.number should be a number or `null`, instead was `"8"`.',
        ),
        (
            {"Notes": {"rich_text": text(LONG)}},
            f"{CONTENT} should be ≤ `2000`, instead was `2088`.",
        ),
        (
            {"Notes": {"rich_text": text("\N{ROCKET}" * 1001)}},
            f"{CONTENT} should be ≤ `2000`, instead was `2002`.",
        ),
        (
            {"Notes": {"rich_text": text("x") * 101}},
            "body failed validation: body.properties.Notes.rich_text.length should be ≤ `100`, instead was `101`.",
        ),
        (
            {"Mail": {"email": "x" * 201}},
            "body failed validation: body.properties.Mail.email.length should be ≤ `200`, instead was `201`.",
        ),
        ({"Priority": {"select": {"name": "a, b"}}}, "Invalid select option, commas not allowed: a, b"),
        (
            {"Priority": {"select": {"name": "High", "color": "green"}}},
            "Select option color doesn't match existing",
        ),
        ({"State": {"status": {"name": "Nope"}}}, 'Status option "Nope" does not exist on State.'),
    ],
)
def test_a_bad_value_is_refused_and_nothing_is_written(
    api: Api, ada: Person, tasks: str, properties: dict[str, Any], message: str
) -> None:
    page = ada.create_row(tasks, {"Name": "before"})
    before, schema = ada.read(page), api.ok("GET", f"data_sources/{tasks}")["properties"]
    good = {"Name": {"title": text("after")}, "Tags": {"multi_select": [{"name": "learnt in vain"}]}}
    assert api.error("PATCH", f"pages/{page}", {"properties": good | properties}) == (400, "validation_error", message)
    assert ada.read(page) == before
    count = len(ada.rows(tasks))
    body = {"parent": {"data_source_id": tasks}, "properties": properties}
    assert api.error("POST", "pages", body) == (400, "validation_error", message)
    assert len(ada.rows(tasks)) == count
    assert api.ok("GET", f"data_sources/{tasks}")["properties"] == schema


@pytest.mark.parametrize("name", ["Made", "Changed", "Maker", "Changer", "Ticket", "Double"])
def test_computed_properties_cannot_be_written(api: Api, ada: Person, tasks: str, name: str) -> None:
    page = api.ok("GET", f"pages/{ada.create_row(tasks)}")
    value = page["properties"][name]
    status, code, _ = api.error("PATCH", f"pages/{page['id']}", {"properties": {name: {value["type"]: None}}})
    assert (status, code) == (400, "validation_error")


def test_a_broken_body(api: Api, sandbox: Sandbox) -> None:
    for raw in (b"{", b'{"a": NaN}', b"\xff"):
        answer = api.send("POST", "search", raw=raw)
        assert (answer.status, answer.json()["code"]) == (400, "invalid_json")
        assert answer.json()["message"] == "Error parsing JSON body."
        assert sandbox.log.entries[-1].body is None, "the log is JSON, and NaN is not"


def test_a_body_has_at_most_500_000_bytes(api: Api, ada: Person, tasks: str) -> None:
    page = f"pages/{ada.create_row(tasks, {'Name': 'x'})}"
    body = b'{"properties": {"Estimate": {"number": 1}}}'
    assert api.send("PATCH", page, raw=body.ljust(500_000)).status == 200
    refused = api.send("PATCH", page, raw=body.ljust(500_001))
    assert (refused.status, refused.json()["code"]) == (400, "validation_error")


def test_archived_is_gone_in_the_newest_version(sandbox: Sandbox, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks)
    newest = Api(sandbox, version="2026-03-11")
    message = newest.error("PATCH", f"pages/{page}", {"archived": True})[2]
    assert message == "body failed validation: body.archived should be not present, instead was `true`."
    assert "archived" not in newest.ok("GET", f"pages/{page}")
    assert list(Api(sandbox).ok("GET", f"pages/{page}"))[-2:] == ["archived", "request_id"]


def test_the_trash_takes_no_edits(api: Api, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks)
    api.ok("PATCH", f"pages/{page}", {"in_trash": True})
    message = "Can't edit block that is archived. You must unarchive the block before editing."
    for body in ({"properties": {"Done": {"checkbox": True}}}, {"icon": None}):
        assert api.error("PATCH", f"pages/{page}", body) == (400, "validation_error", message)
    both = {"in_trash": False, "properties": {"Done": {"checkbox": True}}}
    assert api.error("PATCH", f"pages/{page}", both)[2] == message
    assert api.ok("PATCH", f"pages/{page}", {"in_trash": False})["in_trash"] is False


def test_a_second_data_source_breaks_the_old_version(sandbox: Sandbox, ada: Person) -> None:
    database, first = ada.create_database("Tasks", {"Name": "title"})
    second = ada.add_data_source(database, "More", {"Name": "title"})
    answer = Api(sandbox, version="2022-06-28").send("GET", f"databases/{database}")
    assert answer.json()["message"] == "Databases with multiple data sources are not supported in this API version."
    assert answer.json()["additional_data"] == {
        "error_type": "multiple_data_sources_for_database",
        "database_id": database,
        "child_data_source_ids": [first, second],
        "minimum_api_version": "2025-09-03",
    }


def test_capabilities(sandbox: Sandbox, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks)
    sandbox.add_token("ntn_reader", "reader", frozenset({"read"}))
    reader = Api(sandbox, token="ntn_reader")
    reader.ok("GET", f"pages/{page}")
    reader.ok("GET", "users/me")
    for method, path, body in (
        ("PATCH", f"pages/{page}", {"properties": {}}),
        ("POST", "pages", {"parent": {"data_source_id": tasks}}),
        ("PATCH", f"data_sources/{tasks}", {"properties": {}}),
        ("GET", "users", None),
    ):
        assert reader.error(method, path, body)[:2] == (403, "restricted_resource")


def test_ids_are_taken_in_any_spelling(api: Api, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks)
    assert api.ok("GET", f"pages/{page.replace('-', '').upper()}")["id"] == page
    assert api.ok("GET", f"pages/{page}/")["id"] == page
    assert api.error("GET", f"pages/{page}//")[1] == "invalid_request_url"
