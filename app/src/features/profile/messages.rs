//! The texts of the profile page.

use countersign_types::messages;

messages! {
    HEADING = "Profile";
    WELCOME = "Welcome.";
    WELCOME_BY_NAME = "Welcome, {name}.";
    GO_TO = "Go to {product}";
    GO_TO_APPLICATION = "Go to the application";
    READY = "Your account is ready.";
    CONFIRM_EMAIL = "Confirm your email address";
    CREATED_AT = "Account created";
    CHANGE = "Change";
    CHANGE_EMAIL = "Change email address";
    SAVE = "Save name";
    SAVING = "Saving…";
    SAVED = "Name saved.";
    UNCHANGED = "Nothing to save.";
}

/// Returns the title of the card after the sign-up.
pub fn welcome(name: Option<&str>) -> String {
    name.map_or_else(|| WELCOME.text().to_owned(), |name| WELCOME_BY_NAME.with(&[("name", name)]))
}

/// Returns the link to the application. `product` is the name that the operator has set.
pub fn go_to(product: Option<&str>) -> String {
    product.map_or_else(
        || GO_TO_APPLICATION.text().to_owned(),
        |product| GO_TO.with(&[("product", product)]),
    )
}
