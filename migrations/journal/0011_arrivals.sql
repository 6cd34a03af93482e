-- Rows that came with many others, and whose turn has not come: a page is made every third of a second, so that what a bulk
-- load brings waits for hours. What such a row holds is read when its turn comes; until then it is known by its key, and is
-- no pair.
CREATE TABLE arrivals (
    number INTEGER PRIMARY KEY, -- in the order in which they came
    sync TEXT NOT NULL,
    key TEXT NOT NULL,
    at TEXT,                    -- when the row was written, as far as a change told it
    author TEXT,                -- and by whom
    UNIQUE (sync, key)
);
CREATE INDEX arrivals_in_order ON arrivals (sync);

-- 1: the row is there, and what it holds is to be read before the pair is merged. It waited for its turn when a page with
-- its key was seen, or when another row took its key.
ALTER TABLE pairs ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pairs_unread ON pairs (sync) WHERE unread;
