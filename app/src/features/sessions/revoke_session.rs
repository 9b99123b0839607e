//! Revoke another session, or all others.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Revokes a session of the user ([`countersign_types::views::SessionInfo::id`]), or all except the
/// current one if `session` is empty.
///
/// Pages end the current session with `logout` instead, which also clears the cookie.
#[server(
    name = RevokeSessionCall,
    prefix = "/fn",
    endpoint = "revoke-session",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn revoke_session(
    #[server(default)] session: String,
    #[server(default)] session_tag: String,
) -> Result<(), ServerFnProblem> {
    use countersign_types::Problem;
    crate::request::handle::<RevokeSessionCall, _>(async |request| {
        let signed_in = request.signed_in_as(&session_tag).await?;
        if session.is_empty() {
            signed_in.revoke_other_sessions().await?;
            request.redirect_form("/account/devices?saved=others");
        } else {
            let session = session.parse().map_err(|_| Problem::NotFound)?;
            signed_in.revoke_session(session).await?;
            if session == signed_in.session() {
                return request.log_out().await;
            }
            request.redirect_form("/account/devices?saved");
        }
        Ok(())
    })
    .await
}

access!(RevokeSessionCall: SignedIn);
