"""The configuration, the schema and the names change between and during runs; what was agreed stays agreed."""

from __future__ import annotations

import pytest

from bridge.errors import SetupError
from tests.system.test_both_ways import insert
from tests.system.world import World


def test_a_renamed_property_changes_nothing(world: World) -> None:
    key = insert(world, "t", mail="a@example.com")
    with world.running():
        world.until(lambda: world.page(key)["Mail"] == "a@example.com", "the first sync")
        world.person.rename_property(world.data_source, "Mail", "E-mail of the customer")
        world.person.add_property(world.data_source, "Mail", "rich_text")
        world.sql("UPDATE tasks SET mail = 'b@example.com' WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["E-mail of the customer"] == "b@example.com", "an edit while it runs")
    world.person.edit(world.page(key)["_id"], {"E-mail of the customer": "c@example.com", "Mail": "another property"})
    world.sync()
    assert world.rows()[key]["mail"] == "c@example.com"
    assert world.in_step()


def test_a_field_that_is_added_leaves_the_agreements_of_the_others(world: World) -> None:
    added = {"mail": world.fields.pop("mail")}
    world.write_config()
    key, gone = insert(world, "t", mail="a@example.com"), insert(world, "gone")
    world.sync()
    world.sql("DELETE FROM tasks WHERE id = %s", int(gone))
    world.person.edit(world.page(key)["_id"], {"Name": "edited in Notion"})
    world.fields |= added
    world.write_config()
    world.sync()
    assert list(world.rows()) == [key]
    assert world.rows()[key]["title"] == "edited in Notion"
    assert world.page(key)["Mail"] == "a@example.com"
    assert world.journal().conflicts() == []
    assert world.in_step()


def test_a_field_that_is_removed_is_left_alone(world: World) -> None:
    key = insert(world, "t", mail="a@example.com")
    world.sync()
    del world.fields["mail"]
    world.write_config()
    world.sql("UPDATE tasks SET mail = 'b@example.com', title = 'new' WHERE id = %s", int(key))
    world.sync()
    assert (world.page(key)["Name"], world.page(key)["Mail"]) == ("new", "a@example.com")


def test_a_name_cannot_be_bound_to_another_table(world: World) -> None:
    insert(world, "t")
    world.sync()
    world.sql("CREATE TABLE others (LIKE tasks INCLUDING ALL)")
    world.table = "public.others"
    world.write_config()
    with pytest.raises(SetupError, match=r"captures public\.tasks, not public\.others"):
        world.sync()
    assert len(world.pages()) == 1
