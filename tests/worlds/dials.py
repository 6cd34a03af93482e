"""What one world is like, drawn from its seed: which faults there are, how often, and how the sync is set up.

Each world has only some of the faults (a swarm): one fault may hide another, and a world without any shows what
the rest does by itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.engine.turns import AHEAD
from bridge.model import Deletes, Policy, Side

# Probability of each fault, per request, statement or step, where a world has it.
NOTION_FAULTS = {
    "fail": 0.04,  # 5xx, nothing applied
    "apply-drop": 0.04,  # applied, no answer
    "apply-fail": 0.03,  # applied, answered with a 5xx
    "truncate": 0.03,  # applied, half an answer
    "drop": 0.03,  # not applied, no answer
    "refuse": 0.04,  # no connection
    "throttle": 0.02,  # 429, 529
    "conflict": 0.04,  # 409
    "slow-before": 0.02,  # applied late
    "slow-after": 0.02,  # answered late
    "html": 0.02,  # a proxy's page
    "cursors": 0.03,  # all cursors expire
    "gap": 0.08,  # a person edits the page between the look and the write
    "automation": 0.06,  # something rewrites, under our bot's name, what was just written
    "unindexed": 0.8,  # the index hides a page for a while whose creation was not answered
    "undated": 0.05,  # the answer has no Date header
}
ROW_FAULTS = {
    "down": 0.03,  # no connection
    "unanswered": 0.03,  # done, and nobody is told
    "commit-before": 0.04,
    "commit-applied": 0.06,
    "commit-undone": 0.04,
    "commit-late": 0.04,
    "slow": 0.03,
    "deaf": 0.7,  # no NOTIFY comes
}
WORLD_FAULTS = {
    "crash": 0.05,  # the process is killed at a named moment
    "kill": 0.03,  # the process is killed at a random moment
    "torn": 0.03,  # the process is killed in the middle of a journal transaction
    "restart": 0.03,  # SIGTERM, and it is started again
    "stale": 0.08,  # the index shows a page as it was a while ago
    "unshare": 0.01,  # the data source cannot be seen for a while
    "wall-clock": 0.02,  # somebody sets this machine's clock
    "dump": 0.01,  # the database goes back to a dump
    "journal-lost": 0.005,
    "journal-old": 0.005,  # an older copy of the journal is put back
    "drift": 0.01,  # a property or an option is renamed, or the table gets another column
    "offline": 0.006,  # the machine is switched off for hours or a week, and people go on
    "database-trashed": 0.006,  # with all its pages, and taken out again
}
FAILOVER = 0.01  # a replica that lacks the last transactions takes the database's place, and the bridge runs on
# What the person who decides does unasked, between two rounds of the bridge.
WHIMS = {
    "undo": 0.02,  # takes a decision back
    "resync": 0.004,  # has everything compared anew
}
ORPHANED = 0.2  # of the creates, where there are orphans
# What people do to the data source itself.
SCHEMA = {
    "property removed": 0.02,
    "property retyped": 0.02,
    "column dropped": 0.02,
}


@dataclass(frozen=True, slots=True)
class Dials:
    """One world's settings. A fault that is missing in `rates` does not occur."""

    seed: int
    rates: Mapping[str, float]
    query_lag: float
    latency: float
    pace: float  # seconds between two acts of people, on average
    batch: int  # outbox rows that one read gives
    per_minute: int
    short_pages: bool
    postgres_ahead: float
    notion_ahead: float
    policy: Policy
    tie: Side
    first_sync: Side | None
    max_deletes: int
    rubbish: float
    deletes: Deletes
    page_size: int  # pages that one query gives
    whims: Mapping[str, float]
    several: int | None = None  # rows of one statement noted with what they hold; None: nobody changes several
    bundle: int = 500  # keys in one row of the outbox
    looked_through: int = 1000  # later changes, for one of a row in a bundle
    outbox_max: int | None = None
    ahead: int = AHEAD  # records that may wait to be made before a new row waits for its turn
    orphans: bool = False  # answers to creates are often lost, and the index hides their pages for long
    schema: Mapping[str, float] = field(default_factory=dict)

    def describe(self) -> str:
        others = {
            "bundles": self.several is not None,
            "full outbox": self.outbox_max is not None,
            "turns": self.ahead != AHEAD,
            "orphans": self.orphans,
        }
        names = [*self.rates, *self.whims, *self.schema, *(name for name, has in others.items() if has)]
        faults = ", ".join(sorted(names)) or "none"
        return f"policy {self.policy}, deletes {self.deletes.to_notion}, faults: {faults}"


def draw(seed: int) -> Dials:
    """The settings of the world of that number."""
    rng = random.Random(f"dials {seed}")
    rates: dict[str, float] = {}
    calm = rng.random() < 0.1
    for faults in (NOTION_FAULTS, ROW_FAULTS, WORLD_FAULTS):
        for name, rate in faults.items():
            rare = rate <= 0.01
            if not calm and rng.random() < (0.15 if rare else 0.35):
                rates[name] = rate * rng.choice([0.5, 1.0, 1.0, 2.0])
    whim = random.Random(f"whims {seed}")  # its own, so that a world without any is what it was before there were some
    whims = {name: rate for name, rate in WHIMS.items() if not calm and whim.random() < 0.25}
    later = random.Random(f"later {seed}")  # its own, for the same reason
    bundles, bounded = (not calm and later.random() < 0.25 for _ in range(2))
    turns = random.Random(f"turns {seed}")
    replicas = random.Random(f"replicas {seed}")
    if not calm and replicas.random() < 0.15:
        rates["failover"] = FAILOVER * replicas.choice([0.5, 1.0, 2.0])
    policy = rng.choices(list(Policy), [6, 1, 1, 2])[0]
    rule = rng.choices(["mirror", "hold"], [8, 2])[0]
    return Dials(
        seed=seed,
        rates=rates,
        query_lag=rng.choice([0.0, 0.0, 0.5, 1.5]),
        latency=rng.choice([0.05, 0.15, 0.4]),
        pace=rng.choice([0.3, 1.0, 2.5]),
        batch=rng.choice([1, 3, 1000]),
        per_minute=rng.choice([60, 180, 600, 600]),
        short_pages=rng.random() < 0.3,
        postgres_ahead=rng.choice([0.0, 0.0, -4.0, 3.0, 90.0, -3600.0]),
        notion_ahead=rng.choice([0.0, 0.0, -2.0, 5.0, -75.0, 3600.0]),
        policy=policy,
        tie=rng.choice(list(Side)),
        first_sync=rng.choice([Side.POSTGRES, Side.POSTGRES, Side.NOTION, None]),
        max_deletes=rng.choice([2, 20, 20]),
        rubbish=rng.choice([0.0, 0.0, 0.15]),
        deletes=Deletes(rule, rule),
        page_size=rng.choice([100, 100, 2, 5]),
        whims=whims,
        several=later.choice([1, 2]) if bundles else None,
        bundle=later.choice([2, 3, 500]),
        looked_through=later.choice([2, 1000, 1000]),
        outbox_max=later.choice([2, 4, 10]) if bounded else None,
        schema={name: rate for name, rate in SCHEMA.items() if not calm and later.random() < 0.2},
        orphans=not calm and later.random() < 0.2,
        ahead=turns.choice([1, 2, 4]) if not calm and turns.random() < 0.3 else AHEAD,
    )
