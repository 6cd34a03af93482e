-- Removes what the numbered files made, after the last sync is gone. Without CASCADE, on purpose: whatever
-- somebody else has put into this schema, or has built upon it, stops the removal instead of going with it.

DROP TABLE notion_bridge.applied, notion_bridge.outbox, notion_bridge.sync, notion_bridge.installation,
    notion_bridge.schema_version;
DROP SCHEMA notion_bridge;
