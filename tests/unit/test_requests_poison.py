"""No wish can stop the bridge, and a wish that was carried out is not denied."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.engine.requests import Mailbox
from bridge.errors import Unavailable
from bridge.journal import Journal
from tests.unit.desk import StillClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path, StillClock())
    opened.add_sync("tasks", "public.tasks", "ds")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("pause", {"sync": "tasks"}),  # of another version: an argument that is not known here
        ("pause", {"syncs": 7}),
        ("resolve", {"id": 1}),
        ("retry", {}),
    ],
)
def test_arguments_that_do_not_fit_are_answered_and_the_bridge_goes_on(
    path: Path, journal: Journal, kind: str, arguments: dict[str, Any]
) -> None:
    folder = Path(f"{path}.requests")
    folder.mkdir()
    (folder / "1.request").write_text(json.dumps({"id": "1", "kind": kind, "arguments": arguments}))
    assert Mailbox(path).serve(journal) == 1
    assert "error" in json.loads((folder / "1.answer").read_text())
    assert not (folder / "1.request").exists(), "or the next start would meet it again"


def test_a_request_s_name_is_no_path(path: Path, journal: Journal) -> None:
    folder = Path(f"{path}.requests")
    folder.mkdir()
    wish = {"id": "no/such/folder", "kind": "pause", "arguments": {"syncs": ["tasks"]}}
    (folder / "1.request").write_text(json.dumps(wish))
    Mailbox(path).serve(journal)
    assert not (folder / "1.request").exists()


def test_an_answer_that_came_with_the_bridge_s_last_breath_is_read(path: Path, journal: Journal) -> None:
    mailbox = Mailbox(path)

    def alive() -> bool:
        mailbox.serve(journal)
        return False

    assert mailbox.ask("pause", {"syncs": ["tasks"]}, alive) == {"paused": ["tasks"]}
    assert journal.sync_state("tasks").paused


def test_a_wish_that_was_taken_is_not_called_undone(path: Path, journal: Journal) -> None:
    """The bridge was killed while it carried it out: nobody can tell."""
    mailbox = Mailbox(path)

    def alive() -> bool:
        [wish] = Path(f"{path}.requests").glob("*.request")
        wish.rename(wish.with_suffix(".taken"))
        return False

    with pytest.raises(Unavailable) as raised:
        mailbox.ask("pause", {"syncs": ["tasks"]}, alive)
    assert "Nothing was changed" not in raised.value.hint


def test_what_nobody_comes_for_is_removed(path: Path, journal: Journal) -> None:
    folder = Path(f"{path}.requests")
    folder.mkdir()
    for name in ("1.answer", "2.taken", ".3.answer.77", "4.answer"):
        (folder / name).write_text("{}")
        if name != "4.answer":
            os.utime(folder / name, (0, 0))
    Mailbox(path).serve(journal)
    assert [left.name for left in folder.iterdir()] == ["4.answer"]
