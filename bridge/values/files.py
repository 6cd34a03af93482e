"""Files: a files property as the addresses of its files.

A file that lies elsewhere is its address. A file that Notion keeps has an address that is signed anew for every
answer and dies within the hour, so it is never compared or stored; its text is `notion-file:` and its name, which
is all that lasts. A database cannot upload a file, but it can keep, reorder and remove the ones that are there:
Notion replaces the whole list with every write, and keeps a hosted file whose object is sent back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.halves import ColumnType, Kind, PropertyType, Suggestion, unreadable
from bridge.values.lists import gathered, spread
from bridge.values.text import sound, units

HOSTED = "notion-file:"
MAX_FILES = 100
MAX_URL = 2000
_MAX_NAME = 100
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)

Json = Mapping[str, Any]


def file_text(item: Any) -> str | None:
    """What lasts of one file; None when it does not look like one."""
    if not isinstance(item, Mapping):
        return None
    external = item.get("external")
    if isinstance(external, Mapping):
        url = external.get("url")
        return url if isinstance(url, str) and url else None
    name = item.get("name")
    hosted = item.get("type") in ("file", "file_upload") or "file" in item or "file_upload" in item
    return HOSTED + name if hosted and isinstance(name, str) else None


def read_files(value: Any) -> tuple[str, ...] | Unfit:
    """The texts of a files value, in order."""
    if not isinstance(value, list):
        return unreadable("files", value)
    texts: list[str] = []
    for item in value:
        text = file_text(item)
        if text is None:
            return unreadable("file", item)
        judged = sound(text)
        if isinstance(judged, Unfit):
            return judged
        texts.append(text)
    return tuple(texts)


_SENT = ("url", "expiry_time", "id")  # of a file, whichever kind it is


@dataclass(frozen=True, slots=True)
class FilesProperty(PropertyType):
    """files. Order is kept, and the same address may be there twice."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.LIST})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        texts = read_files(value)
        return texts if isinstance(texts, Unfit) else gathered(texts, column, "files")

    def write(self, value: Value, column: ColumnType, over: Any = None) -> list[Json]:
        texts = spread(value)
        if len(texts) > MAX_FILES:
            raise Refused(f"{len(texts)} files; Notion takes {MAX_FILES} at a time")
        if over is None:
            return [_judged(text) for text in texts]
        there = _by_text(over)
        for text, items in there.items():
            if _hosted(items[0]) and 0 < texts.count(text) < len(items):
                name = text.removeprefix(HOSTED)
                raise Refused(f'the page has {len(items)} files called "{name}"; say in Notion which of them is to go')
        return [_chosen(text, there) for text in texts]

    def suggest(self) -> Suggestion:
        return Suggestion("text[]", "one address for each file; notion-file:NAME for a file that Notion keeps")


def _judged(text: str) -> Json:
    """What would be sent for `text`, as far as it can be said without the page: that has to have a hosted file."""
    return {"name": text, "type": "file", "file": {"url": ""}} if text.startswith(HOSTED) else _new(text)


def _chosen(text: str, there: dict[str, list[Json]]) -> Json:
    """The file to send for `text`: the one that is there, with its name, else a new one. Takes it out of `there`."""
    same = there.get(text)
    if same:
        return _sendable(same.pop(0))
    if text.startswith(HOSTED):
        name = text.removeprefix(HOSTED)
        raise Refused(f'the page has no file "{name}"; upload it in Notion, or give an address')
    return _new(text)


def _sendable(item: Json) -> Json:
    """A file as Notion showed it, without what it may show besides some day and would not take back."""
    kind = "external" if not _hosted(item) else str(item.get("type") or "file")
    parts = item.get(kind)
    inner = {name: parts[name] for name in _SENT if name in parts} if isinstance(parts, Mapping) else {}
    return {**{name: item[name] for name in ("name", "type") if name in item}, kind: inner}


def _hosted(item: Json) -> bool:
    return not isinstance(item.get("external"), Mapping)


def _by_text(over: Any) -> dict[str, list[Json]]:
    there: dict[str, list[Json]] = {}
    for item in over if isinstance(over, list) else ():
        text = file_text(item)
        if text is not None:
            there.setdefault(text, []).append(item)
    return there


def _new(url: str) -> Json:
    if not _ADDRESS.fullmatch(url):
        raise Refused(f'"{url}" is no address of a file; it has to begin with https:// or http:// and have no blanks')
    if units(url) > MAX_URL:
        raise Refused(f"the address has {units(url):,} UTF-16 units; Notion takes {MAX_URL:,}")
    return {"name": _name(url), "type": "external", "external": {"url": url}}


def _name(url: str) -> str:
    """What Notion is to show for an address: the last part of its path, as a browser would call the file."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url[:_MAX_NAME]
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc
    return name.encode("utf-16-le", "ignore")[: 2 * _MAX_NAME].decode("utf-16-le", "ignore")
