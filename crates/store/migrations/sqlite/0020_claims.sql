-- Who does what at the moment, so that it is done once however many replicas want it. It takes the place of
-- inspection_claim, which stays for as long as an older replica may run.

CREATE TABLE claim (
    subject BLOB PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
