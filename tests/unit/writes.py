"""One write of each kind, decided and journaled: the point from which an answer leads on."""

from __future__ import annotations

from collections.abc import Callable

from bridge.ends import Evidence, Intent, Observation, Outcome
from bridge.model import Op, Side
from tests.unit.desk import Desk, at, minute, page, row, stamp

BEFORE = {"title": "before", "status": "Todo"}
AFTER = {"title": "new", "status": "Todo"}


def update_page() -> tuple[Desk, Intent]:
    """The row's title became "new"; the page is to follow."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}, stamp=stamp(100)))
    return desk, desk.planned()


def update_row() -> tuple[Desk, Intent]:
    """The page's title became "new"; the row is to follow."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(61), stamp=stamp(60, 59)))
    return desk, desk.planned()


def create_page() -> tuple[Desk, Intent]:
    desk = Desk()
    desk.see(row("1", BEFORE))
    return desk, desk.planned()


def create_row() -> tuple[Desk, Intent]:
    desk = Desk()
    desk.see(page("page-1", "1", BEFORE, edited=minute(0), seen=at(1)))
    return desk, desk.planned()


def create_row_without_a_key() -> tuple[Desk, Intent]:
    """A person made a page; its key is for the database to draw."""
    desk = Desk()
    desk.see(page("page-1", None, BEFORE, edited=minute(0), seen=at(1)))
    return desk, desk.planned()


def delete_page() -> tuple[Desk, Intent]:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", stamp=stamp(100)))
    return desk, desk.planned()


def delete_row() -> tuple[Desk, Intent]:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", seen=at(100)))
    return desk, desk.planned()


def restore_page() -> tuple[Desk, Intent]:
    """The row was deleted, the page followed, and the row is back with another title."""
    desk, deletion = delete_page()
    desk.answer(deletion, Outcome.DONE)
    desk.see(row("1", AFTER, stamp=stamp(200)))
    return desk, desk.planned()


MAKERS = [update_page, update_row, create_page, create_row, delete_page, delete_row, restore_page]
Maker = Callable[[], tuple[Desk, Intent]]


def seen_after(intent: Intent) -> Observation | None:
    """What the side shows once the write is made."""
    action, pair = intent.action, intent.pair
    values = {
        **pair.side(action.side.other).values,
        **pair.side(action.side).values,
        **{name: change.new for name, change in action.changes.items()},
    }
    if action.op is Op.DELETE:
        return page("page-1", "1", seen=at(300)) if action.side is Side.NOTION else None
    if action.side is Side.NOTION:
        return page(pair.page_id or "page-1", "1", values, edited=minute(5), seen=at(300), evidence=Evidence.RECEIPT)
    return row("1", values, evidence=Evidence.RECEIPT)
