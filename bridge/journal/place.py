"""Where the journal and its companions lie: whether it is there, and what it means when the place cannot be used."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from bridge.errors import JournalError, JournalMisplaced

# These stay until a person changes something; a full disk (and whatever else) may pass.
_LASTING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP}
_LASTING |= {errno.ENAMETOOLONG, errno.ENOENT}


def is_there(path: Path) -> bool:
    """Whether there is a journal. Raises JournalError when that cannot be told, or when it is no file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unopened(path, error) from error
    if stat.S_ISDIR(mode):
        raise unopened(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    return True


def unopened(path: Path, error: OSError) -> JournalError:
    return _failure(path, f"the journal {path} cannot be opened", error)


def unwritten(path: Path, error: OSError) -> JournalError:
    """For a file that is kept beside the journal."""
    return _failure(path, f"{path}, beside the journal, cannot be written", error)


def unread(path: Path, error: OSError) -> JournalError:
    """For a file that is kept beside the journal."""
    return _failure(path, f"{path}, beside the journal, cannot be read", error)


def _failure(path: Path, what: str, error: OSError) -> JournalError:
    if error.errno not in _LASTING:
        return JournalError(f"{what}: {error.strerror}", hint="Check the disk (space, rights); then start again.")
    elsewhere = "name another place with [journal] path = ... in the configuration file."
    if (way := _in_the_way(path)) is not None:
        wanted = "file" if way == path else "folder"
        return JournalMisplaced(
            f"{what}: {way} is not a {wanted}", hint=f"Move what is there out of the way, or {elsewhere}"
        )
    return JournalMisplaced(
        f"{what}: {error.strerror}",
        hint=f"Let the user who runs the bridge write into {path.parent}, or {elsewhere}",
    )


def _in_the_way(path: Path) -> Path | None:
    """What is there and of the wrong kind: a folder in place of the file, or a file in place of one of its folders."""
    try:
        if path.is_dir():
            return path
        return next((folder for folder in path.parents if folder.exists() and not folder.is_dir()), None)
    except OSError:
        return None
