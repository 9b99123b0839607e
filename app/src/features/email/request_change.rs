//! Ask for a new email address.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::forms::ChangeEmailForm;
use leptos::prelude::*;

/// Sends a code to a new address. The response doesn't tell whether it has an account.
#[server(
    name = RequestEmailChangeCall,
    prefix = "/fn",
    endpoint = "request-email-change",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn request_email_change(
    #[server(default)] form: ChangeEmailForm,
    #[server(default)] session_tag: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<RequestEmailChangeCall, _>(async |request| {
        request.signed_in_as(&session_tag).await?.request_email_change(&form).await?;
        request.redirect_form(&crate::routes::email_page_for_code());
        Ok(())
    })
    .await
}

access!(RequestEmailChangeCall: SignedIn);
