"""What `init` proposes: which column goes with which property, and why. Pure: two catalogs in, a proposal out."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from bridge.errors import SetupError
from bridge.model import Direction
from bridge.shapes import Column, DataSource, Property, Table
from bridge.values.keys import check_key
from bridge.values.registry import bind, suggest, suggest_column

_CLOSE = 0.75  # of difflib's ratio; below it, names only look alike
_TITLES = ("name", "title", "subject", "label", "summary", "caption")
_RELATION = "no column refers to what the relation links to, or the other side of it is mapped"
KEY_NAMES = ("id", "key", "primarykey", "postgresid", "postgreskey")
_SECRETS = ("password", "passwd", "secret", "token", "hash", "apikey", "privatekey", "credential", "salt")
_HIDDEN_WHY = "its name says that it is a secret; write the line yourself if it may be seen in Notion"
# What a comment may call the currency of a column, and Notion's number format for it.
_CURRENCIES = {
    "euro": ("eur", "euro", "euros", "€"),
    "dollar": ("usd", "dollar", "dollars", "$"),
    "pound": ("gbp", "pound", "pounds", "£"),
    "yen": ("jpy", "yen", "¥"),
    "franc": ("chf", "franc", "francs"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One proposed field, and why."""

    column: Column
    property: Property
    direction: Direction
    why: str
    through: tuple[str, str] | None = None  # of a join table: its column with the own key, and with the other


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column ("column") or property ("property") that is not mapped, and why."""

    side: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class NewProperty:
    """A property that has to be added to the data source before it can hold the key."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping that `bridge.engine.binding` accepts, once `new_key` (if any) exists."""

    key_property: Property | None
    new_key: NewProperty | None
    lines: tuple[Line, ...]
    left_out: tuple[LeftOut, ...]
    key_why: str = ""

    def linked_to(self, data_sources: Container[str]) -> Proposal:
        """Without the relations to any other data source."""

        def far(line: Line) -> bool:
            return line.property.type == "relation" and line.property.config["data_source_id"] not in data_sources

        lines = tuple(line for line in self.lines if not far(line))
        why = "it links to a data source that no sync keeps"
        left = (LeftOut("column", line.column.name, why) for line in self.lines if far(line))
        return replace(self, lines=lines, left_out=(*self.left_out, *left))

    @property
    def key_type(self) -> str:
        return self.key_property.type if self.key_property else self.new_key.type if self.new_key else ""

    @property
    def key_name(self) -> str:
        return self.key_property.name if self.key_property else self.new_key.name if self.new_key else ""


def propose(
    table: Table,
    source: DataSource,
    key_name: str | None = None,
    pairs: Mapping[str, str] = MappingProxyType({}),
    links: Sequence[Line] = (),
) -> Proposal:
    """`pairs` are property ids by column, of what one side was made from the other; `links` are settled lines.

    Raises SetupError when the named key property cannot hold the key, or when nothing can be mapped.
    """
    key = _key_columns(table)
    key_property, new_key = _key_property(key, table, source, key_name)
    settled = {line.column.name for line in links} | {line.property.id for line in links}
    columns = [column for column in table.columns if column.name not in settled and column.name not in table.key]
    properties = [p for p in source.properties if p is not key_property and p.id not in settled]
    open_to_all = [column for column in columns if column.name in pairs or not is_secret(column.name)]
    lines = _match(open_to_all, [p for p in properties if p.type != "relation"], pairs)
    if not (lines or links):
        raise SetupError(
            f"no column of {table.qualified} goes with a property of {source.title!r}",
            hint="Give columns and properties the same names, or let `init --create-notion PAGE` make the data source.",
        )
    left = [*_columns_left(columns, lines), *_properties_left(properties, lines)]
    why = f"{'holds' if new_key is None else 'is added to hold'} the primary key; the bridge writes it"
    return Proposal(key_property, new_key, (*lines, *links), tuple(left), why)


def is_secret(name: str) -> bool:
    """Whether the column's name says that its values are not for people's eyes."""
    words = [plain_name(word) for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]
    whole = plain_name(name)
    return any(whole.endswith((secret, f"{secret}s")) or secret in words for secret in _SECRETS)


def same_named(table: Table, source: DataSource, mapped: Container[str]) -> list[Line]:
    """Columns and properties of one name that no line maps yet; `mapped` are names of columns, and ids of properties.
    No relations: they are found by what they link to.

    What was made on both sides under one name is meant to be the same; mere likeness is not enough to add a line.
    """
    columns = [c for c in table.columns if c.name not in mapped and c.name not in table.key and not is_secret(c.name)]
    properties = [p for p in source.properties if p.id not in mapped and p.type != "relation"]
    found = (_line(column, prop, why) for column, prop, why in _same(columns, properties))
    return [line for line in found if line is not None]


def plain_name(name: str) -> str:
    """A name without what people write differently on the two sides: case, blanks, underscores, accents."""
    text = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in text if character.isalnum())


def database_title(table: Table) -> str:
    """What the database of a table is called in Notion."""
    return table.name.replace("_", " ").capitalize()


def schema_for(table: Table, key_name: str | None = None, without: Container[str] = ()) -> tuple[dict[str, Any], str]:
    """The properties of a data source that can hold the table, as Notion's API wants them; the one for the key.

    A column of a type that is not carried gets none; the proposal says so afterwards. `without` are columns that get
    a relation later.
    """
    schema: dict[str, Any] = {}
    columns = [c for c in table.columns if c.name not in table.key and c.name not in without and not is_secret(c.name)]
    title = _title_column(columns)
    for column in columns:
        try:
            kind = suggest(column).type
        except SetupError:
            continue
        schema[column.name] = {"title": {}} if column is title else {kind: _options(column, kind)}
    if title is None:
        schema["Name"] = {"title": {}}
    new_key = _new_key(_key_columns(table), schema)
    schema[key_name or new_key.name] = {new_key.type: {}}
    return schema, key_name or new_key.name


def _options(column: Column, kind: str) -> dict[str, Any]:
    if kind == "number":
        return _number_format(column)
    if kind not in ("select", "multi_select"):
        return {}
    labels = ("yes", "no") if column.type_name == "boolean" else column.labels or column.allowed
    return {"options": [{"name": label} for label in labels]}


def _number_format(column: Column) -> dict[str, Any]:
    """A currency only where the column's comment names one: its type and its name do not say which."""
    words = {word.casefold() for word in re.findall(r"[A-Za-z]+|[€$£¥]", column.comment)}
    named = [form for form, names in _CURRENCIES.items() if words & set(names)]
    return {"format": named[0]} if len(named) == 1 else {}


def _title_column(columns: Iterable[Column]) -> Column | None:
    """The column that names a record: by its own name, else the first text."""
    types = ("text", "character varying", "citext")
    texts = [column for column in columns if column.type_name in types and not column.allowed]
    named = (column for column in texts if plain_name(column.name) in _TITLES)
    return next(named, next(iter(texts), None))


def _key_property(
    key: list[Column], table: Table, source: DataSource, name: str | None
) -> tuple[Property | None, NewProperty | None]:
    if name is not None:
        prop = source.property(name)
        if prop is None:
            return None, NewProperty(name, _key_type(key))
        check_key(key, prop)
        return prop, None
    wanted = {plain_name("".join(table.key)), plain_name(f"{table.name}_{'_'.join(table.key)}"), *KEY_NAMES}
    fitting = [p for p in source.properties if plain_name(p.name) in wanted and _holds_key(key, p)]
    if fitting:
        return fitting[0], None
    return None, _new_key(key, {p.name: p for p in source.properties})


def _new_key(key: list[Column], taken: Mapping[str, Any]) -> NewProperty:
    name = " ".join(column.name for column in key)
    known = {plain_name(other) for other in taken}
    return NewProperty(name if plain_name(name) not in known else f"{name} (PostgreSQL)", _key_type(key))


def _key_columns(table: Table) -> list[Column]:
    return [column for name in table.key if (column := table.column(name)) is not None]


def _key_type(key: list[Column]) -> str:
    """A number sorts as people expect; whatever a double might not hold, and everything else, is text."""
    only = key[0]
    counted = only.has_default or bool(only.identity)
    small = only.type_name in ("smallint", "integer") or (only.type_name == "bigint" and counted)
    return "number" if len(key) == 1 and small else "rich_text"


def _holds_key(key: list[Column], prop: Property) -> bool:
    try:
        check_key(key, prop)
    except SetupError:
        return False
    return True


def _match(columns: list[Column], properties: list[Property], pairs: Mapping[str, str]) -> list[Line]:
    """What was made from each other, the same names, names that are close, the title, which every page shows."""
    free = list(properties)
    found: dict[str, Line] = {}
    made = [(c, p, _made(c, p)) for c in columns for p in properties if pairs.get(c.name) == p.id]
    candidates = (*made, *_same(columns, properties), *_close(columns, properties), *_title(columns, properties))
    for column, prop, why in candidates:
        if column.name not in found and prop in free:
            line = _line(column, prop, why)
            if line is not None:
                found[column.name] = line
                free.remove(prop)
    return [found[column.name] for column in columns if column.name in found]


def _made(column: Column, prop: Property) -> str:
    """Why one is of the type that it was made of, where the types say so."""
    try:
        best = suggest(column)
    except SetupError:
        return "made for it"
    return f"made for it: {best.why}" if best.type == prop.type else "made for it"


_Candidates = Iterator[tuple[Column, Property, str]]


def _same(columns: list[Column], properties: list[Property]) -> _Candidates:
    for column in columns:
        for prop in properties:
            if plain_name(prop.name) == plain_name(column.name):
                yield column, prop, "same name" if prop.name == column.name else "the same name, written differently"


def _close(columns: list[Column], properties: list[Property]) -> _Candidates:
    scored = []
    for column in columns:
        for prop in properties:
            ratio = difflib.SequenceMatcher(None, plain_name(column.name), plain_name(prop.name)).ratio()
            if ratio >= _CLOSE:
                scored.append((ratio, column, prop))
    for _, column, prop in sorted(scored, key=lambda item: -item[0]):
        yield column, prop, "the names are alike; look whether they mean the same"


def _title(columns: list[Column], properties: list[Property]) -> _Candidates:
    title = next((prop for prop in properties if prop.type == "title"), None)
    named = _title_column(columns)
    if title is not None and named is not None:
        yield named, title, "the title of each page; the column looks like a name"


def _line(column: Column, prop: Property, why: str) -> Line | None:
    try:
        codec = bind(column, prop)
    except SetupError:
        return None
    if codec.computed:
        if not column.writable:
            return None
        return Line(column, prop, Direction.TO_POSTGRES, f"{why}; Notion computes it")
    if not column.writable:
        return Line(column, prop, Direction.TO_NOTION, f"{why}; the database computes it")
    return Line(column, prop, Direction.BOTH, why)


def _columns_left(columns: list[Column], lines: list[Line]) -> Iterator[LeftOut]:
    mapped = {line.column.name for line in lines}
    for column in columns:
        if column.name in mapped:
            continue
        if is_secret(column.name):
            yield LeftOut("column", column.name, _HIDDEN_WHY)
            continue
        try:
            best = suggest(column)
            why = f"no property fits; one of type {best.type} named {column.name!r} would ({best.why})"
        except SetupError as error:
            why = error.message
        yield LeftOut("column", column.name, why)


def _properties_left(properties: list[Property], lines: list[Line]) -> Iterator[LeftOut]:
    mapped = {line.property.id for line in lines}
    for prop in properties:
        if prop.id in mapped:
            continue
        try:
            suggest_column(prop)
            why = _RELATION if prop.type == "relation" else f"no column fits ({prop.type})"
        except SetupError as error:
            why = error.message
        yield LeftOut("property", prop.name, why)
