//! Who am I?

use crate::{client::AuthClient, problem::Problem};
use contract::view::Account;
use leptos::prelude::*;

/// The account of whoever asks.
#[server(name = CurrentAccountCall, prefix = "/fn", endpoint = "current-account", client = AuthClient)]
pub async fn current_account() -> Result<Account, Problem> {
    crate::edge::run(async |call| Ok(call.signed_in().await?.account().await?)).await
}
