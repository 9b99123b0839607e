//! Log in.

use crate::{
    browser::{json_codec::Json, server_fn_client::SessionClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::LogInForm, views::LogInResponse};
use leptos::prelude::*;

/// Creates a session, which replaces the one that this browser had, or sends an email that must be
/// confirmed first. `next` is where to continue, not validated.
#[server(
    name = LogInCall,
    prefix = "/fn",
    endpoint = "login",
    client = SessionClient,
    output = Json
)]
pub async fn log_in(
    #[server(default)] form: LogInForm,
    #[server(default)] next: String,
) -> Result<LogInResponse, ServerFnProblem> {
    crate::request::handle::<LogInCall, _>(async |request| {
        let step = request.auth().log_in(request.client(), &form, request.cookie()).await?;
        Ok(request.step_response(&next, step))
    })
    .await
}

access!(LogInCall: Public);
