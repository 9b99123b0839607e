-- Links and codes that are sent by email, and the outbox. Tables, columns and indexes are the same
-- as in ../postgres/0002_mail.sql; a test compares the two.

-- No secret is stored: link and code are derived from the id with the server secret.
CREATE TABLE csgn_one_time_links (
    id              BLOB   PRIMARY KEY,
    purpose         TEXT   NOT NULL,
    -- The address that the link is sent to, as typed and in lower case. It need not belong to an
    -- account: a request for an unknown address does the same work.
    email           TEXT   NOT NULL,
    email_key       TEXT   NOT NULL,
    -- The account. No foreign key: its check would take longer for an address that has one.
    user_id         BLOB,
    -- The session that the owner can end with a link "This wasn't me".
    session_id      BLOB,
    created_at      BIGINT NOT NULL,
    -- Both are counted from the time of sending. Until then the link is invalid.
    expires_at      BIGINT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    -- Attempts to enter the code, by all clients together.
    code_attempts   BIGINT NOT NULL DEFAULT 0,
    -- When the link was used, superseded by a newer one, or ended by a change of the account.
    ended_at        BIGINT
);
-- The link that a newer one for the same purpose supersedes.
CREATE INDEX csgn_one_time_links_email_key ON csgn_one_time_links (email_key, purpose)
    WHERE ended_at IS NULL;
-- Deletion with the user, and retention.
CREATE INDEX csgn_one_time_links_user ON csgn_one_time_links (user_id);
CREATE INDEX csgn_one_time_links_expires_at ON csgn_one_time_links (expires_at);

-- Emails that are due or have failed. A sent email is deleted.
CREATE TABLE csgn_mail_outbox (
    id         BLOB   PRIMARY KEY,
    -- The template and its values as JSON. Link and code are added at the time of sending.
    content    TEXT   NOT NULL,
    -- The email address; NULL: that of the account when the email is sent.
    recipient  TEXT,
    user_id    BLOB   REFERENCES csgn_users (id) ON DELETE CASCADE,
    -- No foreign key: the link may be deleted before an email that has failed.
    link_id    BLOB,
    created_at BIGINT NOT NULL,
    -- When the next attempt is due; NULL: the email has failed. An attempt postpones it first, so
    -- that no other node sends the email meanwhile.
    due_at     BIGINT,
    -- The number of attempts, which identifies a lease, and how many of them were before the
    -- operator repeated the email.
    attempts   BIGINT NOT NULL DEFAULT 0,
    given_up   BIGINT NOT NULL DEFAULT 0,
    -- Why the last attempt failed; NULL: it has no result yet.
    last_error TEXT
);
CREATE INDEX csgn_mail_outbox_due ON csgn_mail_outbox (due_at) WHERE due_at IS NOT NULL;
-- Retention.
CREATE INDEX csgn_mail_outbox_created_at ON csgn_mail_outbox (created_at);
CREATE INDEX csgn_mail_outbox_user ON csgn_mail_outbox (user_id);
