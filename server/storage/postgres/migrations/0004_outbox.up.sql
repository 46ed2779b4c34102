-- The numbers of revocations come from a row and no longer from a sequence: whoever draws some holds the row until the
-- commit, so that revocations become visible in the order of their numbers. The table is locked by the first statement,
-- so that nobody draws a number of the sequence any more when it is read.
ALTER TABLE revocations ALTER COLUMN sequence DROP DEFAULT;

CREATE TABLE outbox (
    id            bigint NOT NULL PRIMARY KEY,
    last_sequence bigint NOT NULL
);

INSERT INTO outbox (id, last_sequence)
SELECT 1, CASE WHEN is_called THEN last_value ELSE 0 END FROM revocation_sequence;

DROP SEQUENCE revocation_sequence;
