"""The world behind the API: users, databases, data sources, pages. Plain data; the rules live elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.notion.ids import property_id_spellings

ALL_CAPABILITIES = frozenset({"read", "update", "insert", "users", "emails"})
# Versions kept per page for lagging queries; far more than any test edits one page within a lag.
_HISTORY = 256


@dataclass(slots=True)
class User:
    """A person, or the bot of a token. A guest is in no list; of who left, only the id remains."""

    id: str
    name: str
    email: str | None = None
    token: str | None = None
    capabilities: frozenset[str] = ALL_CAPABILITIES
    guest: bool = False
    left: bool = False

    @property
    def is_bot(self) -> bool:
        return self.token is not None


@dataclass(slots=True)
class Property:
    """A column of a data source. `config` is kept in the sandbox's own form (ids, not names)."""

    id: str
    name: str
    type: str
    config: dict[str, Any] = field(default_factory=dict)
    description: str | None = None


@dataclass(slots=True)
class DataSource:
    """One table of a database."""

    id: str
    database_id: str
    title: list[dict[str, Any]]
    created: datetime
    created_by: str
    edited: datetime
    edited_by: str
    properties: dict[str, Property] = field(default_factory=dict)
    icon: Any = None
    in_trash: bool = False
    next_number: int = 1

    def find(self, key: str) -> Property | None:
        """A property by name or by id, encoded or not. The name comes first: it may look like another one's id."""
        for prop in self.properties.values():
            if prop.name == key:
                return prop
        for spelling in property_id_spellings(key):
            if spelling in self.properties:
                return self.properties[spelling]
        return None


@dataclass(slots=True)
class Database:
    """The container of data sources."""

    id: str
    title: list[dict[str, Any]]
    parent_page_id: str | None
    created: datetime
    edited: datetime
    data_source_ids: list[str] = field(default_factory=list)
    description: list[dict[str, Any]] = field(default_factory=list)
    icon: Any = None
    cover: Any = None
    is_inline: bool = False
    is_locked: bool = False
    in_trash: bool = False


@dataclass(frozen=True, slots=True)
class PageState:
    """What can change about a page. Frozen, so that an old state can be shown to a lagging query."""

    values: Mapping[str, Any]
    data_source_id: str | None
    parent_page_id: str | None
    edited: datetime
    edited_by: str
    in_trash: bool = False
    trashed_at: datetime | None = None
    is_archived: bool = False
    is_locked: bool = False
    icon: Any = None
    cover: Any = None


@dataclass(slots=True)
class Page:
    """A row of a data source, or a plain page. `numbers` are its unique ids, one for each data source it was in."""

    id: str
    created: datetime
    created_by: str
    state: PageState
    numbers: dict[str, int] = field(default_factory=dict)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    history: deque[tuple[datetime, PageState]] = field(default_factory=lambda: deque(maxlen=_HISTORY))

    def change(self, state: PageState, at: datetime) -> None:
        """Replace the state and remember when."""
        self.state = state
        self.history.append((at, state))

    def as_of(self, moment: datetime) -> PageState | None:
        """The state at `moment`, None when the page did not exist yet."""
        seen = None
        for at, state in self.history:
            if at > moment:
                break
            seen = state
        return seen


class World:
    """Everything there is in the workspace, and who may see it."""

    def __init__(self, workspace_id: str, workspace_name: str) -> None:
        self.workspace_id = workspace_id
        self.workspace_name = workspace_name
        self.users: dict[str, User] = {}
        self.databases: dict[str, Database] = {}
        self.data_sources: dict[str, DataSource] = {}
        self.pages: dict[str, Page] = {}
        self.rows: dict[str, dict[str, None]] = {}
        self.sharing: dict[tuple[str, str], bool] = {}
        self.stale: dict[str, float] = {}

    def bot(self, token: str) -> User | None:
        """The bot of a token."""
        return next((user for user in self.users.values() if user.token == token), None)

    def lineage(self, object_id: str) -> Iterator[str]:
        """An object's id, then those of its parents up to the workspace."""
        current: str | None = object_id
        while current is not None:
            yield current
            if current in self.pages:
                state = self.pages[current].state
                current = state.data_source_id or state.parent_page_id
            elif current in self.data_sources:
                current = self.data_sources[current].database_id
            elif current in self.databases:
                current = self.databases[current].parent_page_id
            else:
                return

    def visible(self, object_id: str, bot: User | None) -> bool:
        """Whether it is shared with the bot: the nearest decision on the way up counts. A person (None) sees all."""
        if bot is None:
            return True
        for ancestor in self.lineage(object_id):
            decision = self.sharing.get((bot.id, ancestor))
            if decision is not None:
                return decision
        return False

    def parent_in_trash(self, object_id: str) -> bool:
        """Whether something above the object is in the trash."""
        return any(self.trashed(ancestor) for ancestor in list(self.lineage(object_id))[1:])

    def trashed(self, object_id: str) -> bool:
        """Whether the object itself is in the trash."""
        if object_id in self.pages:
            return self.pages[object_id].state.in_trash
        if object_id in self.data_sources:
            return self.data_sources[object_id].in_trash
        return object_id in self.databases and self.databases[object_id].in_trash

    def page(self, page_id: str, now: datetime, purge_after_s: float) -> Page | None:
        """A page by its id, None when there is none or when it was in the trash for too long."""
        page = self.pages.get(page_id)
        if page is None or page.state.trashed_at is None:
            return page
        return None if now - page.state.trashed_at > timedelta(seconds=purge_after_s) else page
