"""Proves: a change is put back on both sides by its number, guarded like any other; what happened lately can be asked
for, the same as text and as JSON.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import World


@pytest.fixture
def edited(world: World) -> World:
    """A title that was changed in Notion, a status that was changed in PostgreSQL."""
    world.sql("INSERT INTO tasks (title, status) VALUES ('before', 'open')")
    assert world.type("sync").exit_code == 0
    world.ada.edit(world.page(1), {"Name": "after"})
    world.sql("UPDATE tasks SET status = 'done'")
    assert world.type("sync").exit_code == 0
    return world


@pytest.fixture
def tokyo() -> Iterator[None]:
    """The machine is nine hours ahead of UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def events(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.json("history", "1")["records"][0]["events"]
    return found


def change(world: World, field: str, kind: str = "update") -> str:
    return str(next(event["id"] for event in events(world) if event["kind"] == kind and field in event["changes"]))


def both(world: World) -> list[tuple[object, object]]:
    page = world.ada.read(world.page(1))
    return [*world.sql("SELECT title, status FROM tasks"), (page["Name"], page["Status"])]


@pytest.mark.parametrize(("field", "values"), [("title", ("before", "done")), ("status", ("after", "open"))])
@pytest.mark.parametrize("kind", ["update", "write"])
def test_a_change_of_either_side_is_put_back_on_both(
    edited: World, field: str, values: tuple[str, str], kind: str
) -> None:
    result = edited.type("history", "undo", change(edited, field, kind))
    assert result.exit_code == 0, result.stderr
    assert "is put back" in result.stdout
    assert both(edited) == [values] * 2
    assert edited.type("status").exit_code == 0
    assert edited.json("conflicts", "list") == []


def test_what_was_put_back_can_be_put_back_again(edited: World) -> None:
    assert edited.type("history", "undo", change(edited, "title")).exit_code == 0
    again = str([event["id"] for event in events(edited) if "title" in event["changes"]][-1])
    answer = edited.json("history", "undo", again)
    assert answer["changes"] == {"title": ["before", "after"]}
    assert both(edited) == [("after", "done")] * 2


def test_an_edit_made_since_is_not_run_over(edited: World) -> None:
    number = change(edited, "title")
    edited.sql("UPDATE tasks SET title = 'newer'")
    assert edited.type("sync").exit_code == 0
    refused = edited.type("history", "undo", number)
    assert refused.exit_code == 1
    assert "is not what change" in refused.stderr
    assert both(edited) == [("newer", "done")] * 2


def test_an_edit_that_the_bridge_has_not_seen_yet_is_not_run_over_either(edited: World) -> None:
    number = change(edited, "title")
    edited.sql("UPDATE tasks SET title = 'newer'")
    assert edited.type("history", "undo", number).exit_code == 0
    assert both(edited) == [("newer", "done")] * 2
    [conflict] = [c for c in edited.json("conflicts", "list", "--all") if c["rule"] == "undo"]
    assert conflict["take"] == "overtaken"


@pytest.mark.parametrize(("kind", "way"), [("insert", "trash the page"), ("write-create", "trash the page")])
def test_what_is_no_edit_says_how_it_is_undone(edited: World, kind: str, way: str) -> None:
    number = next(str(event["id"]) for event in events(edited) if event["kind"] == kind)
    refused = edited.type("history", "undo", number)
    assert refused.exit_code == 1
    assert way in refused.stderr


def test_an_unknown_number_says_where_to_look(edited: World) -> None:
    refused = edited.type("history", "undo", "99999")
    assert refused.exit_code == 2
    assert "notion-bridge history KEY" in refused.stderr


def test_what_happened_lately_as_text_and_as_json(edited: World) -> None:
    found = edited.json("history", "--since", "1h", "--side", "notion")["events"]
    assert {event["side"] for event in found} == {"notion"}
    assert {event["kind"] for event in found} == {"write-create", "update", "write"}
    text = edited.type("history", "--since", "1h", "--side", "notion").stdout
    for event in found:
        assert str(event["id"]) in text
        assert event["kind"] in text
        assert event["by"] in text
    assert edited.json("history", "--since", "2100-01-01T00:00Z")["events"] == []
    assert edited.json("history", "1", "--side", "postgres")["records"][0]["events"]


@pytest.mark.usefixtures("tokyo")
def test_a_time_without_a_zone_is_that_of_the_clock_on_the_wall(edited: World) -> None:
    an_hour_ago, in_an_hour = (
        f"{datetime.now().astimezone() + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (-1, 1)
    )
    assert edited.json("history", "--since", an_hour_ago)["events"]
    assert edited.json("history", "--since", in_an_hour)["events"] == []


def test_what_was_never_filled_is_no_change(world: World) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('only a title')")
    assert world.type("sync").exit_code == 0
    text = world.type("history", "1").stdout
    assert "title: (empty) -> only a title" in text
    assert "status" not in text


def test_a_time_or_a_record_must_be_named(edited: World) -> None:
    assert edited.type("history").exit_code == 2
    alone = edited.type("history", "show")
    assert alone.exit_code == 2
    assert "which record is meant?" in alone.stderr
    wrong = edited.type("history", "--since", "yesterday")
    assert wrong.exit_code == 2
    assert "15m" in wrong.stderr


def test_what_is_no_number_of_a_change_is_said_to_be_none(edited: World) -> None:
    wrong = edited.type("history", "undo", "abc")
    assert wrong.exit_code == 2
    assert "Usage: notion-bridge history undo" in wrong.stderr
    assert "'abc' is no number of a change" in wrong.stderr


@pytest.mark.parametrize("key", ["undo", "show"])
def test_a_record_may_have_the_name_of_a_command_as_its_key(world: World, key: str) -> None:
    world.sql("CREATE TABLE parts (name text PRIMARY KEY, title text)")
    world.source = world.ada.create_database("Parts", {"Name": "title", "Key": "rich_text"})[1]
    world.configure(table='"parts"', key_property='"Key"', fields={"title": "Name"})
    world.sql("INSERT INTO parts VALUES (%s, 'one')", key)
    assert world.type("sync").exit_code == 0
    assert world.json("history", "show", key)["records"][0]["key"] == key


def test_a_record_may_have_the_key_undo(world: World) -> None:
    world.sql("CREATE TABLE parts (name text PRIMARY KEY, title text)")
    world.source = world.ada.create_database("Parts", {"Name": "title", "Key": "rich_text"})[1]
    world.configure(table='"parts"', key_property='"Key"', fields={"title": "Name"})
    world.sql("INSERT INTO parts VALUES ('undo', 'one')")
    assert world.type("sync").exit_code == 0
    assert world.json("history", "undo")["records"][0]["key"] == "undo"
