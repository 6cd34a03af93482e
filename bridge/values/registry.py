"""The one list of types, and the codecs made of them.

To add a type: write its class (ColumnType or PropertyType) in a file of this package, with its own reading,
writing and suggestion, and add one line to _ONE_VALUE or PROPERTY_TYPES below, for example

    "interval": IntervalColumn,

Everything else (arrays of it, binding, `init`'s proposals, the table in the documentation) follows from these two
mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import Refused, SetupError
from bridge.model import FieldValue, Format, Stamp, Unfit, Value
from bridge.shapes import Column, Property
from bridge.values.binary import BitsColumn, BytesColumn
from bridge.values.boolean import BooleanColumn, CheckboxProperty
from bridge.values.canonical import plain
from bridge.values.choice import EnumColumn, SelectProperty, StatusProperty
from bridge.values.computed import (
    FormulaProperty,
    RollupProperty,
    TimeProperty,
    UniqueIdProperty,
)
from bridge.values.context import NO_CONTEXT, Context
from bridge.values.date_property import DateProperty
from bridge.values.dates import DateColumn
from bridge.values.documents import HstoreColumn, JsonColumn
from bridge.values.files import FilesProperty
from bridge.values.halves import ColumnType, PropertyType, Suggestion
from bridge.values.intervals import IntervalColumn
from bridge.values.lists import MultiSelectProperty, list_of
from bridge.values.markdown import MarkdownColumn, MarkdownProperty
from bridge.values.moments import LocalColumn, MomentColumn
from bridge.values.money import MoneyColumn
from bridge.values.network import CidrColumn, InetColumn, Mac8Column, MacColumn
from bridge.values.number import FloatColumn, IntegerColumn, NumberProperty, NumericColumn
from bridge.values.people_property import AuthorProperty, PeopleProperty
from bridge.values.periods import DayRangeColumn, LocalRangeColumn, MomentRangeColumn
from bridge.values.places import PlaceProperty, VerificationProperty
from bridge.values.ranges import BigRangeColumn, IntegerRangeColumn, NumericRangeColumn
from bridge.values.relation import RelationProperty
from bridge.values.richtext import RunsProperty
from bridge.values.system import NameColumn, OidColumn
from bridge.values.text import CharColumn, StringProperty, TextColumn, UuidColumn
from bridge.values.through import LinksColumn
from bridge.values.times import TimeColumn, ZonedTimeColumn
from bridge.values.uncarried import UNCARRIED
from bridge.values.weight import refuse_heavy

# By PostgreSQL's name of the type, as in Column.type_name.
_ONE_VALUE: Mapping[str, type[ColumnType]] = {
    "text": TextColumn,
    "character varying": TextColumn,
    "citext": TextColumn,
    "character": CharColumn,
    "name": NameColumn,
    "uuid": UuidColumn,
    "bit": BitsColumn,
    "bit varying": BitsColumn,
    "smallint": IntegerColumn,
    "integer": IntegerColumn,
    "bigint": IntegerColumn,
    "numeric": NumericColumn,
    "real": FloatColumn,
    "double precision": FloatColumn,
    "money": MoneyColumn,
    "oid": OidColumn,
    "boolean": BooleanColumn,
    "date": DateColumn,
    "timestamp with time zone": MomentColumn,
    "timestamp without time zone": LocalColumn,
    "time without time zone": TimeColumn,
    "time with time zone": ZonedTimeColumn,
    "interval": IntervalColumn,
    "daterange": DayRangeColumn,
    "tstzrange": MomentRangeColumn,
    "tsrange": LocalRangeColumn,
    "int4range": IntegerRangeColumn,
    "int8range": BigRangeColumn,
    "numrange": NumericRangeColumn,
    "enum": EnumColumn,
    "json": JsonColumn,
    "jsonb": JsonColumn,
    "hstore": HstoreColumn,
    "bytea": BytesColumn,
    "inet": InetColumn,
    "cidr": CidrColumn,
    "macaddr": MacColumn,
    "macaddr8": Mac8Column,
}
_LISTS = {f"{name}[]": list_of(half) for name, half in _ONE_VALUE.items() if half.listable}
COLUMN_TYPES: Mapping[str, type[ColumnType]] = {**_ONE_VALUE, **_LISTS}

# By Notion's name of the type, as in Property.type.
PROPERTY_TYPES: Mapping[str, type[PropertyType]] = {
    "title": RunsProperty,
    "rich_text": RunsProperty,
    "number": NumberProperty,
    "checkbox": CheckboxProperty,
    "select": SelectProperty,
    "status": StatusProperty,
    "multi_select": MultiSelectProperty,
    "date": DateProperty,
    "url": StringProperty,
    "email": StringProperty,
    "phone_number": StringProperty,
    "relation": RelationProperty,
    "formula": FormulaProperty,
    "rollup": RollupProperty,
    "created_time": TimeProperty,
    "last_edited_time": TimeProperty,
    "created_by": AuthorProperty,
    "last_edited_by": AuthorProperty,
    "unique_id": UniqueIdProperty,
    "people": PeopleProperty,
    "files": FilesProperty,
    "verification": VerificationProperty,
    "place": PlaceProperty,
}

# What can never be carried, and why.
_WITHOUT_VALUE: Mapping[str, str] = {"button": "a button: it does something, and holds no value"}
# What `format = "markdown"` is for: text of any length on one side, formatting on the other.
MARKDOWN_COLUMNS = ("text", "character varying", "citext")
MARKDOWN_PROPERTIES = ("title", "rich_text")


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """The two halves put together; implements `bridge.model.Codec`.

    Whatever a value does to its type, it is one field of one record that waits, and a person is told: an exception
    here would end the bridge, all syncs of it, at each start again.
    """

    column: ColumnType
    notion: PropertyType

    @property
    def kind(self) -> str:
        return self.column.kind.value

    @property
    def computed(self) -> bool:
        return self.notion.computed

    def from_postgres(self, wire: Any) -> FieldValue:
        try:
            return self.column.read(wire)
        except Exception as error:  # noqa: BLE001 - see above
            return Unfit(_stumble(error), str(wire))

    def to_postgres(self, value: Value) -> str | list[str] | None:
        try:
            return self.column.write(value)
        except Refused:
            raise
        except Exception as error:
            raise Refused(_stumble(error)) from error

    def from_notion(self, wire: Mapping[str, Any]) -> FieldValue:
        try:
            return self._from_notion(wire)
        except Exception as error:  # noqa: BLE001 - see above
            return Unfit(_stumble(error), str(wire))

    def to_notion(self, value: Value, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            return self._to_notion(value, over)
        except Refused:
            raise
        except Exception as error:
            raise Refused(_stumble(error)) from error

    def _from_notion(self, wire: Mapping[str, Any]) -> FieldValue:
        bound, now = self.notion.prop.type, wire.get("type")
        if now != bound:
            return Unfit(f"the property is now of type {now}, it was {bound}; map it again", str(wire))
        if bound not in wire:
            return Unfit("Notion sent the property without a value", str(wire))
        read = self.notion.read(wire[bound], self.column)
        return read if isinstance(read, Unfit) else self.column.take(read)

    def _to_notion(self, value: Value, over: Mapping[str, Any] | None) -> dict[str, Any]:
        bound = self.notion.prop.type
        # '' can only come from a person resolving a conflict by hand; it means empty as it does in a column.
        given = None if value == "" else value
        wire = {bound: self.notion.write(given, self.column, None if over is None else over.get(bound))}
        if over is None:
            refuse_heavy(wire)
        return wire

    def canonical(self, value: Value) -> FieldValue:
        return self.column.take(value)

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        return shown == held or _unreadable_now(shown, held) or self.notion.stands_for(shown, held)

    def shrunk(self, shown: FieldValue, held: FieldValue) -> bool:
        return shown != held and self.notion.shrunk(shown, held)

    def lapsed(self, shown: FieldValue, held: FieldValue, stamp: Stamp | None) -> bool:
        return self.shrunk(shown, held) and self.notion.lapsed(shown, held, stamp, self.column)


def _stumble(error: Exception) -> str:
    return f"the bridge stumbles over this value ({type(error).__name__}): a mistake of its own, please report it"


def _unreadable_now(shown: FieldValue, held: FieldValue) -> bool:
    """Whether the column alone has changed: it holds no more what was agreed, and the page says that still."""
    if not isinstance(shown, Unfit) or shown.waits_for or held is None or isinstance(held, Unfit):
        return False
    return shown.shown == plain(held)


def bind(column: Column, prop: Property, context: Context = NO_CONTEXT, form: Format = Format.PLAIN) -> FieldCodec:
    """The codec of one field. Raises SetupError when the pair cannot be kept the same."""
    if form is Format.MARKDOWN:
        return _bind_markdown(column, prop)
    left = column_type(column) if context.linked is None else LinksColumn(column, column_type(context.linked))
    right = property_type(prop, context)
    if left.kind not in right.carries and context.linked is None:
        here, there = left.suggest(), right.suggest()
        raise SetupError(
            f'The column "{column.name}" ({column.type_name}) holds {left.kind}, which the property '
            f'"{prop.name}" ({prop.type}) cannot carry.',
            hint=f"Map the column to a property of type {here.type} ({here.why}), "
            f"or the property to a column of type {there.type} ({there.why}).",
        )
    return FieldCodec(left, right)


def _bind_markdown(column: Column, prop: Property) -> FieldCodec:
    if column.type_name not in MARKDOWN_COLUMNS or prop.type not in MARKDOWN_PROPERTIES:
        raise SetupError(
            f'The column "{column.name}" ({column.type_name}) and the property "{prop.name}" ({prop.type}) '
            f"cannot carry Markdown.",
            hint=f"It takes a column of type {', '.join(MARKDOWN_COLUMNS)} and a property of type "
            f'{" or ".join(MARKDOWN_PROPERTIES)}. Otherwise leave out format = "markdown".',
        )
    return FieldCodec(MarkdownColumn(column), MarkdownProperty(prop))


def suggest(column: Column) -> Suggestion:
    """The property type that carries the column best. Raises SetupError for a type that is not carried."""
    return column_type(column).suggest()


def suggest_column(prop: Property) -> Suggestion:
    """The SQL type that holds the property best. Raises SetupError for a type that is not carried."""
    return property_type(prop).suggest()


def column_kinds() -> dict[str, str]:
    """Every column type that is carried, with its canonical kind."""
    return {name: half.kind.value for name, half in COLUMN_TYPES.items()}


def property_kinds() -> dict[str, tuple[str, ...]]:
    """Every property type that is carried, with the canonical kinds it carries, in alphabetical order."""
    return {name: tuple(sorted(kind.value for kind in half.carries)) for name, half in PROPERTY_TYPES.items()}


def column_type(column: Column) -> ColumnType:
    """What is known of the column's type. Raises SetupError for a type that is not carried."""
    half = COLUMN_TYPES.get(column.type_name)
    if half is None:
        why = UNCARRIED.get(column.type_name, "")
        raise SetupError(
            f'The column "{column.name}" is of type {column.type_name}, which cannot be carried to Notion'
            f"{': ' if why else ''}{why}.",
            hint="Leave it out of the mapping. A generated column that casts it to text can be carried to Notion.",
        )
    return half(column)


def wire_cast(column: Column) -> str:
    """The type to which a column is cast before it is read as jsonb; "" for none."""
    half = COLUMN_TYPES.get(column.type_name)
    return half(column).wire_cast() if half else ""


def property_type(prop: Property, context: Context = NO_CONTEXT) -> PropertyType:
    """What is known of the property's type. Raises SetupError for a type that is not carried."""
    half = PROPERTY_TYPES.get(prop.type)
    if half is None:
        why = _WITHOUT_VALUE.get(prop.type, f"of type {prop.type}, which cannot be carried to PostgreSQL")
        raise SetupError(
            f'The property "{prop.name}" is {why}.',
            hint=f"Leave it out of the mapping. What can be carried: {', '.join(PROPERTY_TYPES)}.",
        )
    return half(prop, context)
