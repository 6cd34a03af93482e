"""A Notion to test against: the wire behaviour of Notion's API, in this process or over HTTP.

sandbox = Sandbox(clock=ManualClock())
database_id, source_id = sandbox.person("Ada").create_database("Tasks", {"Name": "title", "Done": "checkbox"})
with SandboxServer(sandbox) as server:
    ...  # any Notion client, with base URL server.url and token "ntn_sandbox"
assert not sandbox.log.violations()
"""

from __future__ import annotations

from bridge.sandbox.notion.clock import Clock, ManualClock, OffsetClock, SystemClock
from bridge.sandbox.notion.faults import Fault, Faults
from bridge.sandbox.notion.log import Entry, Log
from bridge.sandbox.notion.options import Options
from bridge.sandbox.notion.person import Person
from bridge.sandbox.notion.sandbox import DEFAULT_TOKEN, Sandbox
from bridge.sandbox.notion.server import SandboxServer
from bridge.sandbox.notion.wire import Answer, ConnectionCut, Cut, Request

__all__ = [
    "DEFAULT_TOKEN",
    "Answer",
    "Clock",
    "ConnectionCut",
    "Cut",
    "Entry",
    "Fault",
    "Faults",
    "Log",
    "ManualClock",
    "OffsetClock",
    "Options",
    "Person",
    "Request",
    "Sandbox",
    "SandboxServer",
    "SystemClock",
]
