//! Somebody wants out.

use crate::{client::DoorClient, problem::Problem};
use leptos::prelude::*;

/// Ends the session, and leaves nothing of it in the browser. Nobody being signed in is no error: then it is done already.
#[server(name = LogOutCall, prefix = "/fn", endpoint = "logout", client = DoorClient)]
pub async fn log_out() -> Result<(), Problem> {
    crate::edge::run(async |call| call.log_out().await).await
}
