"""Proves in a real browser: rows come and go, properties and options are changed, keys are enough, and what others do
shows without a reload."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from selenium.webdriver.common.keys import Keys

from bridge.sandbox.notion import ManualClock, Person, Sandbox, SandboxServer
from tests.browser.page import META, Page

pytestmark = pytest.mark.browser

HEADERS = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}
PROPERTIES: dict[str, Any] = {
    "Name": "title",
    "Amount": "number",
    "Stage": {"select": {"options": [{"name": "Lead", "color": "gray"}, {"name": "Won", "color": "green"}]}},
    "Done": "checkbox",
}


@pytest.fixture(autouse=True)
def good_manners() -> None:
    """It is no bridge that writes here: a program that does not look before."""


@pytest.fixture
def source(ada: Person) -> str:
    return ada.create_database("Deals", PROPERTIES)[1]


@pytest.fixture
def rows(ada: Person, source: str) -> list[str]:
    return [ada.create_row(source, {"Name": name, "Amount": number}) for number, name in enumerate("abc", 1)]


def names(ada: Person, source: str) -> list[str]:
    return [prop.name for prop in ada._sandbox.world.data_sources[source].properties.values()]


def test_the_list_of_databases_leads_to_a_table(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    page.home()
    assert page.texts(".cards a") == ["Deals\n3 rows"]
    other = ada.create_database("Invoices", {"Name": "title"})[1]
    page.until(lambda: page.texts("#side li a") == ["Deals\n3", "Invoices\n0"], "the new database")
    page.press(f'.cards a[href="/d/{source}"]')
    page.source = source
    page.until(lambda: page.titles() == ["a", "b", "c"], "the rows")
    assert page.driver.title == "Deals"
    assert page.texts("thead bdi") == list(PROPERTIES)
    page.press(f'#side a[href="/d/{other}"]')
    page.until(lambda: page.texts(".nothing") == ["No rows yet."], "the other table")


def test_a_row_is_added_trashed_and_restored(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    page.open(source)
    page.press("button.new")
    page.one(".popover .text")
    page.keys("d", Keys.ENTER)
    page.until(lambda: page.titles() == ["a", "b", "c", "d"], "the new row")
    made = next(row for row in ada.rows(source) if row not in rows)
    assert page.focused() == (made, "title")

    page.press(page.where(rows[1], META) + " button")
    page.until(lambda: page.titles() == ["a", "c", "d"], "the row is gone")
    assert list(ada.rows(source, in_trash=True)) == [rows[1]]
    page.tab("trash")
    page.until(lambda: page.titles() == ["b"], "the trash")
    page.click(rows[1], "Name")
    page.keys("x")
    assert not page.all(".popover")  # nothing in the trash can be edited
    page.press("button.restore")
    page.until(lambda: page.titles() == [] and page.texts(".nothing") == ["The trash is empty."], "an empty trash")
    page.tab("table")
    page.until(lambda: page.titles() == ["a", "b", "c", "d"], "all rows again")


def test_a_property_is_renamed_added_and_deleted(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    page.open(source)
    page.replace(page.property_menu("Amount"), "Total")
    page.until(lambda: names(ada, source) == ["Name", "Total", "Stage", "Done"], "the new name")
    page.until(lambda: page.texts("thead bdi")[1] == "Total", "the new name on the page")
    page.edit(rows[0], "Total", "9", Keys.ENTER)
    page.until(lambda: ada.read(rows[0])["Total"] == 9, "the edit under the new name")

    page.replace(page.property_menu("Total"), "Name")
    assert page.notice() == "A property named Name exists already."
    assert len(page.complaints()) == 1

    page.press("th.add button")
    page.one(".popover select").send_keys("phone number")
    page.one(".popover input").send_keys("Call", Keys.ENTER)
    page.until(lambda: names(ada, source)[-1] == "Call", "the new property")
    page.until(lambda: len(page.texts("thead bdi")) == 5, "the new column")
    page.edit(rows[0], "Call", "112", Keys.ENTER)
    page.shows(rows[0], "Call", "112")

    page.property_menu("Total")
    page.press(".popover .danger")
    page.until(lambda: names(ada, source) == ["Name", "Stage", "Done", "Call"], "one property less")
    page.until(lambda: len(page.texts("thead bdi")) == 4, "one column less")
    page.property_menu("Name")
    assert not page.all(".popover .danger")  # the title stays
    page.keys(Keys.ESCAPE)


def test_options_are_added_renamed_and_removed(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    ada.edit(rows[0], {"Stage": "Lead"})

    def options() -> list[str]:
        prop = ada._sandbox.world.data_sources[source].find("Stage")
        assert prop is not None
        return [option["name"] for option in prop.config["options"]]

    page.open(source)
    page.property_menu("Stage")
    page.one(".popover .add-option").send_keys("Lost", Keys.ENTER)
    page.until(lambda: page.texts(".popover .pill") == ["Lead", "Won", "Lost"] == options(), "one option more")
    page.press('.popover [aria-label="Rename Lead"]')
    page.replace(page.one('.popover [aria-label="New name of Lead"]'), "Prospect")
    page.until(lambda: page.texts(".popover .pill") == ["Prospect", "Won", "Lost"] == options(), "the new name")
    page.shows(rows[0], "Stage", "Prospect")
    page.press('.popover [aria-label="Remove Prospect"]')
    page.until(lambda: page.texts(".popover .pill") == ["Won", "Lost"] == options(), "one option less")
    page.keys(Keys.ESCAPE)
    page.shows(rows[0], "Stage", "")


def test_keys_are_enough(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    page.open(source)
    amount, stage = page.column("Amount"), page.column("Stage")
    page.edit(rows[0], "Name", Keys.ESCAPE)
    assert page.focused() == (rows[0], "title")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    assert page.focused() == (rows[1], amount)
    page.keys("7")  # a sign begins an edit, and takes the place of what was there
    page.one(".popover")
    page.keys("5", Keys.TAB)
    page.until(lambda: ada.read(rows[1])["Amount"] == 75, "75")
    assert page.focused() == (rows[1], stage)
    page.keys(Keys.ENTER)
    page.one(".popover")
    page.keys(Keys.ARROW_DOWN, Keys.ENTER)
    page.shows(rows[1], "Stage", "Won")
    page.closed()
    page.chord(Keys.SHIFT, Keys.TAB)
    assert page.focused() == (rows[1], amount)
    page.keys(Keys.HOME)
    assert page.focused() == (rows[1], "title")
    page.keys(Keys.END)
    assert page.focused() == (rows[1], META)
    page.keys(Keys.TAB)
    assert page.focused() == (rows[2], "title")
    page.chord(Keys.CONTROL, Keys.HOME)
    assert page.focused() == (rows[0], "title")
    page.chord(Keys.CONTROL, Keys.END)
    assert page.focused() == (rows[2], META)
    page.keys(Keys.ENTER)  # the button of the last cell: to the trash
    page.until(lambda: page.titles() == ["a", "b"], "the row is gone")


def test_tab_leaves_the_table_at_its_end(page: Page, source: str, rows: list[str]) -> None:
    page.open(source)
    page.edit(rows[0], "Name", Keys.ESCAPE)
    page.chord(Keys.CONTROL, Keys.END)
    page.keys(Keys.TAB)
    assert page.focused() is None
    page.chord(Keys.SHIFT, Keys.TAB)
    assert page.focused() == (rows[2], META)


def test_what_a_program_writes_shows_by_itself(
    page: Page, ada: Person, clock: ManualClock, server: SandboxServer, source: str, rows: list[str]
) -> None:
    page.open(source)
    page.tab("activity")
    page.driver.execute_script("window.same = true")
    clock.advance(120)
    body: dict[str, Any] = {"properties": {"Amount": {"number": 42}}}
    requests.patch(f"{server.url}/v1/pages/{rows[0]}", json=body, headers=HEADERS, timeout=30)
    page.shows(rows[0], "Amount", "42")
    assert page.text(rows[0], META).split("\n")[-2:] == ["sandbox bot", "11:02"]
    assert page.all(page.where(rows[0], META) + " .avatar.bot")
    body = {"parent": {"data_source_id": source}, "properties": {"Name": {"title": [{"text": {"content": "new"}}]}}}
    requests.post(f"{server.url}/v1/pages", json=body, headers=HEADERS, timeout=30)
    page.until(lambda: page.titles() == ["a", "b", "c", "new"], "the new page")
    requests.patch(f"{server.url}/v1/pages/{rows[1]}", json={"in_trash": True}, headers=HEADERS, timeout=30)
    page.until(lambda: page.titles() == ["a", "c", "new"], "the trashed page")
    ada.restore(rows[1])
    page.until(lambda: page.titles() == ["a", "b", "c", "new"], "the restored page")
    told = page.texts("#activity li")
    assert [line.split("\n")[-3::2] for line in told] == [
        ["b", "taken out of the trash"],
        ["b", "moved to the trash"],
        ["new", "added"],
        ["a", "Amount 1 → 42"],
    ]
    assert "Ada" in told[0]
    assert all("sandbox bot" in line for line in told[1:])
    assert page.driver.execute_script("return window.same")


def test_an_edit_by_others_does_not_disturb_ones_own(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    page.open(source)
    page.click(rows[0], "Name")
    page.one(".popover .text")
    page.keys("mine")
    ada.edit(rows[0], {"Amount": 99})
    page.shows(rows[0], "Amount", "99")
    ada.rename_property(source, "Name", "Title")
    page.until(lambda: page.texts("thead bdi")[0] == "Title", "the new name")
    page.keys(Keys.ENTER)
    page.until(lambda: page.titles()[0] == "amine", "what was typed")


def test_a_row_that_goes_while_it_is_edited(page: Page, ada: Person, source: str, rows: list[str]) -> None:
    page.open(source)
    page.click(rows[0], "Name")
    page.one(".popover .text")
    ada.trash(rows[0])
    page.closed()
    assert page.titles() == ["b", "c"]


def test_a_long_table_shows_its_end_first(page: Page, ada: Person, source: str) -> None:
    for number in range(120):
        ada.create_row(source, {"Name": str(number)})
    page.open(source)
    page.until(lambda: page.titles() == [str(number) for number in range(20, 120)], "the last hundred")
    page.press("button.earlier")
    page.until(lambda: page.titles() == [str(number) for number in range(120)], "all of them")


def test_the_theme_is_kept(page: Page, source: str) -> None:
    def background() -> str:
        return page.one("body").value_of_css_property("background-color")

    page.open(source)
    light = background()
    page.press("#side .foot button")
    page.until(lambda: background() != light, "the dark theme")
    page.open(source)
    assert background() != light


def test_a_workspace_that_was_reset(page: Page, sandbox: Sandbox, ada: Person, source: str, rows: list[str]) -> None:
    page.open(source)
    sandbox.reset()
    page.until(lambda: page.titles() == [] and "no such data source" in "".join(page.texts("#main")), "it is told")
    assert page.complaints()


def test_a_sandbox_that_is_away_and_comes_back(page: Page, sandbox: Sandbox, ada: Person, source: str) -> None:
    row = ada.create_row(source, {"Name": "a"})
    with SandboxServer(sandbox) as server:
        port = int(server.url.rpartition(":")[2])
        page.driver.get(f"{server.url}/d/{source}")
        page.source = source
        page.until(lambda: page.titles() == ["a"] and page.texts("#link") == ["live"], "the table")
    page.until(lambda: page.texts("#link") == ["no answer"], "the loss is shown")
    ada.edit(row, {"Name": "b"})
    with SandboxServer(sandbox, port=port):
        page.until(lambda: page.titles() == ["b"] and page.texts("#link") == ["live"], "it is back")
        page.driver.get("about:blank")
    assert all("ERR_" in message for message in page.complaints())


def test_who_edited_a_row_stays_in_sight_and_covers_no_cell_that_has_the_focus(page: Page, ada: Person) -> None:
    """In a table that is wider than the window, and in its trash."""
    columns = {f"Column {number}": "rich_text" for number in range(12)}
    source = ada.create_database("Wide", {"Name": "title", **columns})[1]
    kept, gone = (ada.create_row(source, {"Name": name}) for name in ("kept", "gone"))
    ada.trash(gone)
    page.driver.set_window_size(1400, 800)
    page.open(source)
    assert in_sight(page, page.where(kept, META))
    page.click(kept, "Name")
    page.keys(Keys.ESCAPE)
    page.closed()
    for name in columns:
        page.keys(Keys.ARROW_RIGHT)
        page.until(lambda name=name: in_sight(page, page.where(kept, name)), f"{name} is not covered")  # type: ignore[misc]
    page.tab("trash")
    page.until(lambda: page.titles() == ["gone"], "the trash")
    assert in_sight(page, "button.restore")


def in_sight(page: Page, selector: str) -> bool:
    """Whether a click in the middle of it would meet it."""
    script = """
const found = document.querySelector(arguments[0]), box = found.getBoundingClientRect();
const top = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
return top !== null && found.contains(top);"""
    return bool(page.driver.execute_script(script, selector))
