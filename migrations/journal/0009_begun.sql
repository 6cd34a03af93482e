-- When this journal began to keep the sync, by Notion's clock: a page that may be older was perhaps made by a bridge with
-- another journal, which was lost. NULL while Notion has not told the time.
ALTER TABLE syncs ADD COLUMN begun TEXT;
