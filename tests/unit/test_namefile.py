"""Names are remembered beside the journal, by whoever may write, and a broken file costs no more than what it held."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.engine.namefile import NameFile
from bridge.errors import JournalError


def test_what_is_kept_is_there_for_the_next_process_and_sections_do_not_mix(tmp_path: Path) -> None:
    journal = tmp_path / "bridge.db"
    first = NameFile(journal, writes=True)
    first.keeper("people")({"1": {"name": "Ada"}})
    first.keeper("options of x")({"p": {"now": {"o": "Ünïcode"}}})
    again = NameFile(journal, writes=True)
    assert again.section("people") == {"1": {"name": "Ada"}}
    assert again.section("options of x") == {"p": {"now": {"o": "Ünïcode"}}}
    assert again.section("options of y") == {}


def test_a_file_that_cannot_be_written_ends_the_bridge_in_words(tmp_path: Path) -> None:
    Path(f"{tmp_path / 'bridge.db'}.names.new").mkdir()
    with pytest.raises(JournalError, match=r"bridge\.db\.names, beside the journal, cannot be written"):
        NameFile(tmp_path / "bridge.db", writes=True).keeper("people")({"1": {}})


def test_who_only_reads_writes_nothing(tmp_path: Path) -> None:
    NameFile(tmp_path / "bridge.db", writes=False).keeper("people")({"1": {}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2, "names": {"people": {"1": {}}}}', '{"version": 1}'])
def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, content: str) -> None:
    journal = tmp_path / "bridge.db"
    Path(f"{journal}.names").write_text(content, encoding="utf-8")
    file = NameFile(journal, writes=True)
    assert file.section("people") == {}
    file.keeper("people")({"1": {}})
    assert NameFile(journal, writes=False).section("people") == {"1": {}}
