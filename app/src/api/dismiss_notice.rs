//! The notice of a stolen session, dismissed.

use crate::{client::AuthClient, codec::Json, problem::Problem};
use countersign_types::form::DismissNotice;
use leptos::prelude::*;

/// Dismisses the notice that another session was ended as stolen.
#[server(name = DismissNoticeCall, prefix = "/fn", endpoint = "dismiss-notice", client = AuthClient, output = Json)]
pub async fn dismiss_notice(#[server(default)] form: DismissNotice) -> Result<(), Problem> {
    crate::edge::run(async |call| {
        call.signed_in_as(&form.tag).await?.dismiss_notice().await?;
        call.land_back(None, countersign_types::next::HOME);
        Ok(())
    })
    .await
}
