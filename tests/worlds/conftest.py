"""The model of the database is compared with the real one, in the same small world as in the system tests."""

from __future__ import annotations

import pytest

from tests.system.conftest import world

__all__ = ["world"]


@pytest.fixture(autouse=True)
def good_manners() -> None:
    """The oracle judges the worlds: where answers are slow, an edit may come between a look and a write."""
