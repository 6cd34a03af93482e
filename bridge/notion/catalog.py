"""Finds the data source that a user means, and reads what it looks like.

Since 2025 a Notion database is a container of data sources, and the address in the browser names the container
(or a page with a view). What the bridge keeps in step is one data source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bridge.errors import SetupError
from bridge.notion.client import PAGE_SIZE, NotionClient, Reply, next_cursor
from bridge.notion.errors import Invalid, NotFound, NotionError
from bridge.shapes import DataSource, Option, Property

_HEX_AT_END = re.compile(r"([0-9a-fA-F]{32})$")
_DASHED_AT_END = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")
_SURVEY_REQUESTS = 10


def find_data_source(client: NotionClient, ref: str, choice: str | None = None, *, known: str = "") -> DataSource:
    """The data source behind a URL, a database id or a data source id, with or without dashes.

    `choice` is the id or name of one data source when the database has several; `known` is the id of the one that it
    was before, which stays it when somebody adds a second. Raises SetupError with a way out, AccessLost for a bad
    token, Unavailable.
    """
    wanted = parse_ref(ref)
    if wanted == known:
        return read_data_source(client, known)
    if "/" not in ref and choice is None and (source := _named(client, wanted)) is not None:
        return source  # a mere id is mostly one that `init` has written
    try:
        database = client.retrieve_database(wanted).body
    except NotFound as error:
        return _as_data_source(client, wanted, ref, error)
    except Invalid as error:
        # A page's address is the usual slip: Notion then says that the id is a page.
        return _as_data_source(client, wanted, ref, error)
    return read_data_source(client, _chosen(database, ref, choice, known))


def read_data_source(client: NotionClient, data_source_id: str) -> DataSource:
    """What the data source looks like now. Raises SetupError when it cannot be seen, AccessLost, Unavailable."""
    try:
        return _data_source(client.retrieve_data_source(data_source_id).body)
    except NotFound as error:
        raise _unseen(data_source_id, error) from error


def list_data_sources(client: NotionClient, below: str = "") -> list[DataSource]:
    """What the integration can see, the latest first; or of that only what is below a page.

    From Notion's search index, which may be behind. Raises SetupError when `below` names nothing.
    """
    listed = (entry for entry in _search(client) if entry.get("object") == "data_source" and not entry.get("in_trash"))
    found = [_data_source(entry) for entry in listed]
    if not below:
        return found
    places = _Places(client, parse_ref(below))
    return [source for source in found if places.inside(source)]


def add_properties(client: NotionClient, source: DataSource, properties: Mapping[str, Any]) -> DataSource:
    """The data source with more properties, given as Notion wants them."""
    client.update_data_source(source.id, {"properties": dict(properties)})
    return read_data_source(client, source.id)


@dataclass(frozen=True, slots=True)
class Survey:
    """What pages hold, by property id, as far as the schema does not tell it."""

    related: dict[str, int] = field(default_factory=dict)  # of a relation: how many pages one page links to at most
    times: set[str] = field(default_factory=set)  # dates with a time of day
    ends: set[str] = field(default_factory=set)  # dates with an end


def survey(client: NotionClient, source: DataSource) -> Survey:
    """Looks at up to 1,000 pages, the latest edited first: what is to hold their values should fit most of them."""
    found = Survey()
    if not any(prop.type in ("relation", "date") for prop in source.properties):
        return found
    cursor: str | None = None
    sort = [{"timestamp": "last_edited_time", "direction": "descending"}]
    for _ in range(_SURVEY_REQUESTS):
        body = {"page_size": PAGE_SIZE, "sorts": sort} | ({"start_cursor": cursor} if cursor else {})
        reply = client.query(source.id, body)
        for page in reply.body.get("results", ()):
            for entry in page["properties"].values():
                _note(found, entry)
        cursor = next_cursor(reply)
        if cursor is None:
            break
    return found


def _note(found: Survey, entry: Mapping[str, Any]) -> None:
    value, prop = entry.get(entry["type"]), entry["id"]
    if entry["type"] == "relation":
        found.related[prop] = max(found.related.get(prop, 0), len(value or ()))
    if entry["type"] == "date" and value:
        found.times.update([prop] if "T" in str(value.get("start")) else [])
        found.ends.update([prop] if value.get("end") else [])


def create_data_source(
    client: NotionClient, parent_page_id: str, title: str, properties: Mapping[str, Any]
) -> DataSource:
    """A new database with one data source below a page. `properties` is its schema, as Notion wants it.

    Raises SetupError when the page cannot be seen; Ambiguous when the database may have been made all the same.
    """
    body = {
        "parent": {"type": "page_id", "page_id": parse_ref(parent_page_id)},
        "title": [{"text": {"content": title}}],
        "initial_data_source": {"properties": dict(properties)},
    }
    try:
        database = client.create_database(body).body
    except NotFound as error:
        raise _unseen(parent_page_id, error) from error
    return read_data_source(client, database["data_sources"][0]["id"])


def parse_ref(ref: str) -> str:
    """The id in a Notion URL or id, dashed and lower case. Raises SetupError."""
    path = urlsplit(ref.strip()).path if "://" in ref else ref.strip()
    # collection://<id> is how some of Notion's tools write a data source.
    last = (path.strip("/") or urlsplit(ref.strip()).netloc).rpartition("/")[2]
    found = _DASHED_AT_END.search(last) or _HEX_AT_END.search(last)
    if found is None:
        raise SetupError(
            f"{ref!r} names no Notion database.",
            hint="Open the database as a full page and copy its address, or give a database or data source id.",
        )
    digits = found.group(1).replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _chosen(database: Mapping[str, Any], ref: str, choice: str | None, known: str) -> str:
    sources = {source["id"]: source.get("name", "") for source in database.get("data_sources", ())}
    if choice is None and known in sources:
        return known
    if choice is not None:
        picked = [i for i, name in sources.items() if choice == name or _undashed(choice) == _undashed(i)]
    else:
        picked = list(sources)
    if len(picked) == 1:
        return str(picked[0])
    listed = "".join(f"\n    {i}  {name}" for i, name in sources.items())
    if not sources:
        raise SetupError(
            f"The database {ref} has no data source that the integration may see.",
            hint="A linked view has none of its own: open the original database, share that one, use its address.",
        )
    what = f"{len(sources)} data sources" if choice is None else f"no single data source {choice!r}"
    raise SetupError(
        f"The database {ref} has {what}:{listed}",
        hint="Give the id of the one you mean as data_source.",
    )


def _as_data_source(client: NotionClient, wanted: str, ref: str, first: NotionError) -> DataSource:
    source = _named(client, wanted)
    if source is None:
        raise _unseen(ref, first) from first
    return source


def _named(client: NotionClient, data_source_id: str) -> DataSource | None:
    """The data source of this id; None when no such one can be seen."""
    try:
        return _data_source(client.retrieve_data_source(data_source_id).body)
    except (NotFound, Invalid):
        return None


def _unseen(ref: str, error: NotionError) -> SetupError:
    return SetupError(
        f"Notion shows the integration nothing at {ref}: {error.said}",
        hint="Open the original database in Notion, menu '...' -> Connections, add the integration, try again.",
    )


def _search(client: NotionClient) -> Iterator[dict[str, Any]]:
    body: dict[str, Any] = {
        "filter": {"property": "object", "value": "data_source"},
        "sort": {"timestamp": "last_edited_time", "direction": "descending"},
        "page_size": PAGE_SIZE,
    }
    cursor: str | None = None
    while True:
        reply: Reply = client.search(body | ({"start_cursor": cursor} if cursor else {}))
        yield from reply.body.get("results", ())
        cursor = next_cursor(reply)
        if cursor is None:
            return


class _Places:
    """Where databases are: their parents, asked for once each."""

    def __init__(self, client: NotionClient, root: str) -> None:
        self._client = client
        self._known = {root: True}

    def inside(self, source: DataSource) -> bool:
        database = self._client.retrieve_database(source.database_id).body
        return self._below(database.get("parent") or {})

    def _below(self, parent: Mapping[str, Any]) -> bool:
        """A parent that cannot be followed (a block, a teamspace, the workspace) ends the way."""
        place = parent.get(str(parent.get("type")))
        if not isinstance(place, str):
            return False
        if place not in self._known:
            self._known[place] = False  # should the parents ever run in a circle
            self._known[place] = self._below(self._parent(str(parent["type"]), place))
        return self._known[place]

    def _parent(self, kind: str, place: str) -> Mapping[str, Any]:
        ask: dict[str, Callable[[str], Reply]] = {
            "page_id": self._client.retrieve_page,
            "data_source_id": self._client.retrieve_data_source,
            "database_id": self._client.retrieve_database,
        }
        if kind not in ask:
            return {}
        try:
            return ask[kind](place).body.get("parent") or {}
        except NotFound:
            return {}  # what is above is not shared


def _data_source(body: Mapping[str, Any]) -> DataSource:
    return DataSource(
        id=body["id"],
        database_id=(body.get("parent") or {}).get("database_id", ""),
        title="".join(run.get("plain_text", "") for run in body.get("title") or ()),
        properties=tuple(_property(entry) for entry in body["properties"].values()),
        url=body.get("url") or "",
    )


def _property(entry: Mapping[str, Any]) -> Property:
    config = entry.get(entry["type"])
    options = config.get("options") if isinstance(config, Mapping) else None
    return Property(
        id=entry["id"],
        name=entry["name"],
        type=entry["type"],
        options=tuple(Option(option["id"], option["name"]) for option in options or ()),
        config=config,
    )


def _undashed(text: str) -> str:
    return text.replace("-", "").lower()
