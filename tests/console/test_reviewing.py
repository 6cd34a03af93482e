"""The review: every key does what it says, on the journal itself; what moved on is shown again; the last decision can
be taken back; the screen fits every size and obeys nothing that somebody wrote.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from bridge.console.layout import ASKS, SIDE_STYLE
from bridge.console.review_draw import render_review
from bridge.console.reviewing import Review, Scope
from bridge.engine.cases import Case, Cases
from bridge.engine.decisions import carry_out
from bridge.errors import BridgeError, Unavailable
from bridge.journal import Journal
from bridge.model import Base, Conflict, FieldValue, Pair, Presence, Side, Snapshot, Stamp, Sync
from tests.console.conftest import NOON, lines

EXACT = Stamp(NOON, NOON)
MINUTE = Stamp(NOON, NOON + timedelta(seconds=42))
STATUS = Conflict("status", "open", "done", "lost", EXACT, MINUTE, "manual", None)
DECIDED = replace(STATUS, rule="last-writer", winner=Side.NOTION)
EVIL = "\x1b[2J\x1b]0;gone\x07[red]bold[/red]:smile:\r\n\u202egnirts\x9b31m"


@dataclass(slots=True)
class RealDesk:
    """Decides in the journal at once, as the bridge does; keeps what it was asked."""

    journal: Journal
    asked: list[tuple[str, Any]] = field(default_factory=list)
    edited: list[str | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    down: BridgeError | None = None

    def cases(self) -> list[Case]:
        return Cases(self.journal).all(["tasks"])

    def case(self, number: int) -> Case | None:
        row = self.journal.conflict(number)
        return None if row is None else Cases(self.journal).of(row)

    def resolve(self, choices: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        return self._ask("resolve-many", "choices", list(choices))

    def undo(self, numbers: Sequence[int]) -> Mapping[str, Any]:
        return self._ask("undo-many", "ids", list(numbers))

    def _ask(self, kind: str, name: str, wishes: list[Any]) -> Mapping[str, Any]:
        if self.down is not None:
            raise self.down
        self.asked.append((kind, wishes))
        return carry_out(self.journal, kind, {name: wishes})

    def edit(self, text: str) -> str | None:
        self.texts.append(text)
        return self.edited.pop(0) if self.edited else None

    def state(self, number: int) -> tuple[str, str | None]:
        row = self.journal.conflict(number)
        assert row is not None
        return row["state"], row["take"]


def add_pair(
    journal: Journal, sync: Sync, key: str, ours: Mapping[str, FieldValue], theirs: Mapping[str, FieldValue]
) -> Pair:
    base = Base(Presence.LIVE, {"title": f"Record {key}", "status": "open"})
    with journal.transaction():
        pair = journal.add_pair(sync.name, (key,), f"0000000{key}-0000-0000-0000-000000000000")
        pair = replace(pair, base=base, postgres=Snapshot(Presence.LIVE, ours), notion=Snapshot(Presence.LIVE, theirs))
        journal.save_pair(pair, dirty=False)
    return pair


@pytest.fixture
def desk(journal: Journal, sync: Sync) -> RealDesk:
    """#1 and #2 of record 1 (the second decided by rule), #3 of record 2, #4 about the whole of record 3."""
    with journal.transaction():
        journal.update_sync(
            sync.name, columns='{"title": [2, "text", "title", "title"], "status": [3, "text", "s", "select"]}'
        )
    for key in ("1", "2", "3"):
        named = {"title": f"Record {key}"}
        pair = add_pair(journal, sync, key, {**named, "status": "done"}, {**named, "status": "lost"})
        with journal.transaction():
            if key != "3":
                journal.add_conflict(pair, STATUS)
            if key == "1":
                title = replace(DECIDED, field="title", base="a", postgres="b", notion="Record 1")
                journal.add_conflict(pair, title)
            if key == "3":
                journal.add_conflict(pair, replace(STATUS, field="", rule="edit-survives", winner=Side.POSTGRES))
    return RealDesk(journal)


def review(desk: RealDesk, *keys: str) -> Review:
    made = Review(desk)
    made.refresh()
    for key in keys:
        made.press(key)
    return made


def screen(made: Review, width: int = 80, height: int = 24) -> str:
    return "\n".join(lines(render_review(made, width, height), width, height))


def test_no_conflicts(journal: Journal) -> None:
    made = review(RealDesk(journal), "enter", "p", "u")
    assert "No conflicts" in screen(made)
    made.press("q")
    assert made.ended


def test_the_list_shows_those_that_wait_first(desk: RealDesk) -> None:
    made = review(desk)
    assert [case.id for case in made.cases] == [1, 3, 4, 2]
    drawn = screen(made)
    assert "2 to decide, 2 decided" in drawn
    assert "› #1     Record 1" in drawn
    assert "notion won" in drawn


def test_one_conflict_shows_what_is_needed_to_decide(desk: RealDesk, sync: Sync) -> None:
    pair = desk.journal.pair_by_key(sync.name, ("1",))
    assert pair is not None
    desk.journal.add_event(pair, Side.POSTGRES, "update", {"status": ("open", "done")}, stamp=EXACT, author="app")
    drawn = screen(review(desk, "enter"))
    first, last = (moment.astimezone().strftime("%H:%M:%S") for moment in (MINUTE.earliest, MINUTE.latest))
    for wanted in (
        "Record 1",
        "tasks 1",
        "https://www.notion.so/00000001000000000000000000000000",
        "before      open",
        "PostgreSQL  done",
        "by app, ",
        "Notion      lost",
        f"between {NOON.astimezone():%Y-%m-%d} {first} and {last}",
        "until you decide: the policy is to ask.",
        "p PostgreSQL   n Notion   b before   e edit   s skip",
        "a scope: this conflict   l list   ? help   q back",
    ):
        assert wanted in drawn, wanted


def test_the_name_of_who_edited_is_shown_and_not_obeyed(desk: RealDesk, sync: Sync) -> None:
    pair = desk.journal.pair_by_key(sync.name, ("1",))
    assert pair is not None
    desk.journal.add_event(pair, Side.POSTGRES, "update", {"status": ("open", "done")}, stamp=EXACT, author=EVIL)
    drawn = screen(review(desk, "enter"), width=200)
    assert r"by \x1b[2J" in drawn
    assert "\x1b" not in drawn


@pytest.mark.parametrize(
    ("keys", "take", "value"),
    [
        (["p"], "postgres", "done"),
        (["n"], "notion", "lost"),
        (["b"], "base", "open"),
        (["e", "!", "enter"], "value", "done!"),
        (["e", "\x15", "enter"], "value", None),
        (["e", "backspace", "backspace", "x", "y", "enter"], "value", "doxy"),
    ],
)
def test_one_key_decides_from_the_list_and_from_the_conflict(
    desk: RealDesk, keys: list[str], take: str, value: str | None
) -> None:
    for opened in ([], ["enter"]):
        made = review(desk, *opened, *keys)
        assert desk.state(1) == ("resolving", take)
        chosen = made.desk.case(1)
        assert chosen is not None
        assert chosen.chosen == value
        assert made.decided == 1
        made.press("u")
        assert desk.state(1) == ("open", None)


def test_after_a_decision_the_next_one_is_shown(desk: RealDesk) -> None:
    made = review(desk, "enter", "p")
    assert made.case is not None
    assert made.case.id == 3
    assert made.message == "#1: PostgreSQL's value taken; u undoes"
    made.press("l")
    assert "being written" in screen(made, 120)


def test_the_winner_can_be_kept_and_an_open_conflict_has_none(desk: RealDesk) -> None:
    made = review(desk, "k")
    assert made.failed
    made = review(desk, "end", "k")
    assert desk.state(2) == ("resolving", "notion")


def test_a_whole_record_can_only_be_kept(desk: RealDesk) -> None:
    made = review(desk, "down", "down")
    for key in ("p", "n", "b", "e"):
        made.press(key)
        assert made.failed
        assert desk.state(4) == ("decided", None)
    assert "b before" not in screen(review(desk, "down", "down", "enter"))
    made.press("k")
    assert desk.state(4) == ("resolved", "postgres")


def test_the_whole_record_or_all_of_the_same_kind_at_once(desk: RealDesk) -> None:
    made = review(desk, "a")
    assert made.scope is Scope.RECORD
    assert "scope: the whole record (2)" in screen(made)
    made.press("n")
    assert [desk.state(number)[1] for number in (1, 2, 3)] == ["notion", "notion", None]
    made.press("u")
    assert [desk.state(number)[0] for number in (1, 2, 3)] == ["open", "decided", "open"]
    made.scope = Scope.KIND
    made.press("b")
    assert [desk.state(number)[1] for number in (1, 2, 3)] == ["base", None, "base"]
    assert made.message.startswith("2 conflicts: the value before taken")


def test_what_moved_on_is_shown_again_and_can_then_be_decided(desk: RealDesk, sync: Sync) -> None:
    made = review(desk)
    pair = desk.journal.pair_by_key(sync.name, ("1",))
    assert pair is not None
    newer = replace(pair, notion=Snapshot(Presence.LIVE, {**pair.notion.values, "status": "newer"}))
    desk.journal.save_pair(newer)
    made.press("p")
    assert desk.state(1) == ("open", None)
    assert made.failed
    assert made.open
    drawn = screen(made, 100)
    assert "was changed in notion since" in drawn
    assert "Edited since: Notion now holds newer." in drawn
    made.press("p")
    assert desk.state(1) == ("resolving", "postgres")


def test_a_second_decision_about_the_same_conflict_is_refused(desk: RealDesk) -> None:
    made = review(desk, "p", "n")
    assert made.failed
    assert desk.state(1) == ("resolving", "postgres")


def test_a_key_decides_no_other_conflict_than_the_one_on_the_screen(desk: RealDesk) -> None:
    made = review(desk, "a", "k")
    assert made.scope is Scope.RECORD
    assert made.failed, "it has no winner, whatever the other one of the record has"
    assert desk.state(2) == ("decided", None)
    made = review(desk)
    made.press("p")
    made.press("a")
    drawn = screen(made)
    assert "k keep" not in drawn
    assert "scope" not in drawn
    for key in ("k", "n"):
        made.press(key)
        assert made.failed
        assert desk.state(2) == ("decided", None)


def test_nothing_to_take_back_is_said(desk: RealDesk) -> None:
    assert review(desk, "u").message == "nothing was decided in this review yet"


def test_a_bridge_that_does_not_answer_is_told_and_nothing_is_lost(desk: RealDesk) -> None:
    desk.down = Unavailable("the running bridge did not answer", hint="Nothing was changed.")
    made = review(desk, "p")
    assert made.message == "the running bridge did not answer. Nothing was changed."
    desk.down = None
    made.press("p")
    desk.down = Unavailable("gone again")
    made.press("u")
    assert made.failed
    desk.down = None
    made.press("u")
    assert desk.state(1) == ("open", None)


def test_a_long_text_is_edited_in_the_editor(desk: RealDesk, journal: Journal, sync: Sync) -> None:
    long, short = "word " * 40, "short\nwith a second line"
    pair = add_pair(journal, sync, "9", {"status": long}, {"status": short})
    with journal.transaction():
        journal.add_conflict(pair, replace(STATUS, postgres=long, notion=short))
    desk.edited = [None, "mine"]
    made = review(desk, "down", "down", "e")
    assert desk.texts == [long]
    assert made.message == "nothing was changed in the editor"
    made.press("e")
    case = desk.case(5)
    assert case is not None
    assert case.chosen == "mine"


def test_typing_can_be_left(desk: RealDesk) -> None:
    made = review(desk, "e", "x")
    assert "new value: donex" in screen(made)
    made.press("escape")
    assert made.typing is None
    assert desk.asked == []
    made.press("q")
    assert made.ended


def test_an_emoji_can_be_typed_with_all_its_parts(desk: RealDesk) -> None:
    review(desk, "e", "\x15", *"\U0001f469\u200d\U0001f4bb", "\u202e", "enter")
    case = desk.case(1)
    assert case is not None
    assert case.chosen == "\U0001f469\u200d\U0001f4bb"


def test_a_value_that_does_not_fit_is_refused_in_words(desk: RealDesk, journal: Journal, sync: Sync) -> None:
    pair = add_pair(journal, sync, "9", {"done": True}, {"done": False})
    with journal.transaction():
        journal.add_conflict(pair, replace(STATUS, field="done", base=None, postgres=True, notion=False))
    made = review(desk, "down", "down", "e", "?", "enter")
    assert "is no value for this field. Write true or false." in made.message


def test_skipping_goes_through_what_is_left_and_ends_in_the_list(desk: RealDesk) -> None:
    made = review(desk, "enter", "s", " ", "right")
    assert made.case is not None
    assert made.case.id == 2
    made.press("left")
    assert made.case.id == 4
    for _ in range(3):
        made.press("p" if made.case.field else "k")
        made.press("s")
    assert made.open is any(case.waits for case in made.cases)


def test_the_words_name_values_and_say_which_key_undoes(desk: RealDesk) -> None:
    assert review(desk, "end", "k").message == "#2: winner kept; u undoes"
    made = review(desk, "p", "enter")
    assert "PostgreSQL's value is being written." in screen(made)


def test_escape_goes_to_the_list_and_then_back(desk: RealDesk) -> None:
    made = review(desk, "enter", "escape")
    assert not made.open
    assert not made.ended
    made.press("escape")
    assert made.ended


def test_a_question_mark_tells_what_the_keys_do(desk: RealDesk) -> None:
    for keys in (("?",), ("enter", "?")):
        drawn = " ".join(screen(review(desk, *keys)).split())
        for wanted in ("PostgreSQL's value, Notion's, or the one before", "k keeps what won", "q back."):
            assert wanted in drawn


def test_forty_columns_show_all_keys_and_what_each_conflict_is_about(desk: RealDesk) -> None:
    made = review(desk, "end")
    listed = screen(made, 40, 16)
    for wanted in ("› #2 Record 1 · title", "notion won", "#1 Record 1 · status", "waits for you"):
        assert wanted in listed
    made.press("enter")
    for drawn in (listed, screen(made, 40, 16)):
        for wanted in ("p PostgreSQL", "e edit", "k keep the winner", "a scope: this conflict", "? help", "q back"):
            assert wanted in drawn, wanted


def test_an_unknown_key_is_told(desk: RealDesk) -> None:
    assert review(desk, "\x1b[2J").message == r"'\\x1b[2J' is not one of these keys"


def test_the_end_of_the_keys_ends_the_review(desk: RealDesk) -> None:
    for key in ("end of input", "ctrl-c", "q"):
        assert review(desk, key).ended


# The screen


def many(desk: RealDesk, sync: Sync, count: int, ours: str, theirs: str) -> None:
    for number in range(count):
        key = str(100 + number)
        pair = add_pair(desk.journal, sync, key, {"title": ours, "status": ours}, {"title": theirs, "status": theirs})
        with desk.journal.transaction():
            desk.journal.add_conflict(pair, replace(STATUS, postgres=ours, notion=theirs))


@pytest.mark.parametrize(("width", "height"), [(60, 16), (80, 24), (81, 25), (200, 60), (20, 5)])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("short", "other"),
        ("word " * 5_000, "word " * 4_000 + "end"),
        ("漢字かな交じり文" * 40, "漢字" * 90),
        (EVIL, EVIL + "x"),
        ("שלום עולם", "مرحبا بالعالم"),
        ("a" * 500, "👩‍👩‍👧‍👦" * 50),
    ],
    ids=["short", "book", "wide", "control", "right-to-left", "joined"],
)
def test_fills_the_screen_exactly(desk: RealDesk, sync: Sync, width: int, height: int, ours: str, theirs: str) -> None:
    many(desk, sync, 3, ours, theirs)
    made = review(desk)
    for keys in ((), ("down", "down", "enter"), ("page down",), ("e",), ("escape", "p"), ("l", "q")):
        for key in keys:
            made.press(key)
        drawn = lines(render_review(made, width, height), width, height)
        assert len(drawn) == height
        assert max(cell_len(line) for line in drawn) <= width
        hidden = ("Cc", "Cs", "Zl", "Zp")
        assert not [c for c in "".join(drawn) if unicodedata.category(c) in hidden]
        assert "\u202e" not in "".join(drawn)


def test_a_thousand_conflicts_are_a_list_to_scroll(desk: RealDesk, sync: Sync) -> None:
    many(desk, sync, 1_000, "ours", "theirs")
    made = review(desk, "end")
    assert "1,002 to decide" in screen(made)
    assert made.place == 1_003
    assert "›" in screen(made)
    made = review(desk, "page down", "a", "a", "p")
    assert made.decided == 1_002, "in one request"
    assert len(desk.asked) == 1


def test_what_differs_is_marked_without_colours_too(desk: RealDesk, sync: Sync) -> None:
    many(desk, sync, 1, "call Ines on Monday", "call Wolf on Monday")
    made = review(desk, "down", "down", "enter")
    group = render_review(made, 80, 24)
    assert isinstance(group, Group)
    [line] = [line for line in group.renderables if isinstance(line, Text) and "call Ines" in line.plain]
    marked = [span for span in line.spans if "underline" in str(span.style)]
    assert [line.plain[span.start : span.end] for span in marked] == ["Ines"]


def test_fixed_colours_can_be_read_on_black_and_on_white() -> None:
    from rich.color import Color  # noqa: PLC0415

    def luminance(name: str) -> float:
        parts = [part / 255 for part in Color.parse(name).get_truecolor()]
        red, green, blue = (p / 12.92 if p <= 0.04 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for name in (*SIDE_STYLE.values(), ASKS):
        assert (luminance(name) + 0.05) / 0.05 >= 3, name
        assert 1.05 / (luminance(name) + 0.05) >= 3, name
