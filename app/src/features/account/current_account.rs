//! Get the own account.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::Account;
use leptos::prelude::*;

/// Returns the account of the user.
#[server(
    name = CurrentAccountCall,
    prefix = "/fn",
    endpoint = "current-account",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn current_account() -> Result<Account, ServerFnProblem> {
    crate::request::handle::<CurrentAccountCall, _>(async |request| {
        Ok(request.signed_in().await?.account().await?)
    })
    .await
}

access!(CurrentAccountCall: SignedIn);
