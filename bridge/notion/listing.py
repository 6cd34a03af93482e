"""A complete listing of a data source's pages, or an exception: never a part that looks like the whole.

Notion's cursors are no snapshot. When a page is edited, trashed or moved while a listing is under way, the
rows behind it move up and one of them slips through between two pages of results; cursors also expire, and
after 10,000 results a query simply stops. So a cursor is used only where there is no other way: each request
asks anew for what is on or after the newest time already seen, which nothing can slip past, because an edit
only moves a page towards the end. Cursors remain for a minute that holds more than one page of results.
(Following the cursors from first to last would save the few rows that are read twice, and lose edits.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.errors import AccessLost, Unavailable
from bridge.notion.client import PAGE_SIZE, NotionClient, Reply, next_cursor
from bridge.notion.errors import Invalid, NotFound
from bridge.notion.limiter import Priority
from bridge.notion.selection import Selection

EDITED = "last_edited_time"
CREATED = "created_time"

Filter = Mapping[str, Any]


class Listing:
    """Lists one data source."""

    def __init__(self, client: NotionClient, data_source_id: str, selection: Selection) -> None:
        self._client = client
        self._id = data_source_id
        self._selection = selection

    def pages(
        self,
        by: str,
        since: datetime | None = None,
        where: Filter | None = None,
        priority: Priority = Priority.POLL,
    ) -> Iterator[Reply]:
        """Every page with `by` (EDITED or CREATED) on or after `since` that fits `where`, in ascending order.

        A page may come more than once; whoever reads keeps the newest. `since` must be a whole minute, for
        Notion compares with times rounded down to the minute. Raises Unavailable and AccessLost; what came
        before is then not a complete listing.
        """
        bound = since
        while True:
            for reply in self._window(by, bound, where, priority):
                yield reply
                last = max((_time(page, by) for page in results(reply)), default=bound)
                if last is not None and (bound is None or last > bound) and _more_after(reply):
                    bound = last  # a later minute begins: ask anew from there
                    break
            else:
                return

    def newest(self, priority: Priority) -> Reply:
        """The page that was edited last; none when there are none."""
        sorts = [{"timestamp": EDITED, "direction": "descending"}]
        return self._query({"sorts": sorts, "page_size": 1}, priority)

    def _window(self, by: str, bound: datetime | None, where: Filter | None, priority: Priority) -> Iterator[Reply]:
        """The results from `bound` on, by cursor. A cursor that Notion no longer knows is started over once."""
        body: dict[str, Any] = {
            "sorts": [{"timestamp": by, "direction": "ascending"}],
            "page_size": PAGE_SIZE,
        }
        if condition := _both(where, _on_or_after(by, bound)):
            body["filter"] = condition
        cursor: str | None = None
        seen: set[str] = set()
        started_over = False
        while True:
            try:
                reply = self._query(body | ({"start_cursor": cursor} if cursor else {}), priority)
            except Invalid as error:
                if cursor is None:
                    raise
                if started_over:
                    raise Unavailable(
                        f"Notion's listing of data source {self._id} broke off twice: {error.said}",
                        hint="The listing is not used; the bridge asks again.",
                    ) from error
                cursor, seen, started_over = None, set(), True
                continue
            yield reply
            cursor = next_cursor(reply)
            if cursor is None:
                if _capped(reply):
                    raise Unavailable(
                        f"Notion ended the listing of data source {self._id} before its end: "
                        f"more than 10,000 pages share one minute of {by} ({bound:%Y-%m-%d %H:%M} UTC).",
                        hint="Nothing is concluded from it. Edit some of these pages, or split the data source.",
                    )
                return
            if cursor in seen:
                raise Unavailable(
                    f"Notion's listing of data source {self._id} goes in a circle: the same cursor came twice.",
                    hint="The listing is not used; the bridge asks again.",
                )
            seen.add(cursor)

    def _query(self, body: Mapping[str, Any], priority: Priority) -> Reply:
        try:
            if "start_cursor" in body:  # mostly it is the cursor that is refused now; the listing begins anew then
                return self._client.query(self._id, body, priority, params=self._selection.params)
            return self._selection.of_query(lambda params: self._client.query(self._id, body, priority, params=params))
        except NotFound as error:
            raise AccessLost(
                f"The data source {self._id} cannot be found, or is no longer shared with the integration.",
                hint=error.hint,
            ) from error


def results(reply: Reply) -> list[dict[str, Any]]:
    """The pages of one reply. A wiki's listing holds data sources too, and pages that may not be read are bare."""
    entries = reply.body.get("results", ())
    return [entry for entry in entries if entry.get("object") == "page" and "properties" in entry]


def moment(text: str) -> datetime:
    """Notion's time as an aware datetime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def floor_minute(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(second=0, microsecond=0)


def before(by: str, bound: datetime) -> Filter:
    """The pages with `by` before a whole minute."""
    return {"timestamp": by, by: {"before": _wire(bound)}}


def _wire(minute: datetime) -> str:
    return floor_minute(minute).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _time(page: Mapping[str, Any], by: str) -> datetime:
    return moment(page[by])


def _capped(reply: Reply) -> bool:
    status = reply.body.get("request_status")
    return isinstance(status, Mapping) and status.get("type") == "incomplete"


def _more_after(reply: Reply) -> bool:
    # A capped result says "incomplete" on each of its pages and has_more = false on the last.
    return _capped(reply) or next_cursor(reply) is not None


def _on_or_after(by: str, bound: datetime | None) -> Filter | None:
    if bound is None:
        return None
    return {"timestamp": by, by: {"on_or_after": _wire(bound)}}


def _both(one: Filter | None, other: Filter | None) -> Filter | None:
    if one and other:
        return {"and": [one, other]}
    return one or other
