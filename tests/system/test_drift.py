"""The table or the data source changes while the bridge runs: exactly the affected field is suspended, loudly, and
the rest goes on (S25). Nothing is emptied on either side."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.engine.opening import open_bridge
from tests.system.test_both_ways import insert
from tests.system.world import World


def suspended(world: World) -> dict[str, str]:
    """Fields that wait, and why, as `status` tells it."""
    journal = world.journal()
    found = {item.field: item.reason for item in journal.sync_state("tasks").suspended}
    journal.close()
    return found


def goes_on(world: World, key: str, mark: str) -> None:
    """Edits of other fields are carried both ways."""
    world.sql("UPDATE tasks SET title = %s WHERE id = %s", mark, int(key))
    world.until(lambda: world.page(key)["Name"] == mark, "an edit of another column")
    world.person.edit(world.page(key)["_id"], {"Name": f"{mark}, edited"})
    world.until(lambda: world.rows()[key]["title"] == f"{mark}, edited", "an edit of another property")


def first_sync(world: World, **values: Any) -> str:
    key = insert(world, "first", **values)
    world.until(lambda: world.page(key)["Name"] == "first", "the first sync")
    return key


def test_a_renamed_column_waits_until_the_file_names_it(world: World) -> None:
    with world.running():
        key = first_sync(world, mail="a@example.com")
        world.sql("ALTER TABLE tasks RENAME COLUMN mail TO email")
        world.sql("UPDATE tasks SET email = 'b@example.com' WHERE id = %s", int(key))
        world.until(lambda: "is named 'email' now" in suspended(world).get("mail", ""), "the field is suspended")
        goes_on(world, key, "renamed")
    assert world.page(key)["Mail"] == "a@example.com"
    world.fields["email"] = world.fields.pop("mail")
    world.write_config()
    world.sync()
    assert world.page(key)["Mail"] == "b@example.com"
    assert suspended(world) == {}
    assert world.in_step()


def test_a_column_that_holds_something_else_waits(world: World) -> None:
    with world.running():
        key = first_sync(world, amount=12)
        world.sql("ALTER TABLE tasks ALTER COLUMN amount TYPE text USING 'about ' || amount")
        world.sql("UPDATE tasks SET done = true WHERE id = %s", int(key))
        world.until(lambda: "amount" in suspended(world), "the field is suspended")
        goes_on(world, key, "retyped")
        assert list(suspended(world)) == ["amount"]
    assert world.page(key)["Amount"] == 12


def test_a_column_of_a_wider_type_goes_on(world: World) -> None:
    with world.running():
        key = first_sync(world, amount=12)
        world.sql("ALTER TABLE tasks ALTER COLUMN amount TYPE numeric(20, 4)")
        world.sql("UPDATE tasks SET amount = 1.2345 WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["Amount"] == 1.2345, "the new precision")
        world.person.edit(world.page(key)["_id"], {"Amount": 0.0001})
        world.until(lambda: float(world.rows()[key]["amount"]) == 0.0001, "the way back")
    assert suspended(world) == {}


def test_what_a_narrower_type_rounded_is_carried(world: World) -> None:
    """ALTER TABLE rewrites the rows, and no trigger tells of it."""
    with world.running():
        key = first_sync(world, amount=12.34)
        world.sql("ALTER TABLE tasks ALTER COLUMN amount TYPE numeric(12, 0)")
        world.until(lambda: world.page(key)["Amount"] == 12, "the rounded value")
    assert suspended(world) == {}
    assert world.in_step()


def test_another_expression_of_a_generated_column_is_carried(world: World) -> None:
    """The rows are computed anew, and no trigger tells of it."""
    if world.server_version() < 170_000:
        pytest.skip("PostgreSQL 17 is the first that changes the expression of a column")
    world.sql("ALTER TABLE tasks ADD double numeric GENERATED ALWAYS AS (amount * 2) STORED")
    world.person.add_property(world.data_source, "Double", "number")
    world.fields["double"] = '{ property = "Double", direction = "to-notion" }'
    world.write_config()
    with world.running():
        key = first_sync(world, amount=12)
        assert world.page(key)["Double"] == 24
        world.sql("ALTER TABLE tasks ALTER COLUMN double SET EXPRESSION AS (amount * 3)")
        world.until(lambda: world.page(key)["Double"] == 36, "what the new expression says")
    assert suspended(world) == {}
    assert world.journal().conflicts() == []
    assert world.in_step()


def test_a_label_that_is_renamed_is_carried(world: World) -> None:
    with world.running():
        key = first_sync(world)
        world.sql("ALTER TYPE stage RENAME VALUE 'Todo' TO 'Backlog'")
        world.until(lambda: world.page(key)["Stage"] == "Backlog", "the label's new name")
        world.person.edit(world.page(key)["_id"], {"Stage": "Done"})
        world.until(lambda: world.rows()[key]["stage"] == "Done", "an edit of it")
    assert suspended(world) == {}
    assert world.in_step()


def test_a_retyped_property_empties_no_column(world: World) -> None:
    with world.running():
        key = first_sync(world, mail="a@example.com")
        world.person.retype_property(world.data_source, "Mail", "number")
        world.until(lambda: "is of type number now" in suspended(world).get("mail", ""), "the field is suspended")
        goes_on(world, key, "retyped")
        assert world.rows()[key]["mail"] == "a@example.com"
        assert world.journal().parked() == [], "one word about the field, not one for each page"
        world.person.retype_property(world.data_source, "Mail", "email")
        world.until(lambda: suspended(world) == {}, "it is as it was")
        world.until(lambda: world.page(key)["Mail"] == "a@example.com", "what was emptied on the way is filled again")
    assert world.in_step()


def test_a_property_that_is_deleted_and_added_again_is_filled(world: World) -> None:
    with world.running():
        key = first_sync(world, mail="a@example.com")
        world.person.delete_property(world.data_source, "Mail")
        world.until(lambda: "no property 'Mail'" in suspended(world).get("mail", ""), "the field is suspended")
        goes_on(world, key, "deleted")
        world.sql("UPDATE tasks SET mail = 'b@example.com' WHERE id = %s", int(key))
        world.person.add_property(world.data_source, "Mail", "email")
        world.until(lambda: world.page(key)["Mail"] == "b@example.com", "the new property is filled")
    assert suspended(world) == {}
    assert world.in_step()


def test_a_column_that_is_made_anew_is_filled(world: World) -> None:
    """By one statement, so that nobody ever saw it missing. It is empty, and nobody has emptied it."""
    with world.running():
        key = first_sync(world, mail="a@example.com")
        world.sql("ALTER TABLE tasks DROP COLUMN mail, ADD COLUMN mail text")
        world.sql("UPDATE tasks SET title = 'second' WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["Name"] == "second", "an edit of another column")
        world.until(lambda: world.rows()[key]["mail"] == "a@example.com", "the new column is filled")
        assert world.page(key)["Mail"] == "a@example.com"
    assert suspended(world) == {}
    assert world.in_step()


def test_a_label_that_is_added_can_be_chosen_on_either_side(world: World) -> None:
    with world.running():
        key = first_sync(world)
        world.sql("ALTER TYPE stage ADD VALUE 'Waiting'")
        world.sql("UPDATE tasks SET stage = 'Waiting' WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["Stage"] == "Waiting", "the new label")
        other = first_sync(world)
        world.person.edit(world.page(other)["_id"], {"Stage": "Waiting"})
        world.until(lambda: world.rows()[other]["stage"] == "Waiting", "the new label from Notion")
    assert suspended(world) == {}


def test_a_column_that_is_added_changes_nothing(world: World) -> None:
    with world.running():
        key = first_sync(world)
        world.sql("ALTER TABLE tasks ADD COLUMN extra text NOT NULL DEFAULT 'x'")
        goes_on(world, key, "added")
    assert suspended(world) == {}


def test_a_second_data_source_in_the_database_changes_nothing(world: World) -> None:
    """The configuration names the database; the journal knows which data source it meant."""
    key = insert(world, "first")
    database = world.sandbox.world.data_sources[world.data_source].database_id
    before, world.data_source = world.data_source, database
    world.write_config()
    world.sync()
    world.person.add_data_source(database, "Second", {"Name": "title"})
    world.sql("UPDATE tasks SET title = 'second' WHERE id = %s", int(key))
    world.sync()
    world.data_source = before
    assert world.page(key)["Name"] == "second"


def test_a_schema_that_was_dropped_is_installed_again_and_nothing_is_missed(world: World) -> None:
    with world.running():
        key = first_sync(world)
        world.sql("DROP SCHEMA notion_bridge CASCADE")
        world.sql("UPDATE tasks SET title = 'unseen' WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["Name"] == "unseen", "what no trigger saw")
    assert world.in_step()


def test_a_field_is_suspended_at_the_start_too(world: World) -> None:
    key = insert(world, "first", mail="a@example.com")
    world.sync()
    world.sql("ALTER TABLE tasks DROP COLUMN mail")
    world.sql("UPDATE tasks SET title = 'second' WHERE id = %s", int(key))
    with open_bridge(world.config(), listen=False) as bridge:
        assert [item.field for item in bridge.loop.workers[0].sync.suspended] == ["mail"]
        bridge.loop.run_once()
    assert (world.page(key)["Name"], world.page(key)["Mail"]) == ("second", "a@example.com")


def test_a_retyped_property_is_taken_as_it_is_now(world: World) -> None:
    """A word from a person is enough, while the bridge runs: nothing is emptied, what differs is a conflict."""
    with world.running():
        key = first_sync(world, mail="a@example.com")
        world.person.retype_property(world.data_source, "Mail", "rich_text")
        world.until(lambda: "is of type rich_text now" in suspended(world).get("mail", ""), "the field is suspended")
        page = world.page(key)["_id"]
        world.sql("UPDATE tasks SET mail = 'b@example.com' WHERE id = %s", int(key))
        world.decide("accept", sync="tasks", fields=["mail"])
        world.until(lambda: suspended(world) == {}, "the field goes on")
        world.until(lambda: world.page(key)["Mail"] == "b@example.com", "first_sync decides")
        world.person.edit(page, {"Mail": "not an address"})
        world.until(lambda: world.rows()[key]["mail"] == "not an address", "the new type is carried")
    assert world.in_step()


def test_a_retyped_column_is_taken_as_it_is_now_by_a_bridge_that_was_stopped(world: World) -> None:
    key = insert(world, "first", amount=12)
    world.sync()
    world.sql("ALTER TABLE tasks ALTER COLUMN amount TYPE text USING 'about ' || amount")
    world.person.retype_property(world.data_source, "Amount", "rich_text")
    world.sync()
    assert list(suspended(world)) == ["amount"]
    world.decide("accept", sync="tasks", fields=["amount"])
    world.sync()
    assert suspended(world) == {}
    assert world.page(key)["Amount"] == "about 12.00"
    assert world.in_step()
