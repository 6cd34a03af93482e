"""A journal that is lost, or put back from before, right after a page of a person's got its row: the page does not
carry the row's key yet, and only a proof in the database knows that they belong together.

S10 (no duplicate), S14 (a lost journal is safe).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.system.test_both_ways import insert
from tests.system.world import World


def before_its_key_is_written(world: World) -> str:
    """A page with a row, and without its key; it answers its id. The bridge has stopped."""
    page_id = world.person.create_row(world.data_source, {"Name": "a person's", "Mail": "one@example.com"})
    world.sandbox.faults.fail(503, "PATCH", "/pages/", times=None)
    with world.running():
        world.until(lambda: len(world.rows()) == 2, "the page has a row")
    assert world.person.read(page_id)["ID"] == ""
    world.sandbox.faults.clear()
    return page_id


def lose(world: World) -> None:
    world.forget()


def put_back(world: World) -> None:
    shutil.rmtree(world.journal_path.parent)
    shutil.copytree(world.folder / "backup", world.journal_path.parent)


@pytest.mark.parametrize("happens", [lose, put_back])
@pytest.mark.parametrize("edited", [False, True])
def test_neither_is_made_a_second_time(world: World, happens: Callable[[World], None], *, edited: bool) -> None:
    insert(world, "before")
    world.sync()
    shutil.copytree(world.journal_path.parent, world.folder / "backup")
    page_id = before_its_key_is_written(world)
    happens(world)
    if edited:
        world.person.edit(page_id, {"Mail": "two@example.com"})
    world.sync()
    assert len(world.pages()) == 2
    assert len(world.rows()) == 2
    assert world.in_step()
    key = world.person.read(page_id)["ID"]
    assert world.rows()[key]["title"] == "a person's"
    kept = [(row["postgres"], row["notion"]) for row in world.journal().conflicts() if row["field"] == "mail"]
    assert kept == ([('"one@example.com"', '"two@example.com"')] if edited else [])
    world.sync()
    assert world.sql("SELECT count(*) FROM notion_bridge.applied") == [(0,)], "what the pages show needs no proof"
