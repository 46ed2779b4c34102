DROP INDEX transactions_client;
CREATE INDEX transactions_client ON transactions (client_id, expire_time);

DROP INDEX transactions_status;
