//! (server) The page that asks for the password again.

use super::{ConfirmPasswordForm, messages};
use crate::{
    current_user::CurrentUser,
    layout::{account_layout::load_error, auth_layout::AuthLayout},
    ui::interpolate,
};
use countersign_types::views::TaggedAccount;
use leptos::prelude::*;

#[component]
pub fn ConfirmPasswordPage() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let content = Suspend::new(async move {
        match user.account().await {
            Ok(tagged) => form(tagged).into_any(),
            Err(problem) => load_error(problem),
        }
    });
    view! {
        <AuthLayout heading=messages::HEADING lead=messages::LEAD>{content}</AuthLayout>
    }
}

fn form(tagged: TaggedAccount) -> impl IntoView {
    let email = view! { <strong>{tagged.account.email.clone()}</strong> };
    provide_context(tagged);
    view! {
        <p class="text-muted">{interpolate(messages::ACCOUNT, email)}</p>
        <ConfirmPasswordForm/>
    }
}
