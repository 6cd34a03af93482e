"""Proves: every screen has a twin in JSON that says the same. Whatever a document holds is on the screen, in the form
in which people read it, or stands in a short list of what is said otherwise; and the screen shows no number or time
that is not in the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from bridge.cli.output import moment_shown, value_shown
from bridge.values.canonical import decode
from tests.cli.conftest import World

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")
MEASURED = ("clock", "rate")  # checks
CUTS = (None, 60, 30)  # whole, and as lists cut them
# Truths and words of programs, with the words that say them on the screen. `None`: only programs need it.
Otherwise = Mapping[str, Mapping[Any, str | None] | None]
VERSION: Otherwise = {"version": None}
WHO: Otherwise = {"page_id": None}  # the page's address is what people use, and it holds the id
CONFLICT: Otherwise = {
    **WHO,
    "state": {"open": "waits for you", "decided": "won", "resolved": "taken"},
    "rule": {"manual": "waits for you"},
    "moved_on": None,  # told only where there is one, in a sentence
    "resolved_at": None,
}
SCREENS: list[tuple[tuple[str, ...], int, Otherwise]] = [
    (
        ("status",),
        3,
        {
            **VERSION,
            "in_step": {False: "not in step"},
            "running": {False: "no bridge is running"},
            "woken": {None: "no bridge is running"},
            "paused": {False: None},
            "resync": {False: None},
            "lag_seconds": None,
            "used": None,  # they differ from one moment to the next
            "outbox": None,
            "left_out": {0: None},
        },
    ),
    (("check",), 0, {**VERSION, "name": None, "ok": {True: "ok"}, "hint": None}),
    (
        ("plan",),
        0,
        {
            **VERSION,
            "seconds": None,
            "requests": {0: "about 0 requests"},
            "conflicts": {1: "1 conflict"},
            "waiting": {2: "2 parked"},
            "records_total": None,
            "rule": {"manual": "manual"},
            "kind": None,
            "page_id": None,
        },
    ),
    (("verify",), 0, {**VERSION, **WHO, "agrees": {True: "both sides agree"}, "differences_total": None}),
    (("conflicts",), 0, CONFLICT),
    (("conflicts", "list", "--all"), 0, CONFLICT),
    (("conflicts", "show", "1"), 0, CONFLICT),
    (("conflicts", "show", "2"), 0, CONFLICT),
    (("parked",), 0, {**VERSION, **WHO, "sync": None, "at": None, "ended_at": None}),
    (("parked", "list", "--all"), 0, {**VERSION, **WHO, "sync": None, "at": None, "ended_at": None}),
    (("parked", "show", "1"), 0, {**WHO, "ended_at": None}),
    (("why", "1"), 1, {**VERSION, **WHO, "in_step": {False: "waits"}}),
    (("why", "2"), 1, {**VERSION, **WHO, "in_step": {False: "waits"}, "at": None, "kind": None}),
    (("why", "4"), 0, {**VERSION, **WHO, "in_step": {True: "in step"}}),
    (
        ("history", "1"),
        0,
        {**VERSION, **WHO, **CONFLICT, "text": None, "delay_seconds": None, "take": None, "winner": None},
    ),
    (("history", "--since", "1h"), 0, {**VERSION, "text": None, "delay_seconds": None}),
]


@pytest.fixture
def busy(world: World) -> World:
    """A conflict that waits (1), a parked value (2), a held deletion (3), a conflict that a rule decided (4), nothing
    special (5); and a title that no line can hold."""
    world.configure(policy='"postgres-wins"', deletes='"hold"')
    world.sql("INSERT INTO tasks (title, status) SELECT 'task ' || n, 'open' FROM generate_series(1, 5) AS n")
    assert world.type("sync").exit_code == 0
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = 4")
    world.ada.edit(world.page(4), {"Name": "theirs"})
    assert world.type("sync").exit_code == 0
    world.configure(policy='"manual"', deletes='"hold"')
    world.sql("UPDATE tasks SET title = %s WHERE id = 1", "ours " * 100)
    world.ada.edit(world.page(1), {"Name": "theirs " * 100})
    world.sql("UPDATE tasks SET estimate = 9007199254740993 WHERE id = 2")
    world.sql("DELETE FROM tasks WHERE id = 3")
    assert world.type("sync").exit_code == 3
    return world


def leaves(document: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in the document with the name under which it stands."""
    if isinstance(document, list):
        for item in document:
            yield from leaves(item, name)
    elif isinstance(document, dict):
        try:
            yield name, decode(document)
        except ValueError:
            for key, value in document.items():
                yield from leaves(value, key)
    elif document is not None:
        yield name, document


def forms(value: Any) -> set[str]:
    """How a value may stand on a screen."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {str(value)}
    if isinstance(value, str) and TIME.fullmatch(value):
        return {moment_shown(datetime.fromisoformat(value))}
    return {" ".join(value_shown(value, cut).split()) for cut in CUTS}


def missing(document: Any, screen: str, otherwise: Otherwise) -> Iterator[str]:
    text = " ".join(screen.split())
    for name, value in leaves(document):
        wanted = forms(value)
        if name in otherwise:
            words = otherwise[name]
            if words is None:
                continue
            if value in words:
                said = words[value]
                wanted = {said} if said is not None else {""}
        if not any(form in text for form in wanted):
            yield f"{name}: {value!r} is nowhere on the screen"


def unknown(document: Any, screen: str) -> Iterator[str]:
    """Numbers of some length, and times, that only the screen has."""
    known = {form for _, value in leaves(document) for form in forms(value)}
    whole = " ".join([*known, json.dumps(document)])
    for found in re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ|[\d.]{4,}", re.sub(r"https:\S+", "", screen)):
        if found not in whole:
            yield f"{found} is only on the screen"


def test_every_screen_says_what_its_twin_says(busy: World) -> None:
    wrong = []
    for command, code, otherwise in SCREENS:
        screen = busy.type(*command)
        assert screen.exit_code == code, (command, screen.output)
        told = compared(busy.json(*command, code=code), screen.stdout, otherwise)
        wrong += [f"{' '.join(command)}: {what}" for what in told]
    assert not wrong, "\n".join(wrong)


def compared(document: Any, screen: str, otherwise: Otherwise) -> Iterator[str]:
    if "checks" in document:
        # Clocks and budgets are measured anew each time.
        document["checks"] = [check for check in document["checks"] if check["name"] not in MEASURED]
        screen = "\n".join(line for line in screen.splitlines() if not any(f" {name}: " in line for name in MEASURED))
    yield from missing(document, screen, otherwise)
    yield from unknown(document, screen)


LISTS: list[tuple[tuple[str, ...], tuple[str | int, ...]]] = [
    (("conflicts", "list", "--all"), ()),
    (("parked", "list", "--all"), ("items",)),
    (("history", "1"), ("records", 0, "events")),
    (("history", "--since", "1h"), ("events",)),
]


def test_a_list_has_the_same_records_in_the_same_order(busy: World) -> None:
    for command, way in LISTS:
        records = busy.json(*command)
        for step in way:
            records = records[step]
        numbers = [str(record["id"]) for record in records]
        assert numbers
        lines = busy.type(*command).stdout.splitlines()
        start = next(place for place, line in enumerate(lines) if line.startswith(("id ", "no "))) + 1
        assert [line.split()[0] for line in lines[start : start + len(numbers)]] == numbers


def test_a_stopped_sync_and_a_paused_one_say_the_same(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 12) AS n")
    assert world.type("sync").exit_code == 0
    world.sql("DELETE FROM tasks")
    assert world.type("sync").exit_code == 5
    assert world.type("pause").exit_code == 0
    [found] = world.json("status", code=5)["syncs"]
    screen = world.type("status").stdout
    for part in (*found["breaker"].splitlines(), "paused"):
        assert " ".join(part.split()) in " ".join(screen.split())
    [stopped] = world.json("parked")["stopped"]
    screen = world.type("parked").stdout
    for deletion in stopped["deletions"]:
        assert re.search(rf"{deletion['key']} +{deletion['title']} +its page", screen)


def test_a_failure_says_the_same(world: World) -> None:
    for command in (("conflicts", "show", "7"), ("parked", "drop", "7"), ("why", "7"), ("history", "undo", "7")):
        assert world.type("sync").exit_code == 0
        screen = world.type(*command)
        error = world.json(*command, code=screen.exit_code)["error"]
        assert f"error: {error['message']}" in screen.stderr
        assert error["hint"] in screen.stderr
