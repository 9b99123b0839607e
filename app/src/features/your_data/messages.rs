//! The texts of the page for data export and account deletion, and of the exported document.

pub const HEADING: &str = "Your data";
pub const DOWNLOAD: &str = "Download your data";
pub const DOWNLOAD_HELP: &str = "A copy of everything we store about you: your account, \
    devices and activity. Your password isn't included.";
pub const CONFIRMED: &str = "Password confirmed. Choose a format to download your data.";
pub const AS_HTML: &str = "Download as a web page";
pub const AS_JSON: &str = "Download as JSON";
pub const ASK_TO_DELETE: &str = "Delete account…";
pub const DELETE: &str = "Delete account";
pub const DELETING: &str = "Deleting…";
pub const DELETION_CANCELLED: &str = "Your account won't be deleted.";

/// Returns the effect of the account deletion, shown before the user requests it.
pub fn delete_help() -> String {
    format!(
        "You'll be logged out on all other devices right away. In {} days your account and \
         everything we store about you is deleted for good. Until then you can log in and \
         keep your account.",
        countersign_types::views::DELETION_GRACE_PERIOD.as_seconds() / 86_400
    )
}

/// Returns the title of the exported document. `product` is the name of the product.
pub fn document_title(product: &str) -> String {
    format!("Everything {product} stores about you")
}

pub const AS_OF: &str = "As of {}.";
pub const NOT_THE_PASSWORD: &str = "Your password is stored only as a hash, which isn't included.";
pub const EMPTY_CELL: &str = "–";
pub const ID: &str = "Account ID";
pub const ROLES: &str = "Roles";
pub const LAST_LOG_IN: &str = "Last log-in";
pub const SCHEDULED_FOR: &str = "Deletion scheduled for";
pub const SESSION_COLUMNS: [&str; 5] =
    ["Device", "Address", "Since", "Last used", "Ended or expires"];
pub const EVENT_COLUMNS: [&str; 4] = ["Time", "Event", "Device", "Address"];
pub const MORE_SESSIONS: &str = "Older sessions are in the JSON download.";
pub const MORE_EVENTS: &str = "Older events are on your activity page.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletion_grace_period_is_given_in_days() {
        assert!(delete_help().contains("In 14 days"));
    }
}
