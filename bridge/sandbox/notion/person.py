"""A human in the workspace: edits in the product, not through the API. No rate limit, no request log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.sandbox.notion import edits, schema
from bridge.sandbox.notion.blocks import paragraph
from bridge.sandbox.notion.containers import create_database, create_source
from bridge.sandbox.notion.properties import simple, type_of
from bridge.sandbox.notion.properties.choices import add_option, find_option, options_of
from bridge.sandbox.notion.richtext import from_text
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, Property, User

if TYPE_CHECKING:
    from bridge.sandbox.notion.sandbox import Sandbox


class Person:
    """Acts as a user of that name.

    Values are what one would type: text, numbers, booleans, option names, lists of them, dates as text or as
    `date`/`datetime`, user names, page ids, addresses or names of files; None empties a cell. A list of rich-text
    objects may be given for text, with formats and mentions that no client can write, and among files an object
    with `id` is one that is there already and stays, one with `name` and `url` a link under another name.
    ValueError tells what cannot be typed there.
    """

    def __init__(self, sandbox: Sandbox, user: User) -> None:
        self._sandbox = sandbox
        self.user = user

    # -- databases and their columns

    def create_database(self, title: str, properties: Mapping[str, Any], *, shared: bool = True) -> tuple[str, str]:
        """A database below the root page; returns its id and its data source's. A property is given as a type
        name (`"number"`) or as the API writes it (`{"select": {"options": [...]}}`)."""
        with self._sandbox.changing():
            parent = self._sandbox.root_page_id if shared else None
            entries = {name: _entry(item) for name, item in properties.items()}
            database = create_database(self._scope, parent, from_text(title), entries, "properties", self.user.id)
            return database.id, database.data_source_ids[0]

    def add_data_source(self, database_id: str, title: str, properties: Mapping[str, Any]) -> str:
        """A second table in the same database; returns its id."""
        with self._sandbox.changing():
            database = self._sandbox.world.databases[database_id]
            entries = {name: _entry(item) for name, item in properties.items()}
            return create_source(self._scope, database, from_text(title), entries, "properties", self.user.id).id

    def add_property(self, data_source_id: str, name: str, kind: Any) -> str:
        """A new property; returns its id (not encoded)."""
        with self._sandbox.changing():
            return schema.add(self._source(data_source_id), name, _entry(kind), self._scope, name).id

    def rename_property(self, data_source_id: str, name: str, new_name: str) -> None:
        """The same property under another name."""
        with self._sandbox.changing():
            source, prop = self._property(data_source_id, name)
            schema.rename(source, prop, new_name)

    def retype_property(self, data_source_id: str, name: str, kind: str, config: Any = None) -> None:
        """The same property with another type; values that do not fit are lost."""
        with self._sandbox.changing():
            source, prop = self._property(data_source_id, name)
            schema.retype(source, prop, kind, config, self._scope, name)

    def delete_property(self, data_source_id: str, name: str) -> None:
        """The property and its values are gone."""
        with self._sandbox.changing():
            schema.remove(*self._property(data_source_id, name), self._scope)

    def add_option(self, data_source_id: str, name: str, option: str) -> None:
        """A new option at the end, also one of a status."""
        with self._sandbox.changing():
            prop = self._property(data_source_id, name)[1]
            add_option(prop, _free_name(prop, option), self._scope)

    def rename_option(self, data_source_id: str, name: str, option: str, new_name: str) -> None:
        """An option's id stays, so every row shows the new name, and no stamp moves."""
        with self._sandbox.changing():
            prop = self._property(data_source_id, name)[1]
            renamed = _option(prop, option)
            renamed["name"] = _free_name(prop, new_name, renamed)

    def remove_option(self, data_source_id: str, name: str, option: str) -> None:
        """The rows that had it become empty, and no stamp moves."""
        with self._sandbox.changing():
            prop = self._property(data_source_id, name)[1]
            gone = _option(prop, option)
            prop.config["options"] = [other for other in options_of(prop) if other is not gone]

    def trash_database(self, database_id: str, in_trash: bool = True) -> None:
        """The database with all its rows goes to the trash, or comes back."""
        with self._sandbox.changing():
            self._sandbox.world.databases[database_id].in_trash = in_trash

    # -- rows

    def create_row(self, data_source_id: str, values: Mapping[str, Any] | None = None) -> str:
        """A new row; returns its page id."""
        with self._sandbox.changing():
            source = self._source(data_source_id)
            return edits.create_page(self._scope, source, self._typed(source, values or {}), self.user.id).id

    def edit(self, page_id: str, values: Mapping[str, Any]) -> None:
        """Change cells of a row. A row in the trash cannot be edited there either."""
        with self._sandbox.changing():
            page = self._page(page_id)
            if page.state.in_trash:
                raise ValueError(f"page {page_id} is in the trash; restore it first")
            source = self._source(page.state.data_source_id or "")
            edits.edit_page(self._scope, page, self.user.id, self._typed(source, values))

    def read(self, page_id: str) -> dict[str, Any]:
        """What the row shows, by the current property names."""
        with self._sandbox.lock:
            page = self._page(page_id)
            source = self._source(page.state.data_source_id or "")
            properties = source.properties.values()
            return {prop.name: simple(prop, page, page.state, self._scope) for prop in properties}

    def rows(self, data_source_id: str, *, in_trash: bool = False) -> dict[str, dict[str, Any]]:
        """All rows outside the trash (or inside it), by page id."""
        with self._sandbox.lock:
            found = self._sandbox.world.rows.get(data_source_id, {})
            states = {page_id: self._sandbox.world.pages[page_id].state for page_id in found}
            return {
                page_id: self.read(page_id)
                for page_id, state in states.items()
                if state.in_trash == in_trash and state.data_source_id == data_source_id
            }

    def trash(self, page_id: str) -> None:
        """Move a page to the trash."""
        self._set(page_id, in_trash=True)

    def restore(self, page_id: str) -> None:
        """Take a page out of the trash."""
        self._set(page_id, in_trash=False)

    def archive(self, page_id: str, archived: bool = True) -> None:
        """The product's Archive, which is not the trash: the page leaves the default query."""
        self._set(page_id, is_archived=archived)

    def duplicate(self, page_id: str) -> str:
        """A copy with all values, the key too; returns the new page's id."""
        with self._sandbox.changing():
            page = self._page(page_id)
            source = self._sandbox.world.data_sources.get(page.state.data_source_id or "")
            parent = source or self._sandbox.world.pages.get(page.state.parent_page_id or "")
            copy = edits.create_page(self._scope, parent, page.state.values, self.user.id)
            copy.blocks.extend(block | {"id": self._sandbox.ids.uuid()} for block in page.blocks)
            return copy.id

    def move(self, page_id: str, data_source_id: str | None = None) -> None:
        """Move a page to another data source, or out of all of them, below the root page."""
        with self._sandbox.changing():
            world = self._sandbox.world
            parent = self._source(data_source_id) if data_source_id else world.pages[self._sandbox.root_page_id]
            edits.move_page(self._scope, self._page(page_id), parent, self.user.id)

    def write_body(self, page_id: str, text: str) -> None:
        """Add a paragraph to the page's body."""
        with self._sandbox.changing():
            page = self._page(page_id)
            page.blocks.append(paragraph(text, self._scope, self.user.id))
            edits.touch(self._scope, page, self.user.id)

    # -- people

    def change_email(self, email: str | None) -> None:
        """Another e-mail address, or none that anybody is told of."""
        with self._sandbox.changing():
            self.user.email = email

    def become_guest(self) -> None:
        """A guest is shown in pages, but not in the list of users."""
        with self._sandbox.changing():
            self.user.guest = True

    def leave(self) -> None:
        """Out of the workspace: pages keep the id, and nothing else is known any more."""
        with self._sandbox.changing():
            self.user.left = True

    # -- access

    def share(self, object_id: str, token: str | None = None) -> None:
        """Let a token (or the default one) see a page, a database or a data source, and what is below it."""
        with self._sandbox.lock:
            self._sandbox.world.sharing[self._sandbox.bot(token).id, object_id] = True

    def unshare(self, object_id: str, token: str | None = None) -> None:
        """Take it away: for that token it is as if it had never been."""
        with self._sandbox.lock:
            self._sandbox.world.sharing[self._sandbox.bot(token).id, object_id] = False

    # -- within

    @property
    def _scope(self) -> Scope:
        return self._sandbox.scope()

    def _set(self, page_id: str, **look: bool) -> None:
        with self._sandbox.changing():
            edits.edit_page(self._scope, self._page(page_id), self.user.id, {}, **look)

    def _page(self, page_id: str) -> Page:
        page = self._scope.page(page_id)
        if page is None:
            raise ValueError(f"there is no page {page_id} in the sandbox")
        return page

    def _source(self, data_source_id: str) -> DataSource:
        source = self._sandbox.world.data_sources.get(data_source_id)
        if source is None:
            raise ValueError(f"there is no data source {data_source_id} in the sandbox")
        return source

    def _property(self, data_source_id: str, name: str) -> tuple[DataSource, Property]:
        source = self._source(data_source_id)
        prop = source.find(name)
        if prop is None:
            raise ValueError(f"there is no property {name!r}; there are {[p.name for p in source.properties.values()]}")
        return source, prop

    def _typed(self, source: DataSource, values: Mapping[str, Any]) -> dict[str, Any]:
        typed: dict[str, Any] = {}
        for name, value in values.items():
            prop = self._property(source.id, name)[1]
            kind = type_of(prop)
            if kind.from_simple is None:
                raise ValueError(f"{name} is a {prop.type} property, which nobody can type into")
            typed[prop.id] = kind.from_simple(value, prop, self._scope)
        return typed


def _entry(item: Any) -> dict[str, Any]:
    return {item: {}} if isinstance(item, str) else dict(item)


def _free_name(prop: Property, name: str, own: dict[str, Any] | None = None) -> str:
    """A name that no other option has. The product takes no comma either: there it ends the name."""
    other = find_option(prop, name)
    if not name or "," in name or (other is not None and other is not own):
        raise ValueError(f"{prop.name} cannot have an option called {name!r}")
    return name


def _option(prop: Property, name: str) -> dict[str, Any]:
    option = find_option(prop, name)
    if option is None:
        raise ValueError(f"{prop.name} has no option {name!r}; it has {[o['name'] for o in options_of(prop)]}")
    return option
