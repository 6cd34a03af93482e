"""The property types, one file per family. A new type is one entry in its family's `register` call."""

from __future__ import annotations

from bridge.sandbox.notion.properties import (  # noqa: F401 - importing a family registers its types
    choices,
    dates,
    formula,
    numbers,
    people_files,
    relation,
    rollup,
    text,
)
from bridge.sandbox.notion.properties.base import (
    TYPES,
    PropertyType,
    page_value,
    parse_values,
    simple,
    stored,
    type_of,
)

__all__ = ["TYPES", "PropertyType", "page_value", "parse_values", "simple", "stored", "type_of"]
