-- The page for which a row was made. Until the page carries the row's key nothing but the journal knows that they belong
-- together; if that is lost, or an older one is put back, this tells it, and neither is made a second time.
ALTER TABLE notion_bridge.applied ADD COLUMN IF NOT EXISTS page text;
