"""Proves that queries filter, sort, page and lag as Notion's do."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.notion import ManualClock, Person, Sandbox
from tests.sandbox.conftest import Api

ROWS: dict[str, dict[str, Any]] = {
    "a": {"Estimate": 1, "Done": True, "Priority": "High", "Tags": ["x"], "Due": "2026-09-15", "Notes": "Hello"},
    "b": {"Estimate": 2, "Priority": "Low", "Tags": ["x", "y"], "Due": "2026-09-15T13:00:00Z", "Notes": "help"},
    "c": {"Estimate": None, "Done": True, "Due": "2026-09-16", "Mail": "c@example.com", "Owner": ["Ada"]},
}


MISMATCH = (
    "The property type in the database does not match the property type of the filter provided: "
    "database property number does not match filter rich_text"
)


@pytest.fixture
def rows(ada: Person, tasks: str) -> dict[str, str]:
    """Page id by title."""
    return {name: ada.create_row(tasks, {"Name": name} | values) for name, values in ROWS.items()}


def names(api: Api, source: str, condition: Any, **body: Any) -> str:
    found = api.ok("POST", f"data_sources/{source}/query", {"filter": condition} | body)["results"]
    return "".join(row["properties"]["Name"]["title"][0]["plain_text"] for row in found)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"property": "Estimate", "number": {"equals": 1}}, "a"),
        ({"property": "Estimate", "number": {"does_not_equal": 1}}, "bc"),
        ({"property": "Estimate", "number": {"greater_than_or_equal_to": 2}}, "b"),
        ({"property": "Estimate", "number": {"is_empty": True}}, "c"),
        ({"property": "Done", "checkbox": {"equals": False}}, "b"),
        ({"property": "Notes", "rich_text": {"starts_with": "hel"}}, "ab"),
        ({"property": "Notes", "rich_text": {"equals": "HELLO"}}, "a"),
        ({"property": "Notes", "rich_text": {"is_not_empty": True}}, "ab"),
        ({"property": "Name", "title": {"equals": "b"}}, "b"),
        ({"or": [{"property": "Name", "title": {"equals": name}} for name in "xBa"]}, "ab"),
        ({"or": [{"property": "Estimate", "number": {"equals": number}} for number in (2, 3)]}, "b"),
        (
            {
                "or": [
                    {"property": "Name", "title": {"equals": "a"}},
                    {"property": "Name", "title": {"does_not_equal": "b"}},
                ]
            },
            "ac",
        ),
        ({"property": "Mail", "email": {"contains": "example"}}, "c"),
        ({"property": "Priority", "select": {"equals": "High"}}, "a"),
        ({"property": "Priority", "select": {"equals": ["High", "Low"]}}, "ab"),
        ({"property": "Priority", "select": {"does_not_equal": "High"}}, "bc"),
        ({"property": "State", "status": {"equals": "Not started"}}, "abc"),
        ({"property": "Tags", "multi_select": {"contains": "y"}}, "b"),
        ({"property": "Tags", "multi_select": {"does_not_contain": "y"}}, "ac"),
        ({"property": "Due", "date": {"equals": "2026-09-15"}}, "ab"),
        ({"property": "Due", "date": {"after": "2026-09-15"}}, "c"),
        ({"property": "Due", "date": {"on_or_before": "2026-09-15"}}, "ab"),
        ({"property": "Due", "date": {"before": "2026-09-15T13:00:00Z"}}, "a"),
        ({"property": "Owner", "people": {"is_empty": True}}, "ab"),
        ({"property": "Ticket", "unique_id": {"less_than": 3}}, "ab"),
        ({"property": "Double", "formula": {"number": {"equals": 4}}}, "b"),
        ({"property": "Changed", "last_edited_time": {"equals": "today"}}, "abc"),
        ({"timestamp": "created_time", "created_time": {"past_week": {}}}, "abc"),
        ({"timestamp": "created_time", "created_time": {"next_week": {}}}, "abc"),
        ({"timestamp": "created_time", "created_time": {"before": "2026-11-22"}}, ""),
        (
            {
                "or": [
                    {"property": "Estimate", "number": {"equals": 2}},
                    {
                        "and": [
                            {"property": "Done", "checkbox": {"equals": True}},
                            {"property": "Mail", "email": {"is_not_empty": True}},
                        ]
                    },
                ]
            },
            "bc",
        ),
    ],
)
def test_conditions(api: Api, tasks: str, rows: dict[str, str], condition: Any, expected: str) -> None:
    assert "".join(sorted(names(api, tasks, condition))) == expected


def test_people_are_found_by_id_and_by_me(api: Api, ada: Person, sandbox: Sandbox, tasks: str) -> None:
    page = ada.create_row(tasks, {"Name": "z", "Owner": ["Ada", "sandbox bot"]})
    for wanted in (ada.user.id, "me"):
        assert names(api, tasks, {"property": "Owner", "people": {"contains": wanted}}) == "z"
    ada.edit(page, {"Owner": ["Ada"]})
    assert names(api, tasks, {"property": "Owner", "people": {"contains": "me"}}) == ""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"filter": {"property": "Estimate", "rich_text": {"equals": "1"}}},
            MISMATCH,
        ),
        (
            {"filter": {"property": "Nope", "number": {"equals": 1}}},
            "Could not find property with name or id: Nope",
        ),
        ({"sorts": [{"property": "Nope"}]}, "Could not find sort property with name or id: Nope"),
        ({"start_cursor": "bogus"}, "The start_cursor provided is invalid: bogus"),
        (
            {"page_size": 101},
            "body failed validation: body.page_size should be ≤ `100` or `undefined`, instead was `101`.",
        ),
        (
            {"filter": {"property": "Estimate", "number": {"is_empty": False}}},
            "body failed validation: body.filter.number.is_empty should be `true`, instead was `false`.",
        ),
        (
            {"in_trash": True},
            "body failed validation: body.in_trash should be not present, instead was `true`.",
        ),
        (
            {"filter": {"or": [{"property": "Estimate", "number": {"equals": 1}}] * 101}},
            "body failed validation: body.filter.or.length should be ≤ `100`, instead was `101`.",
        ),
    ],
)
def test_queries_that_are_refused(api: Api, tasks: str, body: Any, message: str) -> None:
    assert api.error("POST", f"data_sources/{tasks}/query", body) == (400, "validation_error", message)


def test_filters_nest_two_levels_and_no_deeper(api: Api, tasks: str) -> None:
    leaf = {"property": "Estimate", "number": {"equals": 1}}
    api.ok("POST", f"data_sources/{tasks}/query", {"filter": {"or": [{"and": [leaf]}]}})
    deep = {"filter": {"or": [{"and": [{"or": [leaf]}]}]}}
    assert api.error("POST", f"data_sources/{tasks}/query", deep)[1] == "validation_error"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"property": "Estimate", "direction": "ascending"}, "abc"),
        ({"property": "Estimate", "direction": "descending"}, "bac"),
        ({"property": "Name", "direction": "descending"}, "cba"),
        ({"property": "Due", "direction": "descending"}, "cba"),
        ({"property": "Priority", "direction": "descending"}, "bac"),
    ],
)
def test_sorts(api: Api, tasks: str, rows: dict[str, str], sort: Any, expected: str) -> None:
    everything = {"property": "Name", "title": {"is_not_empty": True}}
    assert names(api, tasks, everything, sorts=[sort]) == expected


def test_stamps_are_floored_so_a_bound_inside_the_minute_misses_them(
    api: Api, ada: Person, clock: ManualClock, tasks: str
) -> None:
    clock.advance(45)
    page = ada.create_row(tasks, {"Name": "a"})
    assert api.ok("GET", f"pages/{page}")["last_edited_time"] == "2026-11-22T10:00:00.000Z"

    def since(moment: str) -> str:
        condition = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": moment}}
        return names(api, tasks, condition)

    assert since("2026-11-22T10:00:00.000Z") == "a"
    assert since("2026-11-22T10:00:30.000Z") == ""


def test_a_cursor_is_bound_to_its_query_and_dies(api: Api, sandbox: Sandbox, clock: ManualClock, ada: Person) -> None:
    _, source = ada.create_database("Many", {"Name": "title", "N": "number"})
    made = {ada.create_row(source, {"N": number}) for number in range(7)}
    path = f"data_sources/{source}/query"
    first = api.ok("POST", path, {"page_size": 3})
    assert first["has_more"] is True
    assert "request_status" not in first
    rest = {"start_cursor": first["next_cursor"], "page_size": 100}
    second = api.ok("POST", path, rest)
    assert second["next_cursor"] is None
    assert {row["id"] for row in first["results"] + second["results"]} == made
    other = rest | {"filter": {"property": "N", "number": {"is_not_empty": True}}}
    assert api.error("POST", path, other)[2].startswith("The start_cursor provided is invalid")
    clock.advance(sandbox.options.cursor_lifetime_s + 1)
    assert api.error("POST", path, rest)[2].startswith("The start_cursor provided is invalid")


def test_rows_that_leave_between_pages_shift_the_rest(api: Api, ada: Person) -> None:
    _, source = ada.create_database("Many", {"Name": "title", "N": "number"})
    pages = [ada.create_row(source, {"N": number}) for number in range(6)]
    path, body = f"data_sources/{source}/query", {"page_size": 3, "sorts": [{"property": "N"}]}
    first = api.ok("POST", path, body)
    ada.trash(pages[0])
    second = api.ok("POST", path, body | {"start_cursor": first["next_cursor"]})
    assert [row["id"] for row in second["results"]] == pages[4:]


def test_the_result_cap_marks_every_page(api: Api, sandbox: Sandbox, ada: Person) -> None:
    sandbox.options.query_result_limit = 5
    _, source = ada.create_database("Many", {"Name": "title"})
    for _ in range(7):
        ada.create_row(source)
    path = f"data_sources/{source}/query"
    first = api.ok("POST", path, {"page_size": 3})
    second = api.ok("POST", path, {"page_size": 3, "start_cursor": first["next_cursor"]})
    incomplete = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    assert first["request_status"] == second["request_status"] == incomplete
    assert (len(first["results"]), len(second["results"]), second["has_more"]) == (3, 2, False)


def test_short_pages_end_only_with_the_cursor(api: Api, sandbox: Sandbox, ada: Person) -> None:
    sandbox.options.short_pages = True
    _, source = ada.create_database("Many", {"Name": "title"})
    made = {ada.create_row(source) for _ in range(60)}
    found: list[str] = []
    sizes: list[int] = []
    cursor = None
    while True:
        answer = api.ok("POST", f"data_sources/{source}/query", {"page_size": 10, "start_cursor": cursor})
        sizes.append(len(answer["results"]))
        found += [row["id"] for row in answer["results"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert set(found) == made
    assert len(found) == 60
    assert min(sizes[:-1]) < 10


def test_a_lagging_query_shows_the_past_and_a_get_does_not(
    api: Api, sandbox: Sandbox, clock: ManualClock, ada: Person, tasks: str
) -> None:
    sandbox.options.query_lag_s = 10
    page = ada.create_row(tasks, {"Name": "a"})
    everything = {"property": "Name", "title": {"is_not_empty": True}}
    assert names(api, tasks, everything) == ""
    clock.advance(10)
    assert names(api, tasks, everything) == "a"
    ada.edit(page, {"Name": "b"})
    assert names(api, tasks, everything) == "a"
    assert api.ok("GET", f"pages/{page}")["properties"]["Name"]["title"][0]["plain_text"] == "b"
    clock.advance(10)
    assert names(api, tasks, everything) == "b"
    sandbox.stale(page, 15)
    assert names(api, tasks, everything) == "a"
    sandbox.stale(page, None)
    ada.trash(page)
    assert names(api, tasks, everything) == "b"
    clock.advance(10)
    assert names(api, tasks, everything) == ""


def test_filter_properties_with_and_without_brackets(api: Api, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks)
    ids = [entry["id"] for entry in api.ok("GET", f"pages/{page}")["properties"].values()][:2]
    for name in ("filter_properties", "filter_properties[]", "filter_properties%5B%5D"):
        query = "&".join(f"{name}={property_id.replace('%', '%25')}" for property_id in ids)
        for shown in (
            api.ok("GET", f"pages/{page}", query=query),
            api.ok("POST", f"data_sources/{tasks}/query", {}, query=query)["results"][0],
        ):
            assert [entry["id"] for entry in shown["properties"].values()] == ids


def test_archived_rows_leave_the_default_query(api: Api, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks, {"Name": "a"})
    ada.archive(page)
    path = f"data_sources/{tasks}/query"
    assert api.ok("POST", path, {})["results"] == []
    assert [row["id"] for row in api.ok("POST", path, {"is_archived": True})["results"]] == [page]
    shown = api.ok("GET", f"pages/{page}")
    assert (shown["is_archived"], shown["in_trash"]) == (True, False)


def test_search_finds_what_is_in_the_trash_when_asked(api: Api, ada: Person, tasks: str) -> None:
    kept, gone = ada.create_row(tasks, {"Name": "kept row"}), ada.create_row(tasks, {"Name": "gone row"})
    ada.trash(gone)

    def search(**condition: Any) -> list[str]:
        return [hit["id"] for hit in api.ok("POST", "search", {"query": "ROW", "filter": condition})["results"]]

    assert search(property="object", value="page") == [kept]
    assert search(property="object", value="page", in_trash=True) == [gone]
    assert api.error("POST", "search", {"filter": {"property": "object", "value": "database"}})[1] == "validation_error"
