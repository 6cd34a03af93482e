"""Results as text: every value that somebody else wrote is made harmless here before a terminal sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from bridge.model import FieldValue, Key
from bridge.postgres.inventory import InstalledSync
from bridge.values import canonical
from bridge.values.keys import join_key

_CUT = 60  # characters of a value in a list; `show` gives all of it


def clean(text: str) -> str:
    """The text with its line breaks, and with everything else that a terminal would obey spelled out."""
    return "\n".join(canonical.show(line) for line in text.split("\n"))


def styled(text: str, style: str = "") -> Text:
    """Printable text; rich markup in it stays what somebody wrote."""
    return Text(clean(text), style)


def value_shown(value: FieldValue, limit: int | None = _CUT) -> str:
    """A value on one line, cut to `limit` characters."""
    text = canonical.show(value)
    return text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"


def key_text(key: Key | None) -> str | None:
    """The key as the user types it, for JSON; None when the record has none yet."""
    return None if key is None else join_key(key)


def key_shown(key: Key | None) -> str:
    """The key for a screen."""
    return "(no key yet)" if key is None else canonical.show(join_key(key))


def moment_shown(moment: datetime | None) -> str:
    """A time to the second, in UTC."""
    return "never" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def seconds_shown(seconds: float) -> str:
    """A duration in the unit that a person would use."""
    if seconds < 90:  # noqa: PLR2004 - people say "80 seconds" and "2 minutes"
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def many(count: int, noun: str, plural: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def unconfigured(other: InstalledSync, path: Path) -> tuple[str, str]:
    """A sync that is installed and that the configuration does not name: what is the matter, and what to do."""
    waits = f"{many(other.waiting, 'change')} {'waits' if other.waiting == 1 else 'wait'} there"
    return (
        f"changes of {other.table} are captured for the sync {other.name!r}, which {path} does not name; {waits}",
        f"If nobody runs it any more: `notion-bridge uninstall --sync {other.name}`. Until then its changes pile up.",
    )


def outbox_full(left_out: int) -> str:
    """What it means that the trigger notes no more."""
    more = f"{many(left_out, 'change')} more {'was' if left_out == 1 else 'were'} not noted one by one"
    return f"the outbox is full (outbox_max): {more}; the bridge reads the whole table instead"
