-- Who runs a job until when, and when it is due. A lease is a row, so that no transaction stays open.

CREATE TABLE job (
    name TEXT PRIMARY KEY,
    holder TEXT,
    leased_until BIGINT,
    started_at BIGINT,
    ended_at BIGINT,
    next_at BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    last_ok_at BIGINT,
    last_result TEXT,
    last_error TEXT
);
