-- Feeds: what was loaded last of advisories and of what is said beside them, and how the last attempt went.

CREATE TABLE feed (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    sha256 BYTEA,
    size BIGINT NOT NULL,
    records BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    complaints TEXT NOT NULL,
    newest BIGINT,
    etag TEXT,
    last_modified TEXT,
    loaded_at BIGINT,
    checked_at BIGINT,
    failures BIGINT NOT NULL,
    error TEXT,
    error_at BIGINT
);
CREATE INDEX feed_by_sha256 ON feed (sha256);
