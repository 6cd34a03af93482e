"""Who is who in Notion, as far as values need to know it: a person's text, and the person that a text means.

A person is known by an id, and perhaps by an e-mail address and a name. In a column a person is one text: the
e-mail address when it is known, else the id. Names may be typed, but are never given: two people may share one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit

GROUP = "group"


@dataclass(frozen=True, slots=True)
class Person:
    """A person, a bot or a group. Bots and groups have no e-mail address; of a guest it may be hidden."""

    id: str
    name: str = ""
    email: str = ""
    kind: str = ""  # person, bot, group; "" when Notion did not say

    @property
    def text(self) -> str:
        """The one text that stands for the person in a column."""
        return self.email or self.id


class People(Protocol):
    """The directory that values are read with."""

    @property
    def problem(self) -> str:
        """Why people may be missing from it; "" when nothing is known to be."""

    def by_id(self, user_id: str) -> Person | None: ...

    def called(self, text: str) -> tuple[Person, ...]:
        """Everybody with that e-mail address or, when nobody has it, with that name; case does not count."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """A directory without people: everybody is known by the id."""

    problem: str = ""

    def by_id(self, user_id: str) -> Person | None:
        return None

    def called(self, text: str) -> tuple[Person, ...]:
        return ()


NOBODY = Nobody()


def person_in(wire: object) -> Person | None:
    """The user or group that Notion sent, which may be no more than its id; None for anything else."""
    if not isinstance(wire, Mapping) or not isinstance(wire.get("id"), str):
        return None
    kind = GROUP if wire.get("object") == GROUP else _text(wire, "type")
    details = wire.get("person")
    email = _text(details, "email") if isinstance(details, Mapping) else ""
    return Person(wire["id"].lower(), _text(wire, "name"), email, kind)


def known_as(people: People, person: Person) -> Person:
    """The same person with all that the directory knows: a page may show less than it showed yesterday."""
    known = people.by_id(person.id)
    if known is None:
        return person
    return Person(person.id, known.name or person.name, known.email or person.email, known.kind or person.kind)


def read_people(value: Any, people: People, *, ids: bool = False) -> tuple[str, ...] | Unfit:
    """The texts of a people value, in order; with `ids` the ids of all."""
    found = [person_in(item) for item in value] if isinstance(value, list) else [None]
    persons = [person for person in found if person is not None]
    if len(persons) < len(found):
        return Unfit("Notion sent something that is no people", str(value))
    return tuple(person.id if ids else known_as(people, person).text for person in persons)


def read_author(value: Any, people: People, *, ids: bool = False) -> FieldValue:
    """The name of who made or changed a page, else the id; with `ids` always the id."""
    person = person_in(value)
    if person is None:
        return Unfit("Notion sent something that is no person", str(value))
    return person.id if ids else known_as(people, person).name or person.id


def find(people: People, text: str) -> Person:
    """The one person that a text means. Raises Refused."""
    typed = text.strip()
    user_id = id_in(typed)
    if user_id:
        # Guests and people who left are in no list: Notion itself has to say whether it takes the id.
        return people.by_id(user_id) or Person(user_id)
    found = people.called(typed)
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(sorted(person.text for person in found))
        raise Refused(f'"{typed}" may be any of {len(found)} people in Notion; write one of: {told}')
    why = people.problem or "invite the person to the workspace, or write the e-mail address that Notion shows"
    raise Refused(f'nobody in Notion is known as "{typed}": {why}')


def id_in(text: str) -> str:
    """A user id, dashed and in lower case; "" when the text is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


def _text(wire: Mapping[str, Any], name: str) -> str:
    value = wire.get(name)
    return value if isinstance(value, str) else ""
