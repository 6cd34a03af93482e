"""Proves: `run` carries changes over while it runs, tells each as a line of its log, takes decisions from other
commands, ends well on a first signal and at once on a second.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.sandbox.notion import Fault
from tests.cli.conftest import World

DEADLINE_S = 120.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.05)


@contextmanager
def running(world: World, *options: str, until_said: str = "started") -> Iterator[subprocess.Popen[bytes]]:
    """A bridge in a process of its own; its streams go to files, so that it never waits for a reader."""
    environment = {**os.environ, **world.environment}
    with (world.folder / "out").open("wb") as out, (world.folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "run", *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    try:
        until(lambda: process.poll() is not None or until_said in logged(world), "the bridge starts")
        yield process
    finally:
        process.kill()
        process.wait()


def logged(world: World) -> str:
    return "".join(Path(world.folder / name).read_text() for name in ("out", "err"))


def test_it_carries_over_logs_and_ends_well(world: World) -> None:
    with running(world) as process:
        world.sql("INSERT INTO tasks (title) VALUES ('from SQL')")
        until(lambda: bool(world.ada.rows(world.source)), "the row has a page")
        world.ada.create_row(world.source, {"Name": "from Notion"})
        until(lambda: world.sql("SELECT count(*) FROM tasks") == [(2,)], "the page has a row")
        until(lambda: world.type("status").exit_code == 0, "both sides are in step")
        assert world.json("status")["running"] is True

        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    said = (world.folder / "err").read_text()
    assert (world.folder / "out").read_text() == ""
    for words in ("tasks started: public.tasks", "write-create", "from SQL", "stopping", "tasks ended"):
        assert words in said
    assert world.json("status")["running"] is False
    assert world.type("verify").exit_code == 0


def listener(world: World) -> list[tuple[int]]:
    """The listening session."""
    query = "SELECT pid FROM pg_stat_activity WHERE query = %s AND datname = current_database()"
    return world.sql(query, "LISTEN notion_bridge")


def test_whether_a_notify_wakes_it_is_told(world: World) -> None:
    assert world.json("status", code=1)["woken"] is None
    with running(world):
        until(lambda: world.type("status").exit_code == 0, "both sides are in step")
        until(lambda: world.json("status")["woken"], "it listens")
        [(pid,)] = listener(world)
        world.sql("SELECT pg_terminate_backend(%s)", pid)
        until(lambda: listener(world) not in ([], [(pid,)]), "it listens anew")
        assert world.json("status")["woken"] is True
    world.config.write_text(world.config.read_text().replace("[postgres]", "[postgres]\nnotify = false"))
    with running(world):
        until(lambda: world.type("status").exit_code == 0, "both sides are in step")
        assert world.json("status")["woken"] is False
        assert "a bridge is running, and no NOTIFY wakes it" in world.type("status").stdout


@pytest.mark.parametrize(("option", "stream"), [("--log-format=json", "err"), ("--json", "out")])
def test_a_log_in_json_is_one_document_per_line(world: World, option: str, stream: str) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('one')")
    with running(world, option) as process:
        until(lambda: "write-create" in logged(world), "the write is logged")
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
    lines = (world.folder / stream).read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert next(event["kind"] for event in events if event["sync"] == "tasks") == "started"
    written = next(event for event in events if event["kind"] == "write-create")
    assert (written["key"], written["side"]) == ("1", "notion")
    assert stream == "err" or len(events) == len(lines)


def test_other_commands_speak_to_it(world: World) -> None:
    world.configure(policy='"manual"')
    world.sql("INSERT INTO tasks (title) VALUES ('before')")
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET title = 'ours'")
    world.ada.edit(world.page(1), {"Name": "theirs"})
    with running(world) as process:
        until(lambda: bool(world.json("conflicts", "list")), "the conflict is recorded")
        # Paused, it cannot have written before the command says who will.
        assert world.type("pause").exit_code == 0
        resolved = world.type("conflicts", "resolve", "1", "--take", "notion")
        assert resolved.exit_code == 0, resolved.stderr
        assert "the running bridge" in resolved.stdout
        assert world.type("resume").exit_code == 0
        until(lambda: world.sql("SELECT title FROM tasks") == [("theirs",)], "the choice is carried out")
        until(lambda: not world.json("conflicts", "list"), "and the conflict is settled")

        second = world.type("sync")
        assert second.exit_code == 6

        assert world.type("pause").exit_code == 0
        assert world.json("status", code=1)["syncs"][0]["paused"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def test_a_second_signal_ends_it_at_once_and_nothing_is_lost(world: World) -> None:
    world.sandbox.faults.add(Fault(method="POST", path="^/v1/pages", delay_before_s=3600.0))
    with running(world) as process:
        world.sql("INSERT INTO tasks (title) VALUES ('one')")
        until(lambda: bool(world.sandbox.log.find("POST", "^/v1/pages")), "the request is under way")
        process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in logged(world), "it finishes what is under way")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 130
    world.sandbox.faults.clear()
    until(lambda: world.type("sync").exit_code == 0, "the next start finds out")
    assert [row["Name"] for row in world.ada.rows(world.source).values()] == ["one"]


def test_trouble_is_logged_once_and_its_end_too(world: World) -> None:
    with running(world):
        until(lambda: world.type("status").exit_code == 0, "both sides are in step")
        world.ada.unshare(world.sandbox.root_page_id)
        until(lambda: " error: " in logged(world), "the loss of access is logged")
        world.ada.share(world.sandbox.root_page_id)
        until(lambda: "recovered" in logged(world), "and its end")
    assert logged(world).count("recovered") == 1


def test_a_column_that_is_renamed_while_it_runs_is_told_everywhere(world: World) -> None:
    """Loudly: in the log, in `status` and in `check`; and told again when the field is carried again."""
    world.sql("INSERT INTO tasks (title) VALUES ('before')")
    with running(world):
        until(lambda: bool(world.ada.rows(world.source)), "the first sync")
        world.sql("ALTER TABLE tasks RENAME COLUMN status TO another")
        world.sql("UPDATE tasks SET title = 'after'")
        until(lambda: "suspended: the field 'status'" in logged(world), "the log says so")
        until(lambda: [page["Name"] for page in world.ada.rows(world.source).values()] == ["after"], "the rest goes on")
        told = world.json("status", code=1)
        assert [item["field"] for item in told["syncs"][0]["suspended"]] == ["status"]
        assert not told["in_step"]
        assert "the field 'status' is suspended" in world.type("status").output
        checked = world.type("check")
        assert "ok       tasks: bridge: a bridge works on this sync (server process" in checked.stdout
        assert checked.exit_code == 2
        assert "status is suspended" in checked.output
        world.sql("ALTER TABLE tasks RENAME COLUMN another TO status")
        until(lambda: "resumed: the field 'status'" in logged(world), "it comes back")
