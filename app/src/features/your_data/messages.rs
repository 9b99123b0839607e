//! The texts of the page for data export and account deletion, and of the exported document.

use countersign_types::{Message, messages};

messages! {
    HEADING = "Your data";
    DOWNLOAD = "Download your data";
    DOWNLOAD_HELP = "A copy of everything we store about you: your account, devices and activity. \
        Your password isn't included.";
    CONFIRMED = "Password confirmed. Choose a format to download your data.";
    AS_HTML = "Download as a web page";
    AS_JSON = "Download as JSON";
    ASK_TO_DELETE = "Delete account…";
    DELETE = "Delete account";
    DELETING = "Deleting…";
    DELETION_CANCELLED = "Your account won't be deleted.";
    DELETE_HELP = "You'll be logged out on all other devices right away. In {days} days your \
        account and everything we store about you is deleted for good. Until then you can log in \
        and keep your account.";
    DOCUMENT_TITLE = "Everything {product} stores about you";
    AS_OF = "As of {time}.";
    NOT_THE_PASSWORD = "Your password is stored only as a hash, which isn't included.";
    EMPTY_CELL = "–";
    ID = "Account ID";
    ROLES = "Roles";
    LAST_LOG_IN = "Last log-in";
    SCHEDULED_FOR = "Deletion scheduled for";
    DEVICE = "Device";
    ADDRESS = "Address";
    SINCE = "Since";
    LAST_USED = "Last used";
    ENDED_OR_EXPIRES = "Ended or expires";
    TIME = "Time";
    EVENT = "Event";
    MORE_SESSIONS = "Older sessions are in the JSON download.";
    MORE_EVENTS = "Older events are on your activity page.";
}

/// Returns the effect of the account deletion, shown before the user requests it.
pub fn delete_help() -> String {
    let days = countersign_types::views::DELETION_GRACE_PERIOD.as_seconds() / 86_400;
    DELETE_HELP.with(&[("days", &days.to_string())])
}

/// Returns the title of the exported document. `product` is the name of the product.
pub fn document_title(product: &str) -> String {
    DOCUMENT_TITLE.with(&[("product", product)])
}

/// The columns of the sessions in the exported document.
pub const SESSION_COLUMNS: [Message; 5] = [DEVICE, ADDRESS, SINCE, LAST_USED, ENDED_OR_EXPIRES];

/// The columns of the events in the exported document.
pub const EVENT_COLUMNS: [Message; 4] = [TIME, EVENT, DEVICE, ADDRESS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletion_grace_period_is_given_in_days() {
        assert!(delete_help().contains("In 14 days"));
    }
}
