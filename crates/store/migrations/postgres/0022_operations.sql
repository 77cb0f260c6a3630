-- What is cached of outside files and when each content was used last; what mirrors hold and why some of it
-- could not be had; and switches that are thrown while the gateway runs.

CREATE TABLE cached (
    sha256 BYTEA PRIMARY KEY,
    size BIGINT NOT NULL,
    since BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX cached_by_use ON cached (used_at, sha256);

CREATE TABLE mirrored (
    mirror TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    size BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (mirror, project, filename)
);

CREATE TABLE switch (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at BIGINT NOT NULL
);
