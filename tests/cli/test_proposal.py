"""Proves: what `init` proposes is what a careful person would map; it binds; the file that it writes reads back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bridge.cli.proposal import plain_name, propose, schema_for
from bridge.cli.tomlfile import Setup, render, table_text, toml_string, write
from bridge.config import parse
from bridge.engine.binding import bind
from bridge.errors import SetupError
from bridge.model import Direction
from bridge.shapes import Column, DataSource, Property, Table

ID = Column("id", "integer", "integer", 1, not_null=True, has_default=True)
SECRETS = {"DATABASE_URL": "postgresql://x/y", "NOTION_TOKEN": "t"}


def text(name: str, number: int = 2, **facts: object) -> Column:
    return Column(name, "text", "text", number, **facts)  # type: ignore[arg-type]


def table(*columns: Column, key: tuple[str, ...] = ("id",)) -> Table:
    return Table("public", "tasks", 1, columns, key)


def source(**properties: str) -> DataSource:
    found = tuple(Property(f"p{number}", name, kind) for number, (name, kind) in enumerate(properties.items()))
    return DataSource("d", "b", "Tasks", found)


def mapping(found: Table, notion: DataSource) -> dict[str, tuple[str, str]]:
    lines = propose(found, notion).lines
    return {line.column.name: (line.property.name, line.direction.value) for line in lines}


@pytest.mark.parametrize(
    ("column", "prop"),
    [("due_date", "Due Date"), ("dueDate", "due-date"), ("Année", "annee"), ("status", "Status"), ("a b", "A_B")],
)
def test_names_are_compared_as_people_write_them(column: str, prop: str) -> None:
    assert plain_name(column) == plain_name(prop)


def test_same_names_go_before_names_that_are_alike() -> None:
    columns = table(ID, text("state", 2), text("states", 3))
    notion = source(id="number", State="rich_text", Statis="rich_text")
    assert mapping(columns, notion) == {"state": ("State", "both"), "states": ("Statis", "both")}


def test_the_title_goes_to_the_column_that_names_a_record() -> None:
    columns = table(ID, text("notes", 2), text("subject", 3))
    assert mapping(columns, source(id="number", Page="title"))["subject"] == ("Page", "both")


def test_a_name_is_not_enough_when_the_types_do_not_fit() -> None:
    columns = table(ID, text("title", 2), Column("done", "boolean", "boolean", 3, not_null=True))
    notion = source(id="number", Title="title", Done="number")
    found = propose(columns, notion)
    assert [line.column.name for line in found.lines] == ["title"]
    assert {(item.side, item.name) for item in found.left_out} == {("column", "done"), ("property", "Done")}
    assert "checkbox" in next(item.why for item in found.left_out if item.side == "column")


def test_what_one_side_computes_is_carried_one_way() -> None:
    columns = table(ID, text("title", 2), text("total", 3), text("slug", 4, generated=True))
    notion = source(id="number", Title="title", Total="formula", Slug="rich_text")
    assert mapping(columns, notion) == {
        "title": ("Title", "both"),
        "total": ("Total", Direction.TO_POSTGRES.value),
        "slug": ("Slug", Direction.TO_NOTION.value),
    }


@pytest.mark.parametrize("name", ["id", "ID", "Key", "tasks_id", "Postgres ID"])
def test_a_property_that_can_hold_the_key_is_found(name: str) -> None:
    found = propose(table(ID, text("title")), source(**{name: "rich_text", "Title": "title"}))
    assert found.key_name == name
    assert found.new_key is None


def test_a_key_property_is_proposed_where_there_is_none() -> None:
    small = propose(table(ID, text("title")), source(Title="title"))
    assert small.new_key is not None
    assert (small.new_key.name, small.new_key.type) == ("id", "number")

    uuid = Column("id", "uuid", "uuid", 1, not_null=True)
    taken = propose(table(uuid, text("title")), source(Title="title", Id="formula"))
    assert taken.new_key is not None
    assert (taken.new_key.name, taken.new_key.type) == ("id (PostgreSQL)", "rich_text")


def test_a_named_key_property_that_cannot_hold_the_key_is_refused() -> None:
    with pytest.raises(SetupError, match="cannot hold the key"):
        propose(table(ID, text("title")), source(Title="title", Done="checkbox"), "Done")


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(SetupError, match="goes with"):
        propose(table(ID, Column("at", "date", "date", 2)), source(Title="title", id="number"))


def test_the_data_source_made_for_a_table_maps_whole() -> None:
    columns = table(
        ID,
        text("title", 2),
        Column("mood", "enum", "mood", 3, labels=("good", "bad")),
        Column("open", "boolean", "boolean", 4),
        Column("place", "point", "point", 5),
    )
    schema, key = schema_for(columns)
    assert key == "id"
    assert schema["title"] == {"title": {}}
    assert schema["mood"] == {"select": {"options": [{"name": "good"}, {"name": "bad"}]}}
    assert schema["open"] == {"select": {"options": [{"name": "yes"}, {"name": "no"}]}}
    assert "place" not in schema
    kinds = {name: next(iter(entry)) for name, entry in schema.items()}
    found = propose(columns, source(**kinds), key)
    assert [line.column.name for line in found.lines] == ["title", "mood", "open"]
    assert found.key_property is not None


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *((name, True) for name in ("password", "user_password", "passwordHash", "api_token", "accesstoken", "salt")),
        *((name, True) for name in ("secrets", "client-secret", "APIKey", "row_hash", "tokens")),
        *((name, False) for name in ("secretary", "hashtag", "title", "tokenizer", "basis")),
    ],
)
def test_a_column_that_is_named_like_a_secret_is_left_out_and_said_so(name: str, secret: bool) -> None:
    columns = table(ID, text("title", 2), text(name, 3) if name != "title" else text("x", 3))
    found = propose(columns, source(id="number", title="title", **{name: "rich_text"} if name != "title" else {}))
    assert (name not in {line.column.name for line in found.lines}) == secret
    assert any(item.name == name and "secret" in item.why for item in found.left_out) == secret
    assert (name not in schema_for(columns)[0]) == secret


@pytest.mark.parametrize(
    ("comment", "format_"),
    [("in EUR", "euro"), ("Price, $", "dollar"), ("the price", None), ("USD or EUR", None), ("neuro", None)],
)
def test_a_number_has_a_currency_only_where_the_comment_says_which(comment: str, format_: str | None) -> None:
    price = Column("price", "numeric", "numeric(10,2)", 3, precision=10, scale=2, comment=comment)
    schema, _ = schema_for(table(ID, text("title"), price))
    assert schema["price"] == {"number": {"format": format_} if format_ else {}}


def test_what_was_made_from_a_column_is_mapped_to_it_whatever_it_is_called() -> None:
    columns = table(ID, text("status", 2), text("due_2", 3))
    notion = source(id="number", Title="title", Due="rich_text", Status="rich_text")
    lines = propose(columns, notion, pairs={"due_2": "p2", "status": "p1"}).lines
    assert [(line.column.name, line.property.name) for line in lines] == [("status", "Title"), ("due_2", "Due")]


NAMES = ['pl"ain', "with\nline\n[sync]\nbreak", "tab\t#", "back\\slash", "\x7fdel", "ünï", "\u202e", "a = 1"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_survives_the_file(name: str) -> None:
    assert tomllib.loads(f"x = {toml_string(name)}") == {"x": name}


def test_the_file_reads_back_as_what_was_proposed() -> None:
    columns = table(ID, *(text(name, number) for number, name in enumerate(NAMES, 2)))
    kinds = {"id": "number", "Title": "title"} | {f"{name}!": "rich_text" for name in NAMES}
    notion = DataSource(
        "d", "b", "Ti\ntle", tuple(Property(f"p{number}", n, kind) for number, (n, kind) in enumerate(kinds.items()))
    )
    setup = Setup("tasks", columns, notion, propose(columns, notion))
    config = parse(render([setup], "http://127.0.0.1:1"), Path("bridge.toml"), SECRETS)
    sync = bind(config.syncs[0], columns, notion)
    assert [(item.column.name, item.property.name) for item in sync.fields] == [
        (line.column.name, line.property.name) for line in setup.proposal.lines
    ]
    assert {item.column.name for item in sync.fields} >= {name for name in NAMES if plain_name(name)}


def test_a_table_is_quoted_only_where_it_must_be() -> None:
    assert table_text(table(ID)) == "public.tasks"
    assert table_text(Table("My Schema", 'T"x', 1, (ID,), ("id",))) == '"My Schema"."T""x"'


def test_an_older_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    assert write(path, "one") is None
    first, second = write(path, "two"), write(path, "three")
    assert first is not None
    assert second is not None
    assert (first.read_text(), second.read_text(), path.read_text()) == ("one", "two", "three")
