"""Documents: json and jsonb columns, and hstore, as one canonical JSON text.

The text is compact, with sorted keys and numbers in plain notation with all their digits, so equal documents are equal
text. A `json` column keeps its own spelling in the database as long as nobody edits the document in Notion. What a
JSON reader would have to guess or drop (a key twice, half a surrogate pair) is no value but a reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import number_text
from bridge.values.halves import Kind, ParsedColumn, Suggestion
from bridge.values.text import sound

# The numbers that jsonb holds: digits before and after the point. 1e999999999, written out, would fill the memory.
_WHOLE_DIGITS, _FRACTION_DIGITS = 131072, 16383
_EXPONENT_DIGITS = 6
# Far below what Python's stack takes, so that it does not depend on who calls whether a document can be read.
_DEPTH = 100
_TOO_DEEP = f"it is nested more than {_DEPTH} levels deep"


class _NoDocument(Exception):
    """Why a text is no document that can be carried."""


def read_document(text: str) -> Any:
    """The JSON document in `text`, with numbers as Decimal. Raises _NoDocument."""
    try:
        document = json.loads(
            text, parse_float=_number, parse_int=_number, parse_constant=_constant, object_pairs_hook=_object
        )
    except RecursionError:
        raise _NoDocument(_TOO_DEEP) from None
    except ValueError as error:
        raise _NoDocument(f"it is no JSON ({error})") from None
    return document


def document_text(document: Any) -> str:
    """The canonical text of a document. Raises _NoDocument."""
    return _text(document)


@dataclass(frozen=True, slots=True)
class JsonColumn(ParsedColumn):
    """json and jsonb. The JSON `null` is the text `null`, and not the NULL of SQL."""

    kind: ClassVar[Kind] = Kind.JSON
    keyable: ClassVar[bool] = False

    def wire_cast(self) -> str:
        # As jsonb, NULL and the document null would look the same; and one json document that jsonb cannot hold
        # (\u0000, 1e999999, nested too deeply) would make the whole row unreadable.
        return "text"

    def parse(self, text: str) -> FieldValue:
        try:
            return document_text(read_document(text))
        except _NoDocument as error:
            return Unfit(str(error), text)

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "as JSON text, keys sorted")


@dataclass(frozen=True, slots=True)
class HstoreColumn(ParsedColumn):
    """hstore, as a JSON object whose values are texts or null."""

    kind: ClassVar[Kind] = Kind.JSON
    keyable: ClassVar[bool] = False  # its operators are in the extension's schema, which the trigger does not search
    listable: ClassVar[bool] = False

    def read(self, wire: Any) -> FieldValue:
        return self._judge(wire, str(wire)) if isinstance(wire, dict) else ParsedColumn.read(self, wire)

    def parse(self, text: str) -> FieldValue:
        try:
            return self._judge(read_document(text), text)
        except _NoDocument as error:
            return Unfit(str(error), text)

    def write(self, value: Value) -> str | None:
        taken = self.take(value)
        if isinstance(taken, Unfit):
            raise Refused(taken.reason)
        if not isinstance(taken, str):
            return None
        return ",".join(f"{_quoted(name)}=>{_quoted(item)}" for name, item in json.loads(taken).items())

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "as a JSON object of texts, keys sorted")

    def _judge(self, document: Any, shown: str) -> FieldValue:
        if not isinstance(document, dict) or not all(
            item is None or isinstance(item, str) for item in document.values()
        ):
            return Unfit('hstore holds an object of texts, like {"a":"1","b":null}', shown)
        try:
            return document_text(document)
        except _NoDocument as error:
            return Unfit(str(error), shown)


def _number(text: str) -> Decimal:
    _, _, exponent = text.lower().partition("e")
    digits = len(exponent.lstrip("+-0"))
    number = Decimal(text) if digits <= _EXPONENT_DIGITS else None
    if number is None or (number and not -_FRACTION_DIGITS <= number.adjusted() < _WHOLE_DIGITS):
        raise _NoDocument("it has a number with more digits than PostgreSQL can hold")
    return number


def _constant(word: str) -> NoReturn:
    raise _NoDocument(f"{word} is no JSON; write it as text, in quotes")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NoDocument(f'the key "{twice}" is there twice; keep one')
    return found


def _text(document: Any, depth: int = 0) -> str:
    if depth > _DEPTH:
        raise _NoDocument(_TOO_DEEP)
    match document:
        case str():
            return _string(document)
        case Decimal():
            return number_text(document)
        case dict():
            items = (f"{_string(name)}:{_text(document[name], depth + 1)}" for name in sorted(document))
            return "{" + ",".join(items) + "}"
        case list():
            return "[" + ",".join(_text(item, depth + 1) for item in document) + "]"
    return {True: "true", False: "false"}.get(document, "null")


def _string(text: str) -> str:
    judged = sound(text)
    if isinstance(judged, Unfit):
        raise _NoDocument(judged.reason)
    return json.dumps(text, ensure_ascii=False)


def _quoted(text: str | None) -> str:
    """As hstore reads it: in quotes, where only quotes and backslashes need a backslash."""
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
