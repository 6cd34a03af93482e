"""The whole bridge with types that Notion has not: what a person edits there arrives exactly, what they cannot mean is
parked with a reason while the rest goes on, and nothing is written that nobody changed."""

from __future__ import annotations

import pytest

from bridge.sandbox.notion import Options
from tests.system.world import World

TABLE = """
CREATE TABLE odd (
    id int PRIMARY KEY,
    title text NOT NULL,
    stay daterange,
    open tstzrange,
    doc json,
    pause interval,
    ports integer[],
    state text CHECK (state IN ('open', 'done')),
    price money
)
"""
PROPERTIES = {
    "Name": "title",
    "ID": "rich_text",
    "Stay": "date",
    "Open": "date",
    "Doc": "rich_text",
    "Pause": "rich_text",
    "Ports": "multi_select",
    "State": {"select": {"options": [{"name": "open"}, {"name": "done"}]}},
    "Price": "number",
}
FIELDS = {
    "title": "Name",
    "stay": "Stay",
    "open": "Open",
    "doc": "Doc",
    "pause": "Pause",
    "ports": "Ports",
    "state": "State",
    "price": "Price",
}
ROW = """
INSERT INTO odd VALUES (1, 'one', '[2026-01-01,2026-01-05)', '[2026-01-01 10:00:30+00,2026-01-01 11:00:00+00)',
    '{"b" : 1.50, "a":null}', '1 day 02:00', '{80,443}', 'open', 12.5)
"""


@pytest.fixture
def odd(world: World) -> World:
    _, world.data_source = world.person.create_database("Odd", PROPERTIES)
    world.sql(TABLE)
    world.table, world.fields = "public.odd", FIELDS
    world.write_config()
    world.sql(ROW)
    world.sync()
    return world


def test_odd_types_both_ways(odd: World) -> None:
    page = odd.page("1")
    assert page["Stay"] == {"start": "2026-01-01", "end": "2026-01-04", "time_zone": None}
    assert page["Doc"] == '{"a":null,"b":1.5}'
    assert (page["Pause"], page["Ports"], page["State"], page["Price"]) == ("P1DT2H", ["80", "443"], "open", 12.5)
    assert odd.in_step()

    edit = {
        "Stay": {"start": "2026-02-01", "end": "2026-02-28"},
        "Pause": "3 weeks",
        "Ports": ["443", "8080"],
        "Doc": '[1, {"deep": 12345678901234567890.5}]',
        "State": "done",
        "Price": 99.95,
    }
    odd.person.edit(page["_id"], edit)
    odd.sync()
    [row] = odd.sql("SELECT stay::text, pause::text, ports, doc::text, state, price::numeric::text FROM odd")
    assert row[:3] == ("[2026-02-01,2026-03-01)", "21 days", [443, 8080])
    assert row[3:] == ('[1,{"deep":12345678901234567890.5}]', "done", "99.95")
    assert odd.in_step()


def test_nobody_edits_nobody_writes(odd: World) -> None:
    """Neither the spelling of a document nor an equal range is a change; nor are seconds that Notion does not keep."""
    odd.sql("""UPDATE odd SET doc = '{"a":null,   "b":1.5}', stay = '[2026-01-01,2026-01-04]', price = 12.50""")
    before = odd.page("1")
    odd.sync()
    assert odd.page("1") == before
    assert odd.sql("SELECT doc::text FROM odd") == [('{"a":null,   "b":1.5}',)]
    assert odd.journal().conflicts() == []


def test_what_cannot_be_is_parked_and_the_rest_goes_on(odd: World) -> None:
    odd.person.edit(odd.page("1")["_id"], {"Name": "two", "Ports": ["80", "http"], "Doc": "{oops", "State": "later"})
    odd.sql("UPDATE odd SET open = '[2026-01-01 10:00+00,)'")
    odd.sync()
    assert odd.sql("SELECT title, ports, state FROM odd") == [("two", [80, 443], "open")]
    reasons = {row["field"]: row["reason"] for row in odd.journal().parked()}
    assert reasons.keys() == {"ports", "doc", "state", "open"}
    assert "no JSON" in reasons["doc"]
    assert "whole" in reasons["ports"] or "no number" in reasons["ports"]
    assert "open, done" in reasons["state"]
    assert "no end" in reasons["open"]


def test_seconds_that_notion_does_not_keep_are_no_edit(world: World) -> None:
    world.sandbox.options = Options(requests_per_minute=6000, date_precision="minute")
    _, world.data_source = world.person.create_database("Odd", PROPERTIES)
    world.sql(TABLE)
    world.table, world.fields = "public.odd", FIELDS
    world.write_config()
    world.sql(ROW)
    world.sync()
    assert world.page("1")["Open"]["start"] == "2026-01-01T10:00:00.000+00:00"
    world.person.edit(world.page("1")["_id"], {"Name": "touched"})
    world.sync()
    [found] = world.sql("SELECT title, lower(open) = '2026-01-01 10:00:30+00' FROM odd")
    assert found == ("touched", True)
