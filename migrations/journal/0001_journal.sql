-- The journal: what the bridge knows. SQLite; read it with any tool (sqlite-utils, Datasette) while the bridge runs.
-- Only one process writes it. Values are canonical JSON (see docs/journal.md); times are ISO 8601 in UTC, on
-- PostgreSQL's clock. Observations are stored and work is derived: there is no to-do list in here.

-- One row per sync of bridge.toml.
CREATE TABLE syncs (
    name              TEXT PRIMARY KEY,
    table_name        TEXT NOT NULL,
    data_source       TEXT NOT NULL,
    installation      TEXT NOT NULL DEFAULT '',   -- notion_bridge.installation.id; another one means another database
    properties        TEXT NOT NULL DEFAULT '{}', -- {property's name in bridge.toml: its id}: a rename changes nothing
    columns           TEXT NOT NULL DEFAULT '{}', -- {column: [its number, its kind, its property's id, that one's type]}
    suspended         TEXT NOT NULL DEFAULT '{}', -- {column: [why it is not carried now, what to do]}
    watermark         TEXT,                       -- highest fully processed last_edited_time, Notion's clock
    confirmed         TEXT,                       -- every page not listed since was unchanged at this time
    swept_at          TEXT,                       -- end of the last complete listing of both sides
    paused            INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    breaker           TEXT NOT NULL DEFAULT '',   -- why the sync stopped itself; '' when it did not
    allowed_deletes   INTEGER NOT NULL DEFAULT 0, -- deletions that a person let through
    last_event_at     TEXT,
    last_error        TEXT NOT NULL DEFAULT '',
    last_error_at     TEXT
) STRICT;

-- One row per record: a row and a page that are the same. `base` is what both sides last agreed on.
CREATE TABLE pairs (
    id                INTEGER PRIMARY KEY,
    sync              TEXT NOT NULL REFERENCES syncs (name),
    key               TEXT,                       -- JSON array of the key's parts as text; NULL until the row exists
    displaced_key     TEXT,                       -- its key, while another row took it in the same transaction
    page_id           TEXT,
    page_key          TEXT,                       -- what the page's key property said
    base_state        TEXT CHECK (base_state IN ('live', 'gone')),
    base              TEXT NOT NULL DEFAULT '{}',
    postgres_state    TEXT NOT NULL DEFAULT 'unseen' CHECK (postgres_state IN ('unseen', 'live', 'gone', 'away')),
    postgres          TEXT NOT NULL DEFAULT '{}',
    postgres_stamps   TEXT NOT NULL DEFAULT '{}',
    notion_state      TEXT NOT NULL DEFAULT 'unseen' CHECK (notion_state IN ('unseen', 'live', 'gone', 'away')),
    notion            TEXT NOT NULL DEFAULT '{}',
    notion_stamps     TEXT NOT NULL DEFAULT '{}',
    notion_edited     TEXT,                       -- last_edited_time as last seen, to the minute
    notion_created    TEXT,
    notion_seen       TEXT,                       -- when the page was last certainly as recorded
    note              TEXT NOT NULL DEFAULT '',   -- why the page is away
    dirty             INTEGER NOT NULL DEFAULT 1 CHECK (dirty IN (0, 1)),  -- a hint for the planner; set for all at start
    attempts          INTEGER NOT NULL DEFAULT 0, -- writes in a row that did not end well
    not_before        TEXT                        -- wait until then before the next attempt, this machine's clock
) STRICT;
CREATE UNIQUE INDEX pairs_by_key ON pairs (sync, key);
CREATE UNIQUE INDEX pairs_by_page ON pairs (sync, page_id);
CREATE INDEX pairs_dirty ON pairs (sync, base_state IS NULL, id) WHERE dirty = 1;

-- What was seen and what was done, in order. Never edited; settled ones are trimmed by age.
CREATE TABLE events (
    id                INTEGER PRIMARY KEY,
    sync              TEXT NOT NULL,
    pair              INTEGER,
    key               TEXT,
    page_id           TEXT,
    side              TEXT NOT NULL CHECK (side IN ('postgres', 'notion')),
    kind              TEXT NOT NULL,              -- insert, update, delete, restore, rekey, away, write, link, surplus, undo
    changes           TEXT NOT NULL DEFAULT '{}', -- {field: [old, new]}
    earliest          TEXT,                       -- when it happened: not before, not after
    latest            TEXT,
    author            TEXT,
    intent            TEXT,                       -- the bridge's own write
    source            TEXT UNIQUE,                -- the outbox row's uuid: the same event is journaled once
    journaled_at      TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_pair ON events (pair, id);

-- Writes that were decided, journaled before they are made.
CREATE TABLE intents (
    id                TEXT PRIMARY KEY,           -- uuid; stored in PostgreSQL in the same transaction as the write
    sync              TEXT NOT NULL,
    pair              INTEGER NOT NULL,
    side              TEXT NOT NULL CHECK (side IN ('postgres', 'notion')),
    op                TEXT NOT NULL CHECK (op IN ('create', 'update', 'delete', 'restore')),
    changes           TEXT NOT NULL,              -- {field: [expected, new]}
    key               TEXT,                       -- the key to put into the page
    backfill          INTEGER NOT NULL DEFAULT 0 CHECK (backfill IN (0, 1)),
    -- open: decided; unknown: may have been made; echo: made, its outbox row is still to come back
    state             TEXT NOT NULL CHECK (state IN ('open', 'unknown', 'echo', 'done', 'stale', 'refused', 'retry')),
    position          INTEGER,                    -- the outbox row that will come back
    reason            TEXT NOT NULL DEFAULT '',
    created_at        TEXT NOT NULL,
    settled_at        TEXT
) STRICT;
CREATE INDEX intents_in_flight ON intents (sync, pair) WHERE state IN ('open', 'unknown', 'echo');

-- Both sides moved one field away from base to different values. The loser is kept here.
CREATE TABLE conflicts (
    id                INTEGER PRIMARY KEY,
    sync              TEXT NOT NULL,
    pair              INTEGER NOT NULL,
    key               TEXT,
    field             TEXT NOT NULL,              -- '' = the record: deleted against edited
    base              TEXT NOT NULL,
    postgres          TEXT NOT NULL,
    notion            TEXT NOT NULL,
    postgres_earliest TEXT,
    postgres_latest   TEXT,
    notion_earliest   TEXT,
    notion_latest     TEXT,
    rule              TEXT NOT NULL,
    winner            TEXT CHECK (winner IN ('postgres', 'notion')),
    -- open: waits for a person; decided: by rule; resolving: a person chose, being written; resolved
    state             TEXT NOT NULL CHECK (state IN ('open', 'decided', 'resolving', 'resolved')),
    take              TEXT,                       -- what the person chose: postgres, notion, base or value
    value             TEXT,                       -- and the value that this means
    at                TEXT NOT NULL,
    resolved_at       TEXT,
    fingerprint       TEXT NOT NULL UNIQUE        -- the same conflict is recorded once
) STRICT;
CREATE INDEX conflicts_by_state ON conflicts (sync, state);

-- What cannot be carried over: kept with its reason until it is mended, retried or dropped.
CREATE TABLE parked (
    id                INTEGER PRIMARY KEY,
    sync              TEXT NOT NULL,
    pair              INTEGER NOT NULL,
    key               TEXT,
    field             TEXT NOT NULL,              -- '' = the record
    side              TEXT NOT NULL CHECK (side IN ('postgres', 'notion')),  -- the side that cannot be written
    kind              TEXT NOT NULL CHECK (kind IN ('unfit', 'refused', 'held', 'away', 'failing')),
    reason            TEXT NOT NULL,
    value             TEXT NOT NULL,
    wanted            TEXT NOT NULL DEFAULT '',   -- refused, failing: the write that must not be tried again as it is
    state             TEXT NOT NULL CHECK (state IN ('open', 'cleared', 'retried', 'dropped', 'approved', 'rejected')),
    at                TEXT NOT NULL,
    ended_at          TEXT
) STRICT;
CREATE UNIQUE INDEX parked_open ON parked (pair, field, side) WHERE state IN ('open', 'dropped', 'approved', 'rejected');
