"""The shell around the merge: observing, planning, writing, settling; one pass (`sync`) or for ever (`run`).

Begin at `worker`: one round of one sync, which calls the rest.

    start       opening (configuration to parts), patience (until both sides are there), loop, tasks (threads beside it)
    mapping     binding, with joins and relations; rebinding (after a catalog changed), mending (of the file), needs;
                sharing (no two syncs on one data source)
    observing   intake (into the journal), by snapshots and trust; pagewatch (Notion), with pacing and unlisted; listed
                and turns (rows of which there are very many)
    records     linking (whose is this page), making (which are being made), links (which page is which row)
    planning    planner (the merge, and what holds a write back), parents (pages that are made before others), portions,
                parting, told
    writing     dispatch, settle, with agreed; lingering and overrun (what Notion's lack of conditional writes costs);
                returning (pages that were moved and came back); health
    people      requests, decisions, resolving, with typed; puttingback; cases (a conflict with all that is known of it)
    telling     status, notices, compare (for `verify` and `plan`), foretold (links, for `plan`); ratelog and
                namefile (files beside the journal)
"""
