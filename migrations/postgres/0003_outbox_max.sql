-- How many changes of a sync may wait before the trigger notes no more of them, and the table is read in full instead
-- ([postgres] outbox_max, outbox_full); NULL: there is no limit.
ALTER TABLE notion_bridge.sync ADD COLUMN IF NOT EXISTS outbox_max bigint;
