"""The conditions of each kind of value: `equals`, `contains`, `on_or_after`, and so on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import should_be
from bridge.sandbox.notion.properties.dates import parse_iso, span
from bridge.sandbox.notion.scope import Scope

Test = Callable[[Any], bool]

_EMPTY = ("is_empty", "is_not_empty")
WORDS: dict[str, tuple[str, ...]] = {
    "text": (
        "equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with", *_EMPTY,
    ),
    "number": (
        "equals", "does_not_equal", "greater_than", "less_than", "greater_than_or_equal_to",
        "less_than_or_equal_to", *_EMPTY,
    ),
    "checkbox": ("equals", "does_not_equal"),
    "choice": ("equals", "does_not_equal", *_EMPTY),
    "choices": ("contains", "does_not_contain", *_EMPTY),
    "date": (
        "equals", "before", "after", "on_or_before", "on_or_after", "this_week", "past_week", "past_month",
        "past_year", "next_week", "next_month", "next_year", *_EMPTY,
    ),
    "people": ("contains", "does_not_contain", *_EMPTY),
    "relation": ("contains", "does_not_contain", *_EMPTY),
    "files": _EMPTY,
    "verification": ("status",),
}  # fmt: skip
_DAYS = {"past_week": -7, "past_month": -30, "past_year": -365, "next_week": 7, "next_month": 30, "next_year": 365}
_NAMED_DAYS = {
    "today": 0, "tomorrow": 1, "yesterday": -1, "one_week_ago": -7, "one_week_from_now": 7,
    "one_month_ago": -30, "one_month_from_now": 30,
}  # fmt: skip


def condition(kind: str, raw: Any, path: str, scope: Scope) -> Test:
    """The test behind a condition object, which names exactly one word."""
    given = checks.mapping(raw, path)
    if len(given) != 1:
        raise should_be(path, "an object with one condition", raw)
    word, operand = next(iter(given.items()))
    if word not in WORDS[kind]:
        raise should_be(f"{path}.{word}", "not present", operand)
    where = f"{path}.{word}"
    if word in _EMPTY:
        if operand is not True:
            raise should_be(where, "`true`", operand)
        return _is_empty if word == "is_empty" else lambda value: not _is_empty(value)
    return _COMPILERS[kind](word, operand, where, scope)


def _is_empty(value: Any) -> bool:
    return value in (None, "", [])


def _text(word: str, operand: Any, path: str, scope: Scope) -> Test:
    wanted = checks.string(operand, path, 2000)
    fold = scope.options.text_filter_ignores_case
    if fold:
        wanted = wanted.casefold()
    compare: dict[str, Callable[[str], bool]] = {
        "equals": lambda text: text == wanted,
        "does_not_equal": lambda text: text != wanted,
        "contains": lambda text: wanted in text,
        "does_not_contain": lambda text: wanted not in text,
        "starts_with": lambda text: text.startswith(wanted),
        "ends_with": lambda text: text.endswith(wanted),
    }
    test = compare[word]
    return lambda value: test((value or "").casefold() if fold else value or "")


def _number(word: str, operand: Any, path: str, scope: Scope) -> Test:
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        raise should_be(path, "a number", operand)
    wanted = float(operand)
    compare: dict[str, Callable[[float], bool]] = {
        "equals": lambda number: number == wanted,
        "does_not_equal": lambda number: number != wanted,
        "greater_than": lambda number: number > wanted,
        "less_than": lambda number: number < wanted,
        "greater_than_or_equal_to": lambda number: number >= wanted,
        "less_than_or_equal_to": lambda number: number <= wanted,
    }
    test = compare[word]
    return lambda value: word == "does_not_equal" if value is None else test(value)


def _checkbox(word: str, operand: Any, path: str, scope: Scope) -> Test:
    wanted = checks.boolean(operand, path)
    return lambda value: (bool(value) == wanted) is (word == "equals")


def _names(operand: Any, path: str) -> set[str]:
    if isinstance(operand, list):
        return {checks.string(item, f"{path}[{n}]", 2000) for n, item in enumerate(checks.array(operand, path))}
    return {checks.string(operand, path, 2000)}


def _choice(word: str, operand: Any, path: str, scope: Scope) -> Test:
    wanted = _names(operand, path)
    return lambda value: (value in wanted) is (word == "equals")


def _choices(word: str, operand: Any, path: str, scope: Scope) -> Test:
    wanted = _names(operand, path)
    return lambda value: (not wanted.isdisjoint(value)) is (word == "contains")


def _references(word: str, operand: Any, path: str, scope: Scope) -> Test:
    wanted = scope.viewer.id if operand == "me" and scope.viewer is not None else checks.object_id(operand, path)
    return lambda value: (wanted in value) is (word == "contains")


def _verification(word: str, operand: Any, path: str, scope: Scope) -> Test:
    given = checks.mapping(operand, path)
    wanted = given.get("equals", given.get("does_not_equal"))
    return lambda value: (value == wanted) is ("equals" in given)


def _date(word: str, operand: Any, path: str, scope: Scope) -> Test:
    if word in _DAYS or word == "this_week":
        first, last = _period(word, scope)
        return lambda value: _within(value, first, last)
    low, high = _bounds(operand, path, scope)

    def test(value: Any) -> bool:
        moments = span(value)
        if moments is None:
            return False
        at = moments[0]
        if word == "equals":
            return low <= at < high if high > low else at == low
        if word == "before":
            return at < low
        if word == "on_or_after":
            return at >= low
        if word == "after":
            return at >= high if high > low else at > low
        return at < high if high > low else at <= low

    return test


def _within(value: Any, first: datetime, last: datetime) -> bool:
    moments = span(value)
    return moments is not None and first <= moments[0] < last


def _bounds(operand: Any, path: str, scope: Scope) -> tuple[datetime, datetime]:
    """What an operand covers: a whole UTC day for a date, one instant for a date-time."""
    if isinstance(operand, str) and operand in _NAMED_DAYS:
        start = _today(scope) + timedelta(days=_NAMED_DAYS[operand])
        return start, start + timedelta(days=1)
    moment = parse_iso(operand)
    if moment is None:
        raise should_be(path, "a valid ISO 8601 date string", operand)
    if not isinstance(moment, datetime):
        start = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
        return start, start + timedelta(days=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # Compared with millisecond precision.
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return moment, moment


def _period(word: str, scope: Scope) -> tuple[datetime, datetime]:
    today = _today(scope)
    if word == "this_week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    other = today + timedelta(days=_DAYS[word])
    return (other, today + timedelta(days=1)) if other < today else (today, other + timedelta(days=1))


def _today(scope: Scope) -> datetime:
    return scope.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


_COMPILERS: dict[str, Callable[[str, Any, str, Scope], Test]] = {
    "text": _text,
    "number": _number,
    "checkbox": _checkbox,
    "choice": _choice,
    "choices": _choices,
    "date": _date,
    "people": _references,
    "relation": _references,
    "verification": _verification,
}
