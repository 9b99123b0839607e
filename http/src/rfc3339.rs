//! Timestamps in RFC 3339 format, in UTC.

use countersign_types::Timestamp;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Formats a timestamp with milliseconds. A value out of range, which only a corrupt database could
/// contain, becomes 1970.
pub fn rfc3339(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_formatted_as_rfc3339() {
        assert_eq!(rfc3339(Timestamp(1_767_225_600_000)), "2026-01-01T00:00:00Z");
        assert_eq!(rfc3339(Timestamp(1_767_225_600_120)), "2026-01-01T00:00:00.12Z");
        assert_eq!(rfc3339(Timestamp(i64::MAX)), "1970-01-01T00:00:00Z");
    }
}
