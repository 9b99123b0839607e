//! Complete a sign-up or log-in with the code from the email.

use crate::{
    browser::{json_codec::Json, server_fn_client::SessionClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::CodeForm, views::LogInResponse};
use leptos::prelude::*;

/// Completes the sign-up or log-in that waits in this browser, and begins its session. `next` is
/// where to continue, not validated.
#[server(
    name = VerifyEmailCall,
    prefix = "/fn",
    endpoint = "verify-email",
    client = SessionClient,
    output = Json
)]
pub async fn verify_email(
    #[server(default)] form: CodeForm,
    #[server(default)] next: String,
) -> Result<LogInResponse, ServerFnProblem> {
    crate::request::handle::<VerifyEmailCall, _>(async |request| {
        use countersign_core::{Error, accounts::AddressProof};
        let code = form.validate().map_err(Error::from)?;
        let pending = request.pending_verification()?;
        let proof = AddressProof::Code(&code);
        let (auth, cookie) = (request.auth(), request.cookie());
        let issued = auth.complete_verification(request.client(), pending, proof, cookie).await?;
        request.clear_verification_cookie();
        Ok(request.log_in_response(&next, issued))
    })
    .await
}

access!(VerifyEmailCall: Public);
