//! The texts of the page "This wasn't me".

pub const HEADING: &str = "Secure your account";
pub const EXPLANATION: &str = "We'll log out the device that the email was about, or all devices \
                               if it named none. Your current password will stop working, and you \
                               choose a new one. If your email address has changed since, we'll \
                               restore this one and log out all devices.";
pub const CONTINUE: &str = "Log out and continue";
