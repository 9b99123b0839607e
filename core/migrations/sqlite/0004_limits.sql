-- How often something was tried lately, by what it is and whom it concerns.
CREATE TABLE limits (
    kind    TEXT   NOT NULL,
    -- A network address, or a keyed hash: never an address that somebody typed.
    subject BLOB   NOT NULL,
    tries   BIGINT NOT NULL,
    -- When the next one is free; when the last one was.
    free_at BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX limits_at ON limits (at);
