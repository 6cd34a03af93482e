"""One browser for all tests; a fresh sandbox, a fresh tab and an empty memory for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from bridge.sandbox.notion import ManualClock, Person, Sandbox, SandboxServer
from tests.browser import chromium
from tests.browser.page import Page


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Chrome]:
    started = chromium.start(tmp_path_factory.mktemp("profile"))
    yield started
    started.quit()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    return Sandbox(clock=clock)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as running:
        yield running


@pytest.fixture
def page(driver: Chrome, server: SandboxServer) -> Iterator[Page]:
    """A wide window. Afterwards the browser must have had nothing to complain about."""
    yield from tab(driver, server)


def tab(driver: Chrome, server: SandboxServer) -> Iterator[Page]:
    """A page that has never been here; each server has a port, and so a memory, of its own."""
    driver.set_window_size(1400, 950)
    opened = Page(driver, server)
    opened.complaints()
    yield opened
    complaints = opened.complaints()
    driver.get("about:blank")
    assert complaints == []


@pytest.fixture
def ada(sandbox: Sandbox) -> Person:
    return sandbox.person("Ada")
