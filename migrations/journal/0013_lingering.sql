-- 1: there was no answer, and the page did not show it when it was looked for. Notion may make it later all the same, when
-- a newer value is in its place: that is no edit of anybody's.
ALTER TABLE intents ADD COLUMN lingers INTEGER NOT NULL DEFAULT 0 CHECK (lingers IN (0, 1));
CREATE INDEX intents_lingering ON intents (sync, pair) WHERE lingers;
