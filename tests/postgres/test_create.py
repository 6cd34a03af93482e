"""Proves: what is shown is what is made, whatever things are called; all tables or none; a refusal says what to do."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from bridge.errors import SetupError
from bridge.postgres import list_tables, open_connection, read_table
from bridge.postgres.create import NewColumn, NewTable, create_tables, render_tables, split_name
from tests.postgres.support import User

ODD = 'Pu"blic; --'
KEY = NewColumn("id", "bigint", identity=True)
STAFF = NewTable(
    "public",
    "staff",
    ("id",),
    (
        KEY,
        NewColumn('na"me', "text"),
        NewColumn("mood", "", labels=("it's 100%", "back\\slash")),
        NewColumn("active", "boolean", default="false"),
        NewColumn("boss_id", "bigint", references="staff"),
        NewColumn("team_id", "text", references="teams"),
    ),
)
TEAMS = NewTable(
    "public",
    "teams",
    ("id",),
    (
        NewColumn("id", "text", default="gen_random_uuid()::text"),
        NewColumn("lead_id", "bigint", references="staff"),
    ),
)
LINKS = NewTable(
    "public",
    "links",
    ("staff_id", "team_id"),
    (
        NewColumn("staff_id", "bigint", references="staff", cascades=True),
        NewColumn("team_id", "text", references="teams", cascades=True),
    ),
)
REFERENCES = "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"


def test_tables_that_refer_to_each_other_in_a_circle_are_made(database: str) -> None:
    with open_connection(database) as conn:
        create_tables(conn, [STAFF, TEAMS, LINKS])
        staff = read_table(conn, "staff")
        references = set(conn.execute(REFERENCES).fetchall())
    kinds = {column.name: (column.type_name, column.not_null) for column in staff.columns}
    assert kinds['na"me'] == ("text", False)
    assert [name for name, (_, not_null) in kinds.items() if not_null] == ["id"]
    mood = staff.column("mood")
    assert mood is not None
    assert mood.labels == ("it's 100%", "back\\slash")
    rest = "(id) ON UPDATE CASCADE ON DELETE"
    assert references == {
        ("staff", f"FOREIGN KEY (boss_id) REFERENCES staff{rest} SET NULL"),
        ("staff", f"FOREIGN KEY (team_id) REFERENCES teams{rest} SET NULL"),
        ("teams", f"FOREIGN KEY (lead_id) REFERENCES staff{rest} SET NULL"),
        ("links", f"FOREIGN KEY (staff_id) REFERENCES staff{rest} CASCADE"),
        ("links", f"FOREIGN KEY (team_id) REFERENCES teams{rest} CASCADE"),
    }


def test_names_are_quoted(database: str, user: User) -> None:
    user.execute(f'CREATE SCHEMA "{ODD.replace(chr(34), chr(34) * 2)}"'.encode())
    table = NewTable(ODD, 'ta"b', ('k"',), (NewColumn('k"', "bigint", identity=True),))
    with open_connection(database) as conn:
        create_tables(conn, [table])
        assert [(found.schema, found.name, found.key) for found in list_tables(conn)] == [(ODD, 'ta"b', ('k"',))]


def test_all_are_made_or_none(database: str, user: User) -> None:
    user.execute("CREATE TABLE teams (id int)")
    with open_connection(database) as conn:
        with pytest.raises(SetupError, match="already exists") as caught:
            create_tables(conn, [STAFF, TEAMS])
        assert "--table NAME" in caught.value.hint
        assert [table.name for table in list_tables(conn)] == ["teams"]


def test_a_role_without_the_right_is_told_who_may(database: str, role: str) -> None:
    with open_connection(make_conninfo(database, user=role)) as conn:
        with pytest.raises(SetupError, match="may not make tables") as caught:
            create_tables(conn, [TEAMS])
        assert "--print-sql" in caught.value.hint


def test_a_schema_that_is_not_there_is_told(database: str) -> None:
    with open_connection(database) as conn, pytest.raises(SetupError, match="Make the schema first"):
        create_tables(conn, [NewTable("nowhere", "t", ("id",), (KEY,))])


def test_the_script_is_shown_before_anything_is_made() -> None:
    script = render_tables([LINKS])
    assert script.startswith('CREATE TABLE "public"."links" (\n    "staff_id" bigint,\n')
    assert 'REFERENCES "public"."staff" ON UPDATE CASCADE ON DELETE CASCADE;\n' in script


@pytest.mark.parametrize(
    ("name", "parts"),
    [("tasks", ("", "tasks")), ("Other.Tasks", ("other", "tasks")), ('"My Schema"."T""x"', ("My Schema", 'T"x'))],
)
def test_a_name_is_read_as_sql_reads_it(database: str, name: str, parts: tuple[str, str]) -> None:
    with open_connection(database) as conn:
        assert split_name(conn, name) == parts


@pytest.mark.parametrize("name", ["", "a b", "a.b.c", '"', "a;b"])
def test_what_is_no_name_is_told(database: str, name: str) -> None:
    with open_connection(database) as conn, pytest.raises(SetupError, match="no name of a table"):
        split_name(conn, name)
