//! List the own sessions.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::SessionList;
use leptos::prelude::*;

/// Returns all active sessions of the user, newest first. Their number is limited, so the list
/// needs no pagination.
#[server(
    name = ListSessionsCall,
    prefix = "/fn",
    endpoint = "list-sessions",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn list_sessions() -> Result<SessionList, ServerFnProblem> {
    crate::request::handle::<ListSessionsCall, _>(async |request| {
        Ok(request.signed_in().await?.all_sessions().await?)
    })
    .await
}

access!(ListSessionsCall: SignedIn);
