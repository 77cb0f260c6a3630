-- The oldest migration that a program has to know to work with these tables. Migrations only add, so that an older
-- replica goes on beside a newer one; one that does more sets this to its own number.

CREATE TABLE compatibility (
    oldest INTEGER NOT NULL
) STRICT;
INSERT INTO compatibility (oldest) VALUES (21);
