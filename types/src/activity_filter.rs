//! The filters of the activity list.

use crate::{EventKind, EventSeverity, EventTopic};
use serde::{Deserialize, Serialize};

/// A filter of the activity list.
///
/// An event belongs to a filter by what its kind declares. The topic decides between log-ins and
/// changes, so that each kind belongs to one of the two. The severity decides what is a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ActivityFilter {
    /// All events.
    #[default]
    All,
    /// Sessions: log-ins and log-outs, failed attempts, and tokens that may have been stolen. The
    /// topics [`LogIn`](EventTopic::LogIn), [`LogOut`](EventTopic::LogOut) and
    /// [`Security`](EventTopic::Security).
    LogIns,
    /// Changes of the account, and failed attempts: all other topics.
    Changes,
    /// Events that the owner of the account should check: the severity
    /// [`Warning`](EventSeverity::Warning), whatever the topic.
    Warnings,
}

impl ActivityFilter {
    /// All filters, in the order in which pages show them.
    pub const ALL: [Self; 4] = [Self::All, Self::LogIns, Self::Changes, Self::Warnings];

    /// Returns the name in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::LogIns => "log-ins",
            Self::Changes => "changes",
            Self::Warnings => "warnings",
        }
    }

    /// Parses a name that [`ActivityFilter::as_str`] returned.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.as_str() == name)
    }

    /// Returns whether the filter includes events of this kind.
    #[must_use]
    pub const fn includes(self, kind: EventKind) -> bool {
        match self {
            Self::All => true,
            Self::LogIns => is_about_sessions(kind.topic()),
            Self::Changes => !is_about_sessions(kind.topic()),
            Self::Warnings => match kind.severity() {
                EventSeverity::Notice => false,
                EventSeverity::Warning => true,
            },
        }
    }
}

const fn is_about_sessions(topic: EventTopic) -> bool {
    match topic {
        EventTopic::LogIn | EventTopic::LogOut | EventTopic::Security => true,
        EventTopic::Password | EventTopic::Email | EventTopic::Account | EventTopic::Deletion => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActivityFilter::{All, Changes, LogIns, Warnings};

    #[test]
    fn each_kind_is_a_log_in_or_a_change() {
        for kind in EventKind::ALL {
            assert!(All.includes(*kind), "{kind:?}");
            assert_ne!(LogIns.includes(*kind), Changes.includes(*kind), "{kind:?}");
        }
    }

    #[test]
    fn kinds_belong_to_the_filters_that_users_expect() {
        for (kind, filters) in [
            (EventKind::LoggedIn, [true, false, false]),
            (EventKind::LoggedOut, [true, false, false]),
            (EventKind::SessionReplaced, [true, false, false]),
            (EventKind::AllSessionsRevoked, [true, false, false]),
            (EventKind::LogInFailed, [true, false, true]),
            (EventKind::RefreshTokenReused, [true, false, true]),
            (EventKind::ActivityReported, [true, false, true]),
            (EventKind::SignedUp, [false, true, false]),
            (EventKind::NameChanged, [false, true, false]),
            (EventKind::PasswordChanged, [false, true, false]),
            (EventKind::RoleChanged, [false, true, false]),
            (EventKind::AccountDisabled, [false, true, false]),
            (EventKind::DeletionCancelled, [false, true, false]),
            (EventKind::EmailChanged, [false, true, true]),
            (EventKind::PasswordReset, [false, true, true]),
            (EventKind::PasswordChangeFailed, [false, true, true]),
            (EventKind::DeletionRequested, [false, true, true]),
        ] {
            let found = [LogIns, Changes, Warnings].map(|filter| filter.includes(kind));
            assert_eq!(found, filters, "{kind:?}");
        }
    }

    #[test]
    fn name_in_json_is_the_name_in_urls() {
        for filter in ActivityFilter::ALL {
            assert_eq!(ActivityFilter::from_name(filter.as_str()), Some(filter));
            assert_eq!(serde_json::to_value(filter).expect("a string"), filter.as_str());
        }
        for name in ["", "All", "log_ins", "warnings "] {
            assert_eq!(ActivityFilter::from_name(name), None, "{name:?}");
        }
    }
}
