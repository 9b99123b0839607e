//! The texts of the page that chooses a new password with a link.

use countersign_types::messages;

messages! {
    HEADING = "Choose a new password";
    FOR = "For {email}";
    SAVE = "Save and log out everywhere";
    SAVING = "Saving…";
    NEW_LINK = "Send a new link";
}
