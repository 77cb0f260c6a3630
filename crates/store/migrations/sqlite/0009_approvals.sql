-- What indexes may serve that serve only what was approved.

CREATE TABLE approval (
    id INTEGER PRIMARY KEY,
    index_name TEXT NOT NULL,
    pattern TEXT NOT NULL,
    specifiers TEXT NOT NULL,
    files BLOB NOT NULL,
    reason TEXT NOT NULL,
    origin TEXT NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL,
    removed_at INTEGER,
    removed_by TEXT
) STRICT;
CREATE INDEX approval_in_force ON approval (index_name, pattern) WHERE removed_at IS NULL;
