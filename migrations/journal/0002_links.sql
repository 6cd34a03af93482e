-- Links that wait for a related record are parked, too: the kind 'link'. SQLite cannot change a CHECK in place.
ALTER TABLE parked RENAME TO parked_before;

CREATE TABLE parked (
    id                INTEGER PRIMARY KEY,
    sync              TEXT NOT NULL,
    pair              INTEGER NOT NULL,
    key               TEXT,
    field             TEXT NOT NULL,              -- '' = the record
    side              TEXT NOT NULL CHECK (side IN ('postgres', 'notion')),  -- the side that cannot be written
    kind              TEXT NOT NULL CHECK (kind IN ('unfit', 'refused', 'held', 'away', 'failing', 'link')),
    reason            TEXT NOT NULL,
    value             TEXT NOT NULL,
    -- refused, failing: the write that must not be tried again as it is; link: the related record that is missing
    wanted            TEXT NOT NULL DEFAULT '',
    state             TEXT NOT NULL CHECK (state IN ('open', 'cleared', 'retried', 'dropped', 'approved', 'rejected')),
    at                TEXT NOT NULL,
    ended_at          TEXT
) STRICT;
INSERT INTO parked SELECT * FROM parked_before;
DROP TABLE parked_before;
CREATE UNIQUE INDEX parked_open ON parked (pair, field, side) WHERE state IN ('open', 'dropped', 'approved', 'rejected');
CREATE INDEX parked_links ON parked (wanted) WHERE kind = 'link';
