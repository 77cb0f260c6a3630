-- Projects that this gateway's own clients use day by day, as they were counted last.

CREATE TABLE local_use (
    project TEXT PRIMARY KEY,
    clients INTEGER NOT NULL,
    days INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
