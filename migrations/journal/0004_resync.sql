-- A person does not trust what was agreed: the bridge forgets it before anything else (`notion-bridge resync`).
ALTER TABLE syncs ADD COLUMN resync INTEGER NOT NULL DEFAULT 0 CHECK (resync IN (0, 1));
-- How often everything that was agreed was forgotten. The same two values may differ once more after that, which is
-- another conflict.
ALTER TABLE syncs ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
