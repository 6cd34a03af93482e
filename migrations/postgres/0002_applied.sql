-- Proof of the bridge's own writes.
--
-- Each write stores its id here in its own transaction. When the connection dies during COMMIT nobody is told
-- whether it succeeded: this table knows, and the unique index makes whoever asks wait for a commit in flight.

CREATE TABLE IF NOT EXISTS notion_bridge.applied (
    intent uuid PRIMARY KEY,
    sync text NOT NULL,
    key jsonb, -- of the row that was written: a created row got it from the database
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE notion_bridge.applied IS
    'writes of notion-bridge into this database, kept until the bridge has noted their outcome';
