"""The SQLite file itself: opening it safely, transactions, and the named statements of queries.sql."""

from __future__ import annotations

import fcntl
import functools
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import sqlite_utils

from bridge import migrations, private
from bridge.crashpoints import CrashPoint, crash_point
from bridge.errors import JournalDamaged, JournalError, LockHeld
from bridge.journal.place import is_there, unopened, unwritten

_BUSY_MS = 10_000
_FULL = 2  # PRAGMA synchronous
_LOG_KEPT = 4 * 1024 * 1024  # bytes of the -wal file that stay: what SQLite writes between two checkpoints of its own
_FREE_KEPT = 8  # for so many pages that are used one may be empty: it is soon needed again
_GIVEN_BACK = 10_000  # pages at a time, 40 MB: everything else waits meanwhile
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_START_ANEW = (
    "`notion-bridge resync` sets it aside and starts anew: the sides are then matched by key, and nothing is deleted."
)
Row = dict[str, Any]


class Store:
    """One connection to the journal. `path` is the file, or the one that it was copied from; for messages only.

    SQLite 3.7.0-3.51.2 can corrupt a WAL database when two connections write or checkpoint at the same
    instant (the "WAL-reset" bug), and interpreters in use carry such versions. So one process writes, with one
    connection, and holds a lock file for as long as it lives; every other process opens the file read-only and
    hands its wishes to the writer (see `bridge.engine.requests`).
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None, lock: IO[str] | None = None) -> None:
        self.db = sqlite_utils.Database(connection)
        self.path = path
        self._connection = connection
        self._lock = lock
        self._file: tuple[int, int] | None = None  # device and number, of a journal that is written

    @classmethod
    def open(cls, path: Path) -> Store:
        """Opens the journal for writing; makes it when it is not there. Raises LockHeld, JournalError."""
        try:
            private.make_folder(path.parent)
            with crash_point(CrashPoint.JOURNAL_LOCKED):
                lock = _take_lock(path)
        except OSError as error:
            raise unopened(path, error) from error
        with ExitStack() as opened:
            opened.callback(lock.close)
            try:
                private.make_file(path)
                connection = opened.enter_context(closing(_connect(f"file:{_quoted(path)}?mode=rw")))
                store = cls(connection, path, lock)
                store._require_durable()
                store._migrate()
                store._file = _file_at(path)
            except sqlite3.Error as error:
                raise _broken(path, error) from error
            except OSError as error:
                raise unopened(path, error) from error
            opened.pop_all()  # from here on the store's own
        return store

    @classmethod
    def open_read_only(cls, path: Path) -> Store:
        """Opens the journal beside a bridge that may be running. One that an older version wrote is read from a copy,
        brought up to date: only who writes the journal may change it. Raises JournalError."""
        if not is_there(path):
            raise JournalError(
                f"there is no journal at {path}",
                hint="Nothing was synced with this configuration yet: run `notion-bridge sync`.",
            )
        with ExitStack() as opened:
            try:
                connection = opened.enter_context(closing(_connect(f"file:{_quoted(path)}?mode=ro")))
                if connection.execute("PRAGMA user_version").fetchone()[0] < migrations.read("journal")[-1].number:
                    return cls.in_memory(path)
            except sqlite3.Error as error:
                raise _broken(path, error) from error
            opened.pop_all()  # from here on the store's own
        return cls(connection, path)

    @classmethod
    def in_memory(cls, copy_of: Path | None = None) -> Store:
        """A journal that is forgotten: a dry run works on a copy of the real one. Raises JournalError."""
        with ExitStack() as opened:
            connection = opened.enter_context(closing(_connect("file::memory:")))
            path = copy_of if copy_of is not None and is_there(copy_of) else None
            store = cls(connection, path)
            try:
                if path is not None:
                    with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as source:
                        source.backup(connection)
                store._migrate()
            except sqlite3.Error as error:
                raise _broken(path, error) from error
            opened.pop_all()  # from here on the store's own
        return store

    @property
    def changes(self) -> int:
        """How many rows this connection has changed. What was read stays true for as long as it is the same."""
        return self._connection.total_changes

    def require_file(self) -> None:
        """Raises JournalError when the file that is written is not the one at its path any more: what goes into a file
        that somebody has removed is lost with this process."""
        if self._file is not None and self.path is not None and _file_at(self.path) != self._file:
            raise JournalError(
                f"the journal at {self.path} was removed or replaced while the bridge ran",
                hint="Put back the newest copy that there is, or none: the next start then compares both sides anew, "
                "and deletes nothing.",
            )

    def give_back(self) -> None:
        """Gives the disk what was deleted, but for what will soon be needed again. Not inside a transaction.

        A little each time: VACUUM would write the whole file anew, for which there may be no room. A journal that was
        made before this was so keeps its size, and fills what is empty first.
        """
        assert not self._connection.in_transaction
        free, pages = (self._run(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
        spare = min(free - (pages - free) // _FREE_KEPT, _GIVEN_BACK)
        if spare > 0:
            try:
                # `execute` would take only one step, which is one page.
                self._connection.executescript(f"PRAGMA incremental_vacuum({spare})")
            except sqlite3.Error as error:
                raise _broken(self.path, error) from error

    def close(self) -> None:
        self.db.close()
        if self._lock is not None:
            with crash_point(CrashPoint.JOURNAL_RELEASED):
                self._lock.close()
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable at the end. Nested ones are part of the outermost."""
        if self._connection.in_transaction:
            yield
            return
        # IMMEDIATE: a deferred one that reads first fails at once with SQLITE_BUSY_SNAPSHOT, whatever the timeout.
        self._run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        try:
            with crash_point(CrashPoint.JOURNAL_COMMITTED):
                self._connection.commit()
        except sqlite3.Error as error:
            self._connection.rollback()
            raise _broken(self.path, error) from error

    def rows(self, query: str, **parameters: Any) -> list[Row]:
        """Runs a named statement and gives its rows."""
        cursor = self._run(_queries()[query], parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def each(self, query: str, **parameters: Any) -> Iterator[Row]:
        """The same rows one after the other, where they may be very many. Nothing may be written before the last."""
        cursor = self._run(_queries()[query], parameters)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def row(self, query: str, **parameters: Any) -> Row | None:
        found = self.rows(query, **parameters)
        return found[0] if found else None

    def run(self, query: str, **parameters: Any) -> int:
        """Runs a named statement that gives no rows; answers how many it touched."""
        return self._run(_queries()[query], parameters).rowcount

    def run_many(self, query: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        """Runs a named statement that gives no rows for each of these parameters."""
        try:
            self._connection.executemany(_queries()[query], parameters)
        except sqlite3.Error as error:
            raise _broken(self.path, error) from error

    def update(self, table: str, key: str, values: Mapping[str, Any]) -> None:
        """Sets columns of one row of a table that is known by its name."""
        columns = ", ".join(f"{column} = :{column}" for column in values)
        statement = f"UPDATE {table} SET {columns} WHERE name = :_key"  # noqa: S608 - all of it is our own text
        self._run(statement, {**values, "_key": key})

    def _run(self, sql: str, parameters: dict[str, Any] | None = None) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters or {})
        except sqlite3.Error as error:
            raise _broken(self.path, error) from error

    def _require_durable(self) -> None:
        """Sets what a promise needs, and reads it back: defaults differ by build, and a file system may refuse WAL."""
        if self._connection.execute("PRAGMA page_count").fetchone()[0] == 0:
            # Only heard while the file is empty; later it would write, even into a file that is damaged.
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        # A reader that stays in a transaction for long makes the -wal file grow. It is cut once the reader has gone.
        self._connection.execute(f"PRAGMA journal_size_limit = {_LOG_KEPT}")
        mode = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        level = self._connection.execute("PRAGMA synchronous").fetchone()[0]
        if mode != "wal" or level != _FULL:
            raise JournalError(
                f"the journal {self.path} cannot be made durable (journal_mode={mode}, synchronous={level})",
                hint="Put it on a local disk: network file systems do not keep SQLite's promises.",
            )
        damage = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise JournalDamaged(f"the journal {self.path} is damaged: {damage}", hint=_START_ANEW)

    def _migrate(self) -> None:
        have = self._connection.execute("PRAGMA user_version").fetchone()[0]
        steps = migrations.read("journal")
        if have > steps[-1].number:
            raise JournalError(
                f"the journal {self.path} was written by a newer notion-bridge (schema {have})",
                hint="Upgrade this installation; an older one must not write it.",
            )
        for step in steps:
            if step.number > have:
                script = f"BEGIN IMMEDIATE;\n{step.sql}\nPRAGMA user_version = {step.number};\nCOMMIT;"
                with crash_point(CrashPoint.JOURNAL_MIGRATED):
                    self._connection.executescript(script)


@functools.cache
def _queries() -> dict[str, str]:
    """The named statements: a `-- name: x` line begins each."""
    text = files("bridge.journal").joinpath("queries.sql").read_text(encoding="utf-8")
    found = {}
    for part in text.split("-- name: ")[1:]:
        name, _, sql = part.partition("\n")
        found[name.strip()] = sql.strip()
    return found


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    return connection


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _take_lock(path: Path) -> IO[str]:
    """The kernel's lock, which dies with its process; a file made by exists-then-write would outlive a crash."""
    handle = private.open_file(Path(f"{path}.lock"), "a+", encoding="utf-8")
    if not _locked_for_writing(handle):
        handle.seek(0)
        holder = handle.read().strip()
        handle.close()
        who = f" (process {holder})" if holder else ""
        raise LockHeld(
            f"another notion-bridge{who} is using the journal {path}",
            hint="Stop it first, or use the commands that speak to a running bridge: status, conflicts, pause ...",
        )
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def _locked_for_writing(handle: IO[str]) -> bool:
    """Takes the lock unless another writer has it. One who only asks, in `is_locked`, holds it shared for an instant
    and is no other writer."""
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not _shared(handle):
                return False
            os.sched_yield()
        else:
            return True


def _shared(handle: IO[str]) -> bool:
    """Whether nobody has the lock for writing."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(handle, fcntl.LOCK_UN)
    return True


def set_aside(path: Path, moment: str) -> Path:
    """Moves a journal that cannot be used out of the way, whole, and answers where it is now.

    Raises LockHeld, JournalError.
    """
    target = path.with_name(f"{path.name}.damaged-{moment}")
    try:
        with closing(_take_lock(path)):
            for suffix in ("-wal", "-shm", ""):  # the file itself last: while it is there, the others belong to it
                part = Path(f"{path}{suffix}")
                if part.exists():
                    part.rename(f"{target}{suffix}")
    except OSError as error:
        raise unwritten(path, error) from error
    return target


def is_locked(path: Path) -> bool:
    """Whether a process holds the journal. Only tries the lock: the file itself is not touched."""
    try:
        with Path(f"{path}.lock").open("r", encoding="utf-8") as handle:
            return not _shared(handle)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unopened(path, error) from error


def _broken(path: Path | None, error: sqlite3.Error) -> JournalError:
    where = path or "the temporary journal"
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:  # the low byte; the rest says where
        return JournalDamaged(f"the journal {where} is damaged: {error}", hint=_START_ANEW)
    return JournalError(
        f"the journal {where} cannot be used: {error}",
        hint="Check the disk (space, rights); then start again. What was being written then is looked for first.",
    )


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
