-- When another session of the same user was ended as stolen: told to the first session after that.
ALTER TABLE sessions ADD COLUMN stolen_at BIGINT;
