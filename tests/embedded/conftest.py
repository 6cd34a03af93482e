"""Fixtures for servers that a test starts itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.postgres.account import server_account, temporary_root


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are closed to all but the user."""
    folder = Path(tempfile.mkdtemp(prefix="notion bridge test ", dir=temporary_root(server_account())))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
