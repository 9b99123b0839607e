//! Cancel the request to change the email address.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Ends the link and the code that were sent to the new address.
#[server(
    name = CancelEmailChangeCall,
    prefix = "/fn",
    endpoint = "cancel-email-change",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn cancel_email_change(
    #[server(default)] session_tag: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<CancelEmailChangeCall, _>(async |request| {
        request.signed_in_as(&session_tag).await?.cancel_email_change().await?;
        request.redirect_form(crate::routes::EMAIL.path);
        Ok(())
    })
    .await
}

access!(CancelEmailChangeCall: SignedIn);
