//! Report activity that was not the user's own.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Ends the session that the email was about, and opens a link that chooses a new password. The
/// form was rendered for the link with the id `link_id`.
#[server(
    name = SecureAccountCall,
    prefix = "/fn",
    endpoint = "secure-account",
    client = AnonymousClient,
    output = Json
)]
pub async fn secure_account(#[server(default)] link_id: String) -> Result<(), ServerFnProblem> {
    crate::request::handle::<SecureAccountCall, _>(async |request| {
        let token = request.link_token_for(&link_id)?;
        let reset = request.auth().secure_account(request.client(), &token).await?;
        request.set_link_cookie(&reset);
        request.redirect_form(crate::routes::RESET);
        Ok(())
    })
    .await
}

access!(SecureAccountCall: Public);
