-- Who received what is asked by release, by content and by time, each from an index that holds all
-- that is counted; what teams have locked; and what is in quarantine.

ALTER TABLE download ADD COLUMN job TEXT;

CREATE INDEX download_by_release ON download
    (project, version, filename, token, job, client_addr, kind, at, id);
CREATE INDEX download_by_content ON download
    (sha256, project, version, filename, token, job, client_addr, kind, at, id);
CREATE INDEX download_by_time ON download (at, id);
DROP INDEX download_by_sha256;

CREATE TABLE lock_file (
    name TEXT PRIMARY KEY,
    format TEXT NOT NULL,
    digest BLOB NOT NULL,
    entries INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    token TEXT,
    who TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE lock_entry (
    id INTEGER PRIMARY KEY,
    lock_name TEXT NOT NULL,
    project TEXT NOT NULL,
    version TEXT,
    sha256 BLOB,
    FOREIGN KEY (lock_name) REFERENCES lock_file (name)
) STRICT;
CREATE INDEX lock_entry_by_lock ON lock_entry (lock_name);
CREATE INDEX lock_entry_by_project ON lock_entry (project, lock_name, version);
CREATE INDEX lock_entry_by_sha256 ON lock_entry (sha256, lock_name);

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    specifiers TEXT NOT NULL,
    sha256 BLOB,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL,
    released_at INTEGER,
    released_by TEXT,
    release_reason TEXT
) STRICT;
CREATE INDEX quarantine_in_force ON quarantine (project) WHERE released_at IS NULL;
