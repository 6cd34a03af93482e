"""Proves in a real browser: a cell of every type is shown, and edited in place as a person would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from bridge.sandbox.notion import Person, Sandbox
from tests.browser.page import Page

pytestmark = pytest.mark.browser

PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def run(text: str, link: str | None = None, **formats: Any) -> dict[str, Any]:
    """A run of rich text, as the product keeps it."""
    part = {"content": text, "link": {"url": link} if link else None}
    return {"type": "text", "text": part, "annotations": PLAIN | formats, "plain_text": text, "href": link}


@dataclass(frozen=True, slots=True)
class Tasks:
    """A data source with every type of property, another one that it relates to, and one row in each."""

    source: str
    row: str
    companies: dict[str, str]
    ada: Person

    def value(self, name: str) -> Any:
        """What the row holds."""
        return self.ada.read(self.row)[name]


@pytest.fixture
def tasks(sandbox: Sandbox, ada: Person) -> Tasks:
    _, companies = ada.create_database("Companies", {"Name": "title", "City": "rich_text"})
    made = {name: ada.create_row(companies, {"Name": name, "City": "Ulm"}) for name in ("Casa Verde", "Nordlicht")}
    relation = {"data_source_id": companies, "type": "single_property", "single_property": {}}
    rollup = {"relation_property_name": "Company", "rollup_property_name": "City", "function": "show_original"}
    _, source = ada.create_database(
        "Tasks",
        {
            "Name": "title",
            "Notes": "rich_text",
            "Amount": {"number": {"format": "euro"}},
            "Done": "checkbox",
            "Priority": {"select": {"options": [{"name": "High", "color": "red"}, {"name": "Low", "color": "blue"}]}},
            "State": "status",
            "Tags": {"multi_select": {"options": [{"name": "emea"}, {"name": "urgent"}]}},
            "Due": "date",
            "Link": "url",
            "Mail": "email",
            "Phone": "phone_number",
            "Owner": "people",
            "Papers": "files",
            "Company": {"relation": relation},
            "Cities": {"rollup": rollup},
            "Double": {"formula": {"expression": 'prop("Amount") * 2'}},
            "Ticket": {"unique_id": {"prefix": "T"}},
            "Made": "created_time",
            "Changed": "last_edited_time",
            "Maker": "created_by",
            "Changer": "last_edited_by",
            "Seal": "verification",
            "Where": "place",
        },
    )
    sandbox.person("Ben Ito")
    return Tasks(source, ada.create_row(source, {"Name": "Launch"}), made, ada)


# What is typed into a cell of each type, what it shows then, and what it holds.
TYPED: list[tuple[str, tuple[str, ...], str, Any]] = [
    ("Name", (" it", Keys.ENTER), "Launch it", "Launch it"),
    ("Notes", ("one", Keys.ENTER), "one", "one"),
    ("Amount", ("1,234.5", Keys.ENTER), "€1,234.50", 1234.5),
    ("Amount", ("-0.125", Keys.TAB), "-€0.125", -0.125),
    ("Priority", ("low", Keys.ENTER), "Low", "Low"),
    ("Priority", (Keys.ARROW_DOWN, Keys.ENTER), "Low", "Low"),
    ("Priority", ("Somehow", Keys.ENTER), "Somehow", "Somehow"),
    ("State", ("prog", Keys.ENTER), "In progress", "In progress"),
    ("State", ("Paused", Keys.ENTER), "Paused", "Paused"),
    ("Tags", ("urg", Keys.ENTER, "emea", Keys.ENTER, Keys.ENTER), "urgentemea", ["urgent", "emea"]),
    ("Tags", ("fresh", Keys.ENTER, Keys.ESCAPE), "fresh", ["fresh"]),
    ("Due", ("12242026", Keys.ENTER), "Dec 24, 2026", "2026-12-24"),
    ("Link", ("https://a.example/x", Keys.ENTER), "a.example/x", "https://a.example/x"),
    ("Mail", ("a@example.com", Keys.ENTER), "a@example.com", "a@example.com"),
    ("Phone", ("+49 30 1", Keys.ENTER), "+49 30 1", "+49 30 1"),
    ("Owner", ("ben", Keys.ENTER, Keys.ESCAPE), "Ben Ito", ["Ben Ito"]),
    ("Papers", ("https://a.example/p.pdf", Keys.ENTER, Keys.ENTER), "p.pdf", ["https://a.example/p.pdf"]),
    ("Papers", ("plan.txt", Keys.TAB), "plan.txt", ["plan.txt"]),
]


@pytest.mark.parametrize(
    ("name", "keys", "shown", "held"), TYPED, ids=[f"{name}-{shown}" for name, _, shown, _ in TYPED]
)
def test_a_cell_is_edited(page: Page, tasks: Tasks, name: str, keys: tuple[str, ...], shown: str, held: Any) -> None:
    page.open(tasks.source)
    page.edit(tasks.row, name, *keys)
    page.until(lambda: page.text(tasks.row, name).removeprefix("B\n").replace("\n", "") == shown, shown)
    assert tasks.value(name) == held
    assert page.text(tasks.row, "Changer").endswith("You")


def test_a_relation_by_title(page: Page, tasks: Tasks) -> None:
    page.open(tasks.source)
    page.edit(tasks.row, "Company", "casa", Keys.ENTER, "nord", Keys.ENTER, Keys.ESCAPE)
    page.until(lambda: page.text(tasks.row, "Company").split() == ["Casa", "Verde", "Nordlicht"], "both titles")
    assert tasks.value("Company") == list(tasks.companies.values())
    page.shows(tasks.row, "Cities", "UlmUlm")
    page.edit(tasks.row, "Company", Keys.BACKSPACE, Keys.ESCAPE)
    page.until(lambda: page.text(tasks.row, "Company").split() == ["Casa", "Verde"], "one title")
    tasks.ada.edit(tasks.companies["Casa Verde"], {"Name": "Casa Rossa"})
    page.until(lambda: "Rossa" in page.text(tasks.row, "Company"), "the new title")


def test_a_checkbox_by_click_and_by_key(page: Page, tasks: Tasks) -> None:
    page.open(tasks.source)
    page.click(tasks.row, "Done")
    page.until(lambda: tasks.value("Done") is True, "checked")
    page.until(lambda: page.all(page.where(tasks.row, "Done") + " .box.on"), "shown as checked")
    page.keys(" ")
    page.until(lambda: tasks.value("Done") is False, "not checked")


def test_a_time_with_an_end_in_the_zone_of_the_browser(page: Page, tasks: Tasks) -> None:
    tasks.ada.edit(tasks.row, {"Due": {"start": "2026-07-01T10:00:00+00:00", "end": "2026-07-02T10:30:00+00:00"}})
    page.open(tasks.source)
    page.shows(tasks.row, "Due", "Jul 1, 2026, 12:00 → Jul 2, 2026, 12:30")
    page.edit(tasks.row, "Due", Keys.ENTER)
    assert tasks.value("Due")["start"] == "2026-07-01T10:00:00.000+00:00"  # nothing was changed, so nothing is written
    page.click(tasks.row, "Due")
    page.one('.popover [aria-label="Start time"]').send_keys("1115AM")
    page.keys(Keys.ENTER)
    page.shows(tasks.row, "Due", "Jul 1, 2026, 11:15 → Jul 2, 2026, 12:30")
    assert tasks.value("Due")["start"] == "2026-07-01T11:15:00.000+02:00"
    page.click(tasks.row, "Due")
    for label in page.all(".popover label"):
        label.click()
    page.keys(Keys.ENTER)
    page.shows(tasks.row, "Due", "Jul 1, 2026")
    assert tasks.value("Due") == "2026-07-01"
    page.click(tasks.row, "Due")
    page.press(".popover button")
    page.shows(tasks.row, "Due", "")


def test_formatting_is_shown_and_survives_an_edit(page: Page, tasks: Tasks) -> None:
    mention = {
        "type": "mention",
        "mention": {"type": "user", "user": {"object": "user", "id": tasks.ada.user.id}},
        "annotations": PLAIN,
        "plain_text": "@Ada",
        "href": None,
    }
    before = [run("Call "), run("today", bold=True, color="red"), run(" at "), run("x", "https://a.example/"), mention]
    tasks.ada.edit(tasks.row, {"Notes": before})
    page.open(tasks.source)
    where = page.where(tasks.row, "Notes")
    assert page.texts(f"{where} .f-bold.t-red") == ["today"]
    assert page.one(f"{where} a").get_attribute("href") == "https://a.example/"
    page.edit(tasks.row, "Notes", Keys.HOME, "Please ", Keys.ENTER)
    page.shows(tasks.row, "Notes", "Please Call today at x@Ada")
    kept = tasks.ada._sandbox.world.pages[tasks.row].state.values[page.column("Notes")]
    assert kept == [run("Please Call "), *before[1:]]


def test_formats_are_switched_by_keys(page: Page, tasks: Tasks) -> None:
    page.open(tasks.source)
    page.click(tasks.row, "Name")
    page.one(".popover .text")
    page.keys(Keys.HOME)
    page.chord(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.chord(Keys.CONTROL, "b")
    page.chord(Keys.CONTROL, "i")
    page.chord(Keys.CONTROL, "b")
    page.keys(Keys.END)
    page.chord(Keys.SHIFT, Keys.ENTER)
    page.keys("2", Keys.ENTER)
    page.shows(tasks.row, "Name", "Launch\n2")
    kept = tasks.ada._sandbox.world.pages[tasks.row].state.values["title"]
    assert kept == [run("La", italic=True), run("unch\n2")]


def test_escape_keeps_what_was_there_and_delete_empties(page: Page, tasks: Tasks) -> None:
    tasks.ada.edit(tasks.row, {"Amount": 5, "Tags": ["emea"]})
    page.open(tasks.source)
    page.edit(tasks.row, "Amount", "7", Keys.ESCAPE)
    assert tasks.value("Amount") == 5
    page.keys(Keys.DELETE)
    page.shows(tasks.row, "Amount", "")
    assert tasks.value("Amount") is None
    page.edit(tasks.row, "Tags", Keys.ESCAPE)
    page.keys(Keys.BACKSPACE)
    page.shows(tasks.row, "Tags", "")


def test_a_click_elsewhere_keeps_what_was_typed(page: Page, tasks: Tasks) -> None:
    page.open(tasks.source)
    page.click(tasks.row, "Mail")
    page.one(".popover")
    page.keys("a@example.com")
    page.press("h1")
    page.shows(tasks.row, "Mail", "a@example.com")


def test_what_is_computed_is_shown_and_takes_no_edit(page: Page, tasks: Tasks) -> None:
    tasks.ada.edit(
        tasks.row, {"Amount": 21, "Where": {"name": "Ulm", "address": None, "lat": 1, "lon": 2}, "Seal": "verified"}
    )
    page.open(tasks.source)
    shown = {
        "Double": "42",
        "Ticket": "T-1",
        "Made": "Nov 22, 2026, 11:00",
        "Changed": "Nov 22, 2026, 11:00",
        "Maker": "A\nAda",
        "Changer": "A\nAda",
        "Where": "Ulm",
        "Seal": "verified",
    }
    for name, text in shown.items():
        page.shows(tasks.row, name, text)
        page.click(tasks.row, name)
        page.keys("x", Keys.ENTER, Keys.DELETE)
        assert not page.all(".popover"), name
        page.shows(tasks.row, name, text)


def test_a_refusal_is_told_and_nothing_is_lost(page: Page, tasks: Tasks) -> None:
    tasks.ada.edit(tasks.row, {"Amount": 5})
    page.open(tasks.source)
    page.edit(tasks.row, "Amount", "many", Keys.ENTER)
    assert page.notice() == "Amount takes a number, not 'many'"
    page.shows(tasks.row, "Amount", "€5.00")
    page.edit(tasks.row, "Priority", "a, b", Keys.ENTER)
    page.until(lambda: "commas not allowed" in page.notice(), "the refusal of a comma")
    refused = page.complaints()
    assert len(refused) == 2
    assert all("400 (Bad Request)" in message for message in refused)


def test_hostile_text_stays_text(page: Page, tasks: Tasks) -> None:
    """In every place where a name or a text is shown: heading, column, option, person, cell, notice, activity."""
    ada = tasks.ada
    stranger = ada._sandbox.person(HOSTILE)
    _, source = stranger.create_database(
        HOSTILE, {HOSTILE: "title", "__proto__": "rich_text", "Pick": {"select": {"options": [{"name": HOSTILE}]}}}
    )
    ada.add_property(source, "Link", "url")
    ada.add_property(source, "Owner", "people")
    row = stranger.create_row(
        source, {HOSTILE: HOSTILE, "Pick": HOSTILE, "Link": "javascript:document.title='owned'", "Owner": [HOSTILE]}
    )
    link = run("click", "javascript:document.title='owned'")
    page.open(source)
    page.tab("activity")
    stranger.edit(row, {HOSTILE: [run(HOSTILE + "!"), link], "__proto__": "\u202e" + HOSTILE})
    page.until(lambda: HOSTILE in "".join(page.texts("#activity li")), "the activity")
    assert page.texts("h1") == [HOSTILE]
    page.shows(row, HOSTILE, HOSTILE + "!click")
    page.shows(row, "Pick", HOSTILE)
    page.edit(row, "Pick", Keys.ESCAPE)
    page.edit(row, "Owner", Keys.ESCAPE)
    page.click(row, "Link")
    page.keys(Keys.ESCAPE)
    page.closed()
    assert page.all("tbody a") == []  # an address that would run something is no link
    page.property_menu("Pick")
    page.keys(Keys.ESCAPE)
    page.closed()
    page.edit(row, "__proto__", "!", Keys.ENTER)
    page.until(lambda: ada.read(row)["__proto__"] == "\u202e" + HOSTILE + "!", "an edit of a property called __proto__")
    page.home()
    assert HOSTILE in page.texts(".cards strong")
    assert page.driver.title == "Notion sandbox"
    assert page.all("#main img, #side img, #main script") == []


def test_ten_thousand_signs_push_nothing_away(page: Page, tasks: Tasks) -> None:
    """The first lines are shown, and the editor has all."""
    whole = "x" * 1_900
    tasks.ada.edit(tasks.row, {"Name": [run(whole) for _ in range(6)], "Notes": [run("word " * 380) for _ in range(5)]})
    tasks.ada.create_row(tasks.source, {"Name": "next"})
    page.open(tasks.source)
    page.tab("activity")
    assert page.text(tasks.row, "Name") == whole * 6
    heights = page.driver.execute_script("return [...document.querySelectorAll('tbody tr')].map(r => r.offsetHeight)")
    assert max(heights) < 200, heights
    page.edit(tasks.row, "Name", Keys.CONTROL + Keys.END + Keys.NULL, "!", Keys.ENTER)
    page.until(lambda: tasks.value("Name") == whole * 6 + "!", "the whole text and what was typed")
    page.until(lambda: page.all("#activity li"), "the activity")
    assert max(len(line) for line in page.texts("#activity li")) < 400, "told in a few words"


def test_signs_that_command_a_terminal_or_turn_the_writing_stay_in_their_cell(page: Page, tasks: Tasks) -> None:
    evil = "\u202eevil\u2066 \x1b[31m\x07 end"
    tasks.ada.add_option(tasks.source, "Tags", evil)
    tasks.ada.edit(tasks.row, {"Name": evil, "Tags": [evil], "Mail": evil})
    page.open(tasks.source)
    for name in ("Name", "Tags", "Mail"):
        page.shows(tasks.row, name, evil)
        isolated = "return getComputedStyle(document.querySelector(arguments[0])).unicodeBidi"
        assert "isolate" in page.driver.execute_script(isolated, page.where(tasks.row, name))
    page.tab("activity")
    tasks.ada.edit(tasks.row, {"Name": evil + "!"})
    page.until(lambda: evil[:5] in "".join(page.texts("#activity li")), "the activity")
    assert page.driver.title == "Tasks"


def test_markup_that_is_pasted_or_typed_is_text(page: Page, tasks: Tasks) -> None:
    page.open(tasks.source)
    page.edit(tasks.row, "Notes", "<b>bold</b> & <i>", Keys.ENTER)
    page.shows(tasks.row, "Notes", "<b>bold</b> & <i>")
    assert tasks.value("Notes") == "<b>bold</b> & <i>"


def test_the_policy_would_stop_what_slipped_through(page: Page, tasks: Tasks) -> None:
    """A planted mistake: our own code that makes markup of a text is refused by the browser itself."""
    page.open(tasks.source)
    script = "try { document.body.innerHTML = arguments[0]; return 'ran' } catch (error) { return error.name }"
    assert page.driver.execute_script(script, HOSTILE) == "TypeError"
    assert "TrustedHTML" in "".join(page.complaints())
