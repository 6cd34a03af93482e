"""The options of a choice as they are now, and what is remembered of what they were.

An option has an id that survives a rename, and a name, which is all that a column holds. So it takes a memory to
tell a renamed option from a new one, and an option that was removed from a value that somebody deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bridge.shapes import Option, Property


class Options(Protocol):
    """The book of options that values are read and written with."""

    def now(self, prop: Property) -> tuple[Option, ...]:
        """The options that the property has, as last seen."""

    def former(self, prop: Property, option_id: str) -> tuple[str, ...]:
        """Names that the option had once and has no more."""

    def removed(self, prop: Property) -> Mapping[str, datetime]:
        """Names of options that were removed, each with the moment at which it was gone for certain."""


@dataclass(frozen=True, slots=True)
class AsBound:
    """No memory: the options that the property had when it was bound."""

    def now(self, prop: Property) -> tuple[Option, ...]:
        return prop.options

    def former(self, prop: Property, option_id: str) -> tuple[str, ...]:
        return ()

    def removed(self, prop: Property) -> Mapping[str, datetime]:
        return {}


AS_BOUND = AsBound()


def renamed(options: Options, prop: Property, name: str) -> Option | None:
    """The option that was once called `name` and has another name now."""
    return next((option for option in options.now(prop) if name in options.former(prop, option.id)), None)
