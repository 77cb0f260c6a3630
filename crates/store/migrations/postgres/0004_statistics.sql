-- How often what was asked for and what came of it, by day (days since 1970 UTC). Absent texts are empty,
-- so that they can be part of the key.

CREATE TABLE asked (
    day BIGINT NOT NULL,
    index_name TEXT NOT NULL,
    project TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rule TEXT NOT NULL,
    door TEXT NOT NULL,
    installer TEXT NOT NULL,
    token TEXT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (day, index_name, project, outcome, rule, door, installer, token)
);
