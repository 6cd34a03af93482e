"""A page object as an observation: what it holds, when that was so, and whether the record is there at all.

A page that cannot be seen where it belongs is AWAY, never GONE: moved, archived, unshared and purged all look
like a deletion from afar, and only the trash is one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from bridge.clock import CommonClock
from bridge.ends import Evidence, Intent, Observation
from bridge.errors import AccessLost
from bridge.model import MOVED, FieldValue, Key, Op, Presence, Side, Stamp, Sync
from bridge.notion.client import NotionClient, Reply
from bridge.notion.errors import AccessDenied, NotFound
from bridge.notion.limiter import Permit, Priority
from bridge.notion.listing import CREATED, EDITED, Listing, moment, results
from bridge.notion.names import Names
from bridge.notion.related import Related
from bridge.notion.selection import Selection
from bridge.values.keys import key_filter, key_from_notion
from bridge.values.links import NO_LINKS, Links

_MINUTE = timedelta(seconds=60)  # last_edited_time is rounded down to it
_SHOWN = 25  # references that a page object shows of one property; the rest must be fetched
_UNAUTHORIZED = 401

Json = Mapping[str, Any]


def _has_mentions(runs: list[Any], wire: Json) -> bool:
    return [run.get("type") for run in runs].count("mention") >= _SHOWN


def _is_full(items: list[Any], wire: Json) -> bool:
    # Notion tells has_more of relations only.
    return bool(wire.get("has_more", len(items) >= _SHOWN))


# Whether a page object may have cut the value short. Items of the property endpoint carry one element each.
_MAY_BE_CUT: Mapping[str, Callable[[list[Any], Json], bool]] = {
    "title": _has_mentions,
    "rich_text": _has_mentions,
    "people": _is_full,
    "relation": _is_full,
}


@dataclass(frozen=True, slots=True)
class Sight:
    """A page as read, and the monotonic time from which its age as a guard counts.

    `raw` is what Notion sent of the mapped properties, whole, by property id: what a write may have to keep of it.
    """

    seen: Observation
    read_at: float
    raw: Mapping[str, Json] = field(default_factory=dict)


class Pages:
    """Reads the pages of one sync."""

    def __init__(
        self,
        client: NotionClient,
        sync: Sync,
        clock: CommonClock,
        query_lag: float,
        names: Names,
        links: Links = NO_LINKS,
    ) -> None:
        self.names = names
        self._client = client
        self._sync = sync
        self._clock = clock
        self._lag = timedelta(seconds=query_lag)
        self.selection = Selection(sync)
        self._listing = Listing(client, sync.data_source.id, self.selection)
        self.related = Related(client, sync, links, clock.local)

    def get(self, page_id: str, priority: Priority = Priority.INTERACTIVE, permit: Permit | None = None) -> Sight:
        """The page itself, by id: the one read that is never stale. Raises Unavailable, AccessLost (401)."""
        sight = self.read(page_id, priority, permit)
        if sight.seen.presence is not Presence.GONE:
            return sight
        if self.home_is_away():
            return replace(sight, seen=away_with_home(sight.seen))
        return self.read(page_id, priority)

    def get_for(self, intent: Intent, priority: Priority = Priority.INTERACTIVE, permit: Permit | None = None) -> Sight:
        """The page that an intent writes. One that is to come out of the trash and is nowhere was purged, and will get
        another page; so nothing is said while the data source cannot be seen either. Raises AccessLost then, too."""
        page_id = str(intent.pair.page_id)
        sight = self.get(page_id, priority, permit)
        if intent.action.op is not Op.RESTORE or sight.seen.presence is not Presence.AWAY:
            return sight
        if self.home_is_away():
            raise AccessLost(
                "The database cannot be seen any more, or is in the trash, while a page of it was to be restored.",
                hint="Share it with the integration again, or take it out of the trash.",
            )
        return self.get(page_id, priority)  # access may have come back between the two answers

    def home_is_away(self) -> bool:
        """Whether the database is in the trash: then every page says that it is, and nobody deleted a single record.

        It is asked after the pages were read, or it could be trashed in between; and what was in the trash is read once
        more when it is not, for it could have been taken out in between.
        """
        try:
            return bool(self._client.retrieve_data_source(self._sync.data_source.id).body.get("in_trash"))
        except NotFound:
            return True

    def read(self, page_id: str, priority: Priority = Priority.INTERACTIVE, permit: Permit | None = None) -> Sight:
        """As `get`, but without asking whether a trashed page only went with its database."""
        asked = self._clock.local.monotonic()
        try:
            reply = self.selection.of_page(lambda params: self._client.retrieve_page(page_id, priority, permit, params))
        except NotFound as error:
            note = f"not shared with the integration any more, or purged: {error.said}"
        except AccessDenied as error:
            if error.status == _UNAUTHORIZED:
                raise
            note = f"the integration may not read it: {error.said}"
        else:
            # Counted from the answer: however slow the read was, there is no newer one to be had.
            return self.sight(reply.body, reply, Evidence.LOOK, reply.received, priority)
        return Sight(self._away(page_id, asked, note), asked)

    def by_key(self, key: Key, priority: Priority = Priority.INTERACTIVE) -> list[Observation]:
        """The live pages that carry `key`, the oldest first. An index answers: a new page may not be there yet."""
        where = key_filter(self._sync.key_property, key)
        found: dict[str, Observation] = {}
        for reply in self._listing.pages(CREATED, where=where, priority=priority):
            for page in results(reply):
                seen = self.observe(page, reply, Evidence.SCAN, priority)
                # Notion's "equals" may be more generous than ours (case, blanks), so it is only a candidate.
                if seen.key == key and seen.presence is Presence.LIVE:
                    found[page["id"]] = seen
        return sorted(found.values(), key=lambda seen: (str(seen.created), str(seen.page_id)))

    def observe(
        self,
        page: Json,
        reply: Reply,
        evidence: Evidence,
        priority: Priority = Priority.POLL,
        written: Collection[str] = (),
    ) -> Observation:
        """What `page`, an object in `reply`, says. `written`: the fields that the request has set."""
        return self.sight(page, reply, evidence, reply.received, priority, written).seen

    def sight(
        self,
        page: Json,
        reply: Reply,
        evidence: Evidence,
        read_at: float,
        priority: Priority = Priority.POLL,
        written: Collection[str] = (),
    ) -> Sight:
        """As `observe`, with the property values as Notion sent them."""
        presence, note = self._presence(page)
        by_id = {unquote(wire["id"]): wire for wire in page["properties"].values()}
        raw = dict(self._wires(page["id"], by_id, priority))
        seen_at = self._clock.at(reply.sent).earliest
        when = reply.sent - self._lag.total_seconds() if evidence is Evidence.SCAN else reply.sent
        values = dict(self._values(page["id"], raw, when, priority, written))
        there = (item.name for item in self._sync.fields if unquote(item.property.id) in raw)
        seen = Observation(
            side=Side.NOTION,
            presence=presence,
            values=values,
            key=self._key(by_id),
            page_id=page["id"],
            stamp=self._stamp(moment(page[EDITED]), reply),
            evidence=evidence,
            edited=moment(page[EDITED]),
            created=moment(page[CREATED]),
            seen=seen_at - self._lag if evidence is Evidence.SCAN else seen_at,
            author=(page.get("last_edited_by") or {}).get("id"),
            creator=(page.get("created_by") or {}).get("id"),
            note=note,
            retyped=tuple(name for name in there if name not in values),
        )
        return Sight(seen, read_at, raw)

    def _presence(self, page: Json) -> tuple[Presence, str]:
        parent = page.get("parent") or {}
        home = parent.get("data_source_id")
        ours = self._sync.data_source
        at_home = same_id(home, ours.id) or (home is None and same_id(parent.get("database_id"), ours.database_id))
        if page.get("in_trash"):
            # A page that was moved out first and trashed there is no deletion of ours.
            return (Presence.GONE, "") if at_home else (Presence.AWAY, "moved to another place, and trashed there")
        if not at_home:
            return Presence.AWAY, MOVED
        if page.get("is_archived"):
            return Presence.AWAY, "archived in Notion"
        return Presence.LIVE, ""

    def _wires(self, page_id: str, by_id: Mapping[str, Json], priority: Priority) -> Iterator[tuple[str, Json]]:
        """The mapped properties that the page has, whole."""
        for item in self._sync.fields:
            property_id = unquote(item.property.id)
            wire = by_id.get(property_id)
            whole = self._whole(page_id, wire, priority) if wire is not None else None
            if whole is not None:
                yield property_id, whole

    def _values(
        self, page_id: str, raw: Mapping[str, Json], when: float, priority: Priority, written: Collection[str]
    ) -> Iterator[tuple[str, FieldValue]]:
        """The mapped fields that the page has; one whose property is missing, or has another type by now, is not
        observed, which is not null."""
        for item in self._sync.fields:
            wire = raw.get(unquote(item.property.id))
            if wire is None or wire.get("type") != item.property.type:
                continue
            if item.target and item.name not in written:
                wire = self.related.with_hidden(page_id, item, wire, priority)
            self.names.meet(item, wire, when)
            yield item.name, item.codec.from_notion(wire)

    def _whole(self, page_id: str, wire: Json, priority: Priority) -> Json | None:
        """The property with all its elements: a page object stops at 25 references, and says so of relations only."""
        kind = wire.get("type", "")
        shown, may_be_cut = wire.get(kind), _MAY_BE_CUT.get(kind)
        if may_be_cut is None or not isinstance(shown, list) or not may_be_cut(shown, wire):
            return wire
        try:
            items = self._client.property_items(page_id, wire["id"], priority)
        except NotFound:
            items = None
        if items is None:
            return None  # the property or the page went away in between, or was edited; the next look tells
        more = {"has_more": False} if "has_more" in wire else {}
        return {**wire, kind: [item[kind] for item in items], **more}

    def _key(self, by_id: Mapping[str, Json]) -> Key | None:
        prop = self._sync.key_property
        wire = by_id.get(unquote(prop.id))
        return key_from_notion(prop, wire, self._sync.key) if wire is not None else None

    def _stamp(self, edited: datetime, reply: Reply) -> Stamp:
        """Within the minute that Notion names, and not after the answer that showed it."""
        minute = self._clock.from_notion(edited, edited + _MINUTE)
        latest = min(minute.latest, self._clock.at(reply.received).latest)
        return Stamp(minute.earliest, max(latest, minute.earliest))

    def _away(self, page_id: str, asked: float, note: str) -> Observation:
        return Observation(
            side=Side.NOTION,
            presence=Presence.AWAY,
            page_id=page_id,
            seen=self._clock.at(asked).earliest,
            note=note,
        )


def away_with_home(seen: Observation) -> Observation:
    """A page in the trash, when its database is there, too."""
    note = "its database is in the trash, or no longer shared with the integration"
    return replace(seen, presence=Presence.AWAY, note=note)


def same_id(one: object, other: str) -> bool:
    return isinstance(one, str) and one.replace("-", "").lower() == other.replace("-", "").lower()
