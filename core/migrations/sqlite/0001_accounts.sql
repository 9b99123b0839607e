-- Times are milliseconds since 1970. The same tables, columns and indexes as in ../postgres/0001_accounts.sql; a test compares the two.

-- One row: proves that every node holds the same server secret.
CREATE TABLE installation (
    id           BIGINT  PRIMARY KEY CHECK (id = 1),
    secret_check BLOB   NOT NULL,
    created_at   BIGINT  NOT NULL
);

CREATE TABLE users (
    id                BLOB    PRIMARY KEY,
    email             TEXT    NOT NULL,
    -- What identifies the account: the address in lower case.
    email_key         TEXT    NOT NULL,
    email_verified_at BIGINT,
    name              TEXT,
    -- A PHC string; none for an account that has no password.
    password_hash     TEXT,
    -- Separated by blanks.
    roles             TEXT    NOT NULL,
    -- Raised by everything that must take effect at once.
    epoch             BIGINT  NOT NULL,
    disabled_at       BIGINT,
    last_login_at     BIGINT,
    created_at        BIGINT  NOT NULL
);
CREATE UNIQUE INDEX users_email_key ON users (email_key);

CREATE TABLE sessions (
    id                  BLOB    PRIMARY KEY,
    user_id             BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Which refresh key its tokens are made with.
    key_id              BIGINT  NOT NULL,
    -- The generation that was issued last, when it was, when the one before it was, and the highest that is known to have arrived.
    counter             BIGINT  NOT NULL,
    rotated_at          BIGINT  NOT NULL,
    previous_rotated_at BIGINT  NOT NULL,
    confirmed           BIGINT  NOT NULL,
    -- "Keep me signed in": whether the cookie outlives the browser.
    persistent          BOOLEAN NOT NULL,
    amr                 TEXT    NOT NULL,
    auth_time           BIGINT  NOT NULL,
    device              TEXT,
    address             TEXT,
    created_at          BIGINT  NOT NULL,
    last_seen_at        BIGINT  NOT NULL,
    -- How long it may be unused, and when it ends in any case.
    idle_limit          BIGINT  NOT NULL,
    expires_at          BIGINT  NOT NULL,
    revoked_at          BIGINT,
    revoked_for         TEXT
);
CREATE INDEX sessions_user ON sessions (user_id, last_seen_at);

CREATE TABLE signing_keys (
    kid        TEXT   PRIMARY KEY,
    algorithm  TEXT   NOT NULL,
    -- published, signing, retired or gone
    state      TEXT   NOT NULL,
    public     TEXT   NOT NULL,
    sealed     BLOB,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
-- Two nodes that start together on an empty database agree on one key.
CREATE UNIQUE INDEX signing_keys_one_signs ON signing_keys (state) WHERE state = 'signing';

-- What every node must hear of. Numbered by feed_head, so that the order of the numbers is the order of the commits. No foreign keys:
-- deleting an account must not delete its revocation.
CREATE TABLE feed (
    number  BIGINT PRIMARY KEY,
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    value   BIGINT NOT NULL,
    until   BIGINT NOT NULL
);
CREATE TABLE feed_head (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    head BIGINT NOT NULL
);
INSERT INTO feed_head (id, head) VALUES (1, 0);

CREATE TABLE events (
    id           BLOB   PRIMARY KEY,
    at           BIGINT NOT NULL,
    kind         TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    -- Who did it, and to whom it happened. No foreign keys: the record outlives the account.
    actor_id     BLOB,
    target_id    BLOB,
    session_hash BLOB,
    address      TEXT,
    device       TEXT,
    request_id   TEXT
);
CREATE INDEX events_target ON events (target_id, id);
