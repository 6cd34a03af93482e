"""What Notion called people and options, remembered beside the journal.

It is kept apart from the journal because requests running in threads learn it, and only the main thread writes the
journal. Losing the file loses no value: people are known by their ids until Notion tells more, and an option that
was removed may be made again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge import private
from bridge.journal.place import unread, unwritten

_VERSION = 1


class NameFile:
    """Sections of names by id. With `writes` False nothing is written: for commands that only read."""

    def __init__(self, journal_path: Path, *, writes: bool) -> None:
        self._path = Path(f"{journal_path}.names")
        self._writes = writes
        self._lock = threading.Lock()
        self._sections = self._read()

    def section(self, name: str) -> Mapping[str, Any]:
        return dict(self._sections.get(name, {}))

    def keeper(self, name: str) -> Callable[[Mapping[str, Any]], None]:
        """What replaces a section, from any thread. Raises JournalError when the file cannot be written."""

        def keep(content: Mapping[str, Any]) -> None:
            with self._lock:
                self._sections[name] = dict(content)
                if self._writes:
                    self._write()

        return keep

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return dict(content["names"]) if content["version"] == _VERSION else {}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return {}  # cut short by a crash, or of another version: it is learned again
        except OSError as error:
            raise unread(self._path, error) from error

    def _write(self) -> None:
        new = Path(f"{self._path}.new")
        content = {"version": _VERSION, "names": self._sections}
        try:
            with private.open_file(new, "w", encoding="utf-8") as file:
                file.write(json.dumps(content, indent=1, sort_keys=True))
            new.replace(self._path)
        except OSError as error:
            raise unwritten(self._path, error) from error
