//! The texts of the log-in page.

/// Returns the heading of the page. `product` is the name of the product.
pub fn title(product: &str) -> String {
    format!("Log in to {product}")
}

pub const WORKING: &str = "Logging in…";
pub const NEW_HERE: &str = "New here? {}";
pub const REMEMBER_ME: &str = "Keep me logged in";
pub const FORGOT: &str = "Forgot your password?";
pub const PASSWORD_RESET: &str = "Your password has been changed, and you've been logged out \
    everywhere. Log in with the new one.";
pub const LOGGED_OUT: &str = "You've logged out.";
pub const LOGGED_OUT_ELSEWHERE: &str =
    "You logged out in another tab, so we've logged you out here as well.";
pub const SESSION_EXPIRED: &str = "You've been logged out. Log in to pick up where you left off.";
pub const CONTINUE: &str = "Continue without another log-in";
