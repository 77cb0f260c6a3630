-- What a file changes against the one before it that was let through, and a wheel against its sdist.

CREATE TABLE comparison (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    kind TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    other BLOB NOT NULL,
    other_filename TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, project, filename, kind)
) STRICT;
