//! Dismiss the notice of refresh token reuse.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Dismisses the notice that another session was revoked because of refresh token reuse.
#[server(
    name = DismissNoticeCall,
    prefix = "/fn",
    endpoint = "dismiss-notice",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn dismiss_notice(#[server(default)] session_tag: String) -> Result<(), ServerFnProblem> {
    crate::request::handle::<DismissNoticeCall, _>(async |request| {
        request.signed_in_as(&session_tag).await?.dismiss_notice().await?;
        request.redirect_form_back(None, countersign_types::redirect_path::DEFAULT_REDIRECT);
        Ok(())
    })
    .await
}

access!(DismissNoticeCall: SignedIn);
