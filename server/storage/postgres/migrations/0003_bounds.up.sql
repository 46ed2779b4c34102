-- What waits, what is under way and what is over have bounds of their own. One that is full gives up its row that ends first.
CREATE INDEX transactions_status ON transactions (status, expire_time, client_id);

-- Asked of each client that might have to go: a client may have many requests that nobody has approved.
DROP INDEX transactions_client;
CREATE INDEX transactions_client ON transactions (client_id, status, expire_time);
