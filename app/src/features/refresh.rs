//! Refresh the session.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::SessionTokens;
use leptos::prelude::*;

/// Rotates the refresh token in the cookie and returns a new access token.
///
/// Only [`crate::browser::session`] calls this, while it holds the lock. Never call it while a page
/// is rendered: the page would contain the token.
#[server(
    name = RefreshCall,
    prefix = "/fn",
    endpoint = "refresh",
    client = AnonymousClient,
    output = Json
)]
pub async fn refresh() -> Result<SessionTokens, ServerFnProblem> {
    crate::request::handle::<RefreshCall, _>(async |request| request.refresh().await).await
}

access!(RefreshCall: Public);
