-- What people should hear of, and who has been told. A sink's place is the last event that was looked at
-- for it; a delivery is made in the same transaction in which the place moves.

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject TEXT NOT NULL,
    sentence TEXT NOT NULL,
    detail TEXT NOT NULL,
    fingerprint BLOB NOT NULL UNIQUE
) STRICT;
CREATE INDEX event_by_kind ON event (kind, id);
CREATE INDEX event_by_time ON event (at);

CREATE TABLE sink (
    name TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    since INTEGER NOT NULL,
    stopped_at INTEGER,
    stopped_why TEXT
) STRICT;

CREATE TABLE delivery (
    event INTEGER NOT NULL,
    sink TEXT NOT NULL,
    since INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    delivered_at INTEGER,
    last_error TEXT,
    PRIMARY KEY (sink, event)
) STRICT;
CREATE INDEX delivery_due ON delivery (sink, next_at) WHERE next_at IS NOT NULL;
