"""What `plan` and `verify` stand on: both sides to be read, and a copy of the journal that is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bridge.cli.environment import Environment
from bridge.config import Config, SyncConfig
from bridge.ends import End
from bridge.engine.binding import NOTHING
from bridge.engine.needs import RowEnd
from bridge.engine.opening import Sides
from bridge.engine.rebinding import Binding
from bridge.journal import Journal
from bridge.model import Sync
from bridge.postgres.connection import Session
from bridge.postgres.findings import Finding, installed, schema_version


@dataclass(frozen=True, slots=True)
class Reading:
    """One sync, ready to be read. `findings` is what is wrong with its trigger."""

    sync: Sync
    journal: Journal
    postgres: RowEnd
    notion: End
    findings: list[Finding]


@contextmanager
def reading(
    environment: Environment,
    sides: Sides,
    config: Config,
    chosen: SyncConfig,
    *,
    anew: bool = False,
    lost: bool = False,
) -> Iterator[Reading]:
    """Opens one sync for reading. Nothing is written: not to a side, not to the journal, no lock is taken.

    `anew`: as after a resync. `lost`: as without a journal.
    """
    sync = sides.bind(chosen, NOTHING if lost else None)
    with closing(Session(config.postgres.dsn)) as session, session.use() as connection:
        findings = installed(connection, sync)
        there = schema_version(connection) is not None
    copied = None if lost else config.journal.path
    with closing(Journal.in_memory(environment.clock, copy_of=copied)) as journal:
        sides.links.expect(sync)
        sides.links.attach(journal)
        postgres = sides.postgres_end(sync)
        # A sync would install what is missing, and then trust no agreement of the time before.
        journal.recognise(sync.name, postgres.identity() if there else "not installed")
        if journal.sync_row(sync.name) is not None:
            Binding(sides, journal, chosen).take(sync)  # the mapping may be another than that of the last sync
            if anew or journal.sync_state(sync.name).resync:
                journal.resync(sync.name)
        yield Reading(sync, journal, postgres, sides.notion_end(sync, journal), findings)
