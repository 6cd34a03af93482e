"""One of a few: enum columns; select and status properties.

Notion matches option names without regard to case, refuses commas, and creates unknown select options on
the fly but unknown status options never. An option that is known is written by its id, which survives a
rename in between. A name that an option once had makes no second option, and one that a person removed is not
made again: both wait for a word of a person.

Removing an option empties every page that had it, and nobody edited one of them. `lapsed` tells the two apart by
the book of options: a page that was changed after the option was certainly gone was emptied by somebody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Stamp, Unfit, Value
from bridge.shapes import Option, Property
from bridge.values.halves import ColumnType, Kind, PropertyType, Suggestion, unreadable
from bridge.values.option_names import bad_name, suggest_options
from bridge.values.options import Options, renamed
from bridge.values.text import TextColumn, sound

_CHOOSABLE = frozenset({Kind.TEXT, Kind.CHOICE, Kind.YES_NO, Kind.NUMBER})


def read_option(value: Any) -> FieldValue:
    """A select or status value: the option's name."""
    if value is None:
        return None
    name = value.get("name") if isinstance(value, dict) else None
    return sound(name) if isinstance(name, str) else unreadable("option", value)


def new_option(prop: Property, options: Options, name: str) -> dict[str, str]:
    """The option to create on the fly by that name. Raises Refused when Notion would store another name, or when
    the option is only called otherwise now, or was removed by a person."""
    now = options.now(prop)
    made = next((option for option in now if option.name == name), None)
    if made is not None:
        return known_option(made)  # another page has made it since it was looked for
    refuse_former(prop, options, name)
    if name in options.removed(prop):
        raise Refused(f'the option "{name}" of "{prop.name}" was removed in Notion; add it again or set another value')
    reason = bad_name(name)
    if reason:
        raise Refused(f'"{name}" cannot be an option of "{prop.name}": {reason}')
    twin = next((option.name for option in now if option.name.casefold() == name.casefold()), None)
    if twin is not None:
        raise Refused(f'Notion would store "{twin}" for "{name}": case makes no new option; use one spelling')
    return {"name": name}


def refuse_former(prop: Property, options: Options, name: str) -> None:
    """Raises Refused when an option that has another name now was once called `name`."""
    option = renamed(options, prop, name)
    if option is not None:
        raise Refused(
            f'the option "{name}" of "{prop.name}" is called "{option.name}" in Notion now; '
            "set that value, or give the option its old name back"
        )


def unknown_name(
    prop: Property, options: Options, wire: Any, name: FieldValue, judge: Callable[[str], FieldValue]
) -> Unfit | None:
    """Why a column cannot hold the option's name, if it could hold a name that the option had before."""
    option_id = wire.get("id") if isinstance(wire, dict) else None
    if not isinstance(name, str) or not isinstance(option_id, str):
        return None
    judged = judge(name)
    if not isinstance(judged, Unfit):
        return None
    old = next((n for n in options.former(prop, option_id) if not isinstance(judge(n), Unfit)), None)
    if old is None:
        return None
    return Unfit(
        f'the option "{old}" was renamed to "{name}" in Notion, which the column cannot hold: {judged.reason}; '
        "give the option its old name back, or let the column take the new one",
        name,
    )


def gone(
    prop: Property, options: Options, stamp: Stamp | None, means: Callable[[str], bool], names: tuple[str, ...]
) -> bool:
    """Whether a value that is no more in a page was taken away with its option, and not by an edit.

    `means` tells whether an option of that name holds the value, `names` are the names it would have now. An option
    that was added again counts as gone for pages that were last edited before it was.
    """
    removed = [when for name, when in options.removed(prop).items() if means(name)]
    if any(means(option.name) for option in options.now(prop)):
        return stamp is not None and any(stamp.earliest <= when for when in removed)
    return all(renamed(options, prop, name) is None for name in names)


def known_option(option: Option) -> dict[str, str]:
    return {"id": option.id} if option.id else {"name": option.name}


@dataclass(frozen=True, slots=True)
class EnumColumn(TextColumn):
    """An enum type; its labels are the legal values."""

    kind: ClassVar[Kind] = Kind.CHOICE

    def parse(self, text: str) -> FieldValue:
        if not text or text in self.column.labels:
            return text or None
        return Unfit(f"the enum type has no such label; it has: {', '.join(self.column.labels)}", text)

    def write(self, value: Value) -> str | None:
        # '' is no label, so empty is NULL even where the column is NOT NULL: PostgreSQL refuses that itself.
        return TextColumn.write(self, value) or None

    def parse_whole(self, text: str) -> FieldValue:
        return ColumnType.parse_whole(self, text)

    def suggest(self) -> Suggestion:
        return suggest_options(self.column.labels, "one option for each label")


@dataclass(frozen=True, slots=True)
class ChoiceProperty(PropertyType):
    """What select and status share."""

    carries: ClassVar[frozenset[Kind]] = _CHOOSABLE

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        name = read_option(value)
        return unknown_name(self.prop, self.context.options, value, name, column.take) or name

    def shrunk(self, shown: FieldValue, held: FieldValue) -> bool:
        return shown is None and not isinstance(held, Unfit)

    def lapsed(self, shown: FieldValue, held: FieldValue, stamp: Stamp | None, column: ColumnType) -> bool:
        if isinstance(held, Unfit):
            return False
        names = (column.text(held),)
        return gone(self.prop, self.context.options, stamp, lambda name: column.parse(name) == held, names)

    def suggest(self) -> Suggestion:
        return Suggestion("text", "people may add options at any time")

    def _meaning(self, value: Value, column: ColumnType) -> Option | None:
        """The option that the column reads as `value`; "Yes" for true, whatever its case."""
        options = self.context.options.now(self.prop)
        return next((option for option in options if column.parse(option.name) == value), None)


@dataclass(frozen=True, slots=True)
class SelectProperty(ChoiceProperty):
    """select."""

    def write(self, value: Value, column: ColumnType, over: Any = None) -> dict[str, str] | None:
        if value is None:
            return None
        option = self._meaning(value, column)
        return known_option(option) if option else new_option(self.prop, self.context.options, column.text(value))


@dataclass(frozen=True, slots=True)
class StatusProperty(ChoiceProperty):
    """status, whose options only people can add."""

    def write(self, value: Value, column: ColumnType, over: Any = None) -> dict[str, str]:
        if value is None:
            # Notion stores the default option instead, which would come back as an edit nobody made.
            raise Refused("a status cannot be emptied; give the column a value, or map it to a select")
        option = self._meaning(value, column)
        if option is None:
            name = column.text(value)
            refuse_former(self.prop, self.context.options, name)
            known = ", ".join(option.name for option in self.context.options.now(self.prop))
            raise Refused(f'"{self.prop.name}" has no option "{name}"; add it in Notion (it has: {known})')
        return known_option(option)
