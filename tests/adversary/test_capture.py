"""Changes that the outbox tells badly, twice or not at all: they arrive all the same (S3, S15, S19, L2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.ends import Batch
from bridge.errors import Unavailable
from bridge.postgres.end import PostgresEnd
from tests.system.test_both_ways import insert
from tests.system.world import TASKS_PROPERTIES, World

SECOND_SYNC = """
[[sync]]
name = "second"
table = "public.tasks"
data_source = "{data_source}"
key_property = "ID"
[sync.fields]
title = "Name"
"""


def test_what_one_sync_writes_into_a_table_is_news_for_the_other(world: World) -> None:
    """Both share the journal, so that the mark of our own write is known to both; it is an echo only to its writer."""
    _, other = world.person.create_database("Second", TASKS_PROPERTIES)
    with world.config_path.open("a", encoding="utf-8") as config:
        config.write(SECOND_SYNC.format(data_source=other))
    key = insert(world, "old")
    world.sync()
    with world.running():
        world.person.edit(world.page(key)["_id"], {"Name": "new"})
        world.until(lambda: world.rows()[key]["title"] == "new", "the row follows the first data source")
        world.until(lambda: [p["Name"] for p in world.person.rows(other).values()] == ["new"], "the second follows")


def test_a_truncate_is_not_forgotten_when_the_read_after_it_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [insert(world, f"row {number}") for number in range(3)]
    real = PostgresEnd.scan
    failures: list[Unavailable] = []

    def lost_once(end: PostgresEnd) -> Iterator[Batch]:
        if not failures:
            failures.append(Unavailable("the connection was lost"))
            raise failures[0]
        return real(end)

    with world.running():
        world.until(lambda: world.page(keys[2])["Name"] == "row 2", "the first sync")
        monkeypatch.setattr(PostgresEnd, "scan", lost_once)
        world.sql("TRUNCATE tasks")
        world.until(lambda: failures, "the read of the whole table fails")
        world.until(lambda: world.pages() == [], "the pages follow")


def test_a_change_that_no_trigger_saw_does_not_block_its_record_for_ever(world: World) -> None:
    """Somebody loads data with the triggers off. The next edit of such a page meets a row that nobody told us of."""
    key = insert(world, "old")
    with world.running():
        world.until(lambda: world.page(key)["Name"] == "old", "the first sync")
        world.sql("ALTER TABLE tasks DISABLE TRIGGER ALL")
        world.sql("UPDATE tasks SET title = 'loaded' WHERE id = %s", int(key))
        world.sql("ALTER TABLE tasks ENABLE TRIGGER ALL")
        world.person.edit(world.page(key)["_id"], {"Name": "edited"})
        world.until(lambda: world.page(key)["Name"] == world.rows()[key]["title"], "both sides are the same again")
    (conflict,) = world.journal().conflicts()
    assert {conflict["postgres"], conflict["notion"]} == {'"loaded"', '"edited"'}


def test_an_edit_that_a_trigger_undoes_is_recorded(world: World) -> None:
    """The row keeps its value, the page gets it back: what the person typed must still be found somewhere."""
    key = insert(world, "fixed")
    world.sync()
    world.sql(
        "CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.title := OLD.title; RETURN NEW; END$$;"
        " CREATE TRIGGER kept BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION kept()"
    )
    world.person.edit(world.page(key)["_id"], {"Name": "typed"})
    world.sync()
    journal = world.journal()
    assert "typed" in str([*journal.conflicts(), *journal.parked()])
    journal.close()


def test_a_null_that_a_checkbox_cannot_show_stays_null(world: World) -> None:
    world.sql("ALTER TABLE tasks ALTER COLUMN done DROP NOT NULL, ALTER COLUMN done DROP DEFAULT")
    key = insert(world, "neither yes nor no")
    world.sync()
    assert world.rows()[key]["done"] is None
    assert [row["field"] for row in world.journal().parked()] == ["done"]


def test_a_trigger_that_touches_other_rows_is_followed(world: World) -> None:
    """The other rows bear the mark of our write, and are news all the same."""
    one, two = insert(world, "one"), insert(world, "two")
    world.sync()
    world.sql(
        "CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        " IF pg_trigger_depth() = 1 THEN"
        "  UPDATE tasks SET mail = 'touched@example.com' WHERE id <> NEW.id;"
        "  UPDATE tasks SET amount = coalesce(amount, 0) + 1 WHERE id = NEW.id;"
        " END IF; RETURN NULL; END$$;"
        " CREATE TRIGGER spread AFTER UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION spread()"
    )
    with world.running():
        world.person.edit(world.page(one)["_id"], {"Name": "edited"})
        world.until(lambda: world.page(two)["Mail"] == "touched@example.com", "the other record")
        world.until(lambda: world.page(one)["Amount"] == 1, "what the trigger added to the same record")
    assert world.rows()[one]["amount"] == 1
    assert world.in_step()
