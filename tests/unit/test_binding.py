"""A configuration and two catalogs become a sync, or a word about the line, the name and the way out (S25)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import FieldConfig, SyncConfig
from bridge.engine.binding import Ends, Remembered, bind, bound_fields, bound_properties, means_the_same
from bridge.errors import ExitCode, SetupError
from bridge.model import Deletes, Direction, Format, Policy, Side
from bridge.shapes import Column, DataSource, Property, Table

ID = Column("id", "bigint", "bigint", 1, not_null=True, identity="by default")
TITLE = Column("title", "text", "text", 2)
TOTAL = Column("total", "numeric", "numeric", 3, generated=True)
GONE = Column("deleted_at", "timestamp with time zone", "timestamp with time zone", 4)
PHOTO = Column("photo", "text[]", "text[]", 5)
TABLE = Table("public", "tasks", 1, (ID, TITLE, TOTAL, GONE, PHOTO), ("id",))
PROPERTIES = (
    Property("p-id", "ID", "rich_text"),
    Property("p-name", "Name", "title"),
    Property("p-sum", "Sum", "number"),
    Property("p-formula", "Twice", "formula", config={"expression": "1"}),
    Property("p-done", "Done", "checkbox"),
)
SOURCE = DataSource("ds", "db", "Tasks", PROPERTIES)
ENDS = Ends(2, "text", "p-name", "title", "plain")
BOUND = Remembered({"ID": "p-id", "Name": "p-name"}, {"title": ENDS}, "ds")
CONFIG = SyncConfig("tasks", "public.tasks", "ds", "ID", (FieldConfig("title", "Name"),), line=12)


def refused(config: SyncConfig, table: Table = TABLE) -> SetupError:
    with pytest.raises(SetupError) as raised:
        bind(config, table, SOURCE, Path("bridge.toml"))
    error = raised.value
    assert error.message.startswith("bridge.toml, [[sync]] 'tasks' (line 12): ")
    assert error.exit_code is ExitCode.USAGE
    return error


def with_field(column: str, prop: str, direction: Direction = Direction.BOTH) -> SyncConfig:
    return replace(CONFIG, fields=(FieldConfig(column, prop, direction),))


def test_everything_that_was_configured_arrives() -> None:
    config = replace(
        CONFIG,
        policy=Policy.MANUAL,
        tie=Side.NOTION,
        first_sync=None,
        deletes=Deletes("mirror", "column:deleted_at"),
        max_deletes=3,
        max_deletes_percent=1.5,
    )
    sync = bind(config, TABLE, SOURCE)
    assert (sync.name, sync.table, sync.data_source, sync.key) == ("tasks", TABLE, SOURCE, (ID,))
    assert sync.key_property == PROPERTIES[0]
    assert (sync.policy, sync.tie, sync.first_sync) == (Policy.MANUAL, Side.NOTION, None)
    assert (sync.deletes, sync.tombstone) == (config.deletes, GONE)
    assert (sync.max_deletes, sync.max_deletes_percent) == (3, 1.5)
    [field] = sync.fields
    assert (field.name, field.column, field.property, field.direction) == (
        "title",
        TITLE,
        PROPERTIES[1],
        Direction.BOTH,
    )
    assert sync.field("title") == field
    assert sync.field("other") is None


def test_a_property_may_be_named_by_its_id() -> None:
    assert bind(with_field("title", "p-name"), TABLE, SOURCE).fields[0].property.name == "Name"


def test_a_property_that_was_renamed_is_the_same_property() -> None:
    """Ids, not names: what the names of bridge.toml meant is remembered."""
    known = bound_properties(CONFIG, bind(CONFIG, TABLE, SOURCE))
    assert known == {"ID": "p-id", "Name": "p-name"}
    renamed = replace(
        SOURCE,
        properties=(
            replace(PROPERTIES[0], name="Number"),
            replace(PROPERTIES[1], name="Task"),
            Property("p-new", "Name", "rich_text"),
        ),
    )
    sync = bind(CONFIG, TABLE, renamed, remembered=Remembered(known))
    assert (sync.key_property.id, sync.fields[0].property.id) == ("p-id", "p-name"), "not the one that took its name"
    assert bound_properties(CONFIG, sync) == known


def test_what_a_field_is_bound_to_tells_one_that_was_made_anew() -> None:
    assert bound_fields(bind(CONFIG, TABLE, SOURCE)) == {"title": ENDS}
    again = replace(TABLE, columns=(ID, replace(TITLE, attnum=9)))
    assert bound_fields(bind(CONFIG, again, SOURCE, remembered=BOUND)) == {"title": replace(ENDS, attnum=9)}


def test_a_property_that_was_made_anew_is_found_by_its_name() -> None:
    sync = bind(CONFIG, TABLE, SOURCE, remembered=Remembered({"ID": "p-id", "Name": "p-removed"}))
    assert sync.fields[0].property.id == "p-name"


def test_without_a_tombstone_there_is_none() -> None:
    assert bind(CONFIG, TABLE, SOURCE).tombstone is None


@pytest.mark.parametrize(("column", "prop"), [("total", "Sum"), ("id", "Sum"), ("total", "Twice")])
def test_an_end_that_cannot_be_written_is_read_only_by_word(column: str, prop: str) -> None:
    direction = Direction.TO_POSTGRES if prop == "Twice" else Direction.TO_NOTION
    table = TABLE if prop != "Twice" else replace(TABLE, columns=(ID, replace(TOTAL, generated=False)))
    assert bind(with_field(column, prop, direction), table, SOURCE).fields[0].direction is direction


@pytest.mark.parametrize("direction", [Direction.BOTH, Direction.TO_POSTGRES])
@pytest.mark.parametrize(
    ("column", "what"), [("total", "generated by the database"), ("id", "part of the primary key")]
)
def test_a_column_that_cannot_be_written_says_which_line_to_write(column: str, what: str, direction: Direction) -> None:
    error = refused(with_field(column, "Sum", direction))
    assert what in error.message
    assert error.hint == f'Write {column} = {{ property = "Sum", direction = "to-notion" }}.'


@pytest.mark.parametrize("direction", [Direction.BOTH, Direction.TO_NOTION])
def test_a_property_that_cannot_be_written_says_which_line_to_write(direction: Direction) -> None:
    error = refused(with_field("title", "Twice", direction))
    assert "'Twice' is a formula property" in error.message
    assert error.hint == 'Write title = { property = "Twice", direction = "to-postgres" }.'


def test_an_unknown_column_names_the_nearest() -> None:
    error = refused(with_field("titel", "Name"))
    assert "public.tasks has no column 'titel'" in error.message
    assert error.hint == "Did you mean 'title'?"


def test_an_unknown_property_names_what_there_is() -> None:
    error = refused(with_field("title", "Zzz"))
    assert "'Tasks' has no property 'Zzz' (for title)" in error.message
    assert error.hint == "It has: ID, Name, Sum, Twice, Done."


def test_an_unknown_key_property_is_refused() -> None:
    error = refused(replace(CONFIG, key_property="Id"))
    assert "has no property 'Id' (for key_property)" in error.message
    assert error.hint == "Did you mean 'ID'?"


def test_a_key_property_that_cannot_hold_the_key_is_refused() -> None:
    error = refused(replace(CONFIG, key_property="Done"))
    assert "checkbox, which cannot hold the key" in error.message
    assert "rich_text" in error.hint


def test_a_key_column_that_is_not_there_is_refused() -> None:
    assert "no column 'gone'" in refused(CONFIG, replace(TABLE, key=("gone",))).message


def test_the_key_property_carries_nothing_else() -> None:
    error = refused(with_field("title", "ID"))
    assert "'ID' is the key property" in error.message
    assert "Leave the line out" in error.hint


def test_types_that_do_not_fit_are_refused_with_one_that_does() -> None:
    error = refused(with_field("photo", "Done"))
    assert "cannot carry" in error.message
    assert "multi_select" in error.hint


def test_the_format_of_a_field_reaches_its_codec() -> None:
    fields = (FieldConfig("title", "Name", format=Format.MARKDOWN),)
    (item,) = bind(replace(CONFIG, fields=fields), TABLE, SOURCE).fields
    assert item.codec.from_postgres("__bold__") == "**bold**"
    error = refused(replace(CONFIG, fields=(FieldConfig("photo", "Done", format=Format.MARKDOWN),)))
    assert "cannot carry Markdown" in error.message
    assert 'leave out format = "markdown"' in error.hint


def test_one_tombstone_at_most() -> None:
    deletes = Deletes("column:deleted_at", "column:title")
    assert "deleted_at, title" in refused(replace(CONFIG, deletes=deletes)).message
    assert bind(replace(CONFIG, deletes=Deletes("column:deleted_at", "column:deleted_at")), TABLE, SOURCE).tombstone


def test_a_tombstone_that_is_not_there_is_refused() -> None:
    error = refused(replace(CONFIG, deletes=Deletes("mirror", "column:deleted")))
    assert error.hint == "Did you mean 'deleted_at'?"


def without_the_title(properties: tuple[Property, ...] = PROPERTIES) -> DataSource:
    return replace(SOURCE, properties=tuple(p for p in properties if p.id != "p-name"))


@pytest.mark.parametrize(
    ("table", "source", "reason", "hint"),
    [
        (replace(TABLE, columns=(ID,)), SOURCE, "has no column 'title'", "take its line out"),
        (
            replace(TABLE, columns=(ID, replace(TITLE, name="headline"))),
            SOURCE,
            "'title' of public.tasks is named 'headline' now",
            "Write headline instead of title",
        ),
        (
            replace(TABLE, columns=(ID, Column("title", "boolean", "boolean", 2))),
            SOURCE,
            "'title' holds yes/no now, it held text",
            "init --update",
        ),
        (TABLE, without_the_title(), "has no property 'Name'", "take its line out"),
        (
            TABLE,
            replace(SOURCE, properties=(PROPERTIES[0], replace(PROPERTIES[1], type="select"))),
            "'Name' is of type select now, it was title",
            "init --update",
        ),
    ],
)
def test_a_field_whose_end_is_not_what_it_was_is_suspended(
    table: Table, source: DataSource, reason: str, hint: str
) -> None:
    """And only that one; a field that never fitted is a mistake in the file."""
    sync = bind(CONFIG, table, source, remembered=BOUND)
    assert sync.fields == ()
    [suspended] = sync.suspended
    assert suspended.field == "title"
    assert reason in suspended.reason
    assert hint in suspended.hint
    assert bound_properties(CONFIG, sync) == {"ID": "p-id"}


def test_a_type_that_means_the_same_suspends_nothing() -> None:
    wider = replace(TABLE, columns=(ID, replace(TITLE, type_name="character varying", type_sql="varchar(50)")))
    sync = bind(CONFIG, wider, SOURCE, remembered=BOUND)
    assert sync.suspended == ()
    assert sync.fields[0].column.type_name == "character varying"


@pytest.mark.parametrize(
    ("column", "same"),
    [
        (replace(TITLE, type_sql="varchar(50)"), False),
        (replace(TITLE, base_sql="varchar(50)"), False),
        (replace(TITLE, labels=("a", "b", "c")), True),
        (replace(TITLE, labels=("a", "other")), False),
        (TITLE, True),
    ],
)
def test_what_may_have_changed_rows_without_a_word_is_read_again(column: Column, same: bool) -> None:
    title = replace(TITLE, labels=("a", "b"))
    column = replace(column, labels=column.labels or title.labels)
    before, now = (bind(CONFIG, replace(TABLE, columns=(ID, found)), SOURCE) for found in (title, column))
    assert means_the_same(before, now) is same


def test_another_type_of_the_key_is_read_again() -> None:
    before, now = (
        bind(CONFIG, replace(TABLE, columns=(replace(ID, type_sql=found), TITLE)), SOURCE)
        for found in ("numeric", "numeric(9,2)")
    )
    assert not means_the_same(before, now)


def test_a_property_that_was_made_anew_may_be_of_another_type() -> None:
    """It is another one: what it holds was never agreed on, and nothing was converted."""
    ends = replace(ENDS, property_id="p-old", property_type="rich_text")
    sync = bind(CONFIG, TABLE, SOURCE, remembered=Remembered({"Name": "p-old"}, {"title": ends}, "ds"))
    assert (sync.suspended, sync.fields[0].property.id) == ((), "p-name")


def test_a_column_that_was_made_anew_may_be_of_another_type() -> None:
    ends = replace(ENDS, attnum=99, kind="number")
    sync = bind(CONFIG, TABLE, SOURCE, remembered=Remembered({"Name": "p-name"}, {"title": ends}, "ds"))
    assert (sync.suspended, sync.fields[0].column) == ((), TITLE)


def test_other_parts_of_a_table_are_read_again() -> None:
    before, now = (bind(CONFIG, replace(TABLE, parts=parts), SOURCE) for parts in ((), (7,)))
    assert means_the_same(before, before)
    assert not means_the_same(before, now)


def test_a_wrong_direction_is_a_mistake_even_where_the_field_was_bound() -> None:
    remembered = Remembered({}, {"total": Ends(3, "number", "p-sum", "number")})
    with pytest.raises(SetupError, match="generated by the database"):
        bind(with_field("total", "Sum"), TABLE, SOURCE, remembered=remembered)


TELLING = replace(CONFIG, status_property="Told")


def test_the_status_property_is_bound_and_remembered() -> None:
    source = replace(SOURCE, properties=(*PROPERTIES, Property("p-told", "Told", "rich_text")))
    sync = bind(TELLING, TABLE, source)
    assert (sync.status_property, bound_properties(TELLING, sync)["Told"]) == (source.properties[-1], "p-told")


def test_a_status_property_that_never_fitted_is_an_error() -> None:
    assert "rich_text" in refused(TELLING).hint
    assert "is of type checkbox" in refused(replace(CONFIG, status_property="Done")).message


@pytest.mark.parametrize("now", [(), (Property("p-told", "Told", "number"),)])
def test_a_status_property_that_vanished_is_suspended(now: tuple[Property, ...]) -> None:
    remembered = replace(BOUND, properties={**BOUND.properties, "Told": "p-told"})
    sync = bind(TELLING, TABLE, replace(SOURCE, properties=(*PROPERTIES, *now)), remembered=remembered)
    assert (sync.status_property, [item.field for item in sync.suspended]) == (None, ["status_property"])
