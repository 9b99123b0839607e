//! The account of a password, for password managers.

use leptos::prelude::*;

/// A hidden field that tells password managers which account the password of the form belongs to.
#[component]
pub fn UsernameField(email: String) -> impl IntoView {
    view! {
        <input
            type="text"
            name="username"
            value=email
            autocomplete="username"
            readonly
            hidden
        />
    }
}
