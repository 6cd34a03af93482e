"""Proves: what the bridge makes is for its own user only; what others may read is told by `check` and at the start."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import World
from tests.cli.test_run import logged, running


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """A user whose files are for everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_everything_beside_the_journal_is_private(world: World) -> None:
    with running(world) as process:
        assert world.type("pause").exit_code == 0
        found = modes(world.journal.parent)
        assert {"bridge.db", "bridge.db-wal", "bridge.db-shm", "bridge.db.lock", "bridge.db.rate"} <= found.keys()
        assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
        assert stat.S_IMODE(world.journal.parent.stat().st_mode) == 0o700
        process.terminate()
        process.wait(30)
    assert {name: oct(mode) for name, mode in modes(world.journal.parent).items() if mode & 0o077} == {}
    assert "warning" not in logged(world)


def test_a_new_configuration_is_private_and_an_old_one_keeps_its_mode(world: World) -> None:
    world.config.unlink()
    made = world.type(
        "init", "--table", "tasks", "--data-source", world.source, "--base-url", world.server.url, "--yes"
    )
    assert made.exit_code == 0, made.stderr
    assert stat.S_IMODE(world.config.stat().st_mode) == 0o600


def test_what_others_may_read_is_told(world: World) -> None:
    assert world.type("sync").exit_code == 0
    text = world.config.read_text()
    world.config.write_text(text.replace("${NOTION_TOKEN}", world.token))
    world.config.chmod(0o644)
    world.journal.chmod(0o640)
    world.journal.parent.chmod(0o777)
    checked = world.type("check")
    assert checked.exit_code == 0
    synced = world.type("sync")
    assert synced.exit_code == 0
    with running(world):
        told = [checked.stdout, synced.stderr, logged(world)]
    for shown in told:
        for part in ("may read the journal", "mode 0640", "chmod 600", "may write into", "chmod 700", "holds a secret"):
            assert part in shown
        assert world.token not in shown


def test_a_configuration_without_secrets_may_be_read_by_all(world: World) -> None:
    assert world.type("sync").exit_code == 0
    world.config.chmod(0o644)
    assert "nobody else may read" in world.type("check").stdout
    assert "warning" not in world.type("sync").stderr


@pytest.mark.parametrize(
    ("dsn", "secret"), [("postgresql://me:hunter2@host/db", True), ("postgresql://me@host/db", False)]
)
def test_a_password_in_the_dsn_is_a_secret(world: World, dsn: str, *, secret: bool) -> None:
    world.config.write_text(world.config.read_text().replace("${DATABASE_URL}", dsn))
    world.config.chmod(0o644)
    shown = world.type("check").stdout
    assert ("holds a secret" in shown) is secret
    assert "hunter2" not in shown
