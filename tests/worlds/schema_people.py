"""People who change the columns of both sides. A property is removed and put back, or made anew; or it gets another
type, and is given the old one back, or stays so. A column of the table is dropped and made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bridge.shapes import Column
from tests.worlds.ledger import plain
from tests.worlds.page_people import PROPERTIES
from tests.worlds.trouble import Luck

if TYPE_CHECKING:
    from tests.worlds.world import World

_FIELDS = ("mail", "note", "amount", "stage", "tags")
# Types by field: as a text it shows what it showed, as a number or a box nothing.
_TEXTS = {"mail": "rich_text", "note": "url", "amount": "rich_text", "stage": "rich_text", "tags": "rich_text"}
_OTHERS = {"mail": "number", "note": "number", "amount": "checkbox", "stage": "number", "tags": "number"}
_DROPPED = ("mail", "note", "amount", "tags")
_TAKEN = ("mail", "note", "amount")  # whose columns go with a property of text, too
_NOTICED_S = 60.0  # until the bridge carries a field again that can be carried
_SINCE = (0.5, 5.0, 30.0, 200.0)  # seconds until somebody thinks better of it


class SchemaPeople:
    """At most one change of each property at a time."""

    def __init__(self, world: World, luck: Luck) -> None:
        self._world, self._luck = world, luck
        self._retyped: set[str] = set()
        self._dropped: dict[str, Column] = {}
        self._accepted: set[str] = set()  # they stay as they are now, by the word of the person who decides
        self.touched: dict[str, list[float]] = {}  # when each field ceased to be what it had been bound to, and began

    def perhaps(self) -> None:
        """After an act of people."""
        for change, act, fields in (
            ("property removed", self._remove, _FIELDS),
            ("property retyped", self._retype, _FIELDS),
            ("column dropped", self._drop, _DROPPED),
        ):
            if self._luck.strikes(change):
                changed = {*self._world.pages.removed, *self._retyped, *self._accepted, *self._dropped}
                free = [field for field in fields if field not in changed]
                if free:
                    act(self._luck.rng.choice(free))

    def heal(self) -> None:
        """What is removed is put back; what was retyped stays so now and then, with or without a word about it."""
        for field in list(self._world.pages.removed):
            self._put_back(field)
        for field in list(self._dropped):
            self._add(field)
        for field in sorted(self._retyped):
            stays = field in self._world.pages.as_text and field in _TAKEN
            match self._luck.rng.choice(["back", "accept", "stay"]) if stays else "back":
                case "back":
                    self._retype_back(field)
                case "accept":
                    self._accept(field)

    def takes(self, field: str) -> bool:
        """Whether the person who decides takes a suspended field as it is now."""
        return field in self._accepted

    def concealed(self) -> list[Any]:
        """What pages hold of removed properties."""
        return [value for field in self._world.pages.removed for value in self._held(field, self._world.pages.pages())]

    def _held(self, field: str, page_ids: Iterable[str]) -> list[Any]:
        return [self._world.pages.read(page_id)[field] for page_id in page_ids]

    def _all_pages(self) -> list[str]:
        """Those in the trash, too: what happens to a property happens to them."""
        return [*self._world.pages.pages(), *self._world.pages.pages(trashed=True)]

    def unseen(self, field: str, at: float) -> bool:
        """Whether what was written into a row then may be on no page: it has come to none, or is on none any more,
        because the field was suspended then, or is now."""
        now = self._world.clock.seconds
        moments = self.touched.get(field, [])
        edges = [*moments, float("inf")][: len(moments) + len(moments) % 2]
        spans = [(began, ended + _NOTICED_S) for began, ended in zip(edges[::2], edges[1::2], strict=True)]
        return any(began <= moment <= ended for began, ended in spans for moment in (at, now))

    def _is_suspended(self, field: str) -> bool:
        """As the journal has it: the bridge has noticed."""
        return f'"{field}"' in self._world.process.disk.suspended()

    # A property is removed

    def _remove(self, field: str) -> None:
        pages, rng = self._world.pages, self._luck.rng
        prop = self._world.sandbox.world.data_sources[pages.data_source].find(pages.names[field])
        assert prop is not None
        pages.person.delete_property(pages.data_source, prop.name)
        pages.hidden.add(field)
        pages.removed[field] = prop
        self._begin(field)
        self._tell("property removed", field)
        later = self._put_back if rng.random() < 0.7 else self._make_anew
        self._world.clock.after(rng.choice(_SINCE), lambda: later(field))

    def _put_back(self, field: str) -> None:
        """The same property, with what the pages held."""
        sandbox, pages = self._world.sandbox, self._world.pages
        prop = pages.removed.pop(field, None)
        if prop is None:
            return
        with sandbox.changing():
            sandbox.world.data_sources[pages.data_source].properties[prop.id] = prop
        pages.hidden.discard(field)
        self._end("removed property put back", field)

    def _make_anew(self, field: str) -> None:
        """Another property of that name, which is empty."""
        pages = self._world.pages
        if field not in pages.removed or self._world.calm_at is not None:
            return
        shown = self._held(field, self._all_pages())
        prop = pages.removed.pop(field)
        pages.person.add_property(pages.data_source, prop.name, self._kind(field))
        pages.hidden.discard(field)
        self._forget(field, shown)
        self._end("removed property made anew", field)

    # A property gets another type

    def _retype(self, field: str) -> None:
        pages, rng = self._world.pages, self._luck.rng
        as_text = rng.random() < 0.7
        before = self._held(field, self._all_pages())
        pages.person.retype_property(pages.data_source, pages.names[field], (_TEXTS if as_text else _OTHERS)[field])
        if as_text:
            pages.as_text.add(field)
        else:
            pages.hidden.add(field)
            self._forget(field, before)
        self._retyped.add(field)
        self._begin(field)
        self._tell("property retyped", field)
        later = self._accept if as_text and field in _TAKEN and rng.random() < 0.4 else self._retype_back
        if rng.random() < 0.8:  # else at the end, when somebody says what becomes of it
            self._world.clock.after(rng.choice(_SINCE), lambda: self._before_the_end(later, field))

    def _before_the_end(self, act: Callable[[str], None], field: str) -> None:
        if self._world.calm_at is None:
            act(field)

    def _retype_back(self, field: str) -> None:
        if field not in self._retyped:
            return
        pages = self._world.pages
        kind = self._kind(field)
        name = kind if isinstance(kind, str) else next(iter(kind))
        pages.person.retype_property(pages.data_source, pages.names[field], name)
        if field in pages.hidden and not self._is_suspended(field):
            # Nobody looked meanwhile: for the bridge somebody has emptied the property, page by page; but not of a row
            # that has no page yet, or that was edited since.
            self._world.situations["property emptied by two types before anybody looked"] += 1
            held = [row.get(field) for row in self._world.server.state.rows.values()]
            self._world.ledger.replaced(held)
            self._world.ledger.may_show(held)
        pages.as_text.discard(field)
        pages.hidden.discard(field)
        self._retyped.discard(field)
        self._end("property retyped back", field)

    def _accept(self, field: str) -> None:
        if field in self._retyped:
            self._retyped.discard(field)
            self._accepted.add(field)
            self._end("retyped property is to stay", field)

    # A column is dropped

    def _drop(self, field: str) -> None:
        world, rng = self._world, self._luck.rng
        if world.server.open:
            return  # it would wait for them
        pages = [page[field] for page in world.pages.pages().values()]
        rows = [row.get(field) for row in world.server.state.rows.values()]
        shown = set(map(plain, pages))
        world.ledger.may_show([*rows, *pages])
        world.ledger.replaced(value for value in rows if value is not None and plain(value) not in shown)
        self._dropped[field] = world.server.drop_column(field)
        self._begin(field)
        self._tell("column dropped", field)
        if rng.random() < 0.4:
            self._add(field)
        else:
            world.clock.after(rng.choice(_SINCE), lambda: self._add(field))

    def _add(self, field: str) -> None:
        column = self._dropped.get(field)
        if column is None:
            return
        if self._world.server.open:
            self._world.clock.after(0.5, lambda: self._add(field))
            return
        del self._dropped[field]
        self._world.server.add_anew(column)
        self._end("dropped column made anew", field)

    # The book

    def _forget(self, field: str, shown: list[Any]) -> None:
        """Notion emptied the pages. What was in no row is lost, and by whose hand; what an edit in a page had replaced,
        and its row still holds, stands again."""
        held = [row.get(field) for row in self._world.server.state.rows.values()]
        ledger, texts = self._world.ledger, set(map(plain, held))
        ledger.may_show([*held, *shown])
        ledger.replaced(value for value in shown if value is not None and plain(value) not in texts)

    def _kind(self, field: str) -> Any:
        return PROPERTIES[self._world.pages.names[field].rstrip("'")]

    def _begin(self, field: str) -> None:
        self.touched.setdefault(field, []).append(self._world.clock.seconds)

    def _end(self, what: str, field: str) -> None:
        self.touched[field].append(self._world.clock.seconds)
        self._tell(what, field)

    def _tell(self, what: str, field: str) -> None:
        self._world.situations[what] += 1
        self._world._note(f"{what}: {field}")
