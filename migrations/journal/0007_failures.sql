-- Writes in a row that failed for the record's own sake, after enough of which it is given up. `attempts` counts those,
-- too, that failed because a whole side could not be used: they only make the wait longer.
ALTER TABLE pairs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
