"""Under which account the server's processes run, and what that account can reach.

PostgreSQL refuses to run as root. Containers and CI images often are root, so there each process
drops to `nobody` by itself. The wheel's own Python layer is not used for this: it creates a system
user with `useradd` and loosens the permissions of every parent folder, and a demo or a test must
not change the machine it runs on.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bridge.sandbox.postgres.errors import AccountNameless, FolderUnreachable

# What `nobody` is on a system whose user database lacks the name.
OVERFLOW_ID = 65534


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server. `uid` and `gid` are None where that is whoever runs this program."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @property
    def extra_groups(self) -> list[int] | None:
        """Supplementary groups for Popen: none at all after a drop, for root's would stay on."""
        return None if self.uid is None else []

    def own(self, folder: Path) -> None:
        """Hand `folder` itself (not what is in it) to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    def runs(self, *command: str) -> bool:
        """Whether this account can run a command and the command is content."""
        try:
            done = subprocess.run(
                command,
                check=False,
                cwd="/",
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                user=self.uid,
                group=self.gid,
                extra_groups=self.extra_groups,
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may enter a folder. Asked of the kernel: modes do not tell of ACLs."""
        return self.runs("/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder))


def server_account() -> Account:
    """The account for PostgreSQL: our own, or `nobody` where ours is root. Raises AccountNameless."""
    uid = os.geteuid()
    if uid != 0:
        try:
            pwd.getpwuid(uid)
        except KeyError:
            raise AccountNameless(uid) from None  # initdb asks for the name, whatever it is told
        return Account(name="this user")
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(name=f"uid {OVERFLOW_ID}", uid=OVERFLOW_ID, gid=OVERFLOW_ID)
    return Account(name=f"{entry.pw_name} (uid {entry.pw_uid})", uid=entry.pw_uid, gid=entry.pw_gid)


def environment() -> dict[str, str]:
    """The whole environment of PostgreSQL's programs, the same on every machine.

    Built up, not filtered: PGDATA, PGOPTIONS and their forty relatives, LD_LIBRARY_PATH (which could
    bring in another libpq) and locale settings that macOS cannot serve all stay outside. PATH is for
    the shell's own tools only; PostgreSQL's programs are called by full path.
    """
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def temporary_root(account: Account) -> Path:
    """A folder for temporary files that the account can enter.

    Root's TMPDIR may be private to root (pam_tmpdir does so), hence the well-known ones after it.

    Raises FolderUnreachable where none of them can be entered.
    """
    first = Path(tempfile.gettempdir())
    for folder in (first, Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - only roots for mkdtemp
        if account.can_enter(folder):
            return folder
    raise FolderUnreachable(first, account.name)
