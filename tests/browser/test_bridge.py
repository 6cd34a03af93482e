"""Proves the whole way, in a real browser: what a person does there arrives in PostgreSQL, and what happens in
PostgreSQL appears there without a reload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import tab
from tests.browser.page import META, Page
from tests.system.conftest import tasks_world
from tests.system.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    with tasks_world(database, tmp_path) as made:
        yield made


@pytest.fixture
def page(driver: Chrome, world: World) -> Iterator[Page]:
    yield from tab(driver, world.server)


def test_both_ways(page: Page, world: World) -> None:
    world.sql("INSERT INTO tasks (title, amount) VALUES ('One', 1), ('Two', 2)")
    page.open(world.data_source)
    page.driver.execute_script("window.same = true")
    with world.running():
        page.until(lambda: sorted(page.titles()) == ["One", "Two"], "the rows appear")
        one = world.page("1")["_id"]
        assert page.all(page.where(one, META) + " .avatar.bot")

        page.edit(one, "Amount", "12.50", Keys.ENTER)
        world.until(lambda: str(world.rows()["1"]["amount"]) == "12.50", "the number")
        page.edit(one, "Stage", "doing", Keys.ENTER)
        page.edit(one, "Due", "05012027", Keys.ENTER)
        page.edit(one, "Tags", "new", Keys.ENTER, Keys.ESCAPE)
        page.click(one, "Done")
        world.until(
            lambda: (
                (row := world.rows()["1"])
                and (row["stage"], str(row["due"]), row["tags"], row["done"]) == ("Doing", "2027-05-01", ["new"], True)
            ),
            "all of it",
        )
        assert "You" in page.text(one, META)

        world.sql("UPDATE tasks SET title = 'First', amount = 3 WHERE id = 1")
        page.shows(one, "Name", "First")
        page.shows(one, "Amount", "3")
        page.until(lambda: page.all(page.where(one, META) + " .avatar.bot"), "the bridge as the editor")

        page.press("button.new")
        page.one(".popover .text")
        page.keys("Three", Keys.ENTER)
        world.until(lambda: "Three" in [row["title"] for row in world.rows().values()], "the new row")
        page.replace(page.property_menu("Amount"), "Total")
        page.until(lambda: "Total" in page.texts("thead bdi"), "the new name")
        page.edit(one, "Total", "4", Keys.ENTER)
        world.until(lambda: world.rows()["1"]["amount"] == 4, "an edit of a renamed property")

        page.press(page.where(one, META) + " button")
        world.until(lambda: "1" not in world.rows(), "the row is gone")
        page.tab("trash")
        page.press("button.restore")
        world.until(lambda: "First" in [row["title"] for row in world.rows().values()], "the row is back")
        world.sql("DELETE FROM tasks WHERE title = 'Two'")
        page.tab("table")
        page.until(lambda: sorted(page.titles()) == ["First", "Three"], "the deleted row is gone")
    assert page.driver.execute_script("return window.same")
