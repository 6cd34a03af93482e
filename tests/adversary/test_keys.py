"""Keys that come from two sides at once, late, or changed on the way: one row per page, always (S10, S14, L2)."""

from __future__ import annotations

import pytest

from tests.system.test_both_ways import insert
from tests.system.world import World

TEXT_KEY = "DROP TABLE tasks; CREATE TABLE tasks (id text PRIMARY KEY, title text, mail text)"


def text_key(world: World) -> None:
    """A table whose key the database does not make up."""
    world.sql(TEXT_KEY)
    world.fields = {"title": "Name", "mail": "Mail"}
    world.write_config()


def test_a_number_that_the_database_draws_may_be_typed_in_another_new_page(world: World) -> None:
    """The first page gets its key from the sequence, and it is the one that a person typed into the second."""
    world.person.create_row(world.data_source, {"Name": "without a key", "Stage": "Todo"})
    world.person.create_row(world.data_source, {"Name": "typed", "ID": "1", "Stage": "Todo"})
    world.sync()
    rows = world.rows()
    assert sorted(row["title"] for row in rows.values()) == ["typed", "without a key"]
    assert sorted(page["ID"] for page in world.pages()) == sorted(rows)
    assert world.in_step()


def test_a_key_that_is_typed_after_the_page_was_seen_makes_its_row(world: World) -> None:
    """A person fills in a new page cell by cell; the bridge sees it before the key is there."""
    text_key(world)
    page_id = world.person.create_row(world.data_source, {"Name": "born without a key"})
    world.sync()
    world.person.edit(page_id, {"ID": "k1"})
    world.sync()
    assert {key: row["title"] for key, row in world.rows().items()} == {"k1": "born without a key"}
    assert world.journal().parked() == []


def test_a_key_that_a_trigger_rewrites_makes_one_record(world: World) -> None:
    text_key(world)
    world.sql(
        "CREATE FUNCTION lowered() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.id := lower(NEW.id); RETURN NEW; END$$;"
        " CREATE TRIGGER lowered BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION lowered()"
    )
    world.person.create_row(world.data_source, {"Name": "one", "ID": "ABC"})
    world.sync()
    world.sync()
    assert list(world.rows()) == ["abc"]
    assert [page["ID"] for page in world.pages()] == ["abc"]


def test_a_page_that_a_person_makes_while_ours_is_on_its_way_is_not_run_into_ours(world: World) -> None:
    """Both carry key 5. Their contents are a first sync's conflict; neither may move to another key."""
    world.sync()
    slow = world.sandbox.faults.delay("POST", r"/pages$", before_s=2.0)
    with world.running():
        world.sql("INSERT INTO tasks (id, title, mail) VALUES (5, 'of the row', 'row@example.com')")
        world.until(lambda: slow.hits, "our create is on its way")
        world.person.create_row(world.data_source, {"Name": "of the person", "ID": "5"})
        world.until(lambda: len(world.pages()) == 2, "the slow create arrives")
        world.until(world.in_step, "both sides are the same")
    assert world.rows()["5"]["mail"] == "row@example.com"


def test_a_row_comes_back_after_its_page_was_deleted_for_good(world: World) -> None:
    """Notion empties its trash after a month; the key may be used again after that."""
    key = insert(world, "first life")
    world.sync()
    page_id = world.page(key)["_id"]
    world.sql("DELETE FROM tasks WHERE id = %s", int(key))
    world.sync()
    world.sandbox.faults.fail(404, "GET", rf"/pages/{page_id}", code="object_not_found", times=None)
    world.sql("INSERT INTO tasks (id, title) VALUES (%s, 'second life')", int(key))
    world.sync()
    assert world.page(key)["Name"] == "second life"


@pytest.mark.parametrize("text", ["abc", "99999999999999999999", "1.5"])
def test_a_page_with_a_key_that_no_column_holds_becomes_a_new_row(world: World, text: str) -> None:
    insert(world, "there before")
    world.person.create_row(world.data_source, {"Name": "odd", "ID": text, "Stage": "Todo"})
    world.sync()
    assert sorted(row["title"] for row in world.rows().values()) == ["odd", "there before"]
    assert sorted(page["ID"] for page in world.pages()) == sorted(world.rows())
