"""People: one person is one text, whichever way the column says it, and what means nobody or several is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.model import Unfit, Value
from bridge.values.context import Context
from bridge.values.people import Person
from bridge.values.registry import FieldCodec, bind
from tests.values.samples import COLUMNS, column, prop

IDS = [f"123e4567-e89b-12d3-a456-42661417400{number}" for number in range(6)]
ADA = Person(IDS[0], "Ada", "ada@example.com", "person")
BOB, TWIN = Person(IDS[1], "Bob", "bob@example.com"), Person(IDS[2], "bob", "twin@example.com")
GUEST, BOT, GROUP = Person(IDS[3], "Guest"), Person(IDS[4], "robot", "", "bot"), Person(IDS[5], "", "", "group")
EVERYBODY = (ADA, BOB, TWIN, GUEST, BOT, GROUP)


@dataclass(frozen=True, slots=True)
class Known:
    people: tuple[Person, ...] = EVERYBODY
    problem: str = field(default="")

    def by_id(self, user_id: str) -> Person | None:
        return next((person for person in self.people if person.id == user_id), None)

    def called(self, text: str) -> tuple[Person, ...]:
        wanted = text.casefold()
        by_email = tuple(person for person in self.people if person.email == wanted)
        return by_email or tuple(person for person in self.people if person.name.casefold() == wanted)


def codec(name: str = "text[]") -> FieldCodec:
    return bind(COLUMNS[name], prop("people"), Context(people=Known()))


def shown(*people: dict[str, object]) -> dict[str, object]:
    return {"id": "p%3A", "type": "people", "people": list(people)}


def partial(person: Person) -> dict[str, object]:
    return {"object": "group" if person is GROUP else "user", "id": person.id}


def full(person: Person) -> dict[str, object]:
    details = {"person": {"email": person.email}} if person.email else {}
    return {**partial(person), "name": person.name, "type": "person", **details}


@given(st.lists(st.sampled_from(EVERYBODY), unique=True))
def test_everybody_comes_back_as_sent_and_a_partial_user_is_the_same(chosen: list[Person]) -> None:
    bound = codec()
    value = tuple(person.text for person in chosen) or None
    sent = bound.to_notion(value)["people"]
    assert [item["id"] for item in sent] == [person.id for person in chosen]
    for form in (partial, full):
        assert bound.from_notion(shown(*map(form, chosen))) == value


@pytest.mark.parametrize(
    "text", ["ada@example.com", "ADA@Example.com", "ada", " Ada ", IDS[0], IDS[0].replace("-", "")]
)
def test_every_way_to_say_it_means_the_same(text: str) -> None:
    bound = codec("text")
    assert bound.to_notion(text) == {"people": [{"id": ADA.id}]}
    assert bound.stands_for("ada@example.com", text)
    assert not bound.stands_for("bob@example.com", text)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (("nobody@example.com",), "nobody in Notion"),
        (("bob",), "bob@example.com, twin@example.com"),
        (("Ada", ADA.id), "twice"),
        (tuple(f"00000000-0000-4000-8000-{number:012}" for number in range(101)), "101 people"),
    ],
)
def test_what_is_refused(value: Value, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        codec().to_notion(value)


def test_a_group_is_sent_as_one_and_an_unknown_id_is_for_notion_to_judge() -> None:
    stranger = "00000000-0000-4000-8000-000000000000"
    assert codec().to_notion((GROUP.id, stranger)) == {
        "people": [{"object": "group", "id": GROUP.id}, {"id": stranger}]
    }


def test_a_text_column_holds_one_person_and_a_uuid_column_ids() -> None:
    two = codec("text").from_notion(shown(full(ADA), full(BOB)))
    assert isinstance(two, Unfit)
    assert "2 people" in two.reason
    assert codec("text").from_notion(shown()) is None
    assert codec("uuid").from_notion(shown(full(ADA))) == ADA.id
    authors = bind(column("text"), prop("created_by"), Context(people=Known()))
    assert authors.from_notion({"id": "x", "type": "created_by", "created_by": partial(ADA)}) == "Ada"


def test_another_order_is_news() -> None:
    assert codec().stands_for(("ada@example.com", "bob@example.com"), ("Ada", "bob@example.com"))
    assert not codec().stands_for(("bob@example.com", "ada@example.com"), ("Ada", "bob@example.com"))


def test_a_new_address_is_news() -> None:
    assert not codec("text").stands_for("ada@example.com", "ada@old.example.com")
