"""Proves: `resync` says what it will do before it asks, does nothing on a no, works with and without a running bridge,
and gets over a journal that is damaged or gone. Nothing is deleted on either side.
"""

from __future__ import annotations

import json
import threading

import pytest

from bridge.clock import SystemClock
from bridge.config import load
from bridge.engine.opening import open_bridge
from bridge.journal import Journal
from tests.cli.conftest import World
from tests.postgres.support import eventually


@pytest.fixture
def synced(world: World) -> World:
    world.sql("INSERT INTO tasks (title) VALUES ('one'), ('two'), ('three')")
    assert world.type("sync").exit_code == 0
    return world


def state(world: World) -> tuple[list[object], dict[str, object]]:
    return sorted(world.sql("SELECT id, title FROM tasks")), world.ada.rows(world.source)  # type: ignore[return-value]


def diverge(world: World) -> None:
    """One record is edited differently on both sides, one is deleted on each side."""
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = 1")
    world.ada.edit(world.page(1), {"Name": "theirs"})
    world.sql("DELETE FROM tasks WHERE id = 2")
    world.ada.trash(world.page(3))


def assert_brought_back(world: World) -> None:
    assert sorted(world.sql("SELECT id, title FROM tasks")) == [(1, "ours"), (2, "two"), (3, "three")]
    names = sorted(values["Name"] for values in world.ada.rows(world.source).values())
    assert names == ["ours", "three", "two"]
    assert world.type("verify").exit_code == 0


def test_it_tells_and_asks_before_it_changes_anything(synced: World) -> None:
    diverge(synced)
    before = state(synced)
    asked = synced.type("resync")
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    for told in ("insert a row", "restore the page", "record a conflict", "ours", "theirs"):
        assert told in asked.stdout
    assert "postgres deleted / notion live" in asked.stdout, "a deletion that waited is not followed, and told"
    assert not any(words in asked.stdout for words in ("delete the row", "trash the page"))
    assert state(synced) == before
    assert not synced.json("status", code=1)["syncs"][0]["resync"]


def test_without_a_bridge_the_next_sync_does_it(synced: World) -> None:
    diverge(synced)
    before = state(synced)
    done = synced.json("resync", "--yes")
    assert done["resync"] == ["tasks"]
    assert (done["running"], done["set_aside"]) == (False, None)
    assert done["syncs"][0]["conflicts"] == 2
    assert state(synced) == before

    status = synced.type("status")
    assert status.exit_code == 1
    assert "a resync was asked for" in status.stdout
    planned = synced.json("plan")["syncs"][0]
    assert planned["counts"] == done["syncs"][0]["counts"]
    assert synced.type("sync").exit_code == 0
    assert_brought_back(synced)
    conflicts = {(c["rule"], c["postgres"], c["notion"]) for c in synced.json("conflicts", "list", "--all")}
    assert conflicts == {("first-sync", "ours", "theirs"), ("edit-survives", "deleted", "live")}
    assert synced.type("status").exit_code == 0


def test_a_running_bridge_does_it_at_once(synced: World) -> None:
    assert synced.type("pause").exit_code == 0
    diverge(synced)
    stop = threading.Event()
    with open_bridge(load(synced.config, synced.environment), stop=stop) as bridge:
        thread = threading.Thread(target=bridge.loop.run)
        thread.start()
        try:
            done = synced.type("resync", "--yes")
            assert done.exit_code == 0, done.stderr
            assert "the running bridge does it now" in done.stdout
            assert synced.type("resume").exit_code == 0
            eventually(lambda: synced.type("status").exit_code == 0, "both sides are in step")
        finally:
            stop.set()
            thread.join(30)
    assert_brought_back(synced)


def test_equal_sides_need_no_write_at_all(synced: World) -> None:
    shown = synced.type("resync", "--yes")
    assert "nothing to do, both sides are in step" in shown.stdout
    done = synced.json("sync")
    assert not any([*done["to_notion"].values(), *done["to_postgres"].values()])
    assert synced.json("conflicts", "list", "--all") == []


def test_without_a_journal_there_is_nothing_to_forget(synced: World) -> None:
    diverge(synced)
    for file in synced.journal.parent.glob("bridge.db*"):
        file.unlink()
    result = synced.type("resync")
    assert result.exit_code == 0
    assert "compares both sides as in a first run anyway" in result.stderr
    assert synced.json("resync")["resync"] == []
    assert not synced.journal.exists()
    assert synced.type("sync").exit_code == 0
    assert_brought_back(synced)


def test_a_sync_that_was_never_made_has_nothing_to_forget(world: World) -> None:
    Journal.open(world.journal, SystemClock()).close()
    result = world.type("resync", "--yes")
    assert result.exit_code == 0
    assert "tasks was never synced" in result.stderr


@pytest.mark.parametrize("damage", ["foreign", "torn"])
def test_a_damaged_journal_is_set_aside_whole(synced: World, damage: str) -> None:
    diverge(synced)
    whole = synced.journal.read_bytes()
    broken = b"no journal at all" * 100 if damage == "foreign" else whole[:8192] + b"\xff" * 4096 + whole[12288:]
    synced.journal.write_bytes(broken)
    refused = synced.type("sync")
    assert refused.exit_code == 1
    assert "notion-bridge resync" in refused.stderr

    asked = synced.type("resync")
    assert asked.exit_code == 2
    assert "is damaged" in asked.stderr
    assert synced.journal.read_bytes() == broken

    done = synced.json("resync", "--yes")
    [aside] = [file for file in synced.journal.parent.glob("bridge.db.damaged-*") if "-wal" not in file.name]
    assert done["set_aside"] == str(aside)
    assert aside.read_bytes() == broken
    assert synced.type("sync").exit_code == 0
    assert_brought_back(synced)


def test_a_damaged_journal_is_about_all_its_syncs(synced: World) -> None:
    text = synced.config.read_text()
    second = text.partition("[[sync]]")[2].replace('"tasks"', '"others"', 1)
    synced.config.write_text(f"{text}[[sync]]{second}")
    synced.journal.write_bytes(b"no journal at all" * 100)
    result = synced.type("resync", "--sync", "tasks", "--yes")
    assert result.exit_code == 2
    assert "without --sync" in result.stderr
    assert synced.journal.exists()


def test_a_side_that_does_not_answer_leaves_everything_as_it_was(synced: World) -> None:
    result = synced.type("resync", "--yes", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert json.loads(synced.type("status", "--json").stdout)["syncs"][0]["resync"] is False
