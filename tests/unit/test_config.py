"""bridge.toml: what it may say, and how clearly it is told what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import Config, load, parse
from bridge.errors import ConfigError, ExitCode
from bridge.model import Direction, Format, OnLeave, Policy, Side

PATH = Path("/somewhere/bridge.toml")
ENVIRONMENT = {"DATABASE_URL": "postgresql://db/x", "NOTION_TOKEN": "ntn_top_secret"}
GOOD = """
[[sync]]
name = "tasks"
table = "public.tasks"
data_source = "abc"
key_property = "ID"
[sync.fields]
title = "Name"
total = { property = "Total", direction = "to-postgres" }
"""


def read(text: str, environment: dict[str, str] | None = None) -> Config:
    return parse(text, PATH, ENVIRONMENT if environment is None else environment)


def test_the_least_that_is_needed() -> None:
    config = read(GOOD)
    assert (config.postgres.dsn, config.notion.token) == ("postgresql://db/x", "ntn_top_secret")
    assert config.journal.path == Path("/somewhere/state/bridge.db")
    (sync,) = config.syncs
    assert (sync.policy, sync.tie, sync.first_sync) == (Policy.LAST_WRITER_WINS, Side.POSTGRES, Side.POSTGRES)
    assert [(f.column, f.property, f.direction) for f in sync.fields] == [
        ("title", "Name", Direction.BOTH),
        ("total", "Total", Direction.TO_POSTGRES),
    ]


def test_a_field_may_carry_markdown() -> None:
    (sync,) = read(GOOD + 'notes = { property = "Notes", format = "markdown" }').syncs
    assert [item.format for item in sync.fields] == [Format.PLAIN, Format.PLAIN, Format.MARKDOWN]
    with pytest.raises(ConfigError, match="line 10: format cannot be 'markdwon'") as error:
        read(GOOD + 'notes = { property = "Notes", format = "markdwon" }')
    assert "markdown" in error.value.hint


def test_everything_that_can_be_said() -> None:
    head = """
[postgres]
dsn = "postgresql://${HOST}/x"
notify = false
[notion]
token = "t"
base_url = "http://127.0.0.1:1"
requests_per_minute = 600
poll_max = 5
[journal]
path = "/elsewhere/j.db"
keep_days = 7
"""
    more = GOOD.replace(
        "[sync.fields]",
        """key = ["a", "b"]
policy = "manual"
tie = "notion"
first_sync = "manual"
deletes = { to-notion = "hold", to-postgres = "column:deleted_at" }
max_deletes = 0
[sync.fields]""",
    )
    config = read(head + more, {"HOST": "h"})
    (sync,) = config.syncs
    assert config.postgres.dsn == "postgresql://h/x"
    assert config.notion.poll_max == 5.0
    assert config.journal.path == Path("/elsewhere/j.db")
    assert (sync.key, sync.policy, sync.tie, sync.first_sync) == (("a", "b"), Policy.MANUAL, Side.NOTION, None)
    assert (sync.deletes.to_notion, sync.deletes.to_postgres) == ("hold", "column:deleted_at")


BAD: dict[str, tuple[str, list[str]]] = {
    "not TOML": (GOOD + "\n===", ["not valid TOML"]),
    "no sync": ("[notion]\n", ["no [[sync]]", "init"]),
    "unknown section": ("[postgress]\n" + GOOD, ["line 1", "'postgress'", "Did you mean 'postgres'"]),
    "unknown key": (GOOD.replace("table =", "tabel ="), ["line 4", "'tabel'", "Did you mean 'table'"]),
    "unknown key far from any": (GOOD.replace("table =", "zzz ="), ["'zzz'", "Known here: name, table"]),
    "missing key": (GOOD.replace('table = "public.tasks"', ""), ["line 2", "has no 'table'"]),
    "unknown policy": (
        GOOD.replace("[sync.fields]", 'policy = "last-wins"\n[sync.fields]'),
        ["line 7", "last-writer-wins"],
    ),
    "unknown side": (GOOD.replace("[sync.fields]", 'tie = "x"\n[sync.fields]'), ["It can be: postgres, notion"]),
    "unknown direction": (GOOD.replace("to-postgres", "to-pg"), ["direction cannot be 'to-pg'", "to-postgres"]),
    "unknown deletes": (GOOD.replace("[sync.fields]", 'deletes = "never"\n[sync.fields]'), ["mirror, hold, ignore"]),
    "no fields": (GOOD[: GOOD.index("title")], ["at least one column"]),
    "field without property": (GOOD.replace('property = "Total", ', ""), ["does not say its property"]),
    "field of a wrong kind": (GOOD.replace('"Name"', "3"), ["line 8", "is not a property's name"]),
    "property twice": (GOOD.replace('"Total"', '"Name"'), ["mapped twice"]),
    "key property mapped": (GOOD.replace('"Name"', '"ID"'), ["mapped twice", "the key"]),
    "two of one name": (GOOD + GOOD, ["two syncs are named 'tasks'"]),
    "bad name": (GOOD.replace('"tasks"', '"no blanks"'), ["no name for a sync"]),
    "wrong type": ("[notion]\nrequests_per_minute = 'many'\n" + GOOD, ["line 2", "must be a whole number"]),
    "bool for number": ("[notion]\nrequests_per_minute = true\n" + GOOD, ["must be a whole number"]),
    "number for text": ("[notion]\nbase_url = 3\n" + GOOD, ["must be text in quotes"]),
    "one request": ("[notion]\nrequests_per_minute = 1\n" + GOOD, ["line 2", "at least 2"]),
    "no number": ("[notion]\npoll_min = nan\n" + GOOD, ["line 2", "must be finite"]),
    "without end": ("[notion]\npoll_max = inf\n" + GOOD, ["line 2", "must be finite"]),
    "text for two columns": (
        GOOD.replace('property = "Total", ', 'property = "Total", through = "ab", '),
        ["must name two columns"],
    ),
    "zero": ("[notion]\nrequests_per_minute = 0\n" + GOOD, ["greater than zero"]),
    "key of a wrong kind": (GOOD.replace("[sync.fields]", "key = 3\n[sync.fields]"), ["a column name or a list"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_the_way_out(case: str) -> None:
    text, words = BAD[case]
    with pytest.raises(ConfigError) as raised:
        read(text)
    assert raised.value.exit_code is ExitCode.USAGE
    for word in words:
        assert word in str(raised.value)


def test_a_variable_that_is_not_set() -> None:
    with pytest.raises(ConfigError, match="NOTION_TOKEN is not set"):
        read(GOOD, {"DATABASE_URL": "x"})


def test_secrets_are_never_shown() -> None:
    assert "ntn_top_secret" not in repr(read(GOOD))
    with pytest.raises(ConfigError) as raised:
        read('[notion]\ntoken = "ntn_top_secret"\nunknown = 1\n' + GOOD)
    assert "ntn_top_secret" not in str(raised.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="notion-bridge init"):
        load(tmp_path / "bridge.toml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path)


def test_a_sync_by_name() -> None:
    config = read(GOOD)
    assert config.sync("tasks") is config.syncs[0]
    with pytest.raises(ConfigError, match="It has: tasks"):
        config.sync("nosuch")


def test_a_filter_and_a_place_to_tell() -> None:
    more = 'where = " archived = false "\non_leave = "delete"\nstatus_property = "Sync"\n[sync.fields]'
    (sync,) = read(GOOD.replace("[sync.fields]", more)).syncs
    assert (sync.where, sync.on_leave, sync.status_property) == ("archived = false", OnLeave.DELETE, "Sync")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('on_leave = "deleted"', "on_leave cannot be 'deleted'"),
        ("where = true", "where in [sync] must be text in quotes"),
        ('status_property = "Name"', "property 'Name' is mapped already: to title"),
        ('status_property = "ID"', "property 'ID' is mapped already: to the key"),
    ],
)
def test_a_filter_or_a_place_that_does_not_fit(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(GOOD.replace("[sync.fields]", f"{line}\n[sync.fields]"))
    assert said in raised.value.message
    assert "line 7" in raised.value.message


def test_a_variable_that_is_empty_is_as_good_as_none() -> None:
    """An empty DSN would be whatever database libpq finds."""
    with pytest.raises(ConfigError, match="the environment variable DATABASE_URL is not set"):
        read(GOOD, {**ENVIRONMENT, "DATABASE_URL": ""})


def test_a_rule_for_one_direction_of_deletions_is_none_for_the_other() -> None:
    for said, other in (("to-notion", "to_postgres"), ("to-postgres", "to_notion")):
        (sync,) = read(GOOD.replace("[sync.fields]", f'deletes = {{ {said} = "hold" }}\n[sync.fields]')).syncs
        assert getattr(sync.deletes, other) == "mirror"


def test_what_is_said_of_the_journal_holds_wherever_it_is() -> None:
    for path in ("state/other.db", "/elsewhere/bridge.db"):
        journal = read(f'[journal]\npath = "{path}"\nkeep_days = 7\n{GOOD}').journal
        assert (journal.path, journal.keep_days) == (Path("/somewhere") / path, 7)
