//! Log out another device, or all others.

use crate::{client::AuthClient, codec::Json, problem::Problem};
use contract::form::EndSession;
use leptos::prelude::*;

/// Ends one session of whoever asks, or all but theirs. (One's own is left by `logout`, which takes the cookie away, too.)
#[server(name = EndSessionCall, prefix = "/fn", endpoint = "end-session", client = AuthClient, output = Json)]
pub async fn end_session(#[server(default)] form: EndSession) -> Result<(), Problem> {
    crate::edge::run(async |call| {
        let signed_in = call.signed_in_as(&form.tag).await?;
        if form.session.is_empty() {
            signed_in.end_other_sessions().await?;
        } else {
            let session = form.session.parse().map_err(|_| Problem::NotFound)?;
            signed_in.end_session(session).await?;
            if session == signed_in.session() {
                return call.log_out().await;
            }
        }
        call.land("/account/sessions?saved");
        Ok(())
    })
    .await
}
