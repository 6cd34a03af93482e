"""Situations that a careful attacker found: each was a lost or an invented value once."""

from __future__ import annotations

import pytest

from bridge.errors import SetupError
from tests.system.history import is_quiet
from tests.system.test_both_ways import insert
from tests.system.world import World


def test_an_empty_yes_no_is_parked_and_stays_empty(world: World) -> None:
    world.sql("ALTER TABLE tasks ALTER done DROP NOT NULL, ALTER done DROP DEFAULT")
    key = insert(world, "t")
    world.sync()
    world.sync()
    assert world.rows()[key]["done"] is None
    (parked,) = world.journal().parked()
    assert (parked["field"], parked["side"], parked["kind"]) == ("done", "notion", "unfit")


def test_a_key_that_is_typed_later_makes_the_row(world: World) -> None:
    world.sql("DROP TABLE tasks; CREATE TABLE tasks (id text PRIMARY KEY, title text)")
    world.fields = {"title": "Name"}
    world.write_config()
    page_id = world.person.create_row(world.data_source, {"Name": "born without a key"})
    world.sync()
    assert world.rows() == {}
    assert len(world.journal().parked()) == 1
    world.person.edit(page_id, {"ID": "k1"})
    world.sync()
    assert world.rows()["k1"]["title"] == "born without a key"
    assert world.journal().parked() == []


def test_a_purged_page_is_made_anew(world: World) -> None:
    key = insert(world, "t")
    world.sync()
    page_id = world.page(key)["_id"]
    world.sql("DELETE FROM tasks WHERE id = %s", int(key))
    world.sync()
    world.person.unshare(page_id)  # to the API the same as purged: 404
    world.sql("INSERT INTO tasks (id, title) VALUES (%s, 'again')", int(key))
    world.sync()
    assert world.page(key)["Name"] == "again"
    assert world.page(key)["_id"] != page_id


def test_a_change_that_nobody_captured_is_found_when_it_stands_in_the_way(world: World) -> None:
    key = insert(world, "t")
    with world.running():
        world.until(lambda: is_quiet(world), "the first sync")  # else the edit meets the page's own making
        world.sql(
            "ALTER TABLE tasks DISABLE TRIGGER notion_bridge_rows_tasks;"
            "UPDATE tasks SET title = 'silent';"
            "ALTER TABLE tasks ENABLE ALWAYS TRIGGER notion_bridge_rows_tasks"
        )
        world.person.edit(world.page(key)["_id"], {"Name": "page edit"})
        world.until(lambda: world.page(key)["Name"] == world.rows()[key]["title"], "both sides agree")
    (conflict,) = world.journal().conflicts()
    assert (conflict["postgres"], conflict["notion"]) == ('"silent"', '"page edit"')


def test_a_choice_never_runs_over_an_edit_made_after_it(world: World) -> None:
    world.options = 'policy = "manual"'
    world.write_config()
    key = insert(world, "t")
    world.sync()
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(key))
    world.person.edit(world.page(key)["_id"], {"Name": "theirs"})
    world.sync()
    (conflict,) = world.journal().conflicts()
    world.decide("resolve", id=conflict["id"], take="notion")
    world.sql("UPDATE tasks SET title = 'newest' WHERE id = %s", int(key))
    world.sync()
    kept = [(row["postgres"], row["notion"], row["state"]) for row in world.journal().conflicts()]
    assert world.rows()[key]["title"] == "newest"
    assert ('"newest"', '"theirs"', "open") in kept


def test_a_property_made_anew_empties_no_column(world: World) -> None:
    key = insert(world, "t", mail="a@example.com")
    world.sync()
    world.person.delete_property(world.data_source, "Mail")
    world.person.add_property(world.data_source, "Mail", "email")
    world.sync()
    assert world.rows()[key]["mail"] == "a@example.com"
    assert world.page(key)["Mail"] == "a@example.com"


def test_a_column_made_anew_is_filled_and_empties_no_page(world: World) -> None:
    key = insert(world, "t", mail="a@example.com")
    world.sync()
    world.sql("ALTER TABLE tasks DROP mail; ALTER TABLE tasks ADD mail text")
    world.sync()
    assert world.journal().conflicts() == []
    assert world.page(key)["Mail"] == world.rows()[key]["mail"] == "a@example.com"


def test_two_syncs_of_one_table_and_one_data_source_are_refused(world: World) -> None:
    """Each would take the other's pages for surplus and trash them, and the trashing would delete the rows."""
    insert(world, "t")
    world.sync()
    world.config_path.write_text(world.config_path.read_text().replace('name = "tasks"', 'name = "tasks2"'))
    with pytest.raises(SetupError, match=r'"tasks" already keeps public\.tasks'):
        world.sync()
    assert len(world.rows()) == len(world.pages()) == 1
