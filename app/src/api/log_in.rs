//! Somebody wants in.

use crate::{client::DoorClient, problem::Problem};
use contract::{form::LogIn, view::LoggedIn};
use leptos::prelude::*;

/// Opens a session; it takes the place of the one that this browser had.
#[server(name = LogInCall, prefix = "/fn", endpoint = "login", client = DoorClient)]
pub async fn log_in(#[server(default)] form: LogIn) -> Result<LoggedIn, Problem> {
    crate::edge::run(async |call| {
        let (next, issued) = call.auth().log_in(call.client(), &form, call.cookie()).await?;
        Ok(call.welcome(&next, issued))
    })
    .await
}
