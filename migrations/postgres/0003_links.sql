-- A row of a join table came or went: `key` is that of the record whose links changed.
--
-- What the links are now is read by the bridge. The trigger cannot tell: two transactions that link one record at the
-- same time do not see each other, and each would note a list without the other's.
ALTER TABLE notion_bridge.outbox DROP CONSTRAINT IF EXISTS outbox_op_says_what_is_filled;
ALTER TABLE notion_bridge.outbox ADD CONSTRAINT outbox_op_says_what_is_filled CHECK (
    op IN ('insert', 'update', 'delete', 'links', 'truncate', 'unknown')
    AND (key IS NULL) = (op IN ('truncate', 'unknown'))
    AND ("values" IS NULL) = (op IN ('delete', 'links', 'truncate', 'unknown'))
    AND (old_key IS NULL OR op = 'update')
);
