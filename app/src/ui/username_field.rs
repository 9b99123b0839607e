//! The account of a password, for password managers.

use leptos::prelude::*;

/// A field that tells password managers which account the password of the form belongs to. It is
/// not `hidden`: some password managers skip fields that are not displayed.
#[component]
pub fn UsernameField(
    /// The address of the user.
    email: String,
) -> impl IntoView {
    view! {
        <input
            type="text"
            name="username"
            value=email
            autocomplete="username"
            class="visually-hidden"
            readonly
            tabindex="-1"
            aria-hidden="true"
        />
    }
}
