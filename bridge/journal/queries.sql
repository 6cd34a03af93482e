-- Every statement that the journal runs, by name. Parameters are :named.

-- name: sync_add
INSERT INTO syncs (name, table_name, data_source) VALUES (:name, :table_name, :data_source)
ON CONFLICT (name) DO NOTHING

-- name: sync_begin
UPDATE syncs SET begun = :begun WHERE name = :name AND begun IS NULL

-- name: sync_get
SELECT * FROM syncs WHERE name = :name

-- name: pair_get
SELECT * FROM pairs WHERE id = :id

-- name: pair_by_key
SELECT * FROM pairs WHERE sync = :sync AND key = :key

-- name: pair_by_displaced_key
-- While keys are swapped inside one transaction, two rows hold one key for a moment; the one that had it first waits here.
SELECT * FROM pairs WHERE sync = :sync AND displaced_key = :key

-- name: pairs_any_displaced
SELECT 1 FROM pairs WHERE sync = :sync AND displaced_key IS NOT NULL LIMIT 1

-- name: pairs_displaced
SELECT * FROM pairs WHERE sync = :sync AND displaced_key IS NOT NULL

-- name: pair_by_page
SELECT * FROM pairs WHERE sync = :sync AND page_id = :page_id

-- name: pair_add
INSERT INTO pairs (sync, key, page_id, page_key) VALUES (:sync, :key, :page_id, :page_key)
RETURNING id

-- name: pair_save
UPDATE pairs SET
    key = :key, page_id = :page_id, page_key = :page_key,
    base_state = :base_state, base = :base,
    postgres_state = :postgres_state, postgres = :postgres, postgres_stamps = :postgres_stamps,
    notion_state = :notion_state, notion = :notion, notion_stamps = :notion_stamps, note = :note,
    dirty = :dirty
WHERE id = :id

-- name: pairs_by_keys
SELECT * FROM pairs WHERE sync = :sync AND key IN (SELECT value FROM json_each(:keys))

-- name: pairs_known
SELECT key FROM pairs WHERE sync = :sync AND key IN (SELECT value FROM json_each(:keys))

-- name: pairs_unread
-- Whose row is to be read; not while nobody knows which key it has.
SELECT * FROM pairs WHERE sync = :sync AND unread AND key IS NOT NULL ORDER BY id LIMIT :most

-- name: pair_unread
UPDATE pairs SET unread = 1, dirty = 1 WHERE id = :id

-- name: pairs_read
UPDATE pairs SET unread = 0 WHERE id IN (SELECT value FROM json_each(:pairs)) AND unread

-- name: pair_last
SELECT coalesce(max(id), 0) AS id FROM pairs

-- name: pair_insert
INSERT INTO pairs (id, sync, key, page_id, page_key, base_state, base, postgres_state, postgres, postgres_stamps,
                   notion_state, notion, notion_stamps, note)
VALUES (:id, :sync, :key, :page_id, :page_key, :base_state, :base, :postgres_state, :postgres, :postgres_stamps,
        :notion_state, :notion, :notion_stamps, :note)

-- name: pair_save_row
UPDATE pairs SET postgres_state = :postgres_state, postgres = :postgres, postgres_stamps = :postgres_stamps, dirty = 1
WHERE id = :id

-- name: pair_save_base
UPDATE pairs SET base_state = :base_state, base = :base WHERE id = :id

-- name: pair_displace
UPDATE pairs SET displaced_key = key, key = NULL, dirty = 1 WHERE id = :id

-- name: pair_place
UPDATE pairs SET displaced_key = NULL WHERE id = :id

-- name: pair_page_seen
UPDATE pairs SET
    notion_edited = COALESCE(:edited, notion_edited), notion_created = COALESCE(:created, notion_created),
    notion_seen = MAX(COALESCE(notion_seen, ''), COALESCE(:seen, ''))
WHERE id = :id

-- name: pairs_clean
UPDATE pairs SET dirty = 0 WHERE id IN (SELECT value FROM json_each(:pairs))

-- name: pairs_marked
-- Of these pairs those of which the journal knows more than the pair: a conflict or something parked, a failed write.
SELECT m.value AS id FROM json_each(:pairs) AS m
WHERE EXISTS (SELECT 1 FROM pairs p WHERE p.id = m.value AND p.attempts > 0)
   OR EXISTS (SELECT 1 FROM conflicts c WHERE c.pair = m.value AND c.state IN ('open', 'resolving'))
   OR EXISTS (
       SELECT 1 FROM parked k
       WHERE k.pair = m.value AND k.state IN ('open', 'dropped', 'approved', 'rejected')
   )

-- name: pair_soil
UPDATE pairs SET dirty = 1 WHERE id = :id

-- name: pair_told
UPDATE pairs SET told = :told WHERE id = :id

-- name: pairs_untold
-- Another status property, which is empty: whatever there is to tell is told there.
UPDATE pairs SET told = '', dirty = 1 WHERE sync = :sync AND told <> ''

-- name: pair_postpone
UPDATE pairs SET attempts = :attempts, failures = iif(:attempts = 0, 0, coalesce(:failures, failures)),
    not_before = :not_before, dirty = 1
WHERE id = :id

-- name: pairs_release
-- A side answers again: what waited because it did not is tried now.
UPDATE pairs SET not_before = NULL
WHERE sync = :sync AND not_before IS NOT NULL AND EXISTS (
    SELECT 1 FROM intents i WHERE i.sync = :sync AND i.pair = pairs.id AND i.side = :side AND i.state = 'retry'
)

-- name: pairs_soil_all
-- Work is derived, so at start everything is looked at again.
-- Who waits for another record's page asks anew, too: nobody will tell it.
UPDATE pairs SET dirty = 1, not_before = iif(attempts = 0, NULL, not_before) WHERE sync = :sync

-- name: pairs_soil_unwritable
-- What Notion could not hold it may hold now: an option was added, a person joined.
UPDATE pairs SET dirty = 1
WHERE +sync = :sync -- + keeps SQLite from the index of all records of the sync: few are parked
  AND id IN (SELECT pair FROM parked WHERE sync = :sync AND side = 'notion' AND kind = 'unfit' AND state = 'open')

-- name: pairs_soil_waiting
-- A related record has appeared: who waits for exactly it, of any sync.
UPDATE pairs SET dirty = 1 WHERE id IN (
    SELECT pair FROM parked WHERE kind = 'link' AND wanted = :wanted AND state IN ('open', 'dropped')
)

-- name: page_comes
-- Whether a new row, or one whose turn has not come, is still to get its page. One that was refused is not.
SELECT 1 FROM pairs WHERE sync = :sync AND key = :key AND page_id IS NULL AND postgres_state = 'live' AND dirty = 1
    AND failures = 0 AND (:before IS NULL OR id < :before)
UNION ALL SELECT 1 FROM arrivals WHERE sync = :sync AND key = :key AND :before IS NULL
LIMIT 1

-- name: pairs_go_on
UPDATE pairs SET not_before = NULL WHERE id IN (SELECT value FROM json_each(:pairs)) AND attempts = 0

-- name: pairs_forget
-- Another database, or the same one restored: what was agreed does not count, what was seen there is not known. A page
-- is unseen until it is seen again: what it was must not be agreed on, or a trashing of before would be a deletion.
UPDATE pairs SET base_state = NULL, base = '{}', dirty = 1, unread = 0,
    postgres_state = 'unseen', postgres = '{}', postgres_stamps = '{}', displaced_key = NULL,
    notion_state = iif(notion_state = 'live', 'unseen', notion_state)
WHERE sync = :sync

-- name: pairs_distrust
-- The same for a person who does not trust the journal. The database is the same one, so that a key which is on its way
-- to another record keeps waiting. The page's times would let what is seen now pass for older news.
UPDATE pairs SET base_state = NULL, base = '{}', dirty = 1, unread = 0, attempts = 0, failures = 0, not_before = NULL,
    postgres_state = 'unseen', postgres = '{}', postgres_stamps = '{}',
    notion_state = iif(notion_state = 'live', 'unseen', notion_state), notion_edited = NULL, notion_seen = NULL
WHERE sync = :sync

-- name: sync_forgotten
UPDATE syncs SET forgotten = forgotten + 1 WHERE name = :sync

-- name: pairs_dirty
-- Pairs to merge now: not waiting for a retry, and without a write of ours under way; and whose row has kept its key, or
-- told where it went, and does not have to be read first. A wait that ends later than any wait can was begun before this
-- machine's clock was set back.
SELECT p.* FROM pairs p
WHERE p.sync = :sync AND p.dirty = 1 AND (p.displaced_key IS NULL OR p.postgres_state <> 'live')
  AND (p.not_before IS NULL OR p.not_before <= :now OR p.not_before > :longest)
  AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sync = p.sync AND i.pair = p.id AND i.state IN ('open', 'unknown', 'echo'))
  AND NOT (p.unread AND p.key IS NOT NULL)
-- People's changes to linked records go before the first fill.
ORDER BY p.base_state IS NULL, p.id LIMIT :limit

-- name: pairs_deletions
-- Deletions that one side asks the other to follow.
SELECT
    COUNT(*) FILTER (WHERE postgres_state = 'gone' AND notion_state = 'live') AS into_notion,
    COUNT(*) FILTER (WHERE notion_state = 'gone' AND postgres_state = 'live') AS into_postgres
FROM pairs WHERE sync = :sync AND base_state = 'live' AND (postgres_state = 'gone') <> (notion_state = 'gone')
  AND NOT EXISTS (
    -- The second condition lets SQLite use the index.
    SELECT 1 FROM parked k WHERE k.pair = pairs.id AND k.state = 'rejected'
      AND k.state IN ('open', 'dropped', 'approved', 'rejected')
  )

-- name: pairs_linked
-- Records that both sides had agreed on, but for those of which somebody said that they stay.
SELECT COUNT(*) AS n FROM pairs WHERE sync = :sync AND base_state = 'live' AND NOT EXISTS (
    SELECT 1 FROM parked k WHERE k.pair = pairs.id AND k.state = 'rejected'
      AND k.state IN ('open', 'dropped', 'approved', 'rejected')
)

-- name: pairs_to_fill
-- How many records wait to be made on the other side for the first time, counted up to a number.
SELECT COUNT(*) AS n FROM (
    SELECT 1 FROM pairs WHERE sync = :sync AND dirty = 1 AND (base_state IS NULL) = 1 LIMIT :most
)

-- name: pairs_live_pages
-- Those that a listing should show, as far as is known.
SELECT id, page_id FROM pairs WHERE sync = :sync AND page_id IS NOT NULL AND notion_state IN ('live', 'unseen')

-- name: pairs_with_rows
-- Those of which nothing is known yet may have one: everything may have been forgotten.
SELECT id FROM pairs WHERE sync = :sync AND key IS NOT NULL AND postgres_state IN ('live', 'unseen')

-- name: pairs_away
-- The one first that nobody has looked at for the longest time.
SELECT * FROM pairs WHERE sync = :sync AND notion_state = 'away' AND page_id IS NOT NULL
ORDER BY notion_seen IS NOT NULL, notion_seen LIMIT :limit

-- name: pairs_all
SELECT * FROM pairs WHERE sync = :sync ORDER BY id

-- name: pairs_count
-- How many records the sync has, and how many are not settled: to be merged, or being written. Of these, how many are
-- made on the other side for the first time (filling).
SELECT
    COUNT(*) FILTER (WHERE base_state = 'live') AS linked,
    COUNT(*) FILTER (WHERE postgres_state = 'live') AS rows,
    COUNT(*) FILTER (WHERE notion_state = 'live') AS pages,
    COUNT(*) FILTER (WHERE unsettled) AS pending,
    COUNT(*) FILTER (WHERE unsettled AND base_state IS NULL) AS filling
FROM (
    SELECT base_state, postgres_state, notion_state, dirty = 1 OR EXISTS (
        SELECT 1 FROM intents i WHERE i.sync = pairs.sync AND i.pair = pairs.id AND i.state IN ('open', 'unknown', 'echo')
    ) AS unsettled
    FROM pairs WHERE sync = :sync
)

-- name: pairs_unsettled
-- Whether there is one that is to be merged, or being written, or whose turn has not come.
SELECT 1 FROM pairs WHERE sync = :sync AND dirty = 1
UNION ALL SELECT 1 FROM arrivals WHERE sync = :sync
UNION ALL SELECT 1 FROM intents WHERE sync = :sync AND state IN ('open', 'unknown', 'echo')
LIMIT 1

-- name: pairs_more_pages_than
-- Whether a listing should show more pages than so many.
SELECT 1 FROM pairs WHERE sync = :sync AND page_id IS NOT NULL AND notion_state IN ('live', 'unseen')
LIMIT 1 OFFSET :count

-- name: pairs_next_attempt
SELECT MIN(not_before) AS at FROM pairs WHERE sync = :sync AND dirty = 1 AND not_before <= :longest

-- name: event_add
INSERT INTO events (sync, pair, key, page_id, side, kind, changes, earliest, latest, author, intent, source, journaled_at)
VALUES (:sync, :pair, :key, :page_id, :side, :kind, :changes, :earliest, :latest, :author, :intent, :source, :journaled_at)

-- name: event_known
SELECT 1 FROM events WHERE source = :source

-- name: events_known
SELECT source FROM events WHERE source IN (SELECT value FROM json_each(:sources))

-- name: events_of_pair
SELECT * FROM events WHERE pair = :pair ORDER BY id

-- name: event_get
SELECT * FROM events WHERE id = :id

-- name: events_since
SELECT * FROM events WHERE sync = :sync AND journaled_at >= :since ORDER BY id

-- name: events_between
-- The oldest or the newest of those above a number. With each write the time of what it carries over: the newest change of
-- the other side before it, as "seen earliest latest" ("seen - -" where nothing told when it was made), or the moment of a
-- person's word about it if that came later.
SELECT e.*, CASE WHEN e.kind LIKE 'write%' THEN max(
    COALESCE((
        SELECT MAX(c.journaled_at || ' ' || COALESCE(c.earliest, '-') || ' ' || COALESCE(c.latest, '-')) FROM events c
        WHERE c.pair = e.pair AND c.id < e.id AND c.side <> e.side AND c.kind NOT LIKE 'write%'
        AND c.kind NOT IN ('echo', 'same', 'link', 'surplus') -- nobody's change
    ), ''),
    COALESCE((
        SELECT MAX(k.ended_at) FROM parked k
        WHERE k.pair = e.pair AND k.state IN ('open', 'dropped', 'approved', 'rejected') -- the words of the index
        AND k.state IN ('approved', 'rejected') AND k.ended_at <= e.journaled_at
    ), ''),
    COALESCE((
        SELECT MAX(f.at) FROM conflicts f WHERE f.pair = e.pair AND f.rule = 'undo' AND f.at <= e.journaled_at
    ), ''),
    COALESCE((
        SELECT MAX(d.resolved_at) FROM conflicts d
        WHERE d.pair = e.pair AND d.resolved_at <= e.journaled_at
        AND d.take IN ('postgres', 'notion', 'base', 'value', 'undone') -- a person's word, which may be written long after
        AND EXISTS (SELECT 1 FROM json_each(e.changes) AS written WHERE written.key = d.field)
    ), '')
) END AS cause_at
FROM events e
WHERE e.id IN (
    SELECT id FROM (SELECT id FROM events WHERE id > :after AND kind LIKE :kind ORDER BY id LIMIT :oldest)
    UNION ALL
    SELECT id FROM (SELECT id FROM events WHERE id > :after AND kind LIKE :kind ORDER BY id DESC LIMIT :newest)
)
ORDER BY e.id

-- name: conflicts_after
SELECT * FROM conflicts WHERE id > :after ORDER BY id

-- name: parked_after
SELECT * FROM parked WHERE id > :after ORDER BY id

-- name: last_ids
SELECT
    (SELECT COALESCE(MAX(id), 0) FROM events) AS event,
    (SELECT COALESCE(MAX(id), 0) FROM conflicts) AS conflict,
    (SELECT COALESCE(MAX(id), 0) FROM parked) AS parked

-- name: pairs_oldest_pending
-- Since when the longest waiting record waits: its last observed change. Of the rows whose turn has not come the first one
-- that was told of came first.
SELECT MIN(seen) AS at FROM (
    SELECT (SELECT at FROM arrivals WHERE sync = :sync ORDER BY number LIMIT 1) AS seen
    UNION ALL
    SELECT (SELECT MAX(e.journaled_at) FROM events e WHERE e.pair = p.id) AS seen
    FROM pairs p
    WHERE p.sync = :sync AND (p.dirty = 1 OR EXISTS (
        SELECT 1 FROM intents i WHERE i.sync = p.sync AND i.pair = p.id AND i.state IN ('open', 'unknown', 'echo')))
)

-- name: events_trim
-- Old history goes, never a pair's last word.
DELETE FROM events
WHERE journaled_at < :before AND id NOT IN (SELECT MAX(id) FROM events GROUP BY pair)

-- name: intent_add
INSERT INTO intents (id, sync, pair, side, op, changes, key, backfill, state, created_at)
VALUES (:id, :sync, :pair, :side, :op, :changes, :key, :backfill, 'open', :created_at)

-- name: intent_get
SELECT * FROM intents WHERE id = :id

-- name: intent_owed
-- The side whose answer is missing; no row once the outcome is known.
SELECT side FROM intents WHERE id = :id AND state IN ('open', 'unknown')

-- name: intent_set
UPDATE intents SET state = :state, reason = :reason, position = :position, settled_at = :settled_at WHERE id = :id

-- name: intent_lingers
UPDATE intents SET lingers = 1 WHERE id = :id

-- name: intents_lingering
SELECT * FROM intents
WHERE sync = :sync AND pair = :pair AND lingers AND side = 'notion' AND settled_at > :since ORDER BY rowid

-- name: glimpse_add
INSERT OR REPLACE INTO glimpses (intent, field, value, earliest, latest)
VALUES (:intent, :field, :value, :earliest, :latest)

-- name: glimpses_of
SELECT * FROM glimpses WHERE intent = :intent ORDER BY field

-- name: glimpses_end
DELETE FROM glimpses WHERE intent = :intent

-- name: glimpses_trim
DELETE FROM glimpses WHERE NOT EXISTS (SELECT 1 FROM intents i WHERE i.id = intent)

-- name: intents_in_flight
-- The second condition lets SQLite use the index; + keeps it from walking through all writes in their order.
SELECT * FROM intents
WHERE sync = :sync AND state IN ('open', 'unknown') AND state IN ('open', 'unknown', 'echo') ORDER BY +rowid

-- name: intents_settled_rows
SELECT id FROM intents WHERE sync = :sync AND side = 'postgres' AND state IN ('done', 'echo')
ORDER BY settled_at DESC LIMIT 1000

-- name: intents_to_prove
-- Of these, rows that were made for pages which do not carry their keys yet.
SELECT i.id, i.pair FROM json_each(:ids) AS asked
JOIN intents i ON i.id = asked.value JOIN pairs p ON p.id = i.pair
WHERE i.op = 'create' AND p.notion_state = 'live' AND p.page_key IS NOT p.key

-- name: intents_creates
SELECT * FROM intents WHERE sync = :sync AND pair = :pair AND side = 'notion' AND op = 'create' ORDER BY rowid

-- name: intents_creates_open
-- Attempts of whose page nothing is known, or that were given up.
SELECT * FROM intents
WHERE sync = :sync AND pair = :pair AND side = 'notion' AND op = 'create' AND state IN ('open', 'unknown', 'retry')
ORDER BY rowid

-- name: intents_pages_to_come
-- Attempts whose page may still be found.
SELECT id, changes FROM intents
WHERE sync = :sync AND side = 'notion' AND op = 'create' AND state IN ('open', 'unknown', 'retry')

-- name: intent_rewrite
UPDATE intents SET changes = :changes WHERE id = :id

-- name: intents_creates_given_up
SELECT * FROM intents WHERE sync = :sync AND key = :key AND side = 'notion' AND op = 'create' AND state = 'retry'
ORDER BY rowid

-- name: intents_last_page_writes
SELECT * FROM intents
WHERE sync = :sync AND pair = :pair AND side = 'notion' AND state IN ('open', 'unknown', 'done') AND changes <> '{}'
-- In the order of their making, whatever this machine's clock was set to meanwhile. One at most is under way.
ORDER BY rowid DESC LIMIT 2

-- name: intent_took_another
-- Whether the side has made another record's write since this one's last failed: in the order in which they were decided.
SELECT 1 FROM intents
WHERE sync = :sync AND side = :side AND pair <> :pair AND state IN ('done', 'echo')
  AND rowid > (SELECT max(rowid) FROM intents WHERE sync = :sync AND side = :side AND pair = :pair AND state = 'retry')
LIMIT 1

-- name: intent_of_pair
SELECT * FROM intents WHERE sync = :sync AND pair = :pair AND state IN ('open', 'unknown', 'echo') LIMIT 1

-- name: intents_echo_end
-- A full read of the table has shown what every earlier write led to; no echo needs to be waited for.
UPDATE intents SET state = 'done' WHERE sync = :sync AND state = 'echo'

-- name: intents_end
UPDATE intents SET state = 'stale' WHERE sync = :sync AND state IN ('open', 'unknown', 'echo')

-- name: intents_deletes_since
SELECT COUNT(*) AS n FROM intents
WHERE sync = :sync AND side = :side AND op = 'delete' AND state IN ('done', 'echo') AND settled_at >= :since

-- name: intents_counts
SELECT side, op, COUNT(*) AS n FROM intents
WHERE sync = :sync AND state IN ('done', 'echo') AND settled_at >= :since GROUP BY side, op

-- name: intents_trim
DELETE FROM intents WHERE settled_at < :before AND state NOT IN ('open', 'unknown', 'echo')

-- name: conflict_add
INSERT INTO conflicts (sync, pair, key, field, base, postgres, notion, postgres_earliest, postgres_latest,
                       notion_earliest, notion_latest, rule, winner, state, at, fingerprint)
SELECT :sync, :pair, :key, :field, :base, :postgres, :notion, :postgres_earliest, :postgres_latest,
       :notion_earliest, :notion_latest, :rule, :winner, :state, :at, :fingerprint
WHERE NOT EXISTS (
    SELECT 1 FROM conflicts
    WHERE pair = :pair AND field = :field AND state IN ('open', 'resolving')
      AND (base, postgres, notion, rule) = (:base, :postgres, :notion, :rule)
)
ON CONFLICT (fingerprint) DO NOTHING

-- name: conflict_keeps
SELECT 1 FROM conflicts WHERE pair = :pair AND field = :field AND :value IN (base, postgres, notion) LIMIT 1

-- name: conflict_get
SELECT * FROM conflicts WHERE id = :id

-- name: conflicts_list
SELECT * FROM conflicts WHERE (:sync = '' OR sync = :sync) AND (:state = '' OR state = :state) ORDER BY id

-- name: conflicts_newest
SELECT * FROM conflicts WHERE sync = :sync AND state = :state ORDER BY id DESC LIMIT :limit

-- name: conflicts_of_pair
SELECT * FROM conflicts WHERE pair = :pair AND state IN ('open', 'resolving') ORDER BY id

-- name: conflict_set
-- What is written after a decision keeps the time of that.
UPDATE conflicts SET state = :state, take = :take, value = :value, seen = :seen,
    resolved_at = CASE WHEN state = 'resolving' AND :state = 'resolved' THEN COALESCE(resolved_at, :resolved_at)
        ELSE :resolved_at END
WHERE id = :id

-- name: conflicts_count
SELECT COUNT(*) AS n FROM conflicts WHERE sync = :sync AND state IN ('open', 'resolving')

-- name: parked_add
INSERT INTO parked (sync, pair, key, field, side, kind, reason, value, wanted, state, at)
VALUES (:sync, :pair, :key, :field, :side, :kind, :reason, :value, :wanted, 'open', :at)

-- name: parked_get
SELECT k.*, COALESCE(p.key, k.key) AS key FROM parked k LEFT JOIN pairs p ON p.id = k.pair WHERE k.id = :id

-- name: parked_list
-- The key that the record has by now: what waits in a new page has none when it is parked.
SELECT k.*, COALESCE(p.key, k.key) AS key FROM parked k LEFT JOIN pairs p ON p.id = k.pair
WHERE (:sync = '' OR k.sync = :sync) AND (:state = '' OR k.state = :state) ORDER BY k.id

-- name: parked_newest
SELECT k.*, COALESCE(p.key, k.key) AS key FROM parked k LEFT JOIN pairs p ON p.id = k.pair
WHERE k.sync = :sync AND k.state = 'open' ORDER BY k.id DESC LIMIT :limit

-- name: parked_of_pair
SELECT * FROM parked WHERE pair = :pair AND state IN ('open', 'dropped', 'approved', 'rejected') ORDER BY id

-- name: parked_set
UPDATE parked SET state = :state, ended_at = :ended_at WHERE id = :id

-- name: parked_renew
UPDATE parked SET kind = :kind, reason = :reason, value = :value, wanted = :wanted, state = 'open', ended_at = NULL WHERE id = :id

-- name: parked_count
SELECT COUNT(*) AS n FROM parked WHERE sync = :sync AND state = 'open'

-- name: arrivals_any
SELECT 1 FROM arrivals WHERE sync = :sync LIMIT 1

-- name: arrivals_add
INSERT INTO arrivals (sync, key, at, author) VALUES (:sync, :key, :at, :author) ON CONFLICT (sync, key) DO NOTHING

-- name: arrivals_forget
DELETE FROM arrivals WHERE sync = :sync

-- name: arrivals_among
SELECT key FROM arrivals WHERE sync = :sync AND key IN (SELECT value FROM json_each(:keys))

-- name: arrivals_rename
UPDATE arrivals SET key = :new WHERE sync = :sync AND key = :old

-- name: arrivals_take
DELETE FROM arrivals WHERE sync = :sync AND key = :key RETURNING key, at, author

-- name: arrivals_next
SELECT key, at, author FROM arrivals WHERE sync = :sync ORDER BY number LIMIT :most

-- name: arrivals_done
DELETE FROM arrivals WHERE sync = :sync AND key IN (SELECT value FROM json_each(:keys))

-- name: arrivals_count
SELECT COUNT(*) AS n FROM arrivals WHERE sync = :sync
