"""What a test may switch about the sandbox.

Where Notion's behaviour is documented there is no switch. Where it is not, the default is the answer that
hurts a client most, so that what works here does not depend on luck there. Two are off until a test asks for
them, for every other test would only get slower: `query_lag_s` and `short_pages`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal


@dataclass(slots=True)
class Options:
    """Limits and uncertain behaviours. Every attribute may be changed while the sandbox runs."""

    requests_per_minute: int | None = 180
    """The fixed 60-second window of each token; None = no limit."""
    request_burst: int | None = None
    """So many requests at once, and then one whenever its time has come; None = a whole window's at once."""
    rate_enforced: bool = True
    """False: a request over the limit is only marked in the log, not refused."""
    query_result_limit: int = 10_000
    """Rows after which a query ends with `request_status: incomplete`."""
    query_lag_s: float = 0.0
    """Queries and searches see the world as it was this many seconds ago. Reading a page by its id never lags."""
    cursor_lifetime_s: float = 900.0
    """Undocumented; clients with slow loops report cursors that were refused."""
    short_pages: bool = False
    """A query answers with fewer rows than `page_size` now and then, as the documentation allows."""
    noop_patch_bumps: bool = True
    """A PATCH that changes nothing moves `last_edited_time`."""
    block_edit_bumps: bool = True
    """Appending or deleting blocks moves the page's `last_edited_time`. Reports conflict."""
    mirror_bumps: bool = False
    """Writing one side of a two-way relation moves the stamp of the pages on the other side."""
    text_filter_ignores_case: bool = True
    """Text conditions match whatever the case, `equals` too: a client must check what it got."""
    date_precision: Literal["minute", "millisecond"] = "minute"
    """What is left of the time in a date property. The product itself stores minutes."""
    trashed_parent_hides: bool = True
    """A row whose database was trashed says `in_trash`, and a query of that data source finds nothing."""
    trashed_targets_hide: bool = True
    """A relation does not show pages in the trash, and none can be linked to; they are back when the page is."""
    purge_after_s: float = 30 * 24 * 3600.0
    """A page in the trash for longer is gone for good (404)."""
    send_date: bool = True
    """Answers carry a Date header."""
    latency_s: float = 0.0
    """The median of what an answer takes; half of the answers take longer, one in a hundred 4.3 times as long."""
    guard_window_s: float = 5.0
    """For the log: a PATCH of a page that its token did not read in this many seconds is marked as unguarded."""

    def update(self, **changes: Any) -> None:
        """Set several options by name; ValueError names one that does not exist."""
        known = {field.name for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"no such sandbox option: {name}; there are {', '.join(sorted(known))}")
            setattr(self, name, value)
