"""Proves what comes back for what was written, type by type, and what the schema makes of a change."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.notion import Person, Sandbox
from tests.sandbox.conftest import Api

PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}


def write(api: Api, page: str, name: str, value: Any) -> Any:
    """PATCH one property and return what the answer shows of it."""
    kind = api.ok("GET", f"pages/{page}")["properties"][name]["type"]
    shown = api.ok("PATCH", f"pages/{page}", {"properties": {name: {kind: value}}})["properties"][name]
    assert shown == api.ok("GET", f"pages/{page}")["properties"][name]
    return shown[kind]


@pytest.fixture
def page(ada: Person, tasks: str) -> str:
    return ada.create_row(tasks)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Estimate", 8.5, 8.5),
        ("Estimate", 2**53 + 1, 2**53),
        ("Estimate", None, None),
        ("Done", True, True),
        ("Link", "example.com", "example.com"),
        ("Mail", "", None),
        ("Phone", "+1 415", "+1 415"),
        ("Due", {"start": "2026-09-15"}, {"start": "2026-09-15", "end": None, "time_zone": None}),
        (
            "Due",
            {"start": "2026-09-15T09:00:31.25", "end": "2026-09-15T10:00:00Z"},
            {"start": "2026-09-15T09:00:00.000+00:00", "end": "2026-09-15T10:00:00.000+00:00", "time_zone": None},
        ),
        (
            "Due",
            {"start": "2026-09-15T09:00:00", "time_zone": "America/Los_Angeles"},
            {"start": "2026-09-15T09:00:00.000-07:00", "end": None, "time_zone": None},
        ),
        (
            "Papers",
            [{"name": "b.pdf", "external": {"url": "https://example.com/b.pdf"}}],
            [{"name": "b.pdf", "type": "external", "external": {"url": "https://example.com/b.pdf"}}],
        ),
    ],
)
def test_round_trip(api: Api, page: str, name: str, value: Any, shown: Any) -> None:
    assert write(api, page, name, value) == shown


@pytest.mark.parametrize(
    "value",
    [
        {"start": "15.9.2026"},
        {"start": "2026-02-30"},
        {"start": "2026-09-15", "end": "2026-09-16T10:00:00Z"},
        {"start": "2026-09-16", "end": "2026-09-15"},
        {"start": "2026-09-15T09:00:00Z", "time_zone": "America/Los_Angeles"},
        {"start": "2026-09-15T09:00:00", "time_zone": "Nowhere/Else"},
        {"end": "2026-09-15"},
    ],
)
def test_dates_that_are_refused(api: Api, page: str, value: Any) -> None:
    assert api.error("PATCH", f"pages/{page}", {"properties": {"Due": {"date": value}}})[1] == "validation_error"


def test_milliseconds_survive_where_the_switch_says_so(api: Api, sandbox: Sandbox, page: str) -> None:
    sandbox.options.date_precision = "millisecond"
    assert write(api, page, "Due", {"start": "2026-09-15T09:00:31.25Z"})["start"] == "2026-09-15T09:00:31.250+00:00"


def test_rich_text_comes_back_in_normal_form(api: Api, page: str) -> None:
    bold = {"annotations": {"bold": True}}
    link = {"url": "https://example.com"}
    shown = write(
        api,
        page,
        "Notes",
        [
            {"text": {"content": "one "}},
            {"type": "text", "text": {"content": "two"}},
            {"text": {"content": ""}},
            {"text": {"content": "three"}} | bold,
            {"text": {"content": "four", "link": link}},
            {"equation": {"expression": "a^2"}},
        ],
    )
    assert [run["plain_text"] for run in shown] == ["one two", "three", "four", "a^2"]
    assert shown[0] == {
        "type": "text",
        "text": {"content": "one two", "link": None},
        "annotations": PLAIN,
        "plain_text": "one two",
        "href": None,
    }
    assert shown[1]["annotations"] == PLAIN | {"bold": True}
    assert shown[2]["href"] == shown[2]["text"]["link"]["url"] == "https://example.com/"


def test_selects_learn_names_and_keep_case(api: Api, page: str) -> None:
    first = write(api, page, "Tags", [{"name": "Red"}, {"name": "blue"}])
    again = write(api, page, "Tags", [{"name": "BLUE"}, {"id": first[0]["id"]}])
    assert [option["name"] for option in again] == ["blue", "Red"]
    assert {option["id"] for option in again} == {option["id"] for option in first}
    assert write(api, page, "Priority", {"name": "high"})["name"] == "High"
    assert write(api, page, "Priority", None) is None


def test_an_emptied_status_falls_back_to_its_default(api: Api, page: str) -> None:
    assert write(api, page, "State", {"name": "done"})["name"] == "Done"
    assert write(api, page, "State", None)["name"] == "Not started"


def test_properties_are_found_by_name_and_by_either_spelling_of_the_id(api: Api, ada: Person, tasks: str) -> None:
    names = [f"Field {number}" for number in range(8)]
    decoded = {ada.add_property(tasks, name, "number"): name for name in names}
    schema = api.ok("GET", f"data_sources/{tasks}")["properties"]
    encoded = {schema[name]["id"]: name for name in names}
    assert any("%" in property_id for property_id in encoded)
    page = ada.create_row(tasks)
    for number, keys in enumerate((decoded, encoded), start=1):
        body = {"properties": {key: {"number": number} for key in keys}}
        shown = api.ok("PATCH", f"pages/{page}", body)["properties"]
        assert [shown[name]["number"] for name in names] == [number] * 8


def test_references_are_cut_at_25(api: Api, ada: Person, tasks: str) -> None:
    _, projects = ada.create_database("Projects", {"Name": "title"})
    ada.add_property(tasks, "Projects", {"relation": {"data_source_id": projects, "single_property": {}}})
    targets = [ada.create_row(projects) for _ in range(120)]
    page = ada.create_row(tasks, {"Projects": targets})
    value = api.ok("GET", f"pages/{page}")["properties"]["Projects"]
    assert ([item["id"] for item in value["relation"]], value["has_more"]) == (targets[:25], True)

    whole, query = [], "page_size=50"
    while True:
        part = api.ok("GET", f"pages/{page}/properties/{value['id']}", query=query)
        assert part["type"] == "property_item"
        whole += [item["relation"]["id"] for item in part["results"]]
        if not part["has_more"]:
            break
        query = f"page_size=50&start_cursor={part['next_cursor']}"
    assert whole == targets
    too_many = {"properties": {"Projects": {"relation": [{"id": target} for target in targets]}}}
    assert "≤ `100`, instead was `120`" in api.error("PATCH", f"pages/{page}", too_many)[2]


def test_a_two_way_relation_is_kept_on_both_sides(api: Api, ada: Person, tasks: str) -> None:
    _, projects = ada.create_database("Projects", {"Name": "title"})
    schema = api.ok(
        "PATCH",
        f"data_sources/{tasks}",
        {"properties": {"Project": {"relation": {"data_source_id": projects, "dual_property": {}}}}},
    )
    mirror = schema["properties"]["Project"]["relation"]["dual_property"]["synced_property_name"]
    assert mirror == "Related to Tasks (Project)"
    a, b = ada.create_row(projects), ada.create_row(projects)
    page = ada.create_row(tasks, {"Project": [a]})
    assert ada.read(a)[mirror] == [page]
    write(api, page, "Project", [{"id": b}])
    assert (ada.read(a)[mirror], ada.read(b)[mirror]) == ([], [page])
    write(api, b, mirror, [])
    assert ada.read(page)["Project"] == []


def test_a_relation_into_an_unshared_database_reads_as_empty(api: Api, ada: Person, tasks: str) -> None:
    hidden, projects = ada.create_database("Projects", {"Name": "title"})
    ada.add_property(tasks, "Projects", {"relation": {"data_source_id": projects, "single_property": {}}})
    page = ada.create_row(tasks, {"Projects": [ada.create_row(projects)]})
    ada.unshare(hidden)
    assert api.ok("GET", f"pages/{page}")["properties"]["Projects"]["relation"] == []
    assert len(ada.read(page)["Projects"]) == 1


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        ("sum", {"type": "number", "number": 6}),
        ("average", {"type": "number", "number": 3}),
        ("max", {"type": "number", "number": 4}),
        ("count", {"type": "number", "number": 3}),
        ("count_values", {"type": "number", "number": 2}),
        ("empty", {"type": "number", "number": 1}),
        (
            "show_original",
            {
                "type": "array",
                "array": [{"type": "number", "number": value} for value in (2, 4, None)],
            },
        ),
        ("percent_per_group", {"type": "unsupported", "unsupported": {}}),
    ],
)
def test_rollups(api: Api, ada: Person, tasks: str, function: str, shown: Any) -> None:
    _, projects = ada.create_database("Projects", {"Name": "title", "Cost": "number"})
    ada.add_property(tasks, "Projects", {"relation": {"data_source_id": projects, "single_property": {}}})
    config = {"relation_property_name": "Projects", "rollup_property_name": "Cost", "function": function}
    ada.add_property(tasks, "Rolled", {"rollup": config})
    targets = [ada.create_row(projects, {"Cost": cost}) for cost in (2, 4, None)]
    page = ada.create_row(tasks, {"Projects": targets})
    assert api.ok("GET", f"pages/{page}")["properties"]["Rolled"]["rollup"] == shown | {"function": function}
    schema = api.ok("GET", f"data_sources/{tasks}")["properties"]["Rolled"]["rollup"]
    assert schema | config == schema


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ('prop("Estimate") * 2 + 1', {"type": "number", "number": 9}),
        ('prop("Name") + "!"', {"type": "string", "string": "Launch!"}),
        ('if(prop("Estimate") > 3, "big", "small")', {"type": "string", "string": "big"}),
        ('prop("Estimate") > 3 and not prop("Done")', {"type": "boolean", "boolean": True}),
        ('prop("Due")', {"type": "date", "date": {"start": "2026-09-15", "end": None, "time_zone": None}}),
        ('round(prop("Estimate") / 3 * 100) / 100', {"type": "number", "number": 1.33}),
        ('prop("Double") - prop("Estimate")', {"type": "number", "number": 4}),
        ('prop("Mail")', {"type": "string", "string": None}),
        ('prop("Estimate") / 0', {"type": "number", "number": None}),
    ],
)
def test_formulas(api: Api, ada: Person, tasks: str, expression: str, shown: Any) -> None:
    ada.add_property(tasks, "F", {"formula": {"expression": expression}})
    page = ada.create_row(tasks, {"Name": "Launch", "Estimate": 4, "Due": "2026-09-15"})
    ada.rename_property(tasks, "Estimate", "Effort")
    assert api.ok("GET", f"pages/{page}")["properties"]["F"]["formula"] == shown
    schema = api.ok("GET", f"data_sources/{tasks}")["properties"]["F"]["formula"]["expression"]
    assert schema == expression.replace("Estimate", "Effort")


@pytest.mark.parametrize("expression", ['prop("Nope")', "1 +", "unknown(1)", "prop(1)"])
def test_formulas_that_are_refused(api: Api, tasks: str, expression: str) -> None:
    body = {"properties": {"F": {"formula": {"expression": expression}}}}
    status, code, message = api.error("PATCH", f"data_sources/{tasks}", body)
    assert (status, code) == (400, "validation_error")
    assert message.startswith("Formula expression is invalid")
    assert "F" not in api.ok("GET", f"data_sources/{tasks}")["properties"]


def test_schema_changes_are_all_or_nothing(api: Api, tasks: str) -> None:
    before = api.ok("GET", f"data_sources/{tasks}")["properties"]
    body: dict[str, Any] = {"properties": {"Extra": {"number": {}}, "Name": None}}
    assert api.error("PATCH", f"data_sources/{tasks}", body)[2] == "Cannot delete the title property."
    assert api.ok("GET", f"data_sources/{tasks}")["properties"] == before


def test_a_list_of_options_replaces_the_old_one(api: Api, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks, {"Priority": "High"})
    keep = {"properties": {"Priority": {"select": {"options": [{"name": "Low"}, {"name": "Top"}]}}}}
    options = api.ok("PATCH", f"data_sources/{tasks}", keep)["properties"]["Priority"]["select"]["options"]
    assert (options[0]["name"], options[0]["color"]) == ("Low", "blue")
    assert api.ok("GET", f"pages/{page}")["properties"]["Priority"]["select"] is None
    many = {"properties": {"Priority": {"select": {"options": [{"name": str(n)} for n in range(101)]}}}}
    assert "≤ `100`, instead was `101`" in api.error("PATCH", f"data_sources/{tasks}", many)[2]


def test_a_retyped_property_keeps_its_id_and_what_fits(api: Api, ada: Person, tasks: str) -> None:
    before = api.ok("GET", f"data_sources/{tasks}")["properties"]["Notes"]["id"]
    good, bad = ada.create_row(tasks, {"Notes": "42"}), ada.create_row(tasks, {"Notes": "many"})
    ada.retype_property(tasks, "Notes", "number")
    assert api.ok("GET", f"data_sources/{tasks}")["properties"]["Notes"]["id"] == before
    assert (ada.read(good)["Notes"], ada.read(bad)["Notes"]) == (42, None)
    ada.delete_property(tasks, "Notes")
    ada.add_property(tasks, "Notes", "number")
    assert api.ok("GET", f"data_sources/{tasks}")["properties"]["Notes"]["id"] != before
    assert ada.read(good)["Notes"] is None


def test_a_relation_hides_what_is_in_the_trash_until_it_is_restored(api: Api, ada: Person, tasks: str) -> None:
    _, projects = ada.create_database("Projects", {"Name": "title"})
    ada.add_property(tasks, "Projects", {"relation": {"data_source_id": projects, "single_property": {}}})
    kept, trashed = ada.create_row(projects), ada.create_row(projects)
    page = ada.create_row(tasks, {"Projects": [kept, trashed]})

    def shown() -> list[str]:
        value = api.ok("GET", f"pages/{page}")["properties"]["Projects"]
        return [item["id"] for item in value["relation"]]

    ada.trash(trashed)
    assert shown() == [kept]
    assert api.error("PATCH", f"pages/{page}", {"properties": {"Projects": {"relation": [{"id": trashed}]}}})[0] == 404
    ada.restore(trashed)
    assert shown() == [kept, trashed]
