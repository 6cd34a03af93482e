-- Rows that came with many others, and whose turn has not come: a page is made every third of a second, so that what a bulk
-- load brings waits for hours. What such a row holds is read when its turn comes; until then it is known by its key.
CREATE TABLE arrivals (
    number INTEGER PRIMARY KEY, -- in the order in which they came
    sync TEXT NOT NULL,
    key TEXT NOT NULL,
    at TEXT,                    -- when the row was written, as far as a change told it
    author TEXT,                -- and by whom
    due INTEGER NOT NULL DEFAULT 0, -- a page with this key was seen: the row is to be read now
    UNIQUE (sync, key)
);
CREATE INDEX arrivals_in_order ON arrivals (sync);
CREATE INDEX arrivals_due ON arrivals (sync) WHERE due;
