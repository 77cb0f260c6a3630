-- Who runs a job until when, and when it is due. A lease is a row, so that no transaction stays open.

CREATE TABLE job (
    name TEXT PRIMARY KEY,
    holder TEXT,
    leased_until INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    next_at INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    last_ok_at INTEGER,
    last_result TEXT,
    last_error TEXT
) STRICT;
