"""The page as a person uses it: looks at cells, clicks, types. Every wait has a condition and a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from bridge.sandbox.notion import SandboxServer

DEADLINE_S = 60.0
META = "edited"


class Page:
    """One tab that shows the sandbox."""

    def __init__(self, driver: Chrome, server: SandboxServer) -> None:
        self.driver = driver
        self.server = server
        self.source = ""

    # -- where

    def home(self) -> None:
        """The list of databases."""
        self.driver.get(self.server.url)
        self.until(lambda: self.all("#main h1"), "the list of databases")

    def open(self, source: str) -> None:
        """A data source as a table."""
        self.source = source
        self.driver.get(f"{self.server.url}/d/{source}")
        self.until(lambda: self.all("#main table"), "the table")

    def tab(self, name: str) -> None:
        """The rows, the trash, or the activity at the side."""
        self.press(f'[data-tab="{name}"]')

    # -- looking

    def all(self, selector: str) -> list[WebElement]:
        """What is there."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """What will be there soon."""
        return self.until(lambda: self.all(selector), selector)[0]  # type: ignore[no-any-return]

    def titles(self) -> list[str]:
        """The first cell of each row."""
        return self.texts("tbody td.title")

    def texts(self, selector: str) -> list[str]:
        """What is written there, in one look: an element may be gone the next moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map(found => found.innerText)"
        return self.driver.execute_script(script, selector)  # type: ignore[no-any-return]

    def column(self, name: str) -> str:
        """The id of a property."""
        if name == META:
            return META
        properties = self.server.sandbox.world.data_sources[self.source].properties.values()
        return next(prop.id for prop in properties if prop.name == name)

    def where(self, row: str, name: str) -> str:
        """The selector of a cell."""
        return f'tr[data-row="{row}"] td[data-column="{self.column(name)}"]'

    def text(self, row: str, name: str) -> str:
        """What a cell shows."""
        return "".join(self.texts(self.where(row, name)))

    def shows(self, row: str, name: str, text: str) -> None:
        """Waits until a cell shows that."""
        self.until(lambda: self.text(row, name) == text, f"{name}: {text!r}, not {self.text(row, name)!r}")

    def focused(self) -> tuple[str, str] | None:
        """The row and the column of the cell that has the focus."""
        script = (
            "const at = document.activeElement;"
            "return at.nodeName === 'TD' ? [at.parentElement.dataset.row, at.dataset.column] : null"
        )
        found = self.driver.execute_script(script)
        return tuple(found) if found else None

    def notice(self) -> str:
        """What went wrong, in the words that the page found for it."""
        return "".join(self.until(lambda: self.texts("#notices bdi"), "a notice"))

    # -- doing

    def press(self, selector: str) -> None:
        """Clicks there, wherever it is scrolled to."""

        def clicked() -> bool:
            self.into_view(selector).click()
            return True

        self.until(clicked, f"{selector} is pressed")

    def click(self, row: str, name: str) -> None:
        """Clicks into a cell."""
        self.press(self.where(row, name))

    def into_view(self, selector: str) -> WebElement:
        """Scrolls there, beside the column that stays."""
        found = self.one(selector)
        script = "arguments[0].scrollIntoView({block: 'center', inline: 'center'})"
        self.driver.execute_script(script, found)
        return found

    def keys(self, *keys: str) -> None:
        """Presses keys, one after the other, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, modifier: str, *keys: str) -> None:
        """Presses keys while another one is held."""
        ActionChains(self.driver).key_down(modifier).send_keys(*keys).key_up(modifier).perform()

    def edit(self, row: str, name: str, *keys: str) -> None:
        """Opens a cell, types, and waits until nothing is open any more."""
        self.click(row, name)
        self.one(".popover")
        self.keys(*keys)
        self.closed()

    def closed(self) -> None:
        """Waits until no editor is open."""
        self.until(lambda: not self.all(".popover"), "the editor is closed")

    def property_menu(self, name: str) -> WebElement:
        """Opens a property's menu; its first field holds the name."""
        self.press(f'th[data-column="{self.column(name)}"] button')
        return self.one(".popover input.name")

    def replace(self, field: WebElement, text: str) -> None:
        """Types something else into a field, and Enter."""
        field.send_keys(Keys.CONTROL + "a")
        field.send_keys(text, Keys.ENTER)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Waits until the condition gives something true."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            try:
                if found := condition():
                    return found
            except (StaleElementReferenceException, AssertionError):
                pass  # redrawn between two questions, or not so yet
            time.sleep(0.02)  # between two looks at the condition
        raise AssertionError(f"not within {DEADLINE_S:g} s: {what}")

    def complaints(self) -> list[str]:
        """What the browser's console holds: errors of ours, and what the security policy stopped."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(entry["message"]) for entry in entries]
