"""Proves: conflicts and parked items can be seen and settled from the command line, by their documented JSON, with and
without a running bridge; one record's history and state can be asked for.
"""

from __future__ import annotations

import pytest

from tests.cli.conftest import World

CONFLICT_KEYS = {
    *("id", "sync", "key", "field", "base", "postgres", "notion"),
    *("winner", "rule", "state", "at"),
}


@pytest.fixture
def divided(world: World) -> World:
    """One open conflict about a title."""
    world.divide("before", "ours", "theirs")
    return world


def test_the_list_has_the_documented_keys(divided: World) -> None:
    [conflict] = divided.json("conflicts", "list")
    assert conflict.keys() >= CONFLICT_KEYS
    assert (conflict["sync"], conflict["key"], conflict["field"]) == ("tasks", "1", "title")
    assert (conflict["base"], conflict["postgres"], conflict["notion"]) == ("before", "ours", "theirs")
    assert (conflict["winner"], conflict["rule"], conflict["state"]) == (None, "manual", "open")
    assert divided.json("conflicts") == [conflict]
    shown = divided.type("conflicts", "show", str(conflict["id"])).stdout
    for value in ("before", "ours", "theirs"):
        assert value in shown


@pytest.mark.parametrize(
    ("take", "title", "words"),
    [
        ("postgres", "ours", "PostgreSQL's value"),
        ("notion", "theirs", "Notion's value"),
        ("base", "before", "the value before"),
        ("value=a = third", "a = third", "your value"),
    ],
)
def test_resolving_gives_both_sides_the_value(divided: World, take: str, title: str, words: str) -> None:
    result = divided.type("conflicts", "resolve", "1", "--take", take)
    assert result.exit_code == 0, result.stderr
    assert f"conflict 1: {words} goes to both sides" in result.stdout
    assert divided.titles() == (title, title)
    assert divided.json("conflicts", "list") == []
    assert divided.json("conflicts", "list", "--all")[0]["state"] == "resolved"


@pytest.mark.parametrize("take", ["mine", "value", "base=x", ""])
def test_a_choice_that_does_not_exist_is_refused(divided: World, take: str) -> None:
    result = divided.type("conflicts", "resolve", "1", "--take", take)
    assert result.exit_code == 2
    assert "postgres, notion, base, winner, or value=TEXT" in result.stderr


def test_a_decision_that_cannot_be_written_now_is_kept(divided: World) -> None:
    divided.ada.unshare(divided.sandbox.root_page_id)
    result = divided.type("conflicts", "resolve", "1", "--take", "notion")
    assert result.exit_code == 0
    assert "it is noted, and could not be written now" in result.stderr
    assert "the next `sync` or `run` writes it" in result.stdout
    divided.ada.share(divided.sandbox.root_page_id)
    assert divided.type("sync").exit_code == 0
    assert divided.titles() == ("theirs", "theirs")


def test_a_decision_is_taken_back_by_a_flag(divided: World) -> None:
    assert divided.type("conflicts", "resolve", "1", "--take", "notion").exit_code == 0
    assert divided.titles() == ("theirs", "theirs")
    assert divided.json("conflicts", "undo", "1")["undone"] == [{"id": 1, "state": "open", "take": None}]
    assert divided.titles() == ("ours", "theirs"), "both sides have their own value back"
    assert divided.type("sync").exit_code == 3, "and it waits again"
    assert len(divided.json("conflicts", "list", "--all")) == 1
    assert divided.json("conflicts", "resolve", "1", "--take", "postgres")["resolved"][0]["state"] == "resolved"
    assert divided.titles() == ("ours", "ours")
    assert divided.type("conflicts", "undo", "7").exit_code == 2


def test_a_whole_record_or_all_of_a_kind_are_decided_by_a_flag(world: World) -> None:
    world.configure(policy='"postgres-wins"')
    world.sql("INSERT INTO tasks (title, status) VALUES ('one', 'a'), ('two', 'a'), ('three', 'a')")
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET title = title || ' ours', status = 'ours'")
    for key in (1, 2, 3):
        world.ada.edit(world.page(key), {"Name": f"{key} theirs", "Status": "theirs"})
    assert world.type("sync").exit_code == 0
    found = {(c["key"], c["field"]): c["id"] for c in world.json("conflicts", "list")}
    assert len(found) == 6
    one = str(found["1", "title"])
    answer = world.json("conflicts", "resolve", one, "--take", "notion", "--record")
    assert sorted(item["id"] for item in answer["resolved"]) == sorted([found["1", "title"], found["1", "status"]])
    answer = world.json("conflicts", "resolve", str(found["2", "title"]), "--take", "winner", "--same-kind")
    assert {item["id"] for item in answer["resolved"]} == {found["2", "title"], found["3", "title"]}
    assert world.sql("SELECT title, status FROM tasks ORDER BY id") == [
        ("1 theirs", "theirs"),
        ("two ours", "ours"),
        ("three ours", "ours"),
    ]
    refused = world.json("conflicts", "resolve", one, "--take", "base", code=1)
    assert "already resolved" in refused["error"]["message"]


def test_show_tells_the_same_as_text_and_as_json(divided: World) -> None:
    found = divided.json("conflicts", "show", "1")
    assert found["title"] == "theirs"
    assert found["now"] == {"postgres": "ours", "notion": "theirs"}
    assert found["moved_on"] == []
    assert found["by"]["postgres"]
    text = divided.type("conflicts", "show", "1").stdout
    for fact in (
        found["title"],
        found["page_url"],
        *found["now"].values(),
        found["by"]["postgres"],
        found["by"]["notion"],
    ):
        assert fact in text
    assert found["by"]["notion"] == "Ada"


def test_an_unknown_number_says_where_to_look(divided: World) -> None:
    for command in (
        ["conflicts", "show", "9"],
        ["conflicts", "resolve", "9", "--take", "base"],
        ["parked", "show", "9"],
    ):
        result = divided.type(*command)
        assert result.exit_code == 2
        assert "list" in result.stderr


def test_a_parked_page_without_a_key_is_told_by_its_address(world: World) -> None:
    world.sql("ALTER TABLE tasks ALTER COLUMN title SET NOT NULL")
    page = world.ada.create_row(world.source, {"Status": "no name"})
    assert world.type("sync").exit_code == 4
    [item] = world.json("parked", "list")["items"]
    assert (item["key"], item["page_id"]) == (None, page)
    address = page.replace("-", "")
    assert address in world.type("parked", "list").stdout
    assert address in world.type("parked", "show", str(item["id"])).stdout


def test_a_decided_conflict_is_listed_and_can_be_turned(world: World) -> None:
    world.configure(policy='"postgres-wins"')
    world.sql("INSERT INTO tasks (title) VALUES ('before')")
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET title = 'ours'")
    world.ada.edit(world.page(1), {"Name": "theirs"})
    assert world.type("sync").exit_code == 0, "decided by rule: nobody has to be waited for"
    [conflict] = world.json("conflicts", "list")
    assert (conflict["winner"], conflict["state"]) == ("postgres", "decided")

    assert world.type("conflicts", "resolve", str(conflict["id"]), "--take", "notion").exit_code == 0
    assert world.type("sync").exit_code == 0
    assert world.titles() == ("theirs", "theirs")


def test_a_parked_value_is_shown_dropped_and_mended(world: World) -> None:
    world.sql("INSERT INTO tasks (title, estimate) VALUES ('too exact', 9007199254740993)")
    assert world.type("sync").exit_code == 4
    [item] = world.json("parked")["items"]
    assert (item["key"], item["field"], item["side"], item["state"]) == ("1", "estimate", "notion", "open")
    assert item["value"] == {"number": "9007199254740993"}
    assert "2^53" in item["reason"]
    number = str(item["id"])
    assert "9007199254740993" in world.type("parked", "show", number).stdout

    wrong = world.type("parked", "approve", number)
    assert wrong.exit_code == 1
    assert "retry or drop" in wrong.stderr

    assert world.type("parked", "drop", number).exit_code == 0
    assert world.type("sync").exit_code == 0

    world.sql("UPDATE tasks SET estimate = 3")
    assert world.type("sync").exit_code == 0
    assert world.ada.read(world.page(1))["Estimate"] == 3


def test_a_held_deletion_waits_for_a_yes_or_a_no(world: World) -> None:
    world.configure(deletes='"hold"')
    world.sql("INSERT INTO tasks (title) VALUES ('one'), ('two')")
    assert world.type("sync").exit_code == 0
    world.sql("DELETE FROM tasks")
    assert world.type("sync").exit_code == 4
    numbers = {item["key"]: str(item["id"]) for item in world.json("parked")["items"]}
    assert "approve" in world.type("parked").stdout

    assert world.type("parked", "approve", numbers["1"]).exit_code == 0
    assert world.type("parked", "reject", numbers["2"]).exit_code == 0
    assert world.type("sync").exit_code == 0

    assert [row["Name"] for row in world.ada.rows(world.source).values()] == ["two"]
    assert world.sql("SELECT title FROM tasks") == [("two",)]


def test_history_tells_who_changed_what(divided: World) -> None:
    [record] = divided.json("history", "1")["records"]
    assert (record["sync"], record["key"]) == ("tasks", "1")
    kinds = [event["kind"] for event in record["events"]]
    assert kinds[0] == "insert"
    assert kinds.count("update") == 2
    assert len(record["conflicts"]) == 1
    assert "ours" in divided.type("history", "1").stdout
    assert divided.json("history", divided.page(1))["records"] == [record], "by the page's id, too"


def test_why_names_what_a_record_waits_for(divided: World) -> None:
    waiting = divided.type("why", "1")
    assert waiting.exit_code == 1
    assert "conflict 1" in waiting.stdout
    assert divided.type("conflicts", "resolve", "1", "--take", "base").exit_code == 0
    settled = divided.json("why", "1")["records"][0]
    assert settled["in_step"] is True
    assert settled["base"]["title"] == settled["postgres"]["title"] == settled["notion"]["title"] == "before"


def test_a_composite_key_is_typed_as_it_is_shown(world: World) -> None:
    world.sql("CREATE TABLE parts (a text, b integer, title text, PRIMARY KEY (a, b))")
    world.source = world.ada.create_database("Parts", {"Name": "title", "Key": "rich_text"})[1]
    world.configure(table='"parts"', key_property='"Key"', fields={"title": "Name"})
    world.sql("INSERT INTO parts VALUES ('x|y', 1, 'one')")
    assert world.type("sync").exit_code == 0
    assert world.json("history", "x\\|y|1")["records"][0]["key"] == "x\\|y|1"


def test_an_unknown_key_is_told(divided: World) -> None:
    for command in ("history", "why"):
        result = divided.type(command, "77")
        assert result.exit_code == 1
        assert "no sync knows" in result.stderr


def test_uninstall_removes_the_trigger_and_keeps_the_journal(divided: World) -> None:
    asked = divided.type("uninstall")
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr

    done = divided.type("uninstall", "--yes")
    assert done.exit_code == 0
    assert str(divided.journal) in done.stdout
    assert divided.journal.exists()
    assert divided.sql("SELECT to_regnamespace('notion_bridge')::text") == [(None,)]
    assert divided.sql("SELECT count(*) FROM tasks") == [(1,)]


def test_all_held_deletions_are_answered_at_once_and_listed_with_their_titles(world: World) -> None:
    world.configure(deletes='"hold"')
    world.sql("INSERT INTO tasks (title) VALUES ('one'), ('two')")
    assert world.type("sync").exit_code == 0
    world.sql("DELETE FROM tasks")
    assert world.type("sync").exit_code == 4
    assert {item["title"] for item in world.json("parked")["items"]} == {"one", "two"}
    assert "two" in world.type("parked").stdout
    assert "there is nothing to retry" in world.type("parked", "retry", "--all").stdout
    assert world.type("parked", "approve").exit_code == 2
    number = str(world.json("parked")["items"][0]["id"])
    refused = world.type("parked", "drop", number).stderr
    assert f"parked item {number} is a held deletion\n  It takes: approve" in refused
    assert len(world.json("parked", "reject", "--all")["items"]) == 2
    assert world.sql("SELECT title FROM tasks ORDER BY title") == [("one",), ("two",)], "this command writes it"


def test_the_deletions_of_a_sync_that_stopped_itself_are_listed_with_their_titles(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 12) AS n")
    assert world.type("sync").exit_code == 0
    world.sql("DELETE FROM tasks")
    assert world.type("sync").exit_code == 5
    [stopped] = world.json("parked")["stopped"]
    assert len(stopped["deletions"]) == 12
    assert {"key": "3", "title": "task 3", "side": "notion"} in stopped["deletions"]
    shown = world.type("parked").stdout
    assert "task 3" in shown
    assert "--undo-deletes" in shown
    why = world.type("why", "3").stdout
    assert "the sync stopped itself" in why
    assert "task 3" in why
