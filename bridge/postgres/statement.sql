-- Captures what statements of one kind change in one table, for one sync: once per statement, because a call per row
-- costs many times what the row does.
--
-- The function runs inside the user's statements and must never make one fail: reading the columns sits in a block of its
-- own, and when a mapped column was dropped, renamed or retyped the change is noted as 'unknown'. That block only reads,
-- so it takes no transaction id: 64 of those in one transaction slow every other one.
--
-- The rows come from the transition tables, what they hold from the table itself. Triggers fire after the statement, and
-- meanwhile another trigger, or a cascade, may have changed a row again, and that later change is noted already. So that
-- the last note always shows the row as it is, an overtaken change notes what the row has become, or nothing when the row
-- is gone (and noted so).
--
-- The plans are made once per session, by the first statement's number of rows, and must suit any. Hence the FULL JOIN of
-- the old and the new rows, which cannot become a nested loop, and the lookups that cannot become a scan of the table.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER -- the user's role needs no rights on the outbox
{settings}AS {quote}
#variable_conflict use_column
DECLARE
    changes bigint := 0;
    one_op text;
    one_key jsonb;
    one_old_key jsonb;
    one_row jsonb;
    ops text[];
    keys jsonb[];
    old_keys jsonb[];
    rows jsonb[];
    bundles jsonb[];
    only_one boolean;
    only_keys boolean;
    moved boolean;
    counted bigint;
    full_up boolean;
    origin_setting text := current_setting('notion_bridge.origin', true);
    origin uuid;
BEGIN
    -- Anybody can set this to anything; only a uuid can be one of ours.
    IF origin_setting ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN
        origin := origin_setting::uuid;
    END IF;

    BEGIN
        -- One row, mostly. Asked so, and not by counting: that costs as much as all the rest of this block.
        PERFORM FROM {rows_of_statement} OFFSET 1 LIMIT 1;
        only_one := NOT FOUND;
        -- What a serializable transaction reads of the table may make another one fail, which the table alone would not.
        only_keys := origin IS NULL AND (
            current_setting('transaction_isolation') = 'serializable' OR (
                NOT only_one
                AND (SELECT count(*) FROM (SELECT FROM {rows_of_statement} LIMIT {several} + 1) AS s) > {several}
            )
        );
        IF only_keys THEN
            -- Only which rows: what they hold is read by the bridge, with all that came after.
            SELECT array_agg(b.keys ORDER BY b.number), sum(b.changes), bool_or(b.moved)
            INTO bundles, changes, moved
            FROM (
                SELECT
                    (k.place - 1) / {bundle} AS number, jsonb_agg(k.key) FILTER (WHERE NOT k.moved) AS keys,
                    count(*) AS changes, bool_or(k.moved) AS moved
                FROM ({changed_keys}) AS k GROUP BY 1
            ) AS b;
{moved_apart}        ELSIF only_one THEN
            SELECT c.op, c.key, c.old_key, c."values"
            INTO one_op, one_key, one_old_key, one_row
            FROM ({change_of_one}) AS c;
            changes := CASE WHEN FOUND THEN 1 ELSE 0 END;
        ELSE
            SELECT array_agg(c.op), array_agg(c.key), array_agg(c.old_key), array_agg(c."values"), count(*)
            INTO ops, keys, old_keys, rows, changes
            FROM ({changes_of_several}) AS c;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        one_op := 'unknown';
        one_key := NULL;
        changes := 1;
        ops := NULL;
        bundles := NULL;
    END;
    IF coalesce(changes, 0) = 0 THEN
        RETURN NULL;
    END IF;

{counted}
    IF one_op IS NOT NULL THEN
        INSERT INTO notion_bridge.outbox (sync, op, key, old_key, "values", origin)
        VALUES ({sync}, one_op, one_key, one_old_key, one_row, origin);
    END IF;
    IF bundles IS NOT NULL THEN
        INSERT INTO notion_bridge.outbox (sync, op, keys, key_count)
        SELECT {sync}, {op}, b.keys, jsonb_array_length(b.keys) FROM unnest(bundles) AS b (keys)
        WHERE b.keys IS NOT NULL; -- where all have another key
    END IF;
    IF ops IS NOT NULL THEN
        INSERT INTO notion_bridge.outbox (sync, op, key, old_key, "values", origin)
        SELECT {sync}, c.op, c.key, c.old_key, c."values", origin
        FROM unnest(ops, keys, old_keys, rows) AS c (op, key, old_key, "values");
    END IF;
{wake}    RETURN NULL;
END
{quote};

-- Nobody may attach it to another table.
REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;

-- AFTER: what BEFORE triggers made of the row is what is captured. Not UPDATE OF columns: such a trigger may change
-- columns that the statement does not name.
CREATE OR REPLACE TRIGGER {trigger} AFTER {event} ON {table}
    REFERENCING {transition_tables}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
