//! The texts of the sign-up page.

use countersign_types::messages;

messages! {
    HEADING = "Create your account";
    SET_UP = "Set up {product}";
    FIRST_ADMIN = "Create the first account. It will be the administrator.";
    SUBMIT = "Create account";
    WORKING = "Creating account…";
    ALREADY = "Already have an account? {log_in}";
    INVITATION_ENDED = "Ask an administrator for a new invitation, or log in if you have an \
        account.";
}

/// Returns the heading for the first administrator. `product` is the name of the product.
pub fn setup_title(product: &str) -> String {
    SET_UP.with(&[("product", product)])
}
