-- Generations before this one are refused: the password has been changed since.
ALTER TABLE sessions ADD COLUMN oldest_generation BIGINT NOT NULL DEFAULT 0;

-- Lists of one user, in the order of their pages, and what is deleted with the user.
DROP INDEX sessions_user;
CREATE INDEX sessions_user ON sessions (user_id, id);
-- What has not been revoked: an account may have many more sessions that have.
CREATE INDEX sessions_user_unrevoked ON sessions (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_user_reused ON sessions (user_id, revoked_at) WHERE revoked_for = 'token_reused';
-- Retention: sessions by when they ended.
CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX sessions_idle_at ON sessions ((last_seen_at + idle_limit)) WHERE revoked_at IS NULL;
-- What one user did to another.
CREATE INDEX events_actor ON events (actor_id) WHERE actor_id <> target_id;
