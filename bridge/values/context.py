"""What a codec has to know and cannot read from a value: given at binding, kept up to date by the engine."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.shapes import Column
from bridge.values.links import NO_LINKS, Links
from bridge.values.options import AS_BOUND, Options
from bridge.values.people import NOBODY, People


@dataclass(frozen=True, slots=True)
class Context:
    """The books that values are read and written with, and what only the mapping tells.

    `target` is the sync whose pages a relation property points to. `linked` is the column of a join table that holds
    their keys, when the field is no column of its own table.
    """

    people: People = NOBODY
    options: Options = AS_BOUND
    links: Links = NO_LINKS
    target: str = ""
    linked: Column | None = None


NO_CONTEXT = Context()
