"""Rich text: what a client may write, and the normal form in which it comes back."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.scope import Scope

COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}
_TEXT_COLORS = COLORS + tuple(f"{color}_background" for color in COLORS)
_MENTIONS = ("user", "page", "database", "date", "template_mention", "custom_emoji")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S|/")
# A page object shows this many references; the rest are found only at the property endpoint.
REFERENCE_LIMIT = 25

RichText = list[dict[str, Any]]


def parse(raw: Any, path: str, scope: Scope) -> RichText:
    """Check what a client wrote, and normalise it."""
    return merge([_element(item, f"{path}[{n}]", scope) for n, item in enumerate(checks.array(raw, path))])


def from_text(text: str) -> RichText:
    """Plain text as a person types it; of any length, as the limits are those of a request."""
    return merge([_text_element(text, None, dict(PLAIN))])


def plain(runs: RichText) -> str:
    """The text without its formatting."""
    return "".join(run["plain_text"] for run in runs)


def current(runs: RichText, scope: Scope) -> RichText:
    """As it is read now: a mention shows the name or the title that its target has by then."""
    return [run if run["type"] != "mention" else run | {"plain_text": _called(run, scope)} for run in runs]


def _called(run: dict[str, Any], scope: Scope) -> str:
    mention = run["mention"]
    kind = mention.get("type")
    target_id = mention[kind].get("id") if isinstance(mention.get(kind), dict) else None
    if kind == "user" and target_id in scope.world.users:
        return _user(target_id, scope)
    if kind in ("page", "database") and isinstance(target_id, str):
        return _title(target_id, scope)
    return str(run["plain_text"])


def merge(runs: RichText) -> RichText:
    """Join neighbours that look the same and drop empty runs: boundaries that a client wrote do not survive."""
    merged: RichText = []
    for run in runs:
        if run["type"] != "text":
            merged.append(run)
            continue
        text = run["text"]
        if not text["content"]:
            continue
        last = merged[-1] if merged else None
        if last and last["type"] == "text" and _look(last) == _look(run):
            merged[-1] = _text_element(last["text"]["content"] + text["content"], text["link"], run["annotations"])
        else:
            merged.append(run)
    return merged


def shortened(runs: RichText) -> RichText:
    """As a page object shows it: mentions beyond the 25th are left out."""
    kept: RichText = []
    mentions = 0
    for run in runs:
        mentions += run["type"] == "mention"
        if run["type"] != "mention" or mentions <= REFERENCE_LIMIT:
            kept.append(run)
    return kept


def _look(run: dict[str, Any]) -> tuple[Any, ...]:
    link = run["text"]["link"]
    return (link and link["url"], tuple(sorted(run["annotations"].items())))


def _element(raw: Any, path: str, scope: Scope) -> dict[str, Any]:
    item = checks.mapping(raw, path)
    kind = item.get("type") or next((key for key in ("text", "mention", "equation") if key in item), None)
    if kind is None:
        raise should_be(f"{path}.text", "defined", UNDEFINED)
    checks.one_of(kind, f"{path}.type", ("text", "mention", "equation"))
    annotations = _annotations(item.get("annotations"), f"{path}.annotations")
    part = checks.mapping(item.get(kind, UNDEFINED), f"{path}.{kind}")
    if kind == "text":
        content = checks.string(part.get("content", UNDEFINED), f"{path}.text.content", 2000)
        return _text_element(content, _link(part.get("link"), f"{path}.text.link"), annotations)
    if kind == "equation":
        expression = checks.string(part.get("expression", UNDEFINED), f"{path}.equation.expression", 1000)
        return _run("equation", {"expression": expression}, annotations, expression, None)
    return _mention(part, f"{path}.mention", annotations, scope)


def _text_element(content: str, link: dict[str, str] | None, annotations: dict[str, Any]) -> dict[str, Any]:
    return _run("text", {"content": content, "link": link}, annotations, content, link["url"] if link else None)


def _run(kind: str, part: dict[str, Any], annotations: dict[str, Any], text: str, href: str | None) -> dict[str, Any]:
    return {"type": kind, kind: part, "annotations": annotations, "plain_text": text, "href": href}


def _annotations(raw: Any, path: str) -> dict[str, Any]:
    if raw is None:
        return dict(PLAIN)
    given = checks.mapping(raw, path)
    checks.known_keys(given, path, PLAIN)
    for key, value in given.items():
        if key == "color":
            checks.one_of(value, f"{path}.color", _TEXT_COLORS)
        else:
            checks.boolean(value, f"{path}.{key}")
    return PLAIN | given


def _link(raw: Any, path: str) -> dict[str, str] | None:
    if raw is None:
        return None
    url = checks.string(checks.mapping(raw, path).get("url", UNDEFINED), f"{path}.url", 2000)
    if not url:
        raise should_be(f"{path}.url", "populated", url)
    if not _ADDRESS.match(url):
        raise invalid("Invalid URL for link.")
    # What may not stand in an address comes back percent-encoded.
    url = quote(url, safe="%/:?#[]@!$&'()*+,;=~-._")
    parts = urlsplit(url)
    # A bare host gains a slash on the way through, which a comparison of links must survive.
    bare = bool(parts.scheme and parts.netloc) and not (parts.path or parts.query or parts.fragment)
    return {"url": f"{url}/" if bare else url}


def _mention(part: dict[str, Any], path: str, annotations: dict[str, Any], scope: Scope) -> dict[str, Any]:
    kind = part.get("type") or next((key for key in _MENTIONS if key in part), None)
    checks.one_of(kind, f"{path}.type", _MENTIONS)
    target = checks.mapping(part.get(str(kind), UNDEFINED), f"{path}.{kind}")
    if kind == "date":
        shown = {"start": _moment(target.get("start", UNDEFINED), f"{path}.date.start"), "end": None, "time_zone": None}
        if target.get("end") is not None:
            shown["end"] = _moment(target["end"], f"{path}.date.end")
        text = f"{shown['start']} → {shown['end']}" if shown["end"] else shown["start"]
        return _run("mention", {"type": "date", "date": shown}, annotations, str(text), None)
    if kind in ("template_mention", "custom_emoji"):
        return _run("mention", {"type": kind, str(kind): target}, annotations, f"@{kind}", None)
    target_id = checks.object_id(target.get("id", UNDEFINED), f"{path}.{kind}.id")
    if kind == "user":
        named = {"object": "user", "id": target_id}
        return _run("mention", {"type": "user", "user": named}, annotations, _user(target_id, scope), None)
    part = {"type": kind, str(kind): {"id": target_id}}
    return _run("mention", part, annotations, _title(target_id, scope), page_url(target_id))


def _moment(raw: Any, path: str) -> str:
    """A day as it is; a time with its offset and milliseconds, UTC when it has none."""
    text = checks.string(raw, path, 100)
    try:
        if "T" not in text:
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise should_be(path, "a valid ISO 8601 date string", raw) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="milliseconds")


def _user(user_id: str, scope: Scope) -> str:
    user = scope.world.users.get(user_id)
    return f"@{user.name if user else 'Anonymous'}"


def _title(object_id: str, scope: Scope) -> str:
    world = scope.world
    page = scope.page(object_id)
    if page is not None:
        return plain(page.state.values.get("title", [])) or "Untitled"
    holder = world.databases.get(object_id) or world.data_sources.get(object_id)
    return plain(holder.title) if holder is not None else "Untitled"


def page_url(object_id: str, title: str = "") -> str:
    """An object's address in the product; a page's contains its title and so changes with it."""
    slug = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in title).split())
    bare = object_id.replace("-", "")
    return f"https://app.notion.com/p/{slug}-{bare}" if slug else f"https://app.notion.com/p/{bare}"
