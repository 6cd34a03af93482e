-- Before each plan it is asked whether one side has lost a record that the other still has: without this all were counted.
CREATE INDEX pairs_one_sided ON pairs (sync)
    WHERE base_state = 'live' AND (postgres_state = 'gone') <> (notion_state = 'gone');
