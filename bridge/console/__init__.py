"""What a person sees on a terminal: the live dashboard and the review of conflicts."""

from __future__ import annotations

from bridge.console.live import LiveConsole
from bridge.console.review import JournalDesk, Screen
from bridge.console.reviewing import Review

__all__ = ["JournalDesk", "LiveConsole", "Review", "Screen"]
