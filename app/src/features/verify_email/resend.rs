//! Send the email with the link and the code once more.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Sends another email to the address of the sign-up or log-in that waits in this browser. `next`
/// is the redirect path of the page.
#[server(
    name = ResendVerificationCall,
    prefix = "/fn",
    endpoint = "resend-verification",
    client = AnonymousClient,
    output = Json
)]
pub async fn resend_verification(#[server(default)] next: String) -> Result<(), ServerFnProblem> {
    crate::request::handle::<ResendVerificationCall, _>(async |request| {
        let pending = request.pending_verification()?;
        request.auth().resend_verification(request.client(), pending).await?;
        request.redirect_form(&crate::return_to::verify_page_after_resend(&next));
        Ok(())
    })
    .await
}

access!(ResendVerificationCall: Public);
