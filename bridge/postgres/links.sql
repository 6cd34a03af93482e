-- Captures the changes of the join tables of one sync. Like the function for its own table it must never make a
-- statement of the user's fail. It notes only whose links changed, not what they are now (see 0001_outbox.sql).
-- The first argument of the trigger is the column with the record's key, the second the one with the other key.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
{settings}AS {quote}
DECLARE
    change text := CASE TG_OP WHEN 'TRUNCATE' THEN 'truncate' ELSE 'links' END;
    before jsonb;
    after jsonb;
    owners jsonb[] := ARRAY[]::jsonb[];
    origin_setting text := current_setting('notion_bridge.origin', true);
    origin uuid;
    changes bigint := 1;
    counted bigint;
    full_up boolean;
BEGIN
    BEGIN
        IF TG_OP IN ('UPDATE', 'DELETE') THEN
            before := to_jsonb(old);
            owners := array_append(owners, before -> TG_ARGV[0]);
        END IF;
        IF TG_OP IN ('INSERT', 'UPDATE') THEN
            after := to_jsonb(new);
            owners := array_append(owners, after -> TG_ARGV[0]);
        END IF;
        IF TG_OP = 'UPDATE' AND before -> TG_ARGV[0] = after -> TG_ARGV[0]
            AND before -> TG_ARGV[1] = after -> TG_ARGV[1]
        THEN
            RETURN NULL; -- another column
        END IF;
        IF array_position(owners, NULL) IS NOT NULL THEN
            change := 'unknown'; -- the column was renamed or dropped
        END IF;
    EXCEPTION WHEN OTHERS THEN
        change := 'unknown';
    END;

    IF origin_setting ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN
        origin := origin_setting::uuid;
    END IF;

{counted}
    IF change = 'links' THEN
        INSERT INTO notion_bridge.outbox (sync, op, key, origin)
        SELECT {sync}, change, jsonb_build_array(owner.key), origin
        FROM (SELECT DISTINCT unnest(owners) AS key) AS owner;
    ELSE
        INSERT INTO notion_bridge.outbox (sync, op, origin) VALUES ({sync}, change, origin);
    END IF;
{wake}    RETURN NULL;
END
{quote};

REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;
