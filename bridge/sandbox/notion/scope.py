"""What reading and writing a value may need beside the value: the world, the switches, and who asks."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from bridge.sandbox.notion.clock import Clock
from bridge.sandbox.notion.ids import Ids
from bridge.sandbox.notion.options import Options
from bridge.sandbox.notion.state import Page, User, World


@dataclass(frozen=True, slots=True)
class Scope:
    """One look at the world. `viewer` is the bot that asks; None is a person, who sees everything."""

    world: World
    options: Options
    clock: Clock
    rng: random.Random
    ids: Ids
    viewer: User | None = None

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def page(self, page_id: str) -> Page | None:
        """A page that the viewer can see."""
        page = self.world.page(page_id, self.now, self.options.purge_after_s)
        return page if page is not None and self.world.visible(page_id, self.viewer) else None
