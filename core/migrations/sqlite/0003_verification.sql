-- Sign-ups and log-ins that wait until the user has verified the email address. Tables, columns and
-- indexes are the same as in ../postgres/0003_verification.sql; a test compares the two.

CREATE TABLE csgn_pending_verifications (
    id            BLOB    PRIMARY KEY,
    -- The address, as typed and in lower case.
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL,
    -- The account. That of a sign-up does not exist yet, so there is no foreign key.
    user_id       BLOB    NOT NULL,
    -- A sign-up: the display name, and the hash of the password.
    name          TEXT,
    password_hash TEXT,
    -- A log-in: the epoch of the account when the password was verified. NULL for a sign-up.
    epoch         BIGINT,
    -- Whether the session outlives the browser.
    persistent    BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL
);
-- The verification of an address ends all that wait for it.
CREATE INDEX csgn_pending_verifications_email_key ON csgn_pending_verifications (email_key);
-- Deletion with the user, and retention.
CREATE INDEX csgn_pending_verifications_user ON csgn_pending_verifications (user_id);
CREATE INDEX csgn_pending_verifications_expires_at ON csgn_pending_verifications (expires_at);

-- Until when the user is not asked again to verify the address.
ALTER TABLE csgn_sessions ADD COLUMN verification_postponed_until BIGINT;
