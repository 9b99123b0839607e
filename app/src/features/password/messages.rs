//! The texts of the page that changes the password.

use countersign_types::messages;

messages! {
    HEADING = "Password";
    LEAD = "Changing your password logs you out on all your other devices.";
    REPORT_TITLE = "Wasn't that you?";
    REPORT = "Choose a new password. This logs out all your other devices, including the one you \
        don't recognise.";
    SAVE = "Change password";
    SAVING = "Changing…";
    SAVED = "Password changed. All your other devices are logged out.";
}
