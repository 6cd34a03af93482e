"""people, created_by, last_edited_by, files, place, verification, and the types that only the product can use."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.clock import exact_text
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.ids import parse_uuid
from bridge.sandbox.notion.properties.base import PropertyType, register
from bridge.sandbox.notion.richtext import REFERENCE_LIMIT
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Page, PageState, Property, User

_MAX_NAME = 100
_HOST = "https://prod-files-secure.s3.us-west-2.amazonaws.com/sandbox/"
_HOSTED = re.compile(re.escape(_HOST) + "([0-9a-f-]{36})/")


def user_object(user_id: str, scope: Scope) -> dict[str, Any]:
    """A user as the viewer may see it: no details without the capability, no email without the larger one."""
    user = scope.world.users.get(user_id)
    rights = scope.viewer.capabilities if scope.viewer else frozenset({"users", "emails"})
    if user is None or user.left or "users" not in rights:
        return {"object": "user", "id": user_id}
    common: dict[str, Any] = {"object": "user", "id": user.id, "name": user.name, "avatar_url": None}
    if user.is_bot:
        return common | {"type": "bot", "bot": {}}
    person = {"email": user.email} if "emails" in rights and user.email else {}
    return common | {"type": "person", "person": person}


def _parse_people(raw: Any, prop: Property, scope: Scope, path: str) -> list[str]:
    ids = []
    for n, item in enumerate(checks.array(raw, path)):
        where = f"{path}[{n}]"
        user_id = checks.object_id(checks.mapping(item, where).get("id", UNDEFINED), f"{where}.id")
        user = scope.world.users.get(user_id)
        if user is None or user.left:
            raise invalid(f"Could not find user with ID: {user_id}.")
        ids.append(user_id)
    return list(dict.fromkeys(ids))


def _show_people(ids: Any, prop: Property, scope: Scope) -> list[Any]:
    return [user_object(user_id, scope) for user_id in ids]


def _names(ids: Any, prop: Property, scope: Scope) -> list[str]:
    return [user.name if (user := scope.world.users.get(user_id)) else user_id for user_id in ids]


def _typed_people(value: Any, prop: Property, scope: Scope) -> list[str]:
    return list(dict.fromkeys(_person(item, scope).id for item in value or []))


def _person(text: str, scope: Scope) -> User:
    found = scope.world.users.get(parse_uuid(text) or "")
    found = found or next((user for user in scope.world.users.values() if text in (user.name, user.email)), None)
    if found is None:
        raise ValueError(f"no user called {text!r} in the sandbox; make one with sandbox.person({text!r})")
    return found


def _show_person(ids: Any, prop: Property, scope: Scope) -> Any:
    return user_object(ids[0], scope)


def _author(prop: Property, page: Page, state: PageState, scope: Scope) -> list[str]:
    return [page.created_by]


def _editor(prop: Property, page: Page, state: PageState, scope: Scope) -> list[str]:
    return [state.edited_by]


def _first(value: Any) -> Any:
    return value[:REFERENCE_LIMIT]


def _parse_files(raw: Any, prop: Property, scope: Scope, path: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = []
    for n, item in enumerate(checks.array(raw, path)):
        where = f"{path}[{n}]"
        given = checks.mapping(item, where)
        kind = given.get("type") or next((k for k in ("external", "file_upload", "file") if k in given), None)
        checks.one_of(kind, f"{where}.type", ("external", "file_upload", "file"))
        part = checks.mapping(given.get(str(kind), UNDEFINED), f"{where}.{kind}")
        name = given.get("name")
        if kind == "external":
            url = checks.string(part.get("url", UNDEFINED), f"{where}.external.url", 2000)
            files.append({"name": checks.string(name or url[:_MAX_NAME], f"{where}.name", _MAX_NAME), "url": url})
        elif kind == "file_upload":
            # Uploads are not served here, so there is none that a request could name.
            upload = checks.object_id(part.get("id", UNDEFINED), f"{where}.file_upload.id")
            raise invalid(f"Could not find file_upload with ID: {upload}.")
        else:
            files.append(_kept(part, name, scope, where))
    return files


def _kept(part: dict[str, Any], name: Any, scope: Scope, where: str) -> dict[str, Any]:
    """A hosted file that a request sends back: it stays. Nothing else can be passed off as one."""
    url = checks.string(part.get("url", UNDEFINED), f"{where}.file.url", 2000)
    match = _HOSTED.match(url)
    kept = _hosted_files(scope).get(match[1]) if match else None
    if kept is None:
        raise should_be(f"{where}.file.url", "the URL of a file hosted by Notion", url)
    return kept | {"name": checks.string(name or kept["name"], f"{where}.name", _MAX_NAME)}


def _hosted_files(scope: Scope) -> dict[str, dict[str, Any]]:
    lists = [v for page in scope.world.pages.values() for v in page.state.values.values() if isinstance(v, list)]
    return {
        file["id"]: file for files in lists for file in files if isinstance(file, dict) and file.get("url", "") is None
    }


def _show_files(files: Any, prop: Property, scope: Scope) -> list[dict[str, Any]]:
    return [_show_file(file, scope) for file in files]


def _show_file(file: dict[str, Any], scope: Scope) -> dict[str, Any]:
    if file["url"] is not None:
        return {"name": file["name"], "type": "external", "external": {"url": file["url"]}}
    # A hosted file's address is signed anew for each answer and dies after an hour: it never compares equal.
    signature = f"{scope.rng.getrandbits(64):016x}"
    url = f"{_HOST}{file['id']}/{quote(file['name'])}?X-Amz-Signature={signature}"
    expiry = exact_text(scope.now + timedelta(hours=1)).replace("+00:00", "Z")
    return {"name": file["name"], "type": "file", "file": {"url": url, "expiry_time": expiry}}


def _file_names(files: Any, prop: Property, scope: Scope) -> list[str]:
    return [file["url"] or file["name"] for file in files]


def _typed_files(value: Any, prop: Property, scope: Scope) -> list[dict[str, Any]]:
    return [_typed_file(item, prop, scope) for item in value or []]


def _typed_file(item: Any, prop: Property, scope: Scope) -> dict[str, Any]:
    """An address, the name of a file that is uploaded now, or a file of a cell as it is, which stays."""
    if not isinstance(item, dict):
        name = item.rsplit("/", 1)[-1] or item
        return {"name": name, "url": item} if "://" in item else {"name": name, "url": None, "id": scope.ids.uuid()}
    if item.get("url") is not None:
        return {"name": str(item["name"]), "url": str(item["url"])}
    kept = _hosted_files(scope).get(item.get("id", ""))
    if kept is None:
        raise ValueError(f"{prop.name} never had a file {item.get('id')!r}")
    return kept


def _parse_place(raw: Any, prop: Property, scope: Scope, path: str) -> Any:
    if raw is None:
        return None
    given = checks.mapping(raw, path)
    keys = ("lat", "lon", "name", "address", "aws_place_id", "google_place_id")
    checks.known_keys(given, path, keys)
    for key in ("lat", "lon"):
        if isinstance(given.get(key), bool) or not isinstance(given.get(key), int | float):
            raise should_be(f"{path}.{key}", "a number", given.get(key, UNDEFINED))
    return {key: given.get(key) for key in keys}


def _parse_verification(raw: Any, prop: Property, scope: Scope, path: str) -> Any:
    given = checks.mapping(raw, path)
    state = checks.one_of(given.get("state"), f"{path}.state", ("verified", "unverified"))
    by = scope.viewer.id if scope.viewer and state == "verified" else None
    return {"state": state, "date": given.get("date") if state == "verified" else None, "by": by}


def _typed_verification(value: Any, prop: Property, scope: Scope) -> Any:
    """The state, and for a verified page since when."""
    if value not in ("verified", "unverified", "expired"):
        raise ValueError(f"a verification is verified, unverified or expired, not {value!r}")
    since = {"start": exact_text(scope.now).replace("+00:00", "Z"), "end": None, "time_zone": None}
    return {"state": value, "date": None if value == "unverified" else since, "by": None}


def _show_verification(value: Any, prop: Property, scope: Scope) -> Any:
    by = value["by"]
    return {"state": value["state"], "date": value["date"], "verified_by": user_object(by, scope) if by else None}


def _verification_state(value: Any, prop: Property, scope: Scope) -> Any:
    return value["state"]


def _unverified() -> dict[str, Any]:
    return {"state": "unverified", "date": None, "by": None}


def _as_is(value: Any, prop: Property, scope: Scope) -> Any:
    return value


def _people(name: str, compute: Any) -> PropertyType:
    return PropertyType(name, "people", compute=compute, render=_show_person, simple=_names)


register(
    PropertyType(
        "people",
        "people",
        empty=list,
        render=_show_people,
        simple=_names,
        parse=_parse_people,
        from_simple=_typed_people,
        shorten=_first,
        paged=True,
    ),
    _people("created_by", _author),
    _people("last_edited_by", _editor),
    PropertyType(
        "files",
        "files",
        empty=list,
        render=_show_files,
        simple=_file_names,
        parse=_parse_files,
        from_simple=_typed_files,
    ),
    PropertyType("place", "none", parse=_parse_place, from_simple=_as_is),
    PropertyType(
        "verification",
        "verification",
        empty=_unverified,
        render=_show_verification,
        simple=_verification_state,
        parse=_parse_verification,
        from_simple=_typed_verification,
        creatable=False,
    ),
    PropertyType("button", "none", empty=dict, creatable=False),
    PropertyType("location", "none", creatable=False),
    PropertyType("last_visited_time", "none", creatable=False),
)
