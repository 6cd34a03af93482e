"""`status_property` on real parts: why an edit was not taken is told on the page itself, once, and taken back when it
was; the telling is no edit, makes no loop, and stands in no change's way."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from bridge.engine.opening import open_bridge
from bridge.errors import SetupError
from tests.system.test_both_ways import insert
from tests.system.world import World

REFUSED = 'Not taken: Amount: new row for relation "tasks" violates check constraint "cheap"'


@pytest.fixture
def told(world: World) -> World:
    """A column that refuses what is dear, and a property for the bridge's word about it."""
    world.person.add_property(world.data_source, "Sync", "rich_text")
    world.sql("ALTER TABLE tasks ADD CONSTRAINT cheap CHECK (amount < 1000)")
    world.options = 'status_property = "Sync"'
    world.write_config()
    return world


def patches(world: World) -> list[dict[str, Any]]:
    """What was written into pages, by property name."""
    names = {p.id: p.name for p in world.sandbox.world.data_sources[world.data_source].properties.values()}
    return [
        {names[unquote(prop)]: value for prop, value in entry.body["properties"].items()}
        for entry in world.sandbox.log.find("PATCH")
        if "properties" in entry.body
    ]


def events(world: World) -> int:
    journal = world.journal()
    found = int(journal.last_ids()["event"])
    journal.close()
    return found


def swept(world: World) -> object:
    journal = world.journal()
    found = journal.sync_state("tasks").swept_at
    journal.close()
    return found


def test_a_refused_edit_is_told_on_its_page_and_taken_back_when_it_is_mended(told: World) -> None:
    key = insert(told, "task", amount=1)
    told.sync()
    assert patches(told) == []
    told.person.edit(told.page(key)["_id"], {"Amount": 5000})
    told.sync()
    assert told.page(key)["Sync"] == REFUSED
    assert [list(patch) for patch in patches(told)] == [["Sync"]]
    told.person.edit(told.page(key)["_id"], {"Amount": 50})
    told.sync()
    assert (told.page(key)["Sync"] or "", told.rows()[key]["amount"]) == ("", 50)
    assert told.in_step()


def test_the_telling_is_no_edit_and_ends(told: World) -> None:
    key = insert(told, "task", amount=1)
    with told.running():
        page = told.until(lambda: told.page(key), "the page")["_id"]
        told.person.edit(page, {"Amount": 5000})
        told.until(lambda: told.page(key)["Sync"] == REFUSED, "the word")
        seen = events(told)
        for _ in range(3):  # full listings, and the polls between them
            before = swept(told)
            told.until(lambda before=before: swept(told) != before, "a listing")  # type: ignore[misc]
        assert events(told) == seen
    told.sync()
    assert len(patches(told)) == 1


def test_it_goes_along_with_the_next_write_of_the_page(told: World) -> None:
    """What somebody typed there is put back by the next write that the page gets anyway."""
    key = insert(told, "task", amount=1)
    told.sync()
    told.person.edit(told.page(key)["_id"], {"Amount": 5000})
    told.sync()
    told.person.edit(told.page(key)["_id"], {"Sync": "typed by somebody"})
    told.sync()
    assert told.page(key)["Sync"] == "typed by somebody", "no write for its own sake"
    told.sql("UPDATE tasks SET title = 'new'")
    told.sync()
    assert (told.page(key)["Name"], told.page(key)["Sync"]) == ("new", REFUSED)
    assert [sorted(patch) for patch in patches(told)] == [["Sync"], ["Name", "Sync"]]


def test_a_conflict_that_waits_is_told(told: World) -> None:
    told.options += '\npolicy = "manual"'
    told.write_config()
    key = insert(told, "task")
    told.sync()
    told.sql("UPDATE tasks SET title = 'ours'")
    told.person.edit(told.page(key)["_id"], {"Name": "theirs"})
    told.sync()
    assert told.page(key)["Sync"].startswith("Waits: Name: both sides have a value of their own")
    told.decide("resolve", id=1, take="notion")
    told.sync()
    assert (told.page(key)["Sync"] or "", told.rows()[key]["title"]) == ("", "theirs")


def test_an_edit_of_a_page_whose_row_left_is_told(told: World) -> None:
    told.options += '\nwhere = "done = false"'
    told.write_config()
    key = insert(told, "task")
    told.sync()
    told.sql("UPDATE tasks SET done = true")
    told.sync()
    assert patches(told) == [], "leaving alone is no news for the page"
    told.person.edit(told.page(key)["_id"], {"Name": "edited"})
    told.sync()
    assert told.page(key)["Sync"] == "Waits: its row is outside of the filter (where)"


def test_a_property_that_vanishes_takes_only_the_telling_along(told: World) -> None:
    key = insert(told, "task", amount=1)
    with told.running():
        page = told.until(lambda: told.page(key), "the page")["_id"]
        told.person.delete_property(told.data_source, "Sync")
        told.sql("UPDATE tasks SET title = 'new'")
        told.until(lambda: told.page(key)["Name"] == "new", "a change is carried all the same")
        told.until(lambda: told.journal().sync_state("tasks").suspended, "it is suspended")
        told.person.edit(page, {"Amount": 5000})
        told.until(lambda: told.journal().parked("tasks"), "the refused edit")
        told.person.add_property(told.data_source, "Sync", "rich_text")
        told.until(lambda: told.page(key)["Sync"] == REFUSED, "there is a place to tell it again")
        assert told.journal().sync_state("tasks").suspended == ()


@pytest.mark.parametrize(("name", "said"), [("Synk", "no property 'Synk'"), ("Done", "is of type checkbox")])
def test_a_property_that_does_not_fit_is_an_error(told: World, name: str, said: str) -> None:
    del told.fields["done"]
    told.options = f'status_property = "{name}"'
    told.write_config()
    with pytest.raises(SetupError, match=said), open_bridge(told.config(), listen=False):
        pass
