"""People: the people property, both ways; created_by and last_edited_by, to PostgreSQL.

The text of a person is the e-mail address when the directory knows it, else the id; in a uuid column always the
id. What a column says otherwise of the same person (a name, the id, other case) is equal to it and left alone, so
that nothing is rewritten when the directory learns an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.halves import ColumnType, ComputedProperty, Kind, PropertyType, Suggestion
from bridge.values.lists import gathered, spread
from bridge.values.people import GROUP, Person, find, read_author, read_people

MAX_PEOPLE = 100


def _wants_ids(column: ColumnType) -> bool:
    return column.column.type_name.removesuffix("[]") == "uuid"


@dataclass(frozen=True, slots=True)
class PeopleProperty(PropertyType):
    """people. Order is kept; everybody can be there only once."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.LIST})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        texts = read_people(value, self.context.people, ids=_wants_ids(column))
        return texts if isinstance(texts, Unfit) else gathered(texts, column, "people")

    def write(self, value: Value, column: ColumnType, over: Any = None) -> list[dict[str, str]]:
        chosen = [find(self.context.people, text) for text in spread(value)]
        if len(chosen) > MAX_PEOPLE:
            raise Refused(f"{len(chosen)} people; Notion takes {MAX_PEOPLE} at a time")
        twice = {person.text for person in chosen if sum(other.id == person.id for other in chosen) > 1}
        if twice:
            raise Refused(f"{', '.join(sorted(twice))} is there twice; a person can be chosen once")
        return [_reference(person) for person in chosen]

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        if not isinstance(shown, str | tuple) or type(shown) is not type(held):
            return False
        return [self._meant(text) for text in spread(shown)] == [self._meant(text) for text in spread(held)]

    def suggest(self) -> Suggestion:
        return Suggestion("text[]", "one e-mail address for each person, or the id where Notion hides the address")

    def _meant(self, text: str) -> str:
        try:
            return find(self.context.people, text).id
        except Refused:
            return text


def _reference(person: Person) -> dict[str, str]:
    return {"object": GROUP, "id": person.id} if person.kind == GROUP else {"id": person.id}


@dataclass(frozen=True, slots=True)
class AuthorProperty(ComputedProperty):
    """created_by and last_edited_by: the name if Notion tells it, else the id; for a uuid column the id."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return None if value is None else read_author(value, self.context.people, ids=_wants_ids(column))

    def suggest(self) -> Suggestion:
        return Suggestion("text", "the name, or the id where Notion hides the name; take uuid for the id")
