-- When a published key takes the place of the one that signs; none for a key that waits to be told.
ALTER TABLE signing_keys ADD COLUMN signs_at BIGINT;
