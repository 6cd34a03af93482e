"""`notion-bridge check`: everything that must be right before a sync, each with what to do when it is not."""

from __future__ import annotations

from bridge.cli.checks.command import check

__all__ = ["check"]
