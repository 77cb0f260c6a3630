-- What inspections saw, one row for each content, and who inspects what at the moment.

CREATE TABLE inspection (
    sha256 BYTEA PRIMARY KEY,
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    effect TEXT NOT NULL,
    record TEXT NOT NULL,
    contents BYTEA,
    again_at BIGINT,
    generation BIGINT NOT NULL
);
CREATE INDEX inspection_by_revision ON inspection (revision);
CREATE INDEX inspection_by_generation ON inspection (generation);
CREATE INDEX inspection_again ON inspection (again_at) WHERE again_at IS NOT NULL;

CREATE TABLE inspection_claim (
    sha256 BYTEA PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
