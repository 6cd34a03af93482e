"""What the error codes of PostgreSQL mean for the bridge: all that is known of them.

A code means two things. Whoever reads, or sets something up, asks when and by whom it is mended (`trouble`). Whoever
writes one record asks whether the error is this record's own, or every other write would meet it, too (`refusal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple


class Reading(Enum):
    """What it means for a statement that concerns no single record."""

    LATER = auto()  # the server cannot do it now
    VALUE = auto()  # a value of some row is in the way
    RIGHTS = auto()
    MISSING = auto()  # something that the mapping names is not there
    OTHER = auto()


class Writing(Enum):
    """What it means for the write of one record, which is rolled back."""

    AGAIN = auto()  # the same write may pass later
    BUSY = auto()  # somebody holds the row, for as long as it takes
    UNCLEAR = auto()  # the server is in trouble, or this record troubles it
    EVERYONE = auto()  # no write passes
    RIGHTS = auto()  # one that the table's writers lack, or only a trigger of the user's
    REFUSED = auto()  # this record's own: the server says no, and will again


class Meaning(NamedTuple):
    """One line of the table. `missing` says what is, for people."""

    reading: Reading
    writing: Writing
    missing: str = ""


_LATER_FOR_EVERYONE = Meaning(Reading.LATER, Writing.EVERYONE)
_LATER_FOR_ONE = Meaning(Reading.LATER, Writing.AGAIN)

# By the whole code, or by its first two characters, which name a class; "" is all the rest: a constraint, a limit of an
# index, a trigger that raises with a code of its own.
_MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "08": _LATER_FOR_EVERYONE,  # the connection
        "22": Meaning(Reading.VALUE, Writing.REFUSED),
        "25006": _LATER_FOR_EVERYONE,  # a read-only server
        "28": Meaning(Reading.RIGHTS, Writing.EVERYONE),  # who we are
        "3F000": Meaning(Reading.MISSING, Writing.EVERYONE, "a schema is missing"),
        "40": _LATER_FOR_EVERYONE,  # a rollback
        "40001": _LATER_FOR_ONE,  # a serialization failure
        "40P01": _LATER_FOR_ONE,  # a deadlock
        "42": Meaning(Reading.OTHER, Writing.REFUSED),  # the statement: a generated column, say
        "42501": Meaning(Reading.RIGHTS, Writing.RIGHTS),
        "42703": Meaning(Reading.MISSING, Writing.EVERYONE, "a column is missing"),
        "42883": Meaning(Reading.MISSING, Writing.REFUSED, "a function is missing"),  # mostly to the table's trigger
        "42P01": Meaning(Reading.MISSING, Writing.EVERYONE, "a table is missing"),
        "53": _LATER_FOR_EVERYONE,  # out of resources
        "55": Meaning(Reading.OTHER, Writing.REFUSED),  # the state of an object
        "55000": Meaning(Reading.LATER, Writing.REFUSED),  # while reading mostly "recovery is in progress"
        "55P03": Meaning(Reading.LATER, Writing.BUSY),  # a lock is not available
        "57": _LATER_FOR_EVERYONE,  # an operator's intervention
        "57014": _LATER_FOR_ONE,  # cancelled: a timeout
        "58": _LATER_FOR_EVERYONE,  # the server's system
        # The server itself; but an extension may call a value so (PostGIS an invalid geometry).
        "XX": Meaning(Reading.LATER, Writing.UNCLEAR),
        "": Meaning(Reading.OTHER, Writing.REFUSED),
    }
)
_CLASS = 2  # characters

# For who reads many rows at once: the value; a limit (a jsonb text has one); a function of the user's that raises.
_OF_A_ROW = ("22", "54", "P0")
# A statement that writes, and one that asks how far the log is written.
_OF_A_STANDBY = ("25006", "55000")


def meaning(sqlstate: str | None) -> Meaning:
    """What a code means. None is an error of the driver, which no server has judged: no statement gets through."""
    if sqlstate is None:
        return _LATER_FOR_EVERYONE
    return _MEANINGS.get(sqlstate) or _MEANINGS.get(sqlstate[:_CLASS]) or _MEANINGS[""]


def concerns_a_row(sqlstate: str | None) -> bool:
    """Whether some row of those that were asked for is to blame, or a key: one by one, the others are read."""
    return (sqlstate or "").startswith(_OF_A_ROW)


def is_standbys(sqlstate: str | None) -> bool:
    """Whether a standby answers so, which takes no writes."""
    return sqlstate in _OF_A_STANDBY
