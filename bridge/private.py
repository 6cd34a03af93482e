"""Files that only their owner may read: rows, pages and secrets are in them, or beside them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, Any

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(path: Path) -> None:
    """Makes a folder for its owner only. One that is there stays as it is."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def make_file(path: Path) -> None:
    """Makes an empty file for its owner only; what SQLite puts beside a database gets the database's mode."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE))


def open_file(path: Path, mode: str, **options: Any) -> IO[Any]:
    """`open`, but what it makes is for its owner only. Raises OSError."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, FILE_MODE), **options)


def hand_over(path: Path, like: Path) -> None:
    """What root has just made belongs to whom `like` belongs to: the bridge, which runs as that user, is to read it."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def exposed(path: Path) -> str:
    """The mode of a file or folder to which others have access, such as "0644"; "" when they have none, or when there
    is no such file."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    return f"{mode:04o}" if mode & _OTHERS else ""
