"""Connection strings: what libpq reads in them, and which it reads otherwise than they were meant.

A password with an `@` or a `/` that is not percent-encoded ends too early for libpq, and its rest becomes the host, the
port or the database: what every message names. Such a string is refused before anything of it is shown or looked up.
"""

from __future__ import annotations

import re
from contextlib import suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bridge.errors import ConfigError

HINT = (
    "write it as postgresql://user:password@host:5432/database; special characters in the password are "
    "percent-encoded: @ as %40, / as %2F, : as %3A, # as %23, ? as %3F, % as %25"
)
_SCHEME = re.compile(r"postgres(?:ql)?://")
_TOLD = ("host", "hostaddr", "user", "dbname")  # what our messages name, or the server's
_INSIDE = re.compile(r"postgres(ql)?://|password\s*=", re.IGNORECASE)
_LAST_PORT = 65535


def parts_of(dsn: str) -> dict[str, str]:
    """What the string says, by libpq's names. Raises ConfigError, which shows nothing of it."""
    parts: dict[str, str] | None = None
    # What the errors say is not kept as a cause either: libpq quotes the piece that it stumbled over.
    with suppress(psycopg.Error, UnicodeError):
        parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    if parts is None or _misread(parts) or (_SCHEME.match(dsn) and _torn(dsn, parts)):
        raise ConfigError("the PostgreSQL connection string cannot be read", hint=HINT)
    return parts


def _misread(parts: dict[str, str]) -> bool:
    """Whether a part that messages show holds more than that part, in either form of a connection string."""
    if any(_INSIDE.search(parts.get(name, "")) for name in _TOLD):
        return True
    hosts = parts.get("host", "").split(",") + parts.get("hostaddr", "").split(",")
    # Folders of sockets may have an @ anywhere, and names in Linux's abstract space begin with one.
    return any("@" in host[1:] and host[0] not in "/@" for host in hosts)


def _torn(uri: str, parts: dict[str, str]) -> bool:
    """Whether pieces of a user or password may stand where libpq sees something else.

    A raw @ ends the user and password; there is one, before the first slash. libpq takes the first, a person means the
    last. After a ? it may be a value, of a user's name for example: what can be is let pass there, unless something
    before it can be the beginning of a password. (Whose password is "5432/shop?user=me" is not helped by this.)
    """
    rest = _SCHEME.sub("", uri, count=1)
    login, at, after = rest.partition("@")
    if not at or "/" in login:
        login, after = "", rest
    place, _, query = after.partition("?")
    values = query.split("&")
    if not login:
        values = [value for value in values if not value.startswith(("user=", "password="))]
    if "@" in place or (":" in login + place and any("@" in value for value in values)):
        return True
    if "password" not in parts and ":" in parts.get("user", ""):
        return True  # the colon between the two was encoded as well
    return not all(_is_port(port) for port in parts.get("port", "").split(","))


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= _LAST_PORT)
