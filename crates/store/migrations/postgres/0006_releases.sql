-- What releases say of themselves, read out of their metadata, and what others measured of projects.

CREATE TABLE release_metadata (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    version TEXT NOT NULL,
    observed TEXT NOT NULL,
    metadata_sha256 BYTEA NOT NULL,
    basis BIGINT NOT NULL,
    learned_at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (source, project, version)
);
CREATE INDEX release_metadata_by_generation ON release_metadata (generation);

CREATE TABLE signal (
    project TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    thousandths BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (project, provider, kind)
);
CREATE INDEX signal_by_generation ON signal (generation);

CREATE TABLE signal_asked (
    project TEXT NOT NULL,
    provider TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    PRIMARY KEY (project, provider)
);
