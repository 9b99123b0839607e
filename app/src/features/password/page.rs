//! (server) The page to change the password.

use super::{PasswordForm, messages};
use crate::{layout::account_layout::account_page, routes};
use leptos::prelude::*;

#[component]
pub fn PasswordPage() -> impl IntoView {
    account_page(routes::PASSWORD, messages::LEAD, async |_| view! { <PasswordForm/> }.into_any())
}
