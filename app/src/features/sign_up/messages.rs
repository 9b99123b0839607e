//! The texts of the sign-up page.

pub const HEADING: &str = "Create your account";

/// Returns the heading for the first administrator. `product` is the name of the product.
pub fn setup_title(product: &str) -> String {
    format!("Set up {product}")
}

pub const FIRST_ADMIN: &str = "Create the first account. It will be the administrator.";
pub const SUBMIT: &str = "Create account";
pub const WORKING: &str = "Creating account…";
pub const ALREADY: &str = "Already have an account? {}";
pub const INVITATION_ENDED: &str = "Ask an administrator for a new invitation, or log in if you \
                                    have an account.";
