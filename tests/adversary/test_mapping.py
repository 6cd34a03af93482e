"""What a mapping points at is replaced, dropped or made anew: that field waits, and nothing is emptied (S25, S27)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bridge.clock import SystemClock
from bridge.engine.status import sync_status
from bridge.errors import SetupError
from tests.system.test_both_ways import insert
from tests.system.world import World

MAILS = ["one@example.com", "two@example.com", "three@example.com"]


def filled(world: World) -> list[str]:
    """Three records with mail addresses, in step."""
    keys = [insert(world, mail.partition("@")[0], mail=mail) for mail in MAILS]
    world.sync()
    return keys


def sync_or_refuse(world: World) -> None:
    """One pass. A start that refuses the mapping, and says so, is as good as one that lets the field wait."""
    with suppress(SetupError):
        world.sync()


def test_a_property_made_anew_under_its_old_name_empties_no_column(world: World) -> None:
    keys = filled(world)
    world.person.delete_property(world.data_source, "Mail")
    world.person.add_property(world.data_source, "Mail", "email")
    sync_or_refuse(world)
    assert [world.rows()[key]["mail"] for key in keys] == MAILS


def test_a_field_that_is_mapped_to_another_property_empties_no_column(world: World) -> None:
    world.person.add_property(world.data_source, "Second mail", "email")
    keys = filled(world)
    world.fields["mail"] = "Second mail"
    world.write_config()
    sync_or_refuse(world)
    assert [world.rows()[key]["mail"] for key in keys] == MAILS


def test_a_column_made_anew_under_its_old_name_empties_no_property(world: World) -> None:
    keys = filled(world)
    world.sql("ALTER TABLE tasks DROP COLUMN mail")
    world.sql("ALTER TABLE tasks ADD COLUMN mail text")
    sync_or_refuse(world)
    assert [world.page(key)["Mail"] for key in keys] == MAILS


def test_an_option_that_is_removed_empties_no_column(world: World) -> None:
    """Notion empties every page that had it, without an edit: nobody emptied a record."""
    world.sql("ALTER TABLE tasks ALTER COLUMN stage DROP NOT NULL")
    keys = filled(world)
    world.person.remove_option(world.data_source, "Stage", "Todo")
    world.sync()
    assert [world.rows()[key]["stage"] for key in keys] == ["Todo"] * 3


def test_the_other_columns_go_on_when_one_is_dropped(world: World) -> None:
    keys = filled(world)
    with world.running():
        world.sql("ALTER TABLE tasks DROP COLUMN mail")
        world.sql("UPDATE tasks SET title = 'from the row' WHERE id = %s", int(keys[0]))
        world.until(lambda: world.page(keys[0])["Name"] == "from the row", "an edit of another column")
        world.person.edit(world.page(keys[1])["_id"], {"Name": "from the page"})
        world.until(lambda: world.rows()[keys[1]]["title"] == "from the page", "an edit of another property")
    assert world.page(keys[0])["Mail"] == MAILS[0]


def test_a_change_that_cannot_be_read_is_not_called_in_step(world: World) -> None:
    """Neither at once nor when the side has answered other questions since."""
    keys = filled(world)
    with world.running():
        world.sql("ALTER TABLE tasks DROP COLUMN mail")
        world.sql("UPDATE tasks SET title = 'unseen' WHERE id = %s", int(keys[0]))
        world.until(lambda: world.sql("SELECT count(*) FROM notion_bridge.outbox") == [(0,)], "the outbox is read")
        later = datetime.now(UTC) + timedelta(seconds=4)
        world.until(lambda: swept_at(world) > later, "several rounds have passed")
        journal = world.journal()
        told = sync_status(journal, "tasks", SystemClock(), 0)
        journal.close()
    assert world.page(keys[0])["Name"] == "unseen" or not told.in_step


def swept_at(world: World) -> datetime:
    """The end of the last full listing."""
    journal = world.journal()
    found = journal.sync_state("tasks").swept_at
    journal.close()
    assert found is not None
    return found
