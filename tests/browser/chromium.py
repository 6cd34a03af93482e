"""A real browser without a window: which one, and how it is started. Nothing is ever downloaded.

`python -m tests.browser.chromium` says whether there is one, and what to install when there is none.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ADVICE = """\
No browser to test with: chromium and its driver are needed.
Install them (on Debian: apt install chromium chromium-driver; on Ubuntu: snap install chromium),
or name them: CHROMIUM=/path/to/chromium CHROMEDRIVER=/path/to/chromedriver make browser"""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DRIVERS = ("chromedriver", "chromium.chromedriver")
# --no-sandbox: its own processes are not separated as root or in a container; it sees nothing but our own page.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
    "--hide-scrollbars",
)


def find() -> tuple[str, str] | None:
    """The paths of the browser and of its driver."""
    browser = os.environ.get("CHROMIUM") or _first(_BROWSERS)
    driver = os.environ.get("CHROMEDRIVER") or _first(_DRIVERS)
    return (browser, driver) if browser and driver else None


def _first(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def start(folder: Path, *, zone: str = "Europe/Berlin", scale: int = 1) -> webdriver.Chrome:
    """A browser with a fresh profile in `folder`, in a time zone that is not UTC. RuntimeError when there is none."""
    found = find()
    if found is None:
        raise RuntimeError(ADVICE)
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    for flag in (*_FLAGS, f"--user-data-dir={folder}", f"--force-device-scale-factor={scale}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, Service(found[1], env={**os.environ, "TZ": zone}))


if __name__ == "__main__":
    if find() is None:
        sys.exit(ADVICE)
