-- The key of refresh tokens has no rotation of its own: it is derived from the server secret and leaks only with it.
ALTER TABLE sessions DROP COLUMN key_id;
