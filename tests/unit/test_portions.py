"""What is too much for one request to Notion is planned in several, none of which is refused for what another wants."""

from __future__ import annotations

import pytest

from bridge.ends import Evidence, Outcome
from bridge.engine.portions import portion
from bridge.errors import Refused
from bridge.model import Action, Change, Format, Op, Side, Value
from bridge.values.registry import bind
from bridge.values.weight import MAX_BYTES, encoded
from tests.unit.desk import Desk, page, row
from tests.unit.worlds import make_field, make_sync
from tests.values.samples import COLUMNS, PROPERTIES

NAMES = ("one", "two", "three")
SYNC = make_sync(tuple(make_field(name) for name in NAMES))
HUGE = "x" * (MAX_BYTES * 2 // 3)


def update(**texts: str) -> Action:
    return Action(Side.NOTION, Op.UPDATE, {name: Change(None, text) for name, text in texts.items()})


def test_what_fits_one_request_is_one() -> None:
    action = update(one=HUGE, two="small", three="small")
    assert portion(SYNC, action) is action


def test_a_heavy_value_keeps_no_lighter_one_back() -> None:
    assert set(portion(SYNC, update(one=HUGE, two=HUGE, three="small")).changes) == {"one", "three"}


def test_there_is_always_progress() -> None:
    beyond = "x" * (MAX_BYTES + 1)
    assert set(portion(SYNC, update(one=beyond, two=beyond)).changes) == {"one"}


def test_rows_are_written_at_once() -> None:
    action = Action(Side.POSTGRES, Op.UPDATE, update(one=HUGE, two=HUGE).changes)
    assert portion(SYNC, action) is action


def test_what_the_writer_will_refuse_is_the_writers_to_refuse() -> None:
    assert set(portion(SYNC, update(one="unholdable", two=HUGE)).changes) == {"one", "two"}


def test_the_rest_follows_when_a_part_is_settled() -> None:
    desk = Desk(SYNC)
    desk.record("1", dict.fromkeys(NAMES, "before"))
    desk.see(row("1", dict.fromkeys(NAMES, HUGE)))
    written: dict[str, Value] = {}
    for _ in NAMES:
        intent = desk.planned()
        assert len(intent.action.changes) == 1
        written |= {name: change.new for name, change in intent.action.changes.items()}
        shown = dict.fromkeys(NAMES, "before") | written
        desk.answer(intent, Outcome.DONE, page("page-1", "1", shown, evidence=Evidence.RECEIPT))
    assert list(written) == list(NAMES)
    assert desk.plan() == []


def test_a_part_that_is_refused_as_a_whole_is_not_tried_for_ever() -> None:
    desk = Desk(SYNC)
    desk.record("1", dict.fromkeys(NAMES, "before"))
    desk.see(row("1", dict.fromkeys(NAMES, HUGE)))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="no")
    assert desk.plan() == []
    desk.see(row("1", dict.fromkeys(NAMES, HUGE + "y")))
    assert desk.planned().action.changes["one"].new == HUGE + "y"


@pytest.mark.parametrize("form", Format)
def test_the_addresses_of_links_count_too(form: Format) -> None:
    codec = bind(COLUMNS["text"], PROPERTIES["rich_text"], form=form)
    links = "".join(f"[{number:02}](https://example.com/{'x' * 1970}) " for number in range(14))
    text = "文" * 140_000
    assert codec.to_notion(text)
    with pytest.raises(Refused, match="500 KB"):
        codec.to_notion(text + links)


def test_formatting_that_no_request_has_room_for_is_left_out() -> None:
    codec = bind(COLUMNS["text"], PROPERTIES["rich_text"])
    link = {"text": {"content": "文" * 1900, "link": {"url": "https://example.com/" + "x" * 1900}}, "type": "text"}
    shown = {"rich_text": [{**link, "annotations": {"bold": n % 2 == 0}, "plain_text": "文" * 1900} for n in range(75)]}
    sent = codec.to_notion("文" * 1900 * 75 + "!", shown)
    assert len(encoded(sent)) <= MAX_BYTES
