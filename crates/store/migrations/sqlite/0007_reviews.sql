-- What people ask to be let through, and what reviewers said. Findings and waived rules are JSON texts.

CREATE TABLE review (
    id INTEGER PRIMARY KEY,
    index_name TEXT NOT NULL,
    project TEXT NOT NULL,
    specifiers TEXT NOT NULL,
    state TEXT NOT NULL,
    effect TEXT NOT NULL,
    risk INTEGER NOT NULL,
    findings TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    judged_at INTEGER NOT NULL,
    outdated_at INTEGER,
    decided_at INTEGER,
    decided_by TEXT,
    decided_specifiers TEXT,
    reason TEXT,
    expires_at INTEGER,
    waives TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX review_once ON review (index_name, project, specifiers)
    WHERE state = 'requested';
CREATE INDEX review_by_state ON review (state, id);
CREATE INDEX review_by_project ON review (project, id);

CREATE TABLE review_request (
    review INTEGER NOT NULL REFERENCES review (id),
    who TEXT NOT NULL,
    client TEXT,
    address TEXT,
    reason TEXT NOT NULL,
    wanted_by TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (review, who)
) STRICT;
CREATE INDEX review_request_by_who ON review_request (who);

CREATE TABLE review_vote (
    review INTEGER NOT NULL REFERENCES review (id),
    who TEXT NOT NULL,
    specifiers TEXT NOT NULL,
    expires_at INTEGER,
    reason TEXT NOT NULL,
    findings TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (review, who)
) STRICT;
