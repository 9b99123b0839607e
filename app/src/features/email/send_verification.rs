//! Send a code to the current email address.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Sends a link and a code that confirm the address of the account, unless it is confirmed.
#[server(
    name = SendVerificationCall,
    prefix = "/fn",
    endpoint = "send-verification",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn send_verification(
    #[server(default)] session_tag: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<SendVerificationCall, _>(async |request| {
        request.signed_in_as(&session_tag).await?.send_verification().await?;
        request.redirect_form(&crate::routes::email_page_for_code());
        Ok(())
    })
    .await
}

access!(SendVerificationCall: SignedIn);
