//! (browser) Messages between the tabs of this browser.

use super::token_store::StoredToken;
use crate::browser;
use countersign_types::Timestamp;

const CHANNEL: &str = "countersign";

/// A message to the other tabs. They share the storage, but changes reach other processes late and
/// storage may be blocked, so messages contain the token as well.
pub(super) enum TabMessage {
    /// A new token after a log-in or a refresh.
    NewToken(StoredToken),
    /// The user logged out of the session with this tag (`None`: of any session).
    LoggedOut { tag: Option<String> },
    /// The session with this tag (`None`: any session) expired or was revoked.
    Ended { tag: Option<String> },
    /// The server rendered an anonymous page: tabs with a session must ask the server.
    Recheck,
    /// A tab requests a refresh at this time.
    RefreshAttempt(Timestamp),
}

impl TabMessage {
    /// Serializes the message: a keyword, a space and the content.
    fn write(&self) -> String {
        let tag_text = |tag: &Option<String>| tag.clone().unwrap_or_default();
        let (keyword, content) = match self {
            Self::NewToken(token) => ("signed-in", token.write()),
            Self::LoggedOut { tag } => ("logged-out", tag_text(tag)),
            Self::Ended { tag } => ("ended", tag_text(tag)),
            Self::Recheck => ("look", String::new()),
            Self::RefreshAttempt(at) => ("asked", at.0.to_string()),
        };
        format!("{keyword} {content}")
    }

    fn read(text: &str) -> Option<Self> {
        let (keyword, content) = text.split_once(' ')?;
        let tag = Some(content.to_owned()).filter(|tag| !tag.is_empty());
        match keyword {
            "signed-in" => StoredToken::read(content).map(Self::NewToken),
            "logged-out" => Some(Self::LoggedOut { tag }),
            "ended" => Some(Self::Ended { tag }),
            "look" => Some(Self::Recheck),
            "asked" => content.parse().ok().map(|at| Self::RefreshAttempt(Timestamp(at))),
            _ => None,
        }
    }
}

pub(super) fn send(message: &TabMessage) {
    browser::broadcast(&message.write());
}

/// Calls `on_message` with each message of another tab.
pub(super) fn subscribe(on_message: fn(TabMessage)) {
    browser::subscribe(CHANNEL, move |text| {
        // Another tab may run another version: unknown messages are ignored.
        if let Some(message) = TabMessage::read(&text) {
            on_message(message);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_message_survives_serialization() {
        let tag = || Some("a-tag".to_owned());
        for message in [
            TabMessage::LoggedOut { tag: tag() },
            TabMessage::LoggedOut { tag: None },
            TabMessage::Ended { tag: tag() },
            TabMessage::Ended { tag: None },
            TabMessage::Recheck,
            TabMessage::RefreshAttempt(Timestamp(-5)),
        ] {
            let text = message.write();
            assert_eq!(TabMessage::read(&text).expect("a message").write(), text);
        }
        for text in ["", "look", "LoggedOut a-tag", "asked soon"] {
            assert!(TabMessage::read(text).is_none(), "{text:?}");
        }
    }
}
