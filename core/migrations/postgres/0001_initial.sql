-- Times are milliseconds since 1970 (UTC). Tables, columns and indexes are the same as in
-- ../sqlite/0001_initial.sql; a test compares the two.

-- One row: proves that every node holds the same server secret.
CREATE TABLE csgn_installation (
    id                 BIGINT PRIMARY KEY CHECK (id = 1),
    secret_fingerprint BYTEA  NOT NULL,
    created_at         BIGINT NOT NULL,
    -- When the first administrator signed up. Until then each start prints a set-up link.
    first_admin_at     BIGINT
);

CREATE TABLE csgn_users (
    id                    UUID   PRIMARY KEY,
    email                 TEXT   NOT NULL,
    -- The address in lower case, which identifies the account.
    email_key             TEXT   NOT NULL,
    email_verified_at     BIGINT,
    name                  TEXT,
    -- A PHC string, or NULL for an account without a password.
    password_hash         TEXT,
    -- Incremented to invalidate all access tokens issued before.
    epoch                 BIGINT NOT NULL,
    disabled_at           BIGINT,
    last_login_at         BIGINT,
    created_at            BIGINT NOT NULL,
    -- When the account is deleted for good. The user can cancel until then.
    deletion_scheduled_at BIGINT
);
CREATE UNIQUE INDEX csgn_users_email_key ON csgn_users (email_key);
CREATE INDEX csgn_users_deletion ON csgn_users (deletion_scheduled_at);

-- Roles beyond `user`, which every user has without a row.
CREATE TABLE csgn_user_roles (
    user_id UUID NOT NULL REFERENCES csgn_users (id) ON DELETE CASCADE,
    role    TEXT NOT NULL,
    PRIMARY KEY (user_id, role)
);
-- Users with a role: whether an administrator is left.
CREATE INDEX csgn_user_roles_role ON csgn_user_roles (role, user_id);

CREATE TABLE csgn_sessions (
    id                   UUID    PRIMARY KEY,
    user_id              UUID    NOT NULL REFERENCES csgn_users (id) ON DELETE CASCADE,
    -- Generation of the refresh token that was issued last.
    generation           BIGINT  NOT NULL,
    -- When that generation was issued, and the one before it.
    rotated_at           BIGINT  NOT NULL,
    previous_rotated_at  BIGINT  NOT NULL,
    -- The highest generation that a client has used.
    confirmed_generation BIGINT  NOT NULL,
    -- Lower generations are refused: the password has changed since.
    oldest_generation    BIGINT  NOT NULL DEFAULT 0,
    -- "Remember me": whether the cookie outlives the browser.
    persistent           BOOLEAN NOT NULL,
    amr                  TEXT    NOT NULL,
    auth_time            BIGINT  NOT NULL,
    device               TEXT,
    address              TEXT,
    created_at           BIGINT  NOT NULL,
    last_seen_at         BIGINT  NOT NULL,
    -- Idle timeout in milliseconds, and the absolute end.
    idle_limit           BIGINT  NOT NULL,
    expires_at           BIGINT  NOT NULL,
    revoked_at           BIGINT,
    revocation_reason    TEXT,
    -- When refresh token reuse ended another session of this user. Shown once, in this session.
    reuse_detected_at    BIGINT
);
-- Lists of one user, in the order of their pages, and deletion with the user.
CREATE INDEX csgn_sessions_user ON csgn_sessions (user_id, id);
-- Sessions that are not revoked: an account can have many more that are.
CREATE INDEX csgn_sessions_user_unrevoked ON csgn_sessions (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX csgn_sessions_user_reused ON csgn_sessions (user_id, revoked_at)
    WHERE revocation_reason = 'refresh_token_reused';
-- Retention: sessions by when they ended.
CREATE INDEX csgn_sessions_revoked_at ON csgn_sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX csgn_sessions_expires_at ON csgn_sessions (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX csgn_sessions_idle_at ON csgn_sessions ((last_seen_at + idle_limit))
    WHERE revoked_at IS NULL;

CREATE TABLE csgn_signing_keys (
    kid          TEXT   PRIMARY KEY,
    algorithm    TEXT   NOT NULL,
    -- published, signing, retired or gone
    state        TEXT   NOT NULL,
    public       TEXT   NOT NULL,
    -- The private key, encrypted with a key that is derived from the server secret.
    sealed       BYTEA,
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    -- When a published key becomes the signing key, or NULL if it waits for the command.
    activates_at BIGINT
);
-- Two nodes that start at once on an empty database agree on one key.
CREATE UNIQUE INDEX csgn_signing_keys_one_signs ON csgn_signing_keys (state)
    WHERE state = 'signing';

-- Revocations that every node applies. csgn_change_feed_head numbers the rows, so the order of the
-- numbers is the order of the commits. No foreign keys: deleting an account must not delete its
-- revocation.
CREATE TABLE csgn_change_feed (
    number  BIGINT PRIMARY KEY,
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    value   BIGINT NOT NULL,
    until   BIGINT NOT NULL
);
-- Retention: rows by when they expire.
CREATE INDEX csgn_change_feed_until ON csgn_change_feed (until);
CREATE TABLE csgn_change_feed_head (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    head BIGINT NOT NULL
);
INSERT INTO csgn_change_feed_head (id, head) VALUES (1, 0);

CREATE TABLE csgn_audit_events (
    id           UUID   PRIMARY KEY,
    at           BIGINT NOT NULL,
    kind         TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    -- The user who acted, and the user concerned. No foreign keys: the row outlives the account.
    actor_id     UUID,
    target_id    UUID,
    session_hash BYTEA,
    address      TEXT,
    device       TEXT,
    request_id   TEXT
);
CREATE INDEX csgn_audit_events_target ON csgn_audit_events (target_id, id);
-- Actions of one user on another.
CREATE INDEX csgn_audit_events_actor ON csgn_audit_events (actor_id) WHERE actor_id <> target_id;

-- Rate limits: recent attempts by kind and subject.
CREATE TABLE csgn_rate_limits (
    kind            TEXT   NOT NULL,
    -- A network address or a keyed hash, never an address that a client typed.
    subject         BYTEA  NOT NULL,
    attempts        BIGINT NOT NULL,
    next_allowed_at BIGINT NOT NULL,
    -- When the last attempt was.
    at              BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX csgn_rate_limits_at ON csgn_rate_limits (at);
