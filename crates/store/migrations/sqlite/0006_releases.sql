-- What releases say of themselves, read out of their metadata, and what others measured of projects.

CREATE TABLE release_metadata (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    version TEXT NOT NULL,
    observed TEXT NOT NULL,
    metadata_sha256 BLOB NOT NULL,
    basis INTEGER NOT NULL,
    learned_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (source, project, version)
) STRICT;
CREATE INDEX release_metadata_by_generation ON release_metadata (generation);

CREATE TABLE signal (
    project TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    thousandths INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (project, provider, kind)
) STRICT;
CREATE INDEX signal_by_generation ON signal (generation);

CREATE TABLE signal_asked (
    project TEXT NOT NULL,
    provider TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (project, provider)
) STRICT;
