"""Writes down what went over the wire, one exchange per line, for the judge beside this file.

Also a pytest plugin: with `-p tests.contract_js.recording --record-wire FILE` every test adds all that its sandboxes
were asked and answered to FILE, whoever made them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from bridge.sandbox.notion.log import Entry

_OPTION = "--record-wire"


def write_log(entries: Iterable[Entry], source: str, file: Path) -> None:
    """Appends exchanges. `source` says who asked, for the messages."""
    lines = [json.dumps({"source": source, **entry.as_json()}) + "\n" for entry in entries]
    # At once: several processes write to the file, and each is to begin at its end.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        rest = memoryview("".join(lines).encode())
        written = os.write(descriptor, rest)
        assert written == len(rest), "the disk is full"
    finally:
        os.close(descriptor)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(_OPTION, type=Path, required=True, help="where to write what went over the wire")


@pytest.fixture(autouse=True)
def _record_wire(request: pytest.FixtureRequest, requests_to_notion: list[Entry]) -> Iterator[None]:
    yield
    write_log(requests_to_notion, request.node.nodeid, request.config.getoption(_OPTION))
