"""Proves on real parts: an option is followed by its id. A renamed one makes no twin and loses nothing, a removed one
empties no column, and both end by themselves when a person says what is meant."""

from __future__ import annotations

from typing import Any

from tests.system.test_both_ways import insert
from tests.system.world import World


def stages(world: World) -> set[str]:
    source = world.sandbox.world.data_sources[world.data_source]
    prop = source.find("Stage")
    assert prop is not None
    return {option["name"] for option in prop.config["options"]}


def parked(world: World) -> list[Any]:
    journal = world.journal()
    found = [row for row in journal.parked("tasks") if row["state"] == "open"]
    journal.close()
    return found


def as_text(world: World) -> None:
    world.sql("ALTER TABLE tasks ALTER stage DROP DEFAULT, ALTER stage DROP NOT NULL, ALTER stage TYPE text")


def test_a_rename_reaches_a_text_column_and_the_old_name_makes_no_twin(world: World) -> None:
    as_text(world)
    keys = [insert(world, "one", stage="Todo"), insert(world, "two", stage="Doing")]
    world.sync()
    world.person.rename_option(world.data_source, "Stage", "Todo", "Open")
    world.sync()
    assert world.rows()[keys[0]]["stage"] == "Open"
    world.sql("UPDATE tasks SET stage = 'Todo' WHERE id = %s", int(keys[1]))
    world.sync()
    assert stages(world) == {"Open", "Doing", "Done"}
    (told,) = parked(world)
    assert '"Open"' in told["reason"]
    world.person.rename_option(world.data_source, "Stage", "Open", "Todo")
    world.sync()
    assert world.page(keys[1])["Stage"] == "Todo"
    assert not parked(world)


def test_a_name_that_was_changed_a_moment_ago_makes_no_twin(world: World) -> None:
    """The running bridge has read the options before the rename."""
    as_text(world)
    key = insert(world, "one", stage="Doing")
    with world.running():
        world.until(lambda: world.page(key)["Stage"] == "Doing", "the first pass")
        world.person.rename_option(world.data_source, "Stage", "Done", "Finished")
        world.sql("UPDATE tasks SET stage = 'Done' WHERE id = %s", int(key))
        world.until(lambda: parked(world) or world.page(key)["Stage"] == "Finished", "a word about it")
    assert stages(world) == {"Todo", "Doing", "Finished"}


def test_a_rename_that_an_enum_cannot_hold_waits_and_names_both(world: World) -> None:
    key = insert(world, "one", stage="Doing")
    world.sync()
    world.person.rename_option(world.data_source, "Stage", "Doing", "Under way")
    world.person.edit(world.page(key)["_id"], {"Name": "two"})
    world.sync()
    assert (world.rows()[key]["title"], world.rows()[key]["stage"]) == ("two", "Doing")
    (told,) = parked(world)
    assert '"Doing" was renamed to "Under way"' in told["reason"]
    world.sql("ALTER TYPE stage ADD VALUE 'Under way'")
    world.sync()
    assert world.rows()[key]["stage"] == "Under way"


def test_a_removed_option_waits_and_comes_back_to_its_pages(world: World) -> None:
    key = insert(world, "one", stage="Doing", tags=["a", "b"])
    world.sync()
    world.person.remove_option(world.data_source, "Stage", "Doing")
    world.person.remove_option(world.data_source, "Tags", "a")
    world.sync()
    row = world.rows()[key]
    assert (row["stage"], row["tags"]) == ("Doing", ["a", "b"])
    reasons = [told["reason"] for told in parked(world)]
    assert len(reasons) == 2
    assert all("was removed in Notion" in reason for reason in reasons)
    world.sync()
    assert "Doing" not in stages(world), "the bridge does not undo what a person did"
    world.person.add_option(world.data_source, "Stage", "Doing")
    world.person.add_option(world.data_source, "Tags", "a")
    world.sync()
    assert (world.page(key)["Stage"], world.page(key)["Tags"]) == ("Doing", ["a", "b"])
    assert not parked(world)
    world.person.edit(world.page(key)["_id"], {"Tags": []})
    world.sync()
    assert world.rows()[key]["tags"] is None, "an edit after it is an edit"


def test_another_value_on_either_side_ends_the_wait(world: World) -> None:
    keys = [insert(world, "one", stage="Doing"), insert(world, "two", stage="Doing")]
    world.sync()
    world.person.remove_option(world.data_source, "Stage", "Doing")
    world.sync()
    world.sql("UPDATE tasks SET stage = 'Done' WHERE id = %s", int(keys[0]))
    world.person.edit(world.page(keys[1])["_id"], {"Stage": "Todo"})
    world.sync()
    assert world.page(keys[0])["Stage"] == "Done"
    assert world.rows()[keys[1]]["stage"] == "Todo"
    assert not parked(world)


def test_a_removal_while_the_bridge_runs_and_pages_are_edited(world: World) -> None:
    key = insert(world, "one", stage="Doing")
    with world.running():
        world.until(lambda: world.page(key)["Stage"] == "Doing", "the first pass")
        world.person.remove_option(world.data_source, "Stage", "Doing")
        world.person.edit(world.page(key)["_id"], {"Name": "edited"})
        world.until(lambda: world.rows()[key]["title"] == "edited", "the edit of another field")
        world.until(lambda: parked(world), "a word about the option")
    assert world.rows()[key]["stage"] == "Doing"


def test_a_removal_shown_by_the_answer_to_a_write_of_ours(world: World) -> None:
    key = insert(world, "one", stage="Doing")
    world.sync()
    world.person.remove_option(world.data_source, "Stage", "Doing")
    world.sql("UPDATE tasks SET title = 'written' WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Name"] == "written"
    assert world.rows()[key]["stage"] == "Doing"
    world.sql("DELETE FROM tasks WHERE id = %s", int(key))
    world.sync()
    assert world.pages() == [], "a removed option is no edit that a deletion would run over"


def test_an_option_emptied_by_a_person_is_still_an_edit(world: World) -> None:
    world.sql("ALTER TABLE tasks ALTER COLUMN stage DROP NOT NULL")
    key = insert(world, "one", stage="Doing")
    world.sync()
    world.person.edit(world.page(key)["_id"], {"Stage": None})
    world.sync()
    assert world.rows()[key]["stage"] is None
