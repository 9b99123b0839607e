//! The right to the next access token.

use crate::{client::PlainClient, problem::Problem};
use contract::view::Session;
use leptos::prelude::*;

/// Renews the cookie and gives out a new access token. Only [`crate::session`] calls this, holding the lock; never call it from a `Resource`,
/// whose value is written into the page.
#[server(name = RefreshCall, prefix = "/fn", endpoint = "refresh", client = PlainClient)]
pub async fn refresh() -> Result<Session, Problem> {
    crate::edge::run(async |call| call.renew().await).await
}
