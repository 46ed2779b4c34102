CREATE SEQUENCE revocation_sequence;
SELECT setval('revocation_sequence', last_sequence) FROM outbox WHERE last_sequence > 0;
ALTER TABLE revocations ALTER COLUMN sequence SET DEFAULT nextval('revocation_sequence');
DROP TABLE outbox;
