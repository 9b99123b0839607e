//! Call me something else.

use crate::{client::AuthClient, problem::Problem};
use contract::{form::Rename, view::Account};
use leptos::prelude::*;

/// Changes the name that the account shows.
#[server(name = RenameCall, prefix = "/fn", endpoint = "rename", client = AuthClient)]
pub async fn rename(#[server(default)] form: Rename) -> Result<Account, Problem> {
    crate::edge::run(async |call| {
        let account = call.signed_in_as(&form.tag).await?.rename(&form).await?;
        call.land("/account?saved");
        Ok(account)
    })
    .await
}
