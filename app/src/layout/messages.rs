//! The texts of the notices that every account page shows.

/// The notice that a session was revoked because of refresh token reuse.
pub mod reuse_notice {
    use countersign_types::messages;

    messages! {
        TITLE = "We logged out one of your devices to be safe";
        EXPLANATION = "Its session was used in two places, so it may have been copied. If you \
            can't explain that, {change_password}.";
        CHANGE_PASSWORD_LINK = "change your password";
        DISMISS = "Don't show this again";
    }
}

/// The notice that the email address is not confirmed.
pub mod verification_notice {
    use countersign_types::messages;

    messages! {
        TITLE = "Confirm your email address";
        EXPLANATION = "If you forget your password, we can help you only at {email}. Enter the \
            code from our email to it, or get a new one.";
        ENTER_CODE = "Enter the code";
        SEND_CODE = "Send a code";
        LATER = "Later";
    }
}

/// The notice that the account is scheduled for deletion.
pub mod deletion_notice {
    use countersign_types::messages;

    messages! {
        SCHEDULED_FOR = "Your account will be deleted on {date}.";
        CANCEL_HELP = "Changed your mind? Keep your account. If you didn't ask for this, change \
            your password as well.";
        CANCEL = "Keep my account";
        /// Replaces the form that requests the deletion.
        PENDING_NOTICE = "Your account is scheduled for deletion. Use “Keep my account” above to \
            cancel.";
    }
}
