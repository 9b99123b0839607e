//! The texts of the profile page.

pub const HEADING: &str = "Profile";

/// Returns the title of the card after the sign-up.
pub fn welcome(name: Option<&str>) -> String {
    name.map_or_else(|| "Welcome.".to_owned(), |name| format!("Welcome, {name}."))
}

pub const READY: &str = "Your account is ready.";
pub const CONFIRM_EMAIL: &str = "Confirm your email address";

/// Returns the link to the application. `product` is the name that the operator has set.
pub fn go_to(product: Option<&str>) -> String {
    format!("Go to {}", product.unwrap_or("the application"))
}

pub const CREATED_AT: &str = "Account created";
pub const CHANGE: &str = "Change";
pub const CHANGE_EMAIL: &str = "Change email address";
pub const SAVE: &str = "Save name";
pub const SAVING: &str = "Saving…";
pub const SAVED: &str = "Name saved.";
pub const UNCHANGED: &str = "Nothing to save.";
