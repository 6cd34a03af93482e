-- The columns of the tables whose oids are the parameter, with types resolved below their domains and arrays.
WITH RECURSIVE resolved AS (
    SELECT
        a.attrelid, a.attnum, a.attnotnull AS not_null, a.atthasdef AS has_default,
        a.atttypid AS type_oid, a.atttypmod AS modifier, 0 AS dimensions, '{}'::oid[] AS domains
    FROM pg_attribute AS a
    WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    -- What a domain says of NULL, defaults and checks counts for the column only while no array is in between.
    SELECT
        r.attrelid, r.attnum,
        r.not_null OR (d.typnotnull AND r.dimensions = 0),
        r.has_default OR (d.typdefault IS NOT NULL AND r.dimensions = 0),
        CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.typelem END,
        CASE WHEN d.typtype = 'd' AND d.typtypmod >= 0 THEN d.typtypmod ELSE r.modifier END,
        r.dimensions + CASE d.typtype WHEN 'd' THEN 0 ELSE 1 END,
        CASE WHEN d.typtype = 'd' AND r.dimensions = 0 THEN r.domains || d.oid ELSE r.domains END
    FROM resolved AS r
    JOIN pg_type AS d ON d.oid = r.type_oid
    -- A true array is the one that its element names; int2vector is none.
    WHERE d.typtype = 'd' OR d.oid = (SELECT e.typarray FROM pg_type AS e WHERE e.oid = d.typelem)
)
SELECT
    r.attrelid,
    a.attname,
    -- An extension's type (citext) by its bare name: its schema differs between databases.
    CASE
        WHEN t.typtype = 'e' THEN 'enum'
        WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN format_type(t.oid, NULL)
        ELSE t.typname
    END || repeat('[]', r.dimensions) AS type_name,
    format_type(a.atttypid, a.atttypmod) AS type_sql,
    a.attnum,
    r.not_null,
    (r.has_default AND a.attgenerated = '') OR a.attidentity <> '' AS has_default,
    a.attgenerated <> '' AS generated,
    CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END AS identity,
    r.modifier,
    ARRAY(SELECT l.enumlabel::text FROM pg_enum AS l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels,
    coalesce(col_description(a.attrelid, a.attnum), '') AS comment,
    format_type(t.oid, r.modifier) AS base_sql,
    CASE WHEN r.dimensions = 0 THEN ARRAY(
        SELECT pg_get_expr(k.conbin, k.conrelid)
        FROM pg_constraint AS k
        WHERE k.contype = 'c'
            AND ((k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]) OR k.contypid = ANY (r.domains))
            -- A column of PostgreSQL 18; older ones enforce all.
            AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
        ORDER BY k.oid
    ) ELSE '{}' END AS checks,
    -- How many decimals the currency of the database has; read with the locale that is not the bridge's own.
    CASE WHEN t.oid = 'money'::regtype THEN scale(0::money::numeric) END AS decimals,
    CASE WHEN a.attgenerated <> '' THEN (
        SELECT pg_get_expr(f.adbin, f.adrelid) FROM pg_attrdef AS f WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum
    ) ELSE '' END AS expression,
    -- Of PostgreSQL 18: computed when it is read, and so never in a trigger's NEW and OLD.
    a.attgenerated = 'v' AS virtual
FROM resolved AS r
JOIN pg_attribute AS a USING (attrelid, attnum)
JOIN pg_type AS t ON t.oid = r.type_oid AND t.typtype <> 'd'
WHERE t.oid IS DISTINCT FROM (SELECT e.typarray FROM pg_type AS e WHERE e.oid = t.typelem)
ORDER BY r.attrelid, r.attnum
