-- What inspections saw, one row for each content, and who inspects what at the moment.

CREATE TABLE inspection (
    sha256 BLOB PRIMARY KEY,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    effect TEXT NOT NULL,
    record TEXT NOT NULL,
    contents BLOB,
    again_at INTEGER,
    generation INTEGER NOT NULL
) STRICT;
CREATE INDEX inspection_by_revision ON inspection (revision);
CREATE INDEX inspection_by_generation ON inspection (generation);
CREATE INDEX inspection_again ON inspection (again_at) WHERE again_at IS NOT NULL;

CREATE TABLE inspection_claim (
    sha256 BLOB PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
