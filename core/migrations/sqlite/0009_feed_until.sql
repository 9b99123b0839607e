-- Retention: lines of the feed by when they end.
CREATE INDEX feed_until ON feed (until);
