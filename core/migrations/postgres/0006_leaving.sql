-- When the account is deleted for good, which its owner has asked for and can take back until then.
ALTER TABLE users ADD COLUMN delete_at BIGINT;
CREATE INDEX users_delete_at ON users (delete_at);
