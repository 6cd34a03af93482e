-- What a sync that stopped itself asked about: a word of a person lets through just that. One number for both sides let
-- deletions of rows through when it was about pages, and it did not end while a deletion waited that nobody follows.
ALTER TABLE syncs ADD COLUMN stopped_side TEXT NOT NULL DEFAULT '';        -- where deletions were to be made: notion, postgres
ALTER TABLE syncs ADD COLUMN stopped_deletes INTEGER NOT NULL DEFAULT 0;   -- how many
ALTER TABLE syncs ADD COLUMN allowed_pages INTEGER NOT NULL DEFAULT 0;     -- deletions that a person let through, of pages
ALTER TABLE syncs ADD COLUMN allowed_rows INTEGER NOT NULL DEFAULT 0;      -- and of rows
ALTER TABLE syncs DROP COLUMN allowed_deletes;
-- Who stopped before this asks once more, with the number.
UPDATE syncs SET breaker = '';
