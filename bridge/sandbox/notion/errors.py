"""Notion's refusals: status, code and text, as a client receives them."""

from __future__ import annotations

import json
from typing import Any


class Undefined:
    """Marks a key that is not there, which Notion tells apart from null."""


UNDEFINED = Undefined()


class NotionError(Exception):
    """An error answer. Clients branch on `code`, never on `message`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        additional_data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.additional_data = additional_data
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {"object": "error", "status": self.status, "code": self.code, "message": self.message}
        if self.additional_data is not None:
            body["additional_data"] = self.additional_data
        return body | {"request_id": request_id}


def invalid(message: str, **additional_data: Any) -> NotionError:
    """A `validation_error` with a text of its own."""
    return NotionError(400, "validation_error", message, additional_data=additional_data or None)


def should_be(path: str, expectation: str, value: object) -> NotionError:
    """The text for one value of the request that is not as it should be; `path` starts with body, query or path."""
    where = path.split(".", 1)[0].split("[", 1)[0]
    return invalid(f"{where} failed validation: {path} should be {expectation}, instead was `{shown(value)}`.")


def too_many(path: str, limit: int, value: int) -> NotionError:
    """The text for a length over its limit."""
    return should_be(f"{path}.length", f"≤ `{limit}`", value)


def shown(value: object) -> str:
    """A value as Notion's texts quote it."""
    return "undefined" if value is UNDEFINED else json.dumps(value, ensure_ascii=False)


def not_found(kind: str, object_id: str, bot_id: str, bot_name: str) -> NotionError:
    """Missing, not shared and purged look the same."""
    return NotionError(
        404,
        "object_not_found",
        f"Could not find {kind} with ID: {object_id}. Make sure the relevant pages and databases are shared "
        f'with your integration "{bot_name}".',
        additional_data={"integration_id": bot_id},
    )


def invalid_url() -> NotionError:
    """No such path, or not with this method, or not in this version."""
    return NotionError(400, "invalid_request_url", "Invalid request URL.")


def restricted() -> NotionError:
    """The token lacks a capability."""
    return NotionError(403, "restricted_resource", "Insufficient permissions for this endpoint.")


def trashed() -> NotionError:
    """A write to something in the trash."""
    return invalid("Can't edit block that is archived. You must unarchive the block before editing.")
