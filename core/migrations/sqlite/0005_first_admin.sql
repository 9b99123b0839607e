-- When there was an administrator for the first time. Until then a link is printed at start by which one can come in.
ALTER TABLE installation ADD COLUMN first_admin_at BIGINT;
UPDATE installation SET first_admin_at = created_at WHERE EXISTS (SELECT 1 FROM users WHERE roles = 'user admin');
