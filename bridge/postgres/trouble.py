"""What PostgreSQL's errors mean for the bridge: come back later, ask for rights, or change the set-up.

Messages carry the server's primary message only. DETAIL may show whole rows, with columns that are none of
our business; connection strings carry passwords.
"""

from __future__ import annotations

import re

import psycopg

from bridge.errors import AccessLost, BridgeError, ConfigError, SetupError, Unavailable
from bridge.postgres.dsn import HINT, parts_of
from bridge.postgres.sqlstates import Reading, meaning

# libpq gives no SQLSTATE for a failed connection, only the server's text (in English unless lc_messages differs;
# what is not recognised counts as passing, which is the careful reading).
_NO_LOGIN = re.compile(r"password|authentication|pg_hba|role \".*\" (does not exist|is not permitted)", re.IGNORECASE)
# Nothing was asked of any server yet; the value itself may be a piece of a password that was not encoded.
_NO_VALUE = re.compile(r"invalid integer value \".*\" for connection option \"(\w+)\"|invalid (\w+) value")
SEE_ALL = "give the role BYPASSRLS (ALTER ROLE ... BYPASSRLS, by a superuser), or use the table's owner"
_NO_DATABASE = re.compile(r"database \".*\" does not exist", re.IGNORECASE)


def address(dsn: str) -> str:
    """Where a DSN points, without user and password. Raises ConfigError for a DSN that cannot be read."""
    parts = parts_of(dsn)
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    number = parts.get("port", "")
    port = f":{number}" if number.isdecimal() else ""
    database = f"/{parts['dbname']}" if "dbname" in parts else ""
    return f"{host}{port}{database}"


def explain(error: psycopg.Error, where: str) -> BridgeError:
    """The bridge's error for a driver's error at `where` (an `address`)."""
    said = primary(error)
    if error.sqlstate is None:
        return _unconnected(said, where)
    found = meaning(error.sqlstate)
    match found.reading:
        case Reading.VALUE:
            return Unavailable(
                f"a row at {where} cannot be read: {said}",
                hint="A value in it makes the filter (where), a virtual generated column or the conversion to UTF-8 "
                "fail. Mend the row, or the condition; the bridge goes on by itself.",
            )
        case Reading.LATER:
            return Unavailable(f"PostgreSQL at {where} cannot do this now: {said}")
        case Reading.RIGHTS:
            return AccessLost(f"PostgreSQL at {where} refuses: {said}", hint=_rights_hint(said))
        case Reading.MISSING:
            return SetupError(
                f"{found.missing} in PostgreSQL at {where}: {said}",
                hint="`notion-bridge check` compares the table with the mapping and names the repair",
            )
        case Reading.OTHER:
            return BridgeError(f"PostgreSQL at {where} failed: {said} ({error.sqlstate})")


def primary(error: psycopg.Error) -> str:
    """The server's primary message; the driver's first line where there is none."""
    return error.diag.message_primary or (str(error).strip().splitlines() or ["no message"])[0]


def _unconnected(said: str, where: str) -> BridgeError:
    if found := _NO_VALUE.search(said):
        option = found[1] or found[2]
        return ConfigError(f"the PostgreSQL connection string has a {option} that cannot be used", hint=HINT)
    if _NO_DATABASE.search(said):
        return SetupError(f"no such database at {where}: {said}", hint="check [postgres] dsn in the configuration file")
    if _NO_LOGIN.search(said):
        return AccessLost(
            f"PostgreSQL at {where} does not let us in: {said}",
            hint="check the user and the password in [postgres] dsn",
        )
    return Unavailable(f"PostgreSQL at {where} does not answer: {said}")


def _rights_hint(said: str) -> str:
    if "row-level security" in said:
        return f"policies hide rows from the bridge's role, and a hidden row would look deleted: {SEE_ALL}"
    return "`notion-bridge init --print-sql` shows the grants that the bridge's role needs; it takes none itself"
