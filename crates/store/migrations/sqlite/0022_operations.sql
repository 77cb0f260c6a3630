-- What is cached of outside files and when each content was used last; what mirrors hold and why some of it
-- could not be had; and switches that are thrown while the gateway runs.

CREATE TABLE cached (
    sha256 BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    since INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cached_by_use ON cached (used_at, sha256);

CREATE TABLE mirrored (
    mirror TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (mirror, project, filename)
) STRICT;

CREATE TABLE switch (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
