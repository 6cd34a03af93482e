"""Remembers across a restart how much of Notion's minute is spent.

The budget belongs to the token, not to the process: a bridge that is killed in the middle of a backlog and
started again would otherwise spend the same window twice. The times of the last requests are kept in a small
file beside the journal; it is not synced to disk, because after a power cut the minute is over anyway.
"""

from __future__ import annotations

import struct
import threading
from contextlib import suppress
from pathlib import Path

from bridge import private
from bridge.clock import Clock
from bridge.journal.place import unread, unwritten

_WINDOW_S = 70.0  # a request that was under way when its process ended may have arrived later
_MINUTE_S = 60.0
_ENTRY = struct.Struct("<d")
_COMPACT_AT = 64 * 1024


class RateLog:
    """Appends a time for each request that was sent. Raises JournalError when its file cannot be made."""

    def __init__(self, journal_path: Path, clock: Clock) -> None:
        self._path = _path(journal_path)
        self._clock = clock
        self._lock = threading.Lock()
        self._recent = self._read()
        try:
            private.make_folder(self._path.parent)
            with private.open_file(self._path, "wb") as file:
                file.write(b"".join(map(_ENTRY.pack, self._recent)))
            self._file = private.open_file(self._path, "ab", buffering=0)
        except OSError as error:
            raise unwritten(self._path, error) from error
        self._size = len(self._recent) * _ENTRY.size

    def spent_ago(self) -> list[float]:
        """How many seconds ago each request of an earlier process was sent, within the last minute."""
        now = self._clock.now().timestamp()
        return [max(0.0, now - moment) for moment in self._recent]

    def note(self) -> None:
        """A request is about to be sent. Thread-safe. Raises JournalError when that cannot be written down."""
        with self._lock:
            try:
                self._append()
            except OSError as error:
                raise unwritten(self._path, error) from error

    def _append(self) -> None:
        self._file.write(_ENTRY.pack(self._clock.now().timestamp()))
        self._size += _ENTRY.size
        if self._size > _COMPACT_AT:
            kept = self._read()
            self._file.truncate(0)
            self._file.write(b"".join(map(_ENTRY.pack, kept)))
            self._size = len(kept) * _ENTRY.size

    def close(self) -> None:
        self._file.close()

    def _read(self) -> list[float]:
        return _recent(self._path, self._clock)


def spent(journal_path: Path, clock: Clock) -> int:
    """How many requests went out in the last minute, whatever process sent them. Only reads."""
    now = clock.now().timestamp()
    return sum(1 for moment in _recent(_path(journal_path), clock) if now - moment < _MINUTE_S)


def forget(journal_path: Path) -> None:
    """Removes the file, and its folder if nothing else is in it: nobody set up a bridge there."""
    with suppress(OSError):
        _path(journal_path).unlink(missing_ok=True)
        journal_path.parent.rmdir()


def _path(journal_path: Path) -> Path:
    return Path(f"{journal_path}.rate")


def _recent(path: Path, clock: Clock) -> list[float]:
    now = clock.now().timestamp()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unread(path, error) from error
    whole = len(content) - len(content) % _ENTRY.size
    times = [moment for (moment,) in _ENTRY.iter_unpack(content[:whole])]
    # A time from the future means that the clock was set back: it counts, which only errs on the polite side.
    return [moment for moment in times if abs(now - moment) < _WINDOW_S]
