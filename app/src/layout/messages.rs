//! The texts of the notices that every account page shows.

/// The notice that a session was revoked because of refresh token reuse.
pub mod reuse_notice {
    pub const TITLE: &str = "We logged out one of your devices to be safe";
    pub const EXPLANATION: &str = "Its session was used in two places, so it may have been \
        copied. If you can't explain that, {}.";
    pub const CHANGE_PASSWORD_LINK: &str = "change your password";
    pub const DISMISS: &str = "Don't show this again";
}

/// The notice that the email address is not confirmed.
pub mod verification_notice {
    pub const TITLE: &str = "Confirm your email address";
    pub const EXPLANATION: &str = "If you forget your password, we can help you only at {}. Enter \
        the code from our email to it, or get a new one.";
    pub const ENTER_CODE: &str = "Enter the code";
    pub const SEND_CODE: &str = "Send a code";
    pub const LATER: &str = "Later";
}

/// The notice that the account is scheduled for deletion.
pub mod deletion_notice {
    pub const SCHEDULED_FOR: &str = "Your account will be deleted on {}.";
    pub const CANCEL_HELP: &str = "Changed your mind? Keep your account. If you didn't ask for \
        this, change your password as well.";
    pub const CANCEL: &str = "Keep my account";
    /// Replaces the form that requests the deletion.
    pub const PENDING_NOTICE: &str =
        "Your account is scheduled for deletion. Use “Keep my account” above to cancel.";
}
