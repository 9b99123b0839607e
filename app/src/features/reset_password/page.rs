//! (server) The page that chooses a new password with a link.

use super::{ResetPasswordForm, form::link_problem, messages, read_link};
use crate::{
    layout::{account_layout::load_error, auth_layout::AuthLayout},
    routes,
    server_fn_error::ServerFnProblem,
    ui::interpolate,
};
use countersign_types::Problem;
use leptos::prelude::*;

#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let content = Suspend::new(async {
        match read_link(routes::RESET.to_owned()).await {
            Ok(link) => {
                let address = view! { <strong>{link.email.clone()}</strong> };
                provide_context(link);
                view! {
                    <p class="text-muted">{interpolate(messages::FOR, address)}</p>
                    <ResetPasswordForm/>
                }
                .into_any()
            }
            Err(ServerFnProblem(problem @ Problem::Unavailable)) => load_error(problem),
            Err(error) => link_problem(error.into()).into_any(),
        }
    });
    view! {
        <AuthLayout heading=messages::HEADING.text()>{content}</AuthLayout>
    }
}
