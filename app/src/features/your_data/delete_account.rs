//! Request the account deletion.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::CurrentPasswordForm, views::TaggedAccount};
use leptos::prelude::*;

/// Schedules the account for deletion after the grace period, and revokes all other sessions.
#[server(
    name = DeleteAccountCall,
    prefix = "/fn",
    endpoint = "delete-account",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn delete_account(
    #[server(default)] form: CurrentPasswordForm,
    #[server(default)] session_tag: String,
) -> Result<TaggedAccount, ServerFnProblem> {
    crate::request::handle::<DeleteAccountCall, _>(async |request| {
        let account = request.signed_in_as(&session_tag).await?.delete_account(&form).await?;
        request.redirect_form(crate::routes::DATA.path);
        Ok(TaggedAccount { account, session_tag })
    })
    .await
}

access!(DeleteAccountCall: SignedIn);
