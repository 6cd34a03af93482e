"""Proves what the page in the browser is given: one document without data that may run nothing foreign, every kind of
cell as JSON, and word of each change. What a browser makes of it is proved in tests/browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.sandbox import notion
from bridge.sandbox.notion import ManualClock, Person, Sandbox, SandboxServer
from tests.sandbox.conftest import Api

NASTY = "<script>alert(1)</script>"
STATIC = Path(notion.__file__).parent / "static"
HEADERS = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}


def get(server: SandboxServer, path: str, **headers: str) -> requests.Response:
    return requests.get(server.url + path, headers=headers, timeout=30)


def table(server: SandboxServer, source: str, **query: Any) -> Any:
    answer = requests.get(f"{server.url}/_sandbox/table", {"data_source_id": source} | query, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cells(server: SandboxServer, source: str, row: int = 0) -> dict[str, Any]:
    """The cells of a row by the names of their properties."""
    shown = table(server, source)
    return {prop["name"]: shown["rows"][row]["cells"][prop["id"]] for prop in shown["properties"]}


# ---- the document and its files


@pytest.mark.parametrize("path", ["/", "/d/{source}", "/d/%3Cscript%3E"])
def test_the_page_is_one_document_without_data(server: SandboxServer, ada: Person, path: str) -> None:
    _, source = ada.create_database(NASTY, {NASTY: "title"})
    answer = get(server, path.format(source=source))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.content == (STATIC / "index.html").read_bytes()


def test_nothing_foreign_may_run_and_nobody_may_frame_it(server: SandboxServer) -> None:
    for path in ("/", "/_sandbox/static/main.js", "/_sandbox/static/nothing.js"):
        headers = get(server, path).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_every_file_that_is_named_is_served(server: SandboxServer) -> None:
    named = re.findall(r'(?:href|src)="/_sandbox/static/([^"]+)"', (STATIC / "index.html").read_text())
    seen: set[str] = set()
    while named:
        name = named.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = get(server, f"/_sandbox/static/{name}")
        assert answer.status_code == 200, name
        folder = name.rpartition("/")[0]
        for found in re.findall(r'^import .*? from "([^"]+)";', answer.text, re.MULTILINE | re.DOTALL):
            path = f"{folder}/{found}" if folder else found
            named.append(re.sub(r"(^|/)(\w+/\.\./|\./)", r"\1", path))
    shipped = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()}
    assert seen | {"index.html"} == shipped


def test_nothing_but_those_files_is_served(server: SandboxServer) -> None:
    for path in ("nothing.js", "../web.py", "%2e%2e/web.py", "..%2fweb.py", "/etc/passwd"):
        # What a client shortens to an address elsewhere is none of the API's.
        assert get(server, f"/_sandbox/static/{path}").status_code in (400, 404)
    assert get(server, "/favicon.ico").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/", "/d/x", "/_sandbox/static/main.js", "/_sandbox/home", "/_sandbox/changes"])
def test_another_name_for_this_machine_is_refused(server: SandboxServer, path: str) -> None:
    """A web page can make its own name resolve to 127.0.0.1, and would then share an origin with the sandbox."""
    assert get(server, path, Host="evil.example").status_code == 403
    assert get(server, path, Origin="https://evil.example").status_code == 403


# ---- what it shows


def test_the_list_of_databases(server: SandboxServer, ada: Person) -> None:
    database, source = ada.create_database(NASTY, {"Name": "title"})
    other = ada.add_data_source(database, "Second", {"Name": "title"})
    gone, _ = ada.create_database("Gone", {"Name": "title"})
    ada.trash_database(gone)
    ada.trash(ada.create_row(source, {"Name": "a"}))
    ada.archive(ada.create_row(source, {"Name": "b"}))
    ada.create_row(source, {"Name": "c"})
    assert get(server, "/_sandbox/home").json() == {
        "workspace": "Sandbox",
        "sources": [
            {"id": source, "title": NASTY, "database": NASTY, "rows": 1, "trashed": 1},
            {"id": other, "title": "Second", "database": NASTY, "rows": 0, "trashed": 0},
        ],
    }


def test_every_kind_of_cell(server: SandboxServer, sandbox: Sandbox, ada: Person, tasks: str) -> None:
    ada.create_row(
        tasks,
        {
            "Name": NASTY,
            "Notes": "b",
            "Estimate": 2.5,
            "Done": True,
            "Priority": "High",
            "Tags": ["x"],
            "State": "Done",
            "Due": {"start": "2026-09-15T09:30:00+02:00", "end": "2026-09-16T09:30:00+02:00"},
            "Owner": ["Ada"],
            "Link": "https://example.com",
            "Mail": "a@example.com",
            "Phone": "1",
            "Papers": ["https://example.com/a.pdf", "kept.txt"],
            "Where": {"name": None, "address": None, "lat": 1.5, "lon": 2},
        },
    )
    shown = cells(server, tasks)
    assert [run["plain_text"] for run in shown["Name"]] == [NASTY]
    assert shown["Notes"][0]["annotations"]["bold"] is False
    assert (shown["Estimate"], shown["Done"], shown["State"]["name"]) == (2.5, True, "Done")
    assert (shown["Priority"]["name"], shown["Priority"]["color"]) == ("High", "red")
    assert [tag["name"] for tag in shown["Tags"]] == ["x"]
    assert shown["Due"] == {"start": "2026-09-15T09:30:00.000+02:00", "end": "2026-09-16T09:30:00.000+02:00"}
    assert shown["Owner"] == [{"id": ada.user.id, "name": "Ada", "bot": False}] == shown["Maker"] == shown["Changer"]
    assert (shown["Link"], shown["Mail"], shown["Phone"]) == ("https://example.com", "a@example.com", "1")
    assert shown["Papers"][0] == {"id": None, "name": "a.pdf", "url": "https://example.com/a.pdf"}
    assert (shown["Papers"][1]["name"], shown["Papers"][1]["url"]) == ("kept.txt", None)
    assert shown["Where"] == "1.5, 2"
    assert shown["Made"] == {"start": "2026-11-22T10:00:00.000Z", "end": None} == shown["Changed"]
    assert shown["Ticket"] == "T-1"
    assert shown["Double"] == {"type": "number", "value": 5}


def test_empty_cells(server: SandboxServer, ada: Person, tasks: str) -> None:
    ada.create_row(tasks)
    shown = cells(server, tasks)
    empty = ("Estimate", "Priority", "Due", "Link", "Where", "Double")
    assert {name: shown[name] for name in empty} == dict.fromkeys(empty)
    assert shown["Name"] == shown["Tags"] == shown["Owner"] == shown["Papers"] == []


def test_relations_by_title_and_rollups_of_every_shape(server: SandboxServer, ada: Person) -> None:
    _, people = ada.create_database("People", {"Name": "title", "Age": "number", "Born": "date", "Team": "select"})
    born = {"Age": 40, "Born": "1986-05-01", "Team": "red"}
    one, two = ada.create_row(people, {"Name": "One", **born}), ada.create_row(people, {"Name": "Two"})
    rolled = {
        name: {"rollup": {"relation_property_name": "Who", "rollup_property_name": of, "function": function}}
        for name, of, function in (
            ("Sum", "Age", "sum"),
            ("First", "Born", "earliest_date"),
            ("Teams", "Team", "show_original"),
            ("Odd", "Team", "sum"),
        )
    }
    relation = {"relation": {"data_source_id": people, "type": "single_property", "single_property": {}}}
    _, source = ada.create_database("Things", {"Name": "title", "Who": relation, **rolled})
    ada.create_row(source, {"Who": [one, two]})
    ada.create_row(source)
    shown = cells(server, source)
    assert shown["Who"] == [{"id": one, "title": "One"}, {"id": two, "title": "Two"}]
    assert shown["Sum"] == {"type": "number", "value": 40}
    assert shown["First"]["value"]["start"] == "1986-05-01"
    assert [(item["type"], item["value"]["name"]) for item in shown["Teams"]["value"]] == [("select", "red")]
    assert cells(server, source, 1)["First"] is None
    assert cells(server, source, 1)["Teams"] == {"type": "list", "value": []}
    ada.trash(two)
    assert [page["title"] for page in cells(server, source)["Who"]] == ["One"]
    named = next(prop for prop in table(server, source)["properties"] if prop["name"] == "Who")
    assert named["target"] == people


def test_formulas_of_every_type(server: SandboxServer, ada: Person) -> None:
    formulas = {"Text": 'prop("Name")', "Yes": 'prop("N") > 1', "Day": 'prop("D")', "Bad": 'prop("N") / "a"'}
    made = {name: {"formula": {"expression": text}} for name, text in formulas.items()}
    _, source = ada.create_database("F", {"Name": "title", "N": "number", "D": "date", **made})
    ada.create_row(source, {"Name": "a", "N": 2, "D": "2026-01-01"})
    shown = cells(server, source)
    assert shown["Text"] == {"type": "text", "value": "a"}
    assert shown["Yes"] == {"type": "checkbox", "value": True}
    assert shown["Day"]["type"] == "date"
    assert shown["Bad"] is None


def test_who_edited_a_row_and_when(
    server: SandboxServer, api: Api, ada: Person, clock: ManualClock, tasks: str
) -> None:
    page = ada.create_row(tasks, {"Name": "a"})
    clock.advance(125)
    (row,) = table(server, tasks)["rows"]
    assert (row["edited"], row["edited_by"]["name"], row["edited_by"]["bot"]) == (
        "2026-11-22T10:00:00.000Z",
        "Ada",
        False,
    )
    api.ok("PATCH", f"pages/{page}", {"properties": {"Estimate": {"number": 1}}})
    (row,) = table(server, tasks)["rows"]
    assert (row["edited"], row["edited_by"]["bot"]) == ("2026-11-22T10:02:00.000Z", True)


def test_the_last_rows_the_trash_and_what_may_be_typed(server: SandboxServer, ada: Person, tasks: str) -> None:
    pages = [ada.create_row(tasks, {"Name": str(number)}) for number in range(5)]
    ada.trash(pages[1])
    shown = table(server, tasks, limit=2)
    assert ([row["id"] for row in shown["rows"]], shown["total"]) == (pages[3:], 4)
    trash = table(server, tasks, trash=1)
    assert ([row["id"] for row in trash["rows"]], trash["total"]) == ([pages[1]], 1)
    assert [row["in_trash"] for row in trash["rows"]] == [True]
    assert [(row["id"], row["edited_by"]["name"]) for row in shown["moved"]] == [(pages[1], "Ada")]
    assert len(trash["moved"]) == 4
    read_only = {"Where", "Made", "Changed", "Maker", "Changer", "Ticket", "Double"}
    assert {prop["name"] for prop in shown["properties"] if not prop["editable"]} == read_only
    assert {user["name"] for user in shown["people"]} == {"Owner", "Ada"}
    assert get(server, "/_sandbox/table?data_source_id=nope").status_code == 400
    assert get(server, f"/_sandbox/table?data_source_id={tasks}&limit=x").status_code == 400
    assert get(server, "/_sandbox/table").status_code == 400


def test_rows_to_relate_to(server: SandboxServer, ada: Person, tasks: str) -> None:
    one, two = (ada.create_row(tasks, {"Name": name}) for name in ("Große Straße", "Small street"))
    ada.trash(ada.create_row(tasks, {"Name": "strasse"}))

    def found(find: str) -> list[str]:
        query = {"data_source_id": tasks, "find": find}
        answer = requests.get(f"{server.url}/_sandbox/choices", query, timeout=30).json()
        return [choice["id"] for choice in answer]

    assert found("") == [two, one]
    assert found("STRASSE") == [one]
    for number in range(60):
        ada.create_row(tasks, {"Name": f"more {number}"})
    assert len(found("")) == 50


def test_looking_changes_nothing(server: SandboxServer, ada: Person, tasks: str) -> None:
    """Not even what the sandbox draws by chance next, or a run would not repeat when somebody looks on."""
    ada.create_row(tasks, {"Papers": ["kept.txt"]})
    before = ada._sandbox._rng.getstate()
    with counted(ada._sandbox) as rings:
        first = table(server, tasks)
        assert table(server, tasks) == first
        get(server, "/_sandbox/home")
    assert ada._sandbox._rng.getstate() == before
    assert ada._sandbox.log.entries == []
    assert rings == []


# ---- what it does


def test_an_edit_by_the_page_is_one_by_a_person(
    server: SandboxServer, api: Api, ada: Person, clock: ManualClock, tasks: str
) -> None:
    page = ada.create_row(tasks, {"Name": "a"})
    clock.advance(100)
    body = {"as": "You", "do": "edit", "args": {"page_id": page, "values": {"Name": "b"}}}
    url = f"{server.url}/_sandbox/person"
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert requests.post(url, json=body, headers=own, timeout=30).status_code == 200
    shown = api.ok("GET", f"pages/{page}")
    assert shown["last_edited_time"] == "2026-11-22T10:01:00.000Z"
    editor = api.ok("GET", f"users/{shown['last_edited_by']['id']}")
    assert (editor["name"], editor["type"]) == ("You", "person")
    stranger = requests.post(url, json=body, headers={"Origin": "http://localhost:1"}, timeout=30)
    assert stranger.status_code == 403


def test_files_that_stay_keep_what_they_are(server: SandboxServer, ada: Person, tasks: str) -> None:
    page = ada.create_row(tasks, {"Papers": ["kept.txt", "https://example.com/a.pdf"]})
    kept, link = cells(server, tasks)["Papers"]
    ada.edit(page, {"Papers": [kept, link | {"name": "Plan"}, "new.txt"]})
    now = cells(server, tasks)["Papers"]
    assert now[:2] == [kept, link | {"name": "Plan"}]
    assert now[2]["name"] == "new.txt"
    with pytest.raises(ValueError, match="Papers never had a file 'nope'"):
        ada.edit(page, {"Papers": [{"id": "nope", "name": "kept.txt", "url": None}]})


# ---- word of changes


@contextmanager
def counted(sandbox: Sandbox) -> Iterator[list[None]]:
    """How often the bell rang."""
    rings: list[None] = []
    with sandbox.bell.heard_by(lambda: rings.append(None)):
        yield rings


def test_writes_ring_and_reads_do_not(server: SandboxServer, sandbox: Sandbox, api: Api, ada: Person) -> None:
    with counted(sandbox) as rings:

        def rang() -> bool:
            count = len(rings)
            rings.clear()
            return count > 0

        _, source = ada.create_database("Tasks", {"Name": "title"})
        assert rang()
        page = ada.create_row(source)
        assert rang()
        api.ok("PATCH", f"pages/{page}", {"in_trash": True})
        assert rang()
        api.error("PATCH", f"data_sources/{source}", {"title": 1})
        assert rang()  # what a refused request did before it was refused may show
        api.ok("POST", f"data_sources/{source}/query", {})
        api.ok("POST", "search", {})
        api.ok("GET", f"pages/{page}")
        ada.read(page)
        ada.rows(source)
        get(server, "/_sandbox/log")
        assert not rang()
        requests.patch(f"{server.url}/_sandbox/options", json={"trashed_targets_hide": False}, timeout=30)
        assert rang()
        sandbox.reset()
        assert rang()
    ada.create_database("After", {"Name": "title"})
    assert rings == []


def events(answer: requests.Response) -> Iterator[str]:
    return (line for line in answer.iter_lines(chunk_size=1, decode_unicode=True) if line.startswith("data:"))


def test_the_stream_tells_of_changes_from_everywhere(server: SandboxServer, ada: Person, tasks: str) -> None:
    with requests.get(f"{server.url}/_sandbox/changes", stream=True, timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        told = events(answer)
        assert next(told) == "data: look"  # whatever happened before it was listened to
        page = ada.create_row(tasks)
        assert next(told) == "data: look"
        body = {"properties": {"Estimate": {"number": 1}}}
        requests.patch(f"{server.url}/v1/pages/{page}", json=body, headers=HEADERS, timeout=30)
        assert next(told) == "data: look"
        requests.post(f"{server.url}/_sandbox/reset", timeout=30)
        assert next(told) == "data: look"


def test_a_stream_ends_with_the_server(sandbox: Sandbox) -> None:
    server = SandboxServer(sandbox)
    server.start()
    with requests.get(f"{server.url}/_sandbox/changes", stream=True, timeout=30) as answer:
        told = events(answer)
        assert next(told) == "data: look"
        server.stop()
        assert list(told) == []
    assert sandbox.bell._ears == []


def test_who_leaves_is_not_told_any_more(server: SandboxServer, sandbox: Sandbox) -> None:
    with requests.get(f"{server.url}/_sandbox/changes", stream=True, timeout=30) as answer:
        told = events(answer)
        assert next(told) == "data: look"
        assert len(sandbox.bell._ears) == 1
    deadline = time.monotonic() + 30
    while sandbox.bell._ears:
        assert time.monotonic() < deadline
        time.sleep(0.01)
