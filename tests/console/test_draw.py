"""The dashboard fits every size, says what matters first, and obeys nothing that somebody wrote into a cell."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.text import Text

from bridge.console.draw import farewell, render
from bridge.console.layout import either, paragraph, seconds_text, tail
from bridge.console.picture import example
from bridge.console.progress import Progress
from bridge.console.view import ChangeView, ConflictView, ParkedView, RateView, State, SyncView, View
from bridge.model import Side, Suspended, Unfit
from tests.console.conftest import NOON, lines

SYNC = SyncView("tasks", "public.tasks", "Tasks", rows=3, pages=3)
RATE = RateView(used=10, budget=180, configured=180)
CALM = View(NOON, (SYNC,), RATE)
EVIL = "\x1b[2J\x1b]0;gone\x07[red]bold[/red]:smile:\r\n\u202egnirts\x9b31m"


def text(view: View, width: int = 80, height: int = 24) -> str:
    return "\n".join(lines(render(view, width, height), width, height))


@pytest.mark.parametrize(("width", "height"), [(60, 16), (80, 24), (81, 25), (140, 45), (220, 60)])
def test_fills_the_screen_exactly(width: int, height: int) -> None:
    for view in (CALM, example(), replace(example(), notes=(("psql", "psql " + "x" * 300),))):
        drawn = lines(render(view, width, height), width, height)
        assert len(drawn) == height
        assert max(cell_len(line) for line in drawn) <= width


@pytest.mark.parametrize("height", [5, 8, 12])
def test_a_window_that_is_too_small_keeps_the_keys_and_what_stops_a_sync(height: int) -> None:
    breaker = "it would delete 25 of 30 rows"
    view = replace(example(), notes=(("psql", "psql x"),) * 4, syncs=(replace(SYNC, breaker=breaker),))
    drawn = lines(render(view, 60, height), 60, height)
    assert len(drawn) == height
    assert "stopped itself" in drawn[0]
    assert "q quit" in drawn[-1]
    assert height < 6 or any(breaker in line for line in drawn)


@pytest.mark.parametrize(("height", "kept"), [(13, 0), (16, 2), (24, 4)])
def test_notes_leave_room_for_what_happens(height: int, kept: int) -> None:
    """Where to edit is good to know, and the last ones give way; what changed and what waits is why people look."""
    notes = tuple((f"place {number}", "/somewhere/else") for number in range(4))
    drawn = text(replace(example(), notes=notes), 60, height)
    assert [number for number in range(4) if f"place {number}" in drawn] == list(range(kept))
    assert "→ notion" in drawn
    assert "1 to decide: notion-bridge conflicts" in drawn
    assert "1: notion-bridge parked" in drawn
    calm = text(replace(CALM, changes=example().changes, notes=notes), 60, height)
    assert "Last changes" in calm
    assert "→ notion" in calm


def test_a_suspended_field_is_told_in_full_and_many_are_counted() -> None:
    """The hint is what to type: it must not be cut off at the end of a line, nor fill the screen."""
    hint = "Run `notion-bridge init --update`, which looks at both sides and mends the file, and start it again."
    fields = tuple(Suspended(f"field {number}", "the property is gone", hint) for number in range(30))
    for width, height in ((60, 16), (80, 24)):
        drawn = " ".join(text(replace(example(), syncs=(replace(SYNC, suspended=fields),)), width, height).split())
        assert f"suspended: field 0: the property is gone. {hint}" in drawn
        assert "29 more fields of tasks suspended: notion-bridge status" in drawn
        assert "Last changes" in drawn or height == 16


def test_the_example_at_80_by_24() -> None:
    drawn = text(example())
    for wanted in (
        "catching up  14:07:32",
        "PostgreSQL  public.deals",
        "1,204 rows",
        "1,198 pages",
        "34 of 40 · 2.9 per second · 2.1 s left · behind by 1.1 s",
        "postgres → notion  1187     stage Proposal → Won",
        "notion → postgres  1042     amount 18500 → 21000               1.3 s",
        "new page  Harbour Lights",
        "1 to decide: notion-bridge conflicts",
        "stage Won or Lost                                 waits for you",
        "notion won (last-writer)",
        "close_on into postgres: it has an end",
        "61 of 180 requests this minute",
        "queue: 6 changed, 1 polling",
        "p pause   c review conflicts   q quit",
        "looking at Notion",
    ):
        assert wanted in drawn, wanted


def test_a_large_screen_shows_more_of_the_last_changes() -> None:
    many = tuple(
        ChangeView(NOON, Side.NOTION, "update", (str(key),), {"title": (None, f"title {key}")}) for key in range(60)
    )
    view = replace(CALM, changes=many)
    small, large = text(view, 80, 24).count("→ notion"), text(view, 140, 45).count("→ notion")
    assert 10 < small < 20 < large <= 45


def test_in_step_says_so() -> None:
    drawn = text(CALM)
    assert "● in step" in drawn
    assert "everything is the same on both sides" in drawn
    assert "Conflicts" not in drawn
    assert "Parked" not in drawn


@pytest.mark.parametrize(
    ("sync", "state"),
    [
        (SYNC, State.IN_STEP),
        (replace(SYNC, pending=2), State.WORKING),
        (replace(SYNC, swept=False, pending=2), State.READING),
        (replace(SYNC, conflicts=1), State.ASKING),
        (replace(SYNC, parked=1, pending=1), State.WORKING),
        (replace(SYNC, error="no route", conflicts=1), State.DOWN),
        (replace(SYNC, paused=True, error="no route"), State.PAUSED),
        (replace(SYNC, breaker="too many", paused=True), State.STOPPED),
    ],
)
def test_the_state_is_what_matters_most(sync: SyncView, state: State) -> None:
    assert sync.state is state
    assert View(NOON, (SYNC, sync, SYNC), RATE).state is state


def test_the_breaker_says_what_to_type() -> None:
    breaker = "sync 'tasks' stopped: it would delete 25 of 30 rows\n  notion-bridge resume --sync tasks --allow-deletes"
    drawn = text(replace(CALM, syncs=(replace(SYNC, breaker=breaker),)))
    assert "● stopped itself" in drawn
    assert "it would delete 25 of 30 rows" in drawn
    assert "notion-bridge resume --sync tasks --allow-deletes" in drawn


def test_a_long_message_is_folded_and_kept_whole() -> None:
    error = "Notion does not answer: " + " ".join(f"word{n}" for n in range(30))
    drawn = text(replace(CALM, syncs=(replace(SYNC, error=error, down=Side.NOTION),)))
    assert all(f"word{n}" in drawn for n in range(30))
    assert "Notion is tried again by and by; changes in PostgreSQL are kept until then." in drawn


def test_a_pause_says_how_to_go_on() -> None:
    assert "notion-bridge resume --sync tasks" in text(replace(CALM, syncs=(replace(SYNC, paused=True),)))


def test_a_narrow_window_gives_the_words_the_room_of_the_bar() -> None:
    words = "34 of 40 · 2.9 per second · 2.1 s left · behind by 1.1 s"
    assert f" {words}" in text(example(), 60, 16)
    assert f"━──  {words}" in text(example(), 80, 24)


def test_several_syncs_get_a_line_each() -> None:
    other = replace(
        SYNC, name="deals", table="public.deals", data_source="Deals", rows=1_000, pages=999, pending=1, behind=3.0
    )
    drawn = lines(render(View(NOON, (SYNC, other), RATE), 100, 24), 100, 24)
    assert any("tasks" in line and "public.tasks ⇄ Tasks" in line and "in step" in line for line in drawn)
    assert any("deals" in line and "1,000 / 999" in line and "1 behind by 3.0 s" in line for line in drawn)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (RateView(180, 180, 180), "180 of 180 requests this minute"),
        (RateView(20, 126, 180), "20 of 126 requests this minute (usually 180)"),
        (RateView(20, 126, 180, blocked=42.0), "Notion asked for a pause: 42 s to go"),
    ],
)
def test_requests_of_the_minute(rate: RateView, words: str) -> None:
    assert words in text(replace(CALM, rate=rate))


def test_progress_leaves_out_what_is_not_known_yet() -> None:
    drawn = text(replace(CALM, syncs=(replace(SYNC, pending=9),), progress=Progress(1, 10)))
    assert "1 of 10" in drawn
    assert "per second" not in drawn
    assert "left" not in drawn


def test_nothing_that_somebody_wrote_is_obeyed() -> None:
    """Escape codes, markup, emoji codes, line breaks and writing direction are shown, wherever the text comes from."""
    sync = replace(SYNC, name=EVIL, table=EVIL, data_source=EVIL, breaker=EVIL, error=EVIL, paused=True)
    view = View(
        NOON,
        (sync,),
        RATE,
        changes=(ChangeView(NOON, Side.NOTION, "update", (EVIL, EVIL), {EVIL: (EVIL, (EVIL,))}),),
        conflicts=(ConflictView(1, (EVIL,), EVIL, EVIL, Unfit(EVIL, EVIL), "tie", Side.NOTION, "decided", NOON),),
        parked=(ParkedView(1, (EVIL,), EVIL, Side.NOTION, EVIL),),
        notes=((EVIL, EVIL),),
    )
    for syncs in ((sync,), (sync, sync)):
        drawn = lines(render(replace(view, syncs=syncs), 200, 60), 200, 60)
        assert len(drawn) == 60
        whole = "".join(drawn)
        assert not [c for c in whole if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        assert "[red]bold[/red]:smile:" in whole
        assert r"\x1b[2J" in whole
    assert "\x1b" not in "".join(lines(farewell(view), 200))


@pytest.mark.parametrize("room", [12, 20, 40, 200])
def test_of_two_values_each_can_be_seen(room: int) -> None:
    long = "lorem ipsum dolor " * 20
    for postgres, notion in (
        ("short", long),
        (long, "short"),
        (long, long),
        ("東京の港湾拡張計画" * 9, long),
        ("a", "b"),
    ):
        drawn = either(postgres, notion, room).plain
        assert cell_len(drawn) <= room
        ours, _, theirs = drawn.partition(" or ")
        assert ours[0] == postgres[0]
        assert theirs[0] == notion[0]
        if room >= 20:
            assert "short" not in (postgres, notion) or "short" in (ours, theirs)


def test_a_book_in_a_cell_costs_nothing() -> None:
    book = "x" * 5_000_000
    changes = tuple(
        ChangeView(NOON, Side.NOTION, "update", ("1",), {"title": (book, Unfit("", book))}) for _ in range(40)
    )
    assert "…" in text(replace(CALM, changes=changes))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (119, "119 s"), (180, "3 min"), (9000, "2 h")],
)
def test_spans_for_people(seconds: float, words: str) -> None:
    assert seconds_text(seconds) == words


def test_what_stays_on_the_screen() -> None:
    assert lines(farewell(CALM)) == ["tasks: 3 rows, 3 pages, in step"]


@pytest.mark.parametrize("wide", ["漢字かな" * 60, "\u2764\ufe0f" * 90, "\U0001f469\u200d\U0001f4bb " * 60], ids=ascii)
def test_messages_are_folded_and_cut_by_what_fits_on_the_screen(wide: str) -> None:
    folded = paragraph(wide, "", 40)
    assert "".join("".join(line.plain for line in folded).split()) == "".join(wide.split())
    assert max(line.cell_len for line in folded) <= 40
    end = tail(Text(wide), 40)
    assert wide.endswith(end.plain)
    assert 15 <= end.cell_len <= 40
