-- What is asked with every batch, answer or round: without these each question read all records, or all writes that are
-- kept.
CREATE INDEX pairs_displaced ON pairs (sync, displaced_key) WHERE displaced_key IS NOT NULL;
CREATE INDEX pairs_waiting ON pairs (sync, not_before) WHERE not_before IS NOT NULL;
CREATE INDEX intents_by_pair ON intents (pair);
CREATE INDEX intents_given_up ON intents (sync, key) WHERE op = 'create' AND state = 'retry';
CREATE INDEX intents_deletes ON intents (sync, side, settled_at) WHERE op = 'delete';
