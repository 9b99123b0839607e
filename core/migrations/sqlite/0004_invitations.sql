-- Invitations to sign up are one-time links. Tables, columns and indexes are the same as in
-- ../postgres/0004_invitations.sql; a test compares the two.

-- Open invitations in the order of their list.
CREATE INDEX csgn_one_time_links_invitations ON csgn_one_time_links (id)
    WHERE purpose = 'invitation' AND ended_at IS NULL;
