"""A proposal as a person reads it, and as a program does."""

from __future__ import annotations

from typing import Any

from bridge.cli import tomlfile
from bridge.cli.environment import Environment
from bridge.cli.listing import listing
from bridge.cli.output import clean
from bridge.cli.proposal import Proposal
from bridge.cli.tomlfile import Setup
from bridge.shapes import DataSource, Table


def show(environment: Environment, table: Table, source: DataSource, proposal: Proposal) -> None:
    """Each line with its why, and what is left out."""
    environment.say(f"{table.qualified} <-> {source.title}", "bold")
    rows = [["+".join(table.key), "key", "to-notion", proposal.key_name, proposal.key_type, proposal.key_why]]
    rows += [
        [column.name, column.type_name, line.direction.value, prop.name, prop.type, line.why]
        for line in proposal.lines
        for column, prop in [(line.column, line.property)]
    ]
    environment.err.print(listing(("column", "type", "direction", "property", "type", "why"), rows))
    for item in proposal.left_out:
        environment.say(f"left out: {item.side} {clean(item.name)}: {item.why}")


def as_json(setup: Setup) -> dict[str, Any]:
    """One sync that was set up."""
    proposal = setup.proposal
    fields = [
        {"column": i.column.name, "property": i.property.name, "direction": i.direction.value, "why": i.why}
        for i in proposal.lines
    ]
    return {
        "name": setup.name,
        "table": tomlfile.table_text(setup.table),
        "data_source": setup.source.id,
        "key_property": proposal.key_name,
        "key_property_added": proposal.new_key is not None,
        "fields": fields,
        "left_out": [{"side": i.side, "name": i.name, "why": i.why} for i in proposal.left_out],
    }
