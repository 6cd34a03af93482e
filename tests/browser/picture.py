"""The page as a picture for the README: `python -m tests.browser.picture docs/page.png`.

The demo's two sides with a bridge at work between them, photographed just after somebody edited on each.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from bridge.clock import SystemClock
from bridge.config import load
from bridge.engine.opening import open_bridge
from bridge.sandbox.demo.world import REQUESTS_PER_MINUTE, World, build, write_config
from bridge.sandbox.notion import Options, Sandbox, SandboxServer
from bridge.sandbox.postgres import EmbeddedPostgres
from tests.browser import chromium
from tests.browser.page import META, Page

_WIDTH, _HEIGHT = 1440, 810
_ARGUMENTS = 2


@contextmanager
def bridged(world: World, config: Path) -> Iterator[None]:
    """A bridge at work within the block."""
    stop = threading.Event()
    with open_bridge(load(config), stop=stop, clock=SystemClock(stop)) as bridge:
        thread = threading.Thread(target=bridge.loop.run, name="bridge-in-the-picture")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def arrange(page: Page, world: World) -> None:
    """Waits until both sides are the same, then edits a little on each."""
    ada = world.sandbox.person("Ada")
    page.until(lambda: all(row["Deal no."] for row in ada.rows(world.data_source).values()), "every page has its key")
    rows = {str(values["Deal no."]): row for row, values in ada.rows(world.data_source).items()}
    page.until(lambda: len(page.titles()) == len(rows), "every row is shown")
    page.edit(rows["1"], "Amount", "21000", Keys.ENTER)
    page.edit(rows["2"], "Stage", "Won", Keys.ENTER)
    page.click(rows["2"], "Signed")
    page.until(lambda: ada.read(rows["2"])["Signed"], "signed")
    ada.edit(rows["5"], {"Stage": "Proposal"})
    page.shows(rows["5"], "Stage", "Proposal")
    with world.connect() as connection:
        connection.execute("UPDATE deals SET stage = 'Qualified', chance = 65 WHERE id = 4")
        page.shows(rows["4"], "Chance", "65")
        page.keys(Keys.HOME)
        connection.execute("UPDATE deals SET amount = amount + 1000 WHERE id = 3")
    before = ada.read(rows["3"])["Amount"]
    page.until(lambda: ada.read(rows["3"])["Amount"] != before, "the amount arrives")
    page.until(lambda: page.all(page.where(rows["3"], META) + " .avatar.bot"), "and is shown")
    page.driver.execute_script("document.querySelector('.scroll').scrollLeft = 0")


def photograph(path: Path) -> None:
    """Writes the picture as PNG."""
    with tempfile.TemporaryDirectory(prefix="notion-bridge-picture-") as folder, EmbeddedPostgres() as postgres:
        sandbox = Sandbox(options=Options(requests_per_minute=REQUESTS_PER_MINUTE))
        with SandboxServer(sandbox) as server:
            world = build(sandbox, postgres.dsn)
            config = Path(folder) / "bridge.toml"
            write_config(config, world, server.url)
            driver = chromium.start(Path(folder) / "profile", scale=2)
            try:
                driver.set_window_size(_WIDTH, _HEIGHT)
                page = Page(driver, server)
                page.open(world.data_source)
                page.tab("activity")
                with bridged(world, config):
                    arrange(page, world)
                    driver.save_screenshot(str(path))
                driver.get("about:blank")
            finally:
                driver.quit()


if __name__ == "__main__":
    if len(sys.argv) != _ARGUMENTS:
        sys.exit("usage: python -m tests.browser.picture FILE.png")
    photograph(Path(sys.argv[1]))
