"""The trigger functions of a sync, as SQL text. Identifiers come from psycopg's quoting, never from formatting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.bounds import counted, make_counter, wake
from bridge.postgres.links import render_links
from bridge.postgres.names import (
    SCHEMA,
    capture_function,
    links_function,
    row_trigger,
    source,
    statement_function,
    statement_trigger,
    table_name,
    truncate_trigger,
)
from bridge.postgres.rowfilter import inside
from bridge.postgres.settings import settings_clause
from bridge.postgres.statement import OPERATIONS, render_statement
from bridge.postgres.wire import captured_names, key_expression, row_is, through_fields, values_expression

# Whether the row has a later version than NEW. A partition is named at run time: a plan for all of them would have
# to lock all of them for every row.
_OVERTAKEN = "overtaken := NOT EXISTS (SELECT FROM {} AS r WHERE r.ctid = new.ctid);"
_OVERTAKEN_IN_PARTITION = """\
EXECUTE format('SELECT NOT EXISTS (SELECT FROM ONLY %s AS r WHERE r.ctid = $1)', TG_RELID::regclass)
                INTO overtaken USING new.ctid;"""

# What captures statements, where rows are captured instead.
_NO_STATEMENTS = "\nDROP FUNCTION IF EXISTS {}() CASCADE;\n"

# Only with a filter. Apart from the rest: OLD means nothing in an INSERT.
_SKIP_OUTSIDE = """
        -- A row outside of the filter comes and goes unnoticed.
        IF TG_OP = 'INSERT' AND after IS NULL THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'DELETE' THEN
            IF {} IS NOT TRUE THEN
                RETURN NULL;
            END IF;
        END IF;
"""

# JSON's null, not SQL's: the row is there, and outside of the filter.
_NOTED = "CASE WHEN key_after IS NOT NULL THEN coalesce(after, 'null') END"


# What every body says, and the block that checks a right does not.
_TRIGGER = "RETURN NULL;"


class TriggerState(StrEnum):
    """When a trigger fires, as pg_trigger.tgenabled has it."""

    ORIGIN = "O"
    REPLICA = "R"
    ALWAYS = "A"


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What bridge.toml says about the trigger. `notify` False: for databases that use PREPARE TRANSACTION.
    `outbox_max`: how many changes may wait; None: as many as come."""

    notify: bool = True
    outbox_max: int | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """`script` makes the functions and the triggers; `bodies` are the functions' sources as the server keeps them, by
    name."""

    script: str
    bodies: Mapping[str, str]


DEFAULTS = CaptureSettings()


def captured_triggers(sync: Sync) -> dict[str, TriggerState]:
    """The triggers on the sync's own table, and when each of them fires."""
    return triggers_of(sync.name, rows_tell=sync.table.rows_tell)


def triggers_of(sync_name: str, *, rows_tell: bool) -> dict[str, TriggerState]:
    """The same of a sync whose mapping is not known."""
    found = {truncate_trigger(sync_name): TriggerState.ALWAYS}
    if rows_tell:
        return {row_trigger(sync_name): TriggerState.ALWAYS, **found}
    statements = {statement_trigger(sync_name, operation): TriggerState.ORIGIN for operation in OPERATIONS}
    return {row_trigger(sync_name): TriggerState.REPLICA, **found, **statements}


def render_capture(sync: Sync, settings: CaptureSettings = DEFAULTS) -> Capture:
    """What captures the changes of `sync`."""
    common: dict[str, sql.Composable] = {
        "sync": sql.Literal(sync.name),
        "settings": settings_clause(sync),
        "counted": counted(sync, settings.outbox_max, notify=settings.notify),
        "wake": wake(notify=settings.notify),
    }
    template = resources.files("bridge.postgres").joinpath("capture.sql").read_text(encoding="utf-8")
    parts = {**common, **_row_parts(sync), **_installation(sync, settings)}
    quote = _dollar_quote("".join(part.as_string(None) for part in parts.values()))
    common["quote"] = sql.SQL(quote)
    script = sql.SQL(template).format(**{**parts, **common}).as_string(None)
    for operation in OPERATIONS:
        if sync.table.rows_tell:
            gone = sql.Identifier(SCHEMA, statement_function(sync.name, operation))
            script += sql.SQL(_NO_STATEMENTS).format(gone).as_string(None)
        else:
            script += "\n" + render_statement(sync, operation, common)
    script += render_links(sync, common)
    return Capture(script, _bodies(script, quote, sync))


def _bodies(script: str, quote: str, sync: Sync) -> dict[str, str]:
    names = [capture_function(sync.name)]
    if not sync.table.rows_tell:
        names += [statement_function(sync.name, operation) for operation in OPERATIONS]
    if through_fields(sync):
        names.append(links_function(sync.name))
    # Between every other pair of quotes there is a body, but for the block that checks a right.
    return dict(zip(names, [text for text in script.split(quote)[1::2] if _TRIGGER in text], strict=True))


def _row_parts(sync: Sync) -> dict[str, sql.Composable]:
    """What the function for rows reads."""
    return {
        "old_key": key_expression(sync, "old"),
        "new_key": key_expression(sync, "new"),
        "old_values": values_expression(sync, "old", links=False),
        "new_values": values_expression(sync, "new", links=False),
        "read_overtaken": _overtaken(sync),
        "row_values": values_expression(sync, "r", links=False),
        "row_is_new": row_is(sync, "r", "new"),
        "row_is_old": _again_in_sync(sync),
        "skip_outside": sql.SQL(_SKIP_OUTSIDE).format(inside(sync, "old")) if sync.where else sql.SQL(""),
        "noted": sql.SQL(_NOTED if sync.where else "after"),
        "source": source(sync.table),
    }


def _installation(sync: Sync, settings: CaptureSettings) -> dict[str, sql.Composable]:
    """Names, and what is told of the installation."""
    function = sql.Identifier(SCHEMA, capture_function(sync.name))
    table = table_name(sync.table)
    return {
        "function": function,
        "function_text": sql.Literal(f"{function.as_string(None)}()"),
        "table": table,
        "table_text": sql.Literal(table.as_string(None)),
        "row_trigger": sql.Identifier(row_trigger(sync.name)),
        "rows_fire": sql.SQL(captured_triggers(sync)[row_trigger(sync.name)].name),
        "truncate_trigger": sql.Identifier(truncate_trigger(sync.name)),
        "data_source": sql.Literal(sync.data_source.id),
        "columns": _text_array(captured_names(sync)),
        "notify": sql.SQL("true" if settings.notify else "false"),
        "outbox_max": sql.Literal(settings.outbox_max),
        "counter": make_counter(sync),
    }


def _overtaken(sync: Sync) -> sql.Composable:
    if sync.table.kind == "partitioned table":
        return sql.SQL(_OVERTAKEN_IN_PARTITION)
    return sql.SQL(_OVERTAKEN).format(source(sync.table))


def _again_in_sync(sync: Sync) -> sql.Composable:
    """Whether a row has OLD's key. One that came back outside of the filter came unnoticed: it explains nothing."""
    same = row_is(sync, "r", "old")
    return sql.SQL("{} AND {}").format(same, inside(sync, "r")) if sync.where else same


def _dollar_quote(text: str) -> str:
    """A dollar quote that does not occur in the text: a column may have any name, even this one."""
    tag = "capture"
    while f"${tag}$" in text:
        tag += "_"
    return f"${tag}$"


def _text_array(texts: Sequence[str]) -> sql.Composable:
    return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(map(sql.Literal, texts)))
