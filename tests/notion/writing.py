"""How the tests run a writer and collect its receipts."""

from __future__ import annotations

import pytest

from bridge.ends import Intent, Outcome, Receipt
from bridge.errors import AccessLost, SetupError, Unavailable
from bridge.notion.end import NotionEnd
from tests.notion.conftest import World


def applied(end: NotionEnd, *intents: Intent) -> list[Receipt]:
    """The receipts in the order of the intents; each got exactly one."""
    receipts = list(end.apply(intents))
    assert sorted(r.intent_id for r in receipts) == sorted(i.id for i in intents)
    by_id = {receipt.intent_id: receipt for receipt in receipts}
    return [by_id[intent.id] for intent in intents]


def lost(end: NotionEnd, *intents: Intent) -> list[Receipt]:
    """The receipts of a run that ends because nobody answers or lets us in."""
    receipts: list[Receipt] = []
    with pytest.raises((Unavailable, AccessLost, SetupError)):
        receipts.extend(end.apply(intents))
    return receipts


def settled(world: World, end: NotionEnd, intent: Intent) -> Receipt:
    """Asks what became of an intent until it is known, waiting as told."""
    receipt = end.find_out(intent)
    while receipt.outcome is Outcome.UNKNOWN:
        assert receipt.retry_after
        world.clock.advance(receipt.retry_after)
        receipt = end.find_out(intent)
    return receipt
