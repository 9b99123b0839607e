//! Get the own account.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::TaggedAccount;
use leptos::prelude::*;

/// Returns the account of the user.
#[server(
    name = CurrentAccountCall,
    prefix = "/fn",
    endpoint = "current-account",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn current_account() -> Result<TaggedAccount, ServerFnProblem> {
    crate::request::handle::<CurrentAccountCall, _>(async |request| {
        let signed_in = request.signed_in().await?;
        Ok(TaggedAccount {
            account: signed_in.account().await?,
            session_tag: signed_in.session_tag(),
        })
    })
    .await
}

access!(CurrentAccountCall: SignedIn);
