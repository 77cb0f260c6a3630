-- Projects that this gateway's own clients use day by day, as they were counted last.

CREATE TABLE local_use (
    project TEXT PRIMARY KEY,
    clients BIGINT NOT NULL,
    days BIGINT NOT NULL,
    at BIGINT NOT NULL
);
