"""A command speaks to a running bridge: the wish is carried out once, the answer comes back, refusals keep their words.

J8 of the faults: a person decides while the bridge runs, or dies in between.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.engine import requests
from bridge.engine.requests import Mailbox, RequestFailed, is_running, submit
from bridge.engine.resolving import DecisionRefused
from bridge.errors import ConfigError, ExitCode, JournalError, Unavailable
from bridge.journal import Journal
from tests.unit.desk import StillClock, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """The journal of a running bridge: this process holds its lock."""
    opened = Journal.open(path, StillClock())
    opened.add_sync("tasks", "public.tasks", "ds")
    yield opened
    opened.close()


def folder(path: Path) -> Path:
    return Path(f"{path}.requests")


def leave(path: Path, name: str, content: str) -> Path:
    folder(path).mkdir(exist_ok=True)
    file = folder(path) / name
    file.write_text(content, encoding="utf-8")
    return file


class Serving:
    """A running bridge's end of the mailbox, in a thread; everything it does goes through one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop, self._ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.served = 0

    def _run(self) -> None:
        journal = Journal.open(self._path, StillClock())
        journal.add_sync("tasks", "public.tasks", "ds")
        self._ready.set()
        while not self._stop.wait(0.005):
            self.served += Mailbox(self._path).serve(journal)
        journal.close()

    def __enter__(self) -> Serving:
        self._thread.start()
        until(self._ready, "the bridge holds its journal")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def paused(path: Path) -> bool:
    beside = Journal.open_read_only(path, StillClock())
    state = beside.sync_state("tasks")
    beside.close()
    return state.paused


def test_a_running_bridge_carries_a_wish_out_and_answers(path: Path) -> None:
    with Serving(path) as bridge:
        assert is_running(path)
        assert submit(path, StillClock(), "pause", {"syncs": ["tasks"]}) == {"paused": ["tasks"]}
        assert paused(path)
    assert bridge.served == 1
    assert list(folder(path).iterdir()) == [], "neither request nor answer is left lying"


@pytest.mark.parametrize(
    ("kind", "arguments", "words", "code"),
    [
        ("retry", {"id": 7}, "no parked item 7", ExitCode.USAGE),
        ("resolve", {"id": 7, "take": "notion"}, "no conflict 7", ExitCode.USAGE),
        ("dance", {}, "does not know the request 'dance'", ExitCode.USAGE),
    ],
)
def test_a_refusal_keeps_its_words_and_its_exit_code(
    path: Path, kind: str, arguments: dict[str, Any], words: str, code: ExitCode
) -> None:
    with Serving(path), pytest.raises(RequestFailed, match=words) as raised:
        submit(path, StillClock(), kind, arguments)
    assert raised.value.exit_code is code
    assert raised.value.hint


def test_without_a_bridge_the_command_does_it_itself(path: Path) -> None:
    journal = Journal.open(path, StillClock())
    journal.add_sync("tasks", "public.tasks", "ds")
    journal.close()
    assert not is_running(path)
    assert submit(path, StillClock(), "pause", {"syncs": ["tasks"]}) == {"paused": ["tasks"]}
    assert paused(path)
    with pytest.raises(DecisionRefused, match="no parked item 7"):
        submit(path, StillClock(), "retry", {"id": 7})
    with pytest.raises(ConfigError, match="does not know the request"):
        submit(path, StillClock(), "dance", {})
    assert not is_running(path), "the lock is given back, after a refusal too"
    assert not folder(path).exists()


def test_without_a_journal_nothing_is_made(path: Path) -> None:
    with pytest.raises(JournalError, match="no journal at"):
        submit(path, StillClock(), "pause", {"syncs": ["tasks"]})
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '{"id": "x"}',
        '{"id": "x", "kind": "pause"}',
        '{"id": "x", "kind": "y", "arguments": 3}',
    ],
)
def test_rubbish_is_dropped_and_the_next_wish_is_served(path: Path, journal: Journal, content: str) -> None:
    rubbish = leave(path, "1.request", content)
    good = leave(path, "2.request", json.dumps({"id": "2", "kind": "pause", "arguments": {"syncs": ["tasks"]}}))
    assert Mailbox(path).serve(journal) == 1
    assert not rubbish.exists()
    assert not good.exists()
    assert journal.sync_state("tasks").paused
    assert json.loads((folder(path) / "2.answer").read_text()) == {"ok": {"paused": ["tasks"]}}


def test_bytes_that_are_no_text_are_dropped(path: Path, journal: Journal) -> None:
    leave(path, "1.request", "").write_bytes(b"\xff\xfe{")
    assert Mailbox(path).serve(journal) == 0
    assert list(folder(path).iterdir()) == []


def test_wishes_are_carried_out_in_the_order_in_which_they_were_left(path: Path, journal: Journal) -> None:
    for number, kind in enumerate(["pause", "resume", "pause", "resume"]):
        content = {"id": str(number), "kind": kind, "arguments": {"syncs": ["tasks"]}}
        leave(path, f"{number}.request", json.dumps(content))
    assert Mailbox(path).serve(journal) == 4
    assert not journal.sync_state("tasks").paused


def test_a_file_that_is_being_written_is_not_read(path: Path, journal: Journal) -> None:
    half = leave(path, ".1.request.99", '{"id": "1", "ki')
    assert Mailbox(path).serve(journal) == 0
    assert half.exists()


def test_a_refused_wish_changes_nothing(path: Path, journal: Journal) -> None:
    """One transaction: the first name is known, the second is not."""
    content = {"id": "1", "kind": "pause", "arguments": {"syncs": ["tasks", "other"]}}
    leave(path, "1.request", json.dumps(content))
    Mailbox(path).serve(journal)
    assert not journal.sync_state("tasks").paused
    answer = json.loads((folder(path) / "1.answer").read_text())
    assert answer == {
        "error": "the journal does not know a sync 'other'",
        "hint": "It is known after its first sync.",
        "exit_code": 1,
    }


def test_without_a_folder_or_a_file_there_is_nothing_to_serve(path: Path, journal: Journal) -> None:
    assert Mailbox(path).serve(journal) == 0
    assert Mailbox(None).serve(journal) == 0


def test_a_bridge_that_ended_is_not_waited_for(path: Path) -> None:
    with pytest.raises(Unavailable, match="did not answer") as raised:
        Mailbox(path).ask("pause", {"syncs": ["tasks"]}, alive=lambda: False)
    assert "Nothing was changed" in raised.value.hint
    assert list(folder(path).iterdir()) == [], "a wish that was given up is not carried out later"


def test_a_bridge_that_hangs_is_not_waited_for_longer_than_promised(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is on the monotonic clock; each look at the folder moves the stopped one on."""
    clock = StillClock()
    stopped = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep, time_ns=time.time_ns)
    monkeypatch.setattr(requests, "time", stopped)
    with pytest.raises(Unavailable, match="within 30 s"):
        Mailbox(path).ask("pause", {"syncs": ["tasks"]}, alive=lambda: True)
    assert 30 <= clock.seconds < 31
    assert list(folder(path).iterdir()) == []


def test_what_root_leaves_belongs_to_who_runs_the_bridge(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo notion-bridge pause`: the bridge, which is another user, could not read it."""
    owners: list[tuple[Path, int]] = []
    owner = path.parent.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("os.chown", lambda name, user, group, **_: owners.append((name, user)))
    with pytest.raises(Unavailable):
        Mailbox(path).ask("pause", {}, lambda: False)
    assert [user for _, user in owners] == [owner, owner]
    assert owners[0][0] == folder(path)
    assert owners[1][0].parent == folder(path)


def test_a_folder_that_is_somebody_elses_ends_no_bridge(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(path, "1.request", "{}")

    def denied(folder: Path) -> Iterator[Path]:
        raise PermissionError(folder)

    monkeypatch.setattr(Path, "iterdir", denied)
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter(()))  # which passes over what it may not read
    assert Mailbox(path).serve(journal) == 0
