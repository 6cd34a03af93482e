"""Who else may read what only the bridge's own user should: the journal holds rows and pages, bridge.toml may hold
secrets."""

from __future__ import annotations

import shlex
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

from bridge import private
from bridge.config import Config
from bridge.errors import ConfigError
from bridge.postgres.dsn import parts_of

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def exposures(config: Config) -> Iterator[tuple[str, str]]:
    """What is not private, and what to type, one pair each."""
    journal = config.journal.path
    parts = [Path(f"{journal}{suffix}") for suffix in ("", "-wal", "-shm")]
    open_parts = [path for path in parts if path.is_file() and private.exposed(path)]
    if open_parts:
        mode = private.exposed(open_parts[0])
        yield (
            f"other users of this machine may read the journal {journal} (mode {mode}): rows and pages are in it",
            f"chmod 600 {' '.join(shlex.quote(str(path)) for path in open_parts)}",
        )
    folder = private.exposed(journal.parent)
    if folder and int(folder, 8) & _OTHERS_WRITE:
        yield (
            f"other users of this machine may write into {journal.parent} (mode {folder}), and so change the journal",
            f"chmod 700 {shlex.quote(str(journal.parent))}",
        )
    mode = private.exposed(config.path)
    if mode and _holds_a_secret(config.path):
        yield (
            f"{config.path} holds a secret, and other users of this machine may read it (mode {mode})",
            f"chmod 600 {shlex.quote(str(config.path))}, or keep the secret in the environment",
        )


def _holds_a_secret(path: Path) -> bool:
    """Whether the token, or a password in the DSN, is written out. The file was read a moment ago, and is valid."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    token = data.get("notion", {}).get("token", "")
    dsn = data.get("postgres", {}).get("dsn", "")
    try:
        password = parts_of(dsn).get("password") if dsn and not dsn.startswith("${") else None
    except ConfigError:
        password = dsn  # nobody knows which piece of it is one
    return any(text and "${" not in str(text) for text in (token, password))
