-- What both sides held when a person decided a conflict: [row's value, page's value] in canonical JSON; '' = what the
-- conflict shows. The choice counts for exactly that; an edit made after it is merged like any other.
ALTER TABLE conflicts ADD COLUMN seen TEXT NOT NULL DEFAULT '';
