"""Options: Notion creates, merges and refuses names by its own rules, and none of them may change a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from bridge.errors import Refused
from bridge.model import Stamp, Unfit, Value
from bridge.shapes import Option, Property
from bridge.values.context import Context
from bridge.values.registry import FieldCodec, bind
from tests.values.samples import COLUMNS, PROPERTIES, column, prop


def select(*names: str) -> FieldCodec:
    return bind(COLUMNS["text"], prop("select", *names))


def many(*names: str) -> FieldCodec:
    return bind(COLUMNS["text[]"], prop("multi_select", *names))


def chosen(bound: Property, name: Any) -> dict[str, Any]:
    return {"id": "x", "type": bound.type, bound.type: name and {"id": "1", "name": name, "color": "red"}}


def test_a_known_option_is_written_by_id_a_new_one_by_name() -> None:
    assert select("Foo").to_notion("Foo") == {"select": {"id": "id-0"}}
    assert select("Foo").to_notion("Bar") == {"select": {"name": "Bar"}}
    assert select("Foo").to_notion(None) == {"select": None}
    assert many("Foo").to_notion(("b", "Foo", "a")) == {"multi_select": [{"name": "b"}, {"id": "id-0"}, {"name": "a"}]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a,b", "comma"),
        ("x" * 101, "100"),
        ("😀" * 51, "100"),
        (" a", "blanks"),
        ("a\nb", "line break"),
        ("foo", '"Foo"'),
    ],
)
def test_a_name_that_notion_would_change_or_refuse(name: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        select("Foo").to_notion(name)
    with pytest.raises(Refused, match=reason):
        many("Foo").to_notion((name,))


def test_an_option_that_exists_is_fine_whatever_its_name() -> None:
    assert select("Foo", "foo ").to_notion("foo ") == {"select": {"id": "id-1"}}


def test_a_status_knows_only_its_options() -> None:
    codec = bind(COLUMNS["text"], prop("status", "Todo", "Done"))
    assert codec.to_notion("Done") == {"status": {"id": "id-1"}}
    with pytest.raises(Refused, match="Todo, Done"):
        codec.to_notion("done")
    assert codec.from_notion(chosen(codec.notion.prop, None)) is None
    with pytest.raises(Refused, match="emptied"):
        codec.to_notion(None)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (("a", "a"), "twice"),
        (("a", "A"), "twice"),
        (("",), "empty"),
        (tuple(str(n) for n in range(101)), "101"),
        ("text", "lists"),
    ],
)
def test_lists_that_a_multi_select_cannot_hold(value: Value, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        many().to_notion(value)


def test_an_empty_list_and_null_are_one_value() -> None:
    codec = many()
    required = bind(column("text[]", not_null=True), prop("multi_select"))
    assert codec.from_postgres([]) is codec.from_postgres(None) is None
    assert codec.from_notion({"id": "x", "type": "multi_select", "multi_select": []}) is None
    assert codec.to_notion(None) == {"multi_select": []}
    assert codec.to_postgres(None) is None
    assert required.to_postgres(None) == []


@pytest.mark.parametrize("wire", [[["a"], ["b"]], ["a", None]])
def test_arrays_without_a_form_in_notion(wire: Any) -> None:
    assert isinstance(many().from_postgres(wire), Unfit)


def test_a_list_as_text_is_one_element_a_line() -> None:
    codec = bind(COLUMNS["text[]"], PROPERTIES["rich_text"])
    assert codec.to_notion(("a, b", "c")) == {"rich_text": [{"type": "text", "text": {"content": "a, b\nc"}}]}
    assert codec.from_notion({"id": "x", "type": "rich_text", "rich_text": [{"plain_text": "a, b\n\nc\n"}]}) == (
        "a, b",
        "c",
    )
    with pytest.raises(Refused, match="line break"):
        codec.to_notion(("a\nb",))


def test_only_labels_reach_an_enum() -> None:
    codec = bind(COLUMNS["enum"], prop("select", "open"))
    assert codec.from_notion(chosen(codec.notion.prop, "open")) == "open"
    unknown = codec.from_notion(chosen(codec.notion.prop, "closed"))
    assert isinstance(unknown, Unfit)
    assert "In Progress" in unknown.reason
    in_list = bind(COLUMNS["enum[]"], prop("multi_select")).from_notion(
        {"id": "x", "type": "multi_select", "multi_select": [{"name": "open"}, {"name": "closed"}]}
    )
    assert isinstance(in_list, Unfit)
    assert "closed" in in_list.reason


@dataclass(frozen=True, slots=True)
class Book:
    """Options as they are, what they were, and what is gone."""

    now_: tuple[Option, ...]
    former_: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    removed_: Mapping[str, datetime] = field(default_factory=dict)

    def now(self, prop: Property) -> tuple[Option, ...]:
        return self.now_

    def former(self, prop: Property, option_id: str) -> tuple[str, ...]:
        return self.former_.get(option_id, ())

    def removed(self, prop: Property) -> Mapping[str, datetime]:
        return self.removed_


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RENAMED = Book((Option("id-0", "started"),), {"id-0": ("open",)})
REMOVED = Book((Option("id-1", "Foo"),), {}, {"open": NOON})
BACK = Book((Option("id-2", "open"),), {}, {"open": NOON})


def booked(name: str, type_name: str, book: Book) -> FieldCodec:
    return bind(COLUMNS[name], prop(type_name, "open"), Context(options=book))


def at(minutes: int) -> Stamp:
    return Stamp(NOON + timedelta(minutes=minutes), NOON + timedelta(minutes=minutes + 1))


@pytest.mark.parametrize(
    ("name", "type_name", "value"),
    [("text", "select", "open"), ("enum", "status", "open"), ("enum[]", "multi_select", ("open",))],
)
def test_a_former_name_makes_no_twin(name: str, type_name: str, value: Value) -> None:
    with pytest.raises(Refused, match='called "started"'):
        booked(name, type_name, RENAMED).to_notion(value)


@pytest.mark.parametrize(("name", "type_name"), [("enum", "select"), ("enum[]", "multi_select")])
def test_a_new_name_that_is_no_label_is_told_with_the_old_one(name: str, type_name: str) -> None:
    option = {"id": "id-0", "name": "started"}
    wire = {"id": "x", "type": type_name, type_name: [option] if type_name == "multi_select" else option}
    read = booked(name, type_name, RENAMED).from_notion(wire)
    assert isinstance(read, Unfit)
    assert '"open" was renamed to "started"' in read.reason
    assert not isinstance(booked(name.replace("enum", "text"), type_name, RENAMED).from_notion(wire), Unfit)


@pytest.mark.parametrize(("type_name", "column"), [("select", "text"), ("multi_select", "text[]")])
def test_an_option_that_another_page_makes_at_the_same_time_is_no_twin(type_name: str, column: str) -> None:
    """Many pages are made at once: the book learns of it between the look for it and the decision to make it."""

    class Filling(Book):
        """Empty when it is asked first."""

        asked: ClassVar[list[Property]] = []

        def now(self, prop: Property) -> tuple[Option, ...]:
            self.asked.append(prop)
            return self.now_ if len(self.asked) > 1 else ()

    book = Filling((Option("id-3", "open"),))
    value = ("open",) if type_name == "multi_select" else "open"
    [wire] = booked(column, type_name, book).to_notion(value).values()
    assert wire in ({"id": "id-3"}, [{"id": "id-3"}])


def test_a_removed_option_is_not_made_again() -> None:
    with pytest.raises(Refused, match="removed in Notion"):
        booked("text", "select", REMOVED).to_notion("open")
    with pytest.raises(Refused, match="removed in Notion"):
        booked("text[]", "multi_select", REMOVED).to_notion(("Foo", "open"))
    assert booked("text", "select", BACK).to_notion("open") == {"select": {"id": "id-2"}}


@pytest.mark.parametrize(
    ("book", "stamp", "lapsed"),
    [
        (REMOVED, at(-60), True),
        (REMOVED, at(60), True),  # emptied by hand, or with the option: the row keeps its value, a person is asked
        (REMOVED, None, True),
        (BACK, at(-60), True),
        (BACK, Stamp(at(-30).earliest, at(30).latest), True),  # of what may have been before nobody is sure
        (BACK, at(1), False),
        (BACK, None, False),
        (Book((Option("id-0", "open"),)), at(-60), False),
        (RENAMED, at(-60), False),
    ],
)
def test_a_removal_is_told_from_an_edit(book: Book, stamp: Stamp | None, *, lapsed: bool) -> None:
    one, many = booked("text", "select", book), booked("text[]", "multi_select", book)
    assert one.lapsed(None, "open", stamp) is lapsed
    assert many.lapsed(("Foo",), ("Foo", "open"), stamp) is lapsed
    assert not one.lapsed("Foo", "open", stamp)
    assert not many.lapsed(("open", "Foo"), ("Foo", "open"), stamp)
    assert not many.lapsed(("Foo", "new"), ("Foo", "open"), stamp)
    assert not many.lapsed(("Bar", "Foo"), ("Foo", "Bar", "open"), stamp), "somebody has put them in another order"
    with_foo = replace(book, now_=(*book.now_, Option("id-9", "Foo")))
    assert not booked("text[]", "multi_select", with_foo).lapsed(None, ("Foo", "open"), stamp), "Foo was taken away"


def test_yes_and_no_in_a_checkbox() -> None:
    codec = bind(COLUMNS["boolean"], prop("checkbox"))
    assert codec.to_notion(True) == {"checkbox": True}
    assert codec.from_notion({"id": "x", "type": "checkbox", "checkbox": False}) is False
    with pytest.raises(Refused, match="no empty state"):
        codec.to_notion(None)


def test_yes_and_no_in_a_select_in_any_spelling() -> None:
    codec = bind(COLUMNS["boolean"], prop("select", "NO", "Yes"))
    assert codec.to_notion(True) == {"select": {"id": "id-1"}}
    assert codec.to_notion(False) == {"select": {"id": "id-0"}}
    assert codec.to_notion(None) == {"select": None}
    assert codec.from_notion(chosen(codec.notion.prop, "NO")) is False
    assert isinstance(codec.from_notion(chosen(codec.notion.prop, "maybe")), Unfit)
    assert bind(COLUMNS["boolean"], prop("select")).to_notion(True) == {"select": {"name": "yes"}}
