-- The outbox: what changed in the synced tables, on its way to Notion.
--
-- Everything of the bridge in this database lives in the schema notion_bridge, and `notion-bridge uninstall`
-- removes it without a trace. The user's tables get triggers, never columns.
--
-- Every statement here is a no-op when its object exists, so the file may run again.

CREATE SCHEMA IF NOT EXISTS notion_bridge;
COMMENT ON SCHEMA notion_bridge IS
    'notion-bridge: changes of the synced tables on their way to Notion; "notion-bridge uninstall" removes it';

-- Which of these files have run. A bridge that finds a number it does not know asks to be upgraded.
CREATE TABLE IF NOT EXISTS notion_bridge.schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row: which installation this is. Together with the server's own identity it tells the bridge that the
-- database is a restored copy, and that it must compare everything before it trusts its journal again.
CREATE TABLE IF NOT EXISTS notion_bridge.installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    installed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO notion_bridge.installation DEFAULT VALUES ON CONFLICT DO NOTHING;

-- One row per sync: which table it captures and which columns.
CREATE TABLE IF NOT EXISTS notion_bridge.sync (
    name text PRIMARY KEY,
    -- New at every (re)installation: before that moment the trigger may have been missing.
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    table_oid oid NOT NULL,
    data_source text NOT NULL,
    columns text[] NOT NULL,
    -- Whether the trigger wakes the bridge with NOTIFY. Off for those who use PREPARE TRANSACTION,
    -- which a transaction that has used NOTIFY cannot do.
    notify boolean NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row per change (or for many rows that one statement changed), written by the trigger in the user's own
-- transaction, deleted by the bridge once its journal has it. Only key columns and mapped columns are ever copied: the
-- others may hold secrets.
--
-- op says what else is filled:
--   insert, update, delete  key, values (not of a delete) and old_key (of an update that changed the key); or keys
--   links                   key: of the record for which a row of a join table came or went. What its links are now is
--                           read by the bridge: two transactions that link one record at the same time do not see each
--                           other, and each would note a list without the other's.
--   truncate                nothing: every row is gone
--   unknown                 nothing that counts: the columns could not be read, the table must be read again
-- No CHECK says so: a server prepares one anew for every insert, and this one cost more than all the rest of the trigger
-- (measured: 25 of 59 microseconds).
CREATE TABLE IF NOT EXISTS notion_bridge.outbox (
    -- CACHE 1 is vital: the trigger draws the number while it holds the row's lock, so the numbers of one row
    -- are in the order of its changes. A session that draws numbers in advance would break that.
    -- Together with `at` it recognises a change that is read twice. Alone it cannot: it repeats after a restore or setval.
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    sync text NOT NULL,
    op text NOT NULL,
    key jsonb,      -- the key columns in order; after an update, the new ones
    old_key jsonb,  -- only for an update that changed the key
    "values" jsonb, -- the mapped columns by name, after the change
    keys jsonb,     -- the keys of many rows that one statement changed; what they hold is read by the bridge
    key_count int,  -- how many those are
    origin uuid,    -- the bridge's own write that made this change, if it was one
    at timestamptz NOT NULL DEFAULT clock_timestamp(), -- now() would be the start of the transaction
    author text NOT NULL DEFAULT session_user,
    -- Two syncs share this table, and one of them may be behind: each reads only its own part of the index.
    PRIMARY KEY (sync, id)
);
COMMENT ON TABLE notion_bridge.outbox IS
    'changes that notion-bridge has not yet read; grows while the bridge is stopped';

-- Repairs what somebody may have changed for speed.
ALTER TABLE notion_bridge.outbox ALTER COLUMN id SET CACHE 1;

-- A queue turns over its whole contents: the default threshold, a fifth of the table, never suits it.
ALTER TABLE notion_bridge.outbox SET (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 10000
);

-- The bridge looks up its own writes, and records whose key has changed. Other rows cost nothing here.
CREATE INDEX IF NOT EXISTS outbox_origin ON notion_bridge.outbox (origin) WHERE origin IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_old_key ON notion_bridge.outbox (sync, id) WHERE old_key IS NOT NULL;
