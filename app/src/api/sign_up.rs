//! Somebody wants an account.

use crate::{client::DoorClient, problem::Problem};
use contract::{form::SignUp, view::LoggedIn};
use leptos::prelude::*;

/// Makes the account and a first session.
#[server(name = SignUpCall, prefix = "/fn", endpoint = "signup", client = DoorClient)]
pub async fn sign_up(#[server(default)] form: SignUp) -> Result<LoggedIn, Problem> {
    crate::edge::run(async |call| {
        let (next, issued) = call.auth().sign_up(call.client(), &form, call.cookie()).await?;
        Ok(call.welcome(&next, issued))
    })
    .await
}
