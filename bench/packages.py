"""Two packages from PyPI that carry one direction, in an environment of their own: they are no dependency of ours.

Both speak to api.notion.com and cannot be told otherwise, so a `sitecustomize` in that environment sends what httpx
would send there to the sandbox. Nothing else of them is changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bridge.sandbox.notion import DEFAULT_TOKEN

PINS = ("data2notion==1.3.3", "notion2pg==0.1.0")
_PROGRAM_S = 1800.0
_ELSEWHERE = """
import os, httpx

def elsewhere(request):
    if request.url.host == "api.notion.com":
        place = httpx.URL(os.environ["NOTION_URL"])
        request.url = request.url.copy_with(scheme=place.scheme, host=place.host, port=place.port)
        request.headers["Host"] = place.netloc.decode()
    return request

send, send_later = httpx.Client.send, httpx.AsyncClient.send
httpx.Client.send = lambda self, request, **more: send(self, elsewhere(request), **more)
httpx.AsyncClient.send = lambda self, request, **more: send_later(self, elsewhere(request), **more)
"""


class PackageError(Exception):
    """A package could not be installed, or left with an error."""


class Packages:
    """The environment in `folder`; made when it is asked for. Raises PackageError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self) -> None:
        """Downloads them, with pip."""
        _run([sys.executable, "-m", "venv", str(self._folder)], {})
        pip = [str(self._folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *PINS, "psycopg[binary]"], {})
        [site] = self._folder.glob("lib/python*/site-packages")
        (site / "sitecustomize.py").write_text(_ELSEWHERE, encoding="utf-8")

    def run(self, program: str, *arguments: str, url: str, dsn: str) -> float:
        """Runs one to its end; the seconds that it took, its own start included."""
        told = {"NOTION_URL": url, "NOTION_TOKEN": DEFAULT_TOKEN, "POSTGRESQL_DSN": dsn}
        began = time.monotonic()
        _run([str(self._folder / "bin" / program), *arguments], told)
        return time.monotonic() - began


def _run(command: list[str], more: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_PROGRAM_S,
        env={**os.environ, **more},
    )
    if done.returncode != 0:
        raise PackageError(
            f"{Path(command[0]).name} left with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
        )
