//! Sign up.

use crate::{
    browser::{json_codec::Json, server_fn_client::SessionClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::SignUpForm, views::LogInResponse};
use leptos::prelude::*;

/// Creates an account and its first session. `next` is the redirect path.
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
        let issued = request.auth().sign_up(request.client(), &form, request.cookie()).await?;
        Ok(request.log_in_response(&next, issued))
    })
    .await
}

access!(SignUpCall: Public);
