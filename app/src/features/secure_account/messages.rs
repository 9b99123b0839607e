//! The texts of the page "This wasn't me".

use countersign_types::messages;

messages! {
    HEADING = "Secure your account";
    EXPLANATION = "We'll log out the device that the email was about, or all devices if it named \
        none. Your current password will stop working, and you choose a new one. If your email \
        address has changed since, we'll restore this one and log out all devices.";
    CONTINUE = "Log out and continue";
}
