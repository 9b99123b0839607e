//! Postpone confirming the email address.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Hides the notice that the address is not confirmed, for a week in this session.
#[server(
    name = PostponeVerificationCall,
    prefix = "/fn",
    endpoint = "postpone-verification",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn postpone_verification(
    #[server(default)] session_tag: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<PostponeVerificationCall, _>(async |request| {
        request.signed_in_as(&session_tag).await?.postpone_verification().await?;
        request.redirect_form_back(None, countersign_types::redirect_path::DEFAULT_REDIRECT);
        Ok(())
    })
    .await
}

access!(PostponeVerificationCall: SignedIn);
