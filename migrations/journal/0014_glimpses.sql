-- What was seen in a page while a write of ours was under way that may be running over it: if the write is made, this is
-- kept as a conflict. In memory it would go with a process that is killed before the answer comes.
CREATE TABLE glimpses (
    intent   TEXT NOT NULL, -- the write
    field    TEXT NOT NULL,
    value    TEXT NOT NULL, -- canonical JSON
    earliest TEXT,          -- when it was typed
    latest   TEXT,
    PRIMARY KEY (intent, field)
) STRICT;
