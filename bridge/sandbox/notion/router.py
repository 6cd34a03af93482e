"""From method and path to a route. Which routes exist depends on the version."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bridge.sandbox.notion import routes_blocks, routes_pages, routes_sources, routes_workspace
from bridge.sandbox.notion.call import Call
from bridge.sandbox.notion.errors import invalid_url
from bridge.sandbox.notion.versions import Version

Handler = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; `only` = the versions that have it."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    only: str = ""

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.method != "GET" and self.handler not in _READING

    def exists_in(self, version: Version) -> bool:
        """Whether this version knows the endpoint."""
        return not self.only or (self.only == "legacy") is version.legacy


# They are asked by POST for the size of a filter.
_READING = (routes_workspace.search, routes_sources.query_database, routes_sources.query_source)


def _route(method: str, path: str, handler: Handler, only: str = "") -> Route:
    return Route(method, re.compile("/v1/" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + "/?"), handler, only)


ROUTES = (
    _route("GET", "users/me", routes_workspace.me),
    _route("GET", "users", routes_workspace.users),
    _route("GET", "users/{user_id}", routes_workspace.user),
    _route("POST", "search", routes_workspace.search),
    _route("POST", "databases", routes_sources.add_database),
    _route("GET", "databases/{database_id}", routes_sources.retrieve_database),
    _route("PATCH", "databases/{database_id}", routes_sources.update_database),
    _route("POST", "databases/{database_id}/query", routes_sources.query_database, "legacy"),
    _route("POST", "data_sources", routes_sources.add_source, "modern"),
    _route("GET", "data_sources/{data_source_id}", routes_sources.retrieve_source, "modern"),
    _route("PATCH", "data_sources/{data_source_id}", routes_sources.update_source, "modern"),
    _route("POST", "data_sources/{data_source_id}/query", routes_sources.query_source, "modern"),
    _route("GET", "data_sources/{data_source_id}/templates", routes_sources.templates, "modern"),
    _route("POST", "pages", routes_pages.create),
    _route("GET", "pages/{page_id}", routes_pages.retrieve),
    _route("PATCH", "pages/{page_id}", routes_pages.update),
    _route("POST", "pages/{page_id}/move", routes_pages.move),
    _route("GET", "pages/{page_id}/properties/{property_id}", routes_pages.property_item),
    _route("GET", "blocks/{block_id}", routes_blocks.retrieve),
    _route("DELETE", "blocks/{block_id}", routes_blocks.delete),
    _route("GET", "blocks/{block_id}/children", routes_blocks.children),
    _route("PATCH", "blocks/{block_id}/children", routes_blocks.append),
)


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The endpoint of a request and its path parameters, decoded once; 400 `invalid_request_url` without one."""
    wanted = "GET" if method == "HEAD" else method
    for route in ROUTES:
        match = route.pattern.fullmatch(path) if route.method == wanted else None
        if match is not None:
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    raise invalid_url()
