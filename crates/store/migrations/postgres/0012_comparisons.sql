-- What a file changes against the one before it that was let through, and a wheel against its sdist.

CREATE TABLE comparison (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    kind TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    other BYTEA NOT NULL,
    other_filename TEXT NOT NULL,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (source, project, filename, kind)
);
