-- Captures the changes of one table for one sync, row by row: where statements do not tell them. A statement on a
-- partitioned or an inherited table fires only the triggers of the table that it names, and logical replication fires
-- none for a statement. For other tables see statement.sql; TRUNCATE is noted here for all.
--
-- The function runs inside the user's statements and must never make one fail: reading the columns sits in a
-- block of its own, and when a mapped column was dropped, renamed or retyped the change is noted as 'unknown'.
-- That block only reads, so it takes no transaction id. The settings make the text of times, intervals,
-- bytes, floats and money the same whatever the writing session has set.
{counter}CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER -- the user's role needs no rights on the outbox
{settings}AS {quote}
#variable_conflict use_column
DECLARE
    change text := lower(TG_OP);
    key_before jsonb;
    key_after jsonb;
    before jsonb;
    after jsonb;
    overtaken boolean;
    changes bigint := 1;
    counted bigint;
    full_up boolean;
    origin_setting text := current_setting('notion_bridge.origin', true);
    origin uuid;
BEGIN
    BEGIN
        IF TG_OP IN ('UPDATE', 'DELETE') THEN
            key_before := {old_key};
        END IF;
        IF TG_OP IN ('INSERT', 'UPDATE') THEN
            key_after := {new_key};
            after := {new_values};
        END IF;
        IF TG_OP = 'UPDATE' THEN
            before := {old_values};
            -- Compared as jsonb: a json column has no equality, and 1.50 is 1.5. Of a row outside of the sync's
            -- filter the values are NULL.
            IF key_after = key_before AND after IS NOT DISTINCT FROM before THEN
                RETURN NULL;
            END IF;
        END IF;
{skip_outside}
        -- Triggers fire after the statement, one row after the other. Meanwhile another trigger, or a cascade, may
        -- have changed this row again, and that later change is noted already. So that the last note always
        -- shows the row as it is, an overtaken change notes what the row has become.
        IF TG_OP IN ('INSERT', 'UPDATE') THEN
            {read_overtaken}
            IF overtaken THEN
                SELECT {row_values} INTO after FROM {source} AS r WHERE {row_is_new};
                IF NOT FOUND AND key_before <> key_after THEN
                    change := 'unknown';
                ELSIF NOT FOUND THEN
                    RETURN NULL; -- deleted, or given another key, and noted so
                END IF;
            END IF;
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM FROM {source} AS r WHERE {row_is_old};
            IF FOUND THEN
                RETURN NULL; -- inserted again, and noted so
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        change := 'unknown';
    END;
    IF change = 'unknown' THEN
        key_before := NULL;
        key_after := NULL;
        after := NULL;
    END IF;

    -- Anybody can set this to anything; only a uuid can be one of ours.
    IF origin_setting ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN
        origin := origin_setting::uuid;
    END IF;

{counted}
    INSERT INTO notion_bridge.outbox (sync, op, key, old_key, "values", origin)
    VALUES (
        {sync},
        change,
        coalesce(key_after, key_before),
        CASE WHEN key_after <> key_before THEN key_before END,
        {noted},
        origin
    );
{wake}    RETURN NULL;
END
{quote};

-- Nobody may attach it to another table.
REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;

DO {quote}
BEGIN
    -- Without this right every statement on the table would fail.
    IF NOT has_table_privilege(
        (SELECT proowner FROM pg_catalog.pg_proc WHERE oid = {function_text}::regprocedure),
        'notion_bridge.outbox', 'INSERT'
    ) THEN
        RAISE insufficient_privilege
            USING MESSAGE = 'the owner of the trigger function may not insert into notion_bridge.outbox';
    END IF;
END
{quote};

-- AFTER: what BEFORE triggers made of the row is what is captured. Not UPDATE OF columns: such a trigger may change
-- columns that the statement does not name.
CREATE OR REPLACE TRIGGER {row_trigger} AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {function}();
CREATE OR REPLACE TRIGGER {truncate_trigger} AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();

-- REPLICA: what logical replication writes, and sessions with session_replication_role = replica; all the rest comes by
-- statements. ALWAYS: these and all the rest.
ALTER TABLE {table} ENABLE {rows_fire} TRIGGER {row_trigger};
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {truncate_trigger};

INSERT INTO notion_bridge.sync (name, table_oid, data_source, columns, notify, outbox_max)
VALUES ({sync}, {table_text}::regclass, {data_source}, {columns}, {notify}, {outbox_max})
ON CONFLICT (name) DO UPDATE SET
    id = gen_random_uuid(),
    table_oid = excluded.table_oid,
    data_source = excluded.data_source,
    columns = excluded.columns,
    notify = excluded.notify,
    outbox_max = excluded.outbox_max,
    installed_at = clock_timestamp();
