"""The contract suite stands on the same small world as the system tests."""

from __future__ import annotations

from tests.system.conftest import world

__all__ = ["world"]
