//! Sign up.

use crate::{
    browser::{json_codec::Json, server_fn_client::SessionClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::SignUpForm, views::LogInResponse};
use leptos::prelude::*;

/// Creates an account and its first session, or sends an email that must be confirmed first. `next`
/// is where to continue, not validated. The link token of the form is `setup` or the id of an
/// invitation, and stands for the link that this browser has opened.
#[server(
    name = SignUpCall,
    prefix = "/fn",
    endpoint = "signup",
    client = SessionClient,
    output = Json
)]
pub async fn sign_up(
    #[server(default)] form: SignUpForm,
    #[server(default)] next: String,
) -> Result<LogInResponse, ServerFnProblem> {
    crate::request::handle::<SignUpCall, _>(async |request| {
        let mut form = form;
        let has_link = !form.link_token.is_empty();
        if form.link_token == crate::routes::SETUP {
            form.link_token = request.link_token()?;
        } else if has_link {
            form.link_token = request.link_token_for(&form.link_token)?;
        }
        let step = request.auth().sign_up(request.client(), &form, request.cookie()).await?;
        if has_link {
            request.clear_link_cookie();
        }
        Ok(request.step_response(&next, step))
    })
    .await
}

access!(SignUpCall: Public);
