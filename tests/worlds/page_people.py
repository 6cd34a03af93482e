"""People in Notion: they write pages, duplicate, move, trash and restore them, and type what no column takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from bridge.sandbox.notion import Person, Sandbox
from bridge.sandbox.notion.properties import simple
from bridge.sandbox.notion.state import Property
from tests.worlds.clock import WorldClock
from tests.worlds.ledger import UNIQUE, Ledger, Written, plain
from tests.worlds.row_people import FIELDS, STAGES, TAGS
from tests.worlds.situations import Situations

PROPERTIES: dict[str, Any] = {
    "Name": "title",
    "ID": "rich_text",
    "Mail": "email",
    "Note": "rich_text",
    "Amount": "number",
    "Stage": {"select": {"options": [{"name": name} for name in STAGES]}},
    "Tags": "multi_select",
}


class PagePeople:
    """The acts. Each answers what it did, "" when there was nothing to do it with."""

    def __init__(
        self,
        sandbox: Sandbox,
        data_source: str,
        clock: WorldClock,
        ledger: Ledger,
        rng: random.Random,
        situations: Situations,
        *,
        rubbish: float,
    ) -> None:
        self._sandbox, self._clock, self._ledger = sandbox, clock, ledger
        self.data_source = data_source
        self._rng, self._situations, self._rubbish = rng, situations, rubbish
        self.person: Person = sandbox.person("Ada")
        self._robot = Person(sandbox, sandbox.bot())  # an automation that acts under the bridge's own name
        self.names = {"title": "Name", "mail": "Mail", "note": "Note", "amount": "Amount", "stage": "Stage"}
        self.names |= {"tags": "Tags", "key": "ID"}
        self.hidden: set[str] = set()  # fields whose property was removed, or has a type that cannot show them
        self.removed: dict[str, Property] = {}
        self.as_text: set[str] = set()  # fields whose property shows them as a text now
        self.trashed_unheard: Callable[[str], bool] = lambda page_id: False  # by the bridge, which does not know it yet
        self.keyed: set[str] = set()  # pages whose key somebody typed or took away
        self._away: dict[str, Any] = {}  # the title, which is all that is left of a page outside
        self.acts: dict[Callable[[], str], float] = {
            self.edit: 10.0,
            self.create: 2.0,
            self.trash: 1.2,
            self.restore: 0.7,
            self.duplicate: 0.5,
            self.type_key: 0.5,
            self.create_with_key: 0.4,
            self.move_away: 0.3,
            self.move_back: 0.4,
            self.write_body: 0.3,
        }

    # What is there

    def pages(self, *, trashed: bool = False) -> dict[str, dict[str, Any]]:
        """Values by field, by page."""
        shown = self.person.rows(self.data_source, in_trash=trashed)
        return {page_id: self._by_field(page) for page_id, page in sorted(shown.items())}

    def read(self, page_id: str) -> dict[str, Any]:
        """What a page holds, by field; of a removed property, too, which could be put back."""
        page = self._sandbox.world.pages[page_id]
        scope = self._sandbox.scope()
        kept = {field: simple(prop, page, page.state, scope) for field, prop in self.removed.items()}
        return {**self._by_field(self.person.read(page_id)), **kept}

    def _by_field(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        return {field: None if field in self.hidden else shown[name] for field, name in self.names.items()}

    def fields(self) -> list[str]:
        """Those that somebody can type into."""
        return [field for field in FIELDS if field not in self.hidden]

    def away(self) -> dict[str, Any]:
        """The titles of the pages that were moved out, and are still elsewhere."""
        return dict(self._away)

    def _page(self, *, trashed: bool = False) -> str | None:
        pages = sorted(self.pages(trashed=trashed))
        return self._rng.choice(pages) if pages else None

    # Values

    def value(self, field: str) -> Any:
        odd = self._rng.random() < self._rubbish
        match field:
            case "stage":
                return "Odd" if odd else self._rng.choice(STAGES)
            case "tags":
                return self._rng.sample(TAGS, self._rng.randint(0, 3))
        made = self._ledger.make(field, "page")
        if odd and field == "amount":
            return made + (Decimal(1_000_000) if self._rng.random() < 0.5 else Decimal("0.123"))
        if odd and field == "note":
            return f"{made} {'is too long for its column' * 2}"
        if odd and field == "title":
            return None
        return made

    def _typed(self, values: dict[str, Any]) -> dict[str, Any]:
        return {self.names[field]: self._cell(field, value) for field, value in values.items()}

    def _cell(self, field: str, value: Any) -> Any:
        if field in self.as_text:
            return ", ".join(value) if isinstance(value, list) else plain(value) or None
        return float(value) if isinstance(value, Decimal) else value

    def _wrote(self, page_id: str, values: dict[str, Any]) -> None:
        after = self._sandbox.log.entries[-1].seq if self._sandbox.log.entries else 0
        for field, value in values.items():
            written = Written(field, "page", self._clock.seconds, page_id, after)
            self._ledger.wrote(field, value, written)

    # Acts

    def edit(self) -> str:
        page_id = self._page()
        return self.edit_page(page_id) if page_id is not None else ""

    def edit_page(self, page_id: str, values: dict[str, Any] | None = None, person: Person | None = None) -> str:
        made = values or self._some_values()
        before = self.read(page_id)
        (person or self.person).edit(page_id, self._typed(made))
        self._ledger.typed_over([before[field] for field in made], made.values())
        self._wrote(page_id, made)
        return f"page {page_id[:4]}: {made}"

    def _some_values(self) -> dict[str, Any]:
        """For a field or two of those that the pages have now."""
        free = self.fields()
        return {
            field: self.value(field) for field in self._rng.sample(free, min(len(free), self._rng.choice([1, 1, 2])))
        }

    def automate(self, page_id: str) -> str:
        """What a machine does to a page under the bridge's name is an edit like any other."""
        if page_id not in self.pages():
            return ""
        self._situations["edited under our bot's name"] += 1
        return f"automation: {self.edit_page(page_id, person=self._robot)}"

    def create(self, key: str | None = None) -> str:
        values = {"title": self.value("title")}
        values |= {name: self.value(name) for name in self.fields()[1:] if self._rng.random() < 0.5}
        typed = self._typed(values) | ({self.names["key"]: key} if key else {})
        page_id = self.person.create_row(self.data_source, typed)
        self._wrote(page_id, values)
        return f"new page {page_id[:4]} {key or ''}: {values}"

    def create_with_key(self) -> str:
        return self.create(self._some_key())

    def trash(self) -> str:
        page_id = self._page()
        return self.trash_page(page_id) if page_id is not None else ""

    def trash_page(self, page_id: str) -> str:
        before = self.read(page_id)
        self.person.trash(page_id)
        self._ledger.replaced([before[field] for field in UNIQUE], deleted="page")
        return f"page {page_id[:4]} trashed"

    def restore(self) -> str:
        page_id = self._page(trashed=True)
        if page_id is None:
            return ""
        own = self._sandbox.world.pages[page_id].state.edited_by != self._sandbox.bot().id
        self.person.restore(page_id)
        shown = self.read(page_id)
        if self.trashed_unheard(page_id):
            self._ledger.may_show(shown[field] for field in UNIQUE)  # it looks as if the trashing had not been made
        else:
            self._ledger.brought_back((shown[field] for field in UNIQUE), own=own)
        self._situations["page restored"] += 1
        return f"page {page_id[:4]} restored"

    def duplicate(self) -> str:
        page_id = self._page()
        if page_id is None:
            return ""
        shown = self.read(page_id)
        copy = self.person.duplicate(page_id)
        self._ledger.may_show(shown[field] for field in UNIQUE)
        self._situations["page duplicated"] += 1
        return f"page {page_id[:4]} copied to {copy[:4]}"

    def type_key(self) -> str:
        page_id = self._page()
        if page_id is None:
            return ""
        key = self._rng.choice([None, "rubbish", self._some_key()])
        self.person.edit(page_id, {self.names["key"]: key})
        self.keyed.add(page_id)
        self._situations["key cleared" if key is None else "key typed over"] += 1
        return f"page {page_id[:4]}: key {key}"

    def _some_key(self) -> str:
        return str(self._rng.randint(1, 12))

    def move_away(self) -> str:
        page_id = self._page()
        if page_id is None:
            return ""
        shown = self.read(page_id)
        self._away[page_id] = shown["title"]
        self.person.move(page_id)  # a page outside a data source keeps its title only
        lost = [shown[field] for field in UNIQUE if field != "title"]
        self._ledger.emptied(value for value in lost if value is not None)
        self._situations["page moved away"] += 1
        return f"page {page_id[:4]} moved away"

    def move_back(self) -> str:
        if not self._away:
            return ""
        page_id = next(iter(self._away))
        # A deletion of its row stands, or a row that got its key meanwhile: the page comes back as it was when it left.
        self._ledger.brought_back([self._away.pop(page_id)], own=True)
        self.person.move(page_id, self.data_source)
        return f"page {page_id[:4]} moved back"

    def rename_option(self) -> str:
        """A tag has another name from now on, on every page that has it. (That of a stage would fit no label.)"""
        old, new = self._rng.sample(TAGS, 1)[0], f"tag{self._rng.randint(1, 1_000_000)}"
        if "tags" in self.hidden | self.as_text:
            return ""
        try:
            self.person.rename_option(self.data_source, self.names["tags"], old, new)
        except ValueError:
            return ""  # nobody has used it yet
        self._situations["option renamed"] += 1
        return f"tag {old} is named {new} now"

    def rename_property(self) -> str:
        field = self._rng.choice(sorted(set(self.names) - self.hidden))
        old, new = self.names[field], f"{self.names[field]}'"
        self.person.rename_property(self.data_source, old, new)
        self.names[field] = new
        self._situations["property renamed"] += 1
        return f"{old} is named {new} now"

    def write_body(self) -> str:
        page_id = self._page()
        if page_id is None:
            return ""
        self.person.write_body(page_id, "a paragraph")
        return f"page {page_id[:4]}: body"
