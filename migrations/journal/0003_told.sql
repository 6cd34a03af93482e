-- What the bridge last wrote into the page's status property (`status_property`): a text is written once.
ALTER TABLE pairs ADD COLUMN told TEXT NOT NULL DEFAULT '';
