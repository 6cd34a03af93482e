"""What people format in Notion outlives edits in the database, and a column of Markdown carries it both ways."""

from __future__ import annotations

from typing import Any

from bridge.journal.rows import read_value
from tests.system.test_both_ways import insert
from tests.system.world import World

PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}


def formatted(content: str, **looks: Any) -> dict[str, Any]:
    """A run as a person makes it in Notion."""
    part = {"content": content, "link": None}
    return {"type": "text", "text": part, "annotations": PLAIN | looks, "plain_text": content, "href": None}


def shown(world: World, key: str, name: str) -> list[tuple[str, list[str]]]:
    """The runs of a page: the text of each, and what it is besides plain."""
    page = world.sandbox.world.pages[world.page(key)["_id"]]
    prop = next(p for p in world.sandbox.world.data_sources[world.data_source].properties.values() if p.name == name)
    return [
        (run["plain_text"], [look for look, value in run["annotations"].items() if value not in (False, "default")])
        for run in page.state.values[prop.id]
    ]


def with_notes(world: World) -> None:
    """A second field, of Markdown."""
    world.sql("ALTER TABLE tasks ADD notes text")
    world.person.add_property(world.data_source, "Notes", "rich_text")
    world.fields["notes"] = '{ property = "Notes", format = "markdown" }'
    world.write_config()


def writes(world: World) -> int:
    return len([entry for entry in world.sandbox.log.find("PATCH") if "properties" in entry.body])


def test_an_edit_in_the_database_leaves_the_formatting_of_the_other_words(world: World) -> None:
    key = insert(world, "call Ada about the invoice", mail="a@example.com")
    world.sync()
    page_id = world.page(key)["_id"]
    runs = [formatted("call "), formatted("Ada", bold=True, color="red"), formatted(" about the invoice")]
    world.person.edit(page_id, {"Name": runs})
    world.sync()
    assert world.rows()[key]["title"] == "call Ada about the invoice"
    world.sql("UPDATE tasks SET mail = 'b@example.com' WHERE id = %s", int(key))
    world.sync()
    assert shown(world, key, "Name")[1] == ("Ada", ["bold", "color"])
    world.sql("UPDATE tasks SET title = 'please call Ada about the bill' WHERE id = %s", int(key))
    world.sync()
    assert shown(world, key, "Name") == [("please call ", []), ("Ada", ["bold", "color"]), (" about the bill", [])]
    assert world.journal().conflicts() == []
    assert world.journal().parked() == []
    assert world.in_step()


def test_markdown_is_carried_both_ways_and_comes_to_rest(world: World) -> None:
    with_notes(world)
    key = insert(world, "t", notes="__bold__ and snake_case, 2 * 3")
    world.sync()
    assert shown(world, key, "Notes") == [("bold", ["bold"]), (" and snake_case, 2 * 3", [])]
    assert world.rows()[key]["notes"] == "__bold__ and snake_case, 2 * 3"  # its own spelling is left alone
    done = writes(world)
    world.sync()
    world.sql("UPDATE tasks SET notes = '**bold** and snake_case, 2 * 3' WHERE id = %s", int(key))
    world.sync()
    assert writes(world) == done  # the same in another spelling

    runs = [formatted("red", color="red"), formatted(" bold", bold=True), formatted(" *no mark*")]
    world.person.edit(world.page(key)["_id"], {"Notes": runs})
    world.sync()
    assert world.rows()[key]["notes"] == "red **bold** \\*no mark\\*"
    world.sql("UPDATE tasks SET notes = notes || ' ~~new~~' WHERE id = %s", int(key))
    world.sync()
    assert shown(world, key, "Notes") == [
        ("red", ["color"]),
        (" bold", ["bold"]),
        (" *no mark* ", []),
        ("new", ["strikethrough"]),
    ]
    assert world.journal().conflicts() == []
    assert world.journal().parked() == []
    done = writes(world)
    world.sync()
    assert writes(world) == done
    assert world.in_step()


def test_a_mention_in_markdown_is_its_target_and_not_its_label(world: World) -> None:
    with_notes(world)
    user = world.person.user
    key = insert(world, "t", notes=f"ask [@somebody](notion:user/{user.id})")
    world.sync()
    assert world.page(key)["Notes"] == "ask @Ada"
    user.name = "Ada L."
    world.sync()
    assert world.rows()[key]["notes"] == f"ask [@somebody](notion:user/{user.id})"
    assert world.in_step()
    world.person.edit(world.page(key)["_id"], {"Notes": "nobody"})
    world.sync()
    assert world.rows()[key]["notes"] == "nobody"
    assert world.journal().parked() == []


def test_a_conflict_is_ended_by_a_value_in_any_spelling(world: World) -> None:
    world.options = 'policy = "manual"'
    with_notes(world)
    key = insert(world, "t", notes="a")
    world.sync()
    world.sql("UPDATE tasks SET notes = '**ours**' WHERE id = %s", int(key))
    world.person.edit(world.page(key)["_id"], {"Notes": "theirs"})
    world.sync()
    (conflict,) = world.journal().conflicts()
    world.decide("resolve", id=conflict["id"], take="value", value="__both__")
    for _ in range(3):
        world.sync()
    assert shown(world, key, "Notes") == [("both", ["bold"])]
    assert world.rows()[key]["notes"] in ("**both**", "__both__")
    assert [row["state"] for row in world.journal().conflicts()] == ["resolved"]
    assert world.in_step()


def test_a_field_that_becomes_markdown_takes_over_the_formatting_that_is_there(world: World) -> None:
    """And text that is Markdown by chance stays what it was in Notion: nobody edited it."""
    key, name = insert(world, "some words"), insert(world, "__init__")
    world.sync()
    world.person.edit(world.page(key)["_id"], {"Name": [formatted("some "), formatted("words", bold=True)]})
    world.sync()
    world.fields["title"] = '{ property = "Name", format = "markdown" }'
    world.write_config()
    for _ in range(2):
        world.sync()
    assert world.rows()[key]["title"] == "some **words**"
    assert (world.rows()[name]["title"], shown(world, name, "Name")) == ("\\_\\_init\\_\\_", [("__init__", [])])
    assert world.journal().conflicts() == []
    assert world.in_step()


def test_a_field_that_becomes_plain_keeps_the_formatting_in_notion(world: World) -> None:
    """Whatever spelling the column had; an edit that was made meanwhile is not lost."""
    world.fields["title"] = '{ property = "Name", format = "markdown" }'
    world.write_config()
    keys = [insert(world, text) for text in ("**bold** words", "__bold__ words", "plain", "_old_")]
    world.sync()
    world.fields["title"] = "Name"
    world.write_config()
    world.sql("UPDATE tasks SET title = 'new' WHERE id = %s", int(keys[3]))
    for _ in range(2):
        world.sync()
    assert [world.rows()[key]["title"] for key in keys[:3]] == ["bold words", "bold words", "plain"]
    for key in keys[:2]:
        assert shown(world, key, "Name") == [("bold", ["bold"]), (" words", [])]
    kept = [read_value(row["postgres"]) for row in world.journal().conflicts()]
    assert "new" in (world.rows()[keys[3]]["title"], *kept)
    assert world.in_step()
