-- Feeds: what was loaded last of advisories and of what is said beside them, and how the last attempt went.

CREATE TABLE feed (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    sha256 BLOB,
    size INTEGER NOT NULL,
    records INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    complaints TEXT NOT NULL,
    newest INTEGER,
    etag TEXT,
    last_modified TEXT,
    loaded_at INTEGER,
    checked_at INTEGER,
    failures INTEGER NOT NULL,
    error TEXT,
    error_at INTEGER
) STRICT;
CREATE INDEX feed_by_sha256 ON feed (sha256);
