//! The texts of the log-in page.

use countersign_types::messages;

messages! {
    LOG_IN_TO = "Log in to {product}";
    WORKING = "Logging in…";
    NEW_HERE = "New here? {sign_up}";
    REMEMBER_ME = "Keep me logged in";
    FORGOT = "Forgot your password?";
    PASSWORD_RESET = "Your password has been changed, and you've been logged out everywhere. Log \
        in with the new one.";
    LOGGED_OUT = "You've logged out.";
    LOGGED_OUT_ELSEWHERE = "You logged out in another tab, so we've logged you out here as well.";
    SESSION_EXPIRED = "You've been logged out. Log in to pick up where you left off.";
    CONTINUE = "Continue without another log-in";
}

/// Returns the heading of the page. `product` is the name of the product.
pub fn title(product: &str) -> String {
    LOG_IN_TO.with(&[("product", product)])
}
