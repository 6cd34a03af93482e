"""Checks of Notion, and of each field: reachable, the token, what is shared, what the types can hold."""

from __future__ import annotations

from bridge.cli.checks.report import Report
from bridge.cli.output import many, seconds_shown
from bridge.config import Config, SyncConfig
from bridge.engine.binding import Remembered, bind
from bridge.engine.opening import Sides
from bridge.errors import SetupError
from bridge.model import Field, Side, Sync
from bridge.notion.catalog import find_data_source, read_data_source
from bridge.notion.client import PAGE_SIZE
from bridge.notion.names import has_people
from bridge.postgres.connection import Session
from bridge.shapes import DataSource, Table

_DOUBLE_DIGITS = 15  # every decimal number of so many digits survives a double
_SWEEP_SHARE = 0.1  # of the budget is what full listings may take


def check_token(report: Report, sides: Sides, config: Config) -> bool:
    """Whether Notion answers and knows the token; without it the other checks of this side are left out."""
    where = config.notion.base_url

    def ask() -> str:
        body = sides.client.me().body
        return str(body.get("name") or body.get("id"))

    return report.attempt("notion", ask, lambda name: f"{where} answers, as the integration {name!r}") is not None


def check_data_source(report: Report, sides: Sides, config: SyncConfig, remembered: Remembered) -> DataSource | None:
    """Whether the data source is shared with the integration."""
    return report.attempt(
        "data source",
        lambda: find_data_source(sides.client, config.data_source, known=remembered.data_source),
        lambda found: f"{found.title!r} with {len(found.properties)} properties",
    )


def check_keeper(
    report: Report, config: SyncConfig, table: Table, source: DataSource, sides: Sides, session: Session
) -> None:
    """Whether no other sync has the data source, in this configuration or installed by another one."""

    def ask() -> None:
        with session.use() as connection:
            sides.refuse_taken(connection, config.name, source, table)

    report.attempt("data source", ask)


def check_fields(
    report: Report,
    config: SyncConfig,
    table: Table,
    source: DataSource,
    sides: Sides,
    session: Session,
    remembered: Remembered,
) -> Sync | None:
    """The whole mapping, and each field with what may surprise somebody."""

    def fit() -> Sync:
        with session.use() as connection:
            around = sides.around(config, source, remembered, connection)
        return bind(config, table, source, sides.config.path, remembered, around=around)

    sync = report.attempt(
        "mapping",
        fit,
        lambda found: f"{many(len(found.fields), 'field')}; the key is kept in {found.key_property.name!r}",
    )
    if sync is None:
        return None
    for item in sync.fields:
        warning, hint = _surprise(item)
        column, prop = item.column, item.property
        types = f"{column.name} ({column.type_name}) {_arrow(item)} {prop.name} ({prop.type})"
        if warning:
            report.warn("field", f"{types}: {warning}", hint)
        else:
            report.ok("field", f"{types}, {item.codec.kind}")
        if item.target:
            _check_target(report, item, sides)
    for waiting in sync.suspended:
        report.wrong("field", f"{waiting.field} is suspended: {waiting.reason}", waiting.hint)
    mapped = {sync.key_property.id, *(item.property.id for item in sync.fields)}
    if sync.status_property is not None:
        mapped.add(sync.status_property.id)
    alone = [f"{prop.name} ({prop.type})" for prop in source.properties if prop.id not in mapped]
    if alone:
        report.ok("left alone", ", ".join(alone))
    if not any(item.property.type == "title" for item in sync.fields) and sync.key_property.type != "title":
        report.warn("title", "no column is mapped to the title: new pages will have none", "Map a text column to it.")
    return sync


def check_people(report: Report, sides: Sides, sync: Sync) -> None:
    """Whether the integration may know who is who, where that matters."""
    if not has_people(sync):
        return
    sides.people.refresh()
    if sides.people.problem:
        report.warn("people", sides.people.problem, "Open the integration's settings in Notion, section Capabilities.")
        return
    everybody = sides.people.everybody()
    known = sum(bool(person.email) for person in everybody)
    report.ok("people", f"{len(everybody)} users are known, {known} of them by an e-mail address")


def _check_target(report: Report, item: Field, sides: Sides) -> None:
    """Notion shows no link into a database that is not shared, so that the field rests until it is."""
    try:
        read_data_source(sides.client, str(item.property.config["data_source_id"]))
    except SetupError as error:
        what = f"the pages that {item.property.name!r} links to are not shared with the integration: links wait"
        report.warn("relation", what, error.hint)


def _arrow(item: Field) -> str:
    into_both = item.direction.into(Side.NOTION) and item.direction.into(Side.POSTGRES)
    return "<->" if into_both else "->" if item.direction.into(Side.NOTION) else "<-"


def _surprise(item: Field) -> tuple[str, str]:
    """What the types can hold, and the other one cannot: such values wait, parked."""
    column, prop = item.column, item.property.type
    if prop == "checkbox" and not column.not_null and item.direction.into(Side.NOTION):
        return "a checkbox has no empty state, so rows with NULL are parked", "Make it NOT NULL, or use a select."
    if prop == "number" and column.type_name == "numeric" and (column.precision or 99) > _DOUBLE_DIGITS:
        return "values with more digits than a double holds are parked", "Map it to a text property to carry all."
    if prop == "number" and column.type_name == "bigint":
        return "values above 2^53 are parked", "Map it to a text property to carry all."
    if prop == "status" and not column.not_null and item.direction.into(Side.NOTION):
        return "a status cannot be emptied, so rows with NULL are parked", "Make it NOT NULL, or use a select."
    return "", ""


def check_rate(report: Report, sides: Sides, tables: list[Table]) -> None:
    """What the budget means for tables of this size."""
    budget = sides.limiter.configured
    rows = sum(table.estimated_rows for table in tables)
    often_s = (1 + rows // PAGE_SIZE) * 60 / (budget * _SWEEP_SHARE)
    text = f"{budget} requests per minute, {sides.limiter.used()} of them spent now"
    # The statistics count nothing for a table that is empty or was never analysed.
    listed = f"all of about {rows} pages are listed at most every {seconds_shown(often_s)}"
    report.ok("rate", f"{text}; {listed if rows > 0 else 'how many pages there will be is not known yet'}")
