//! Where am I signed in?

use crate::{client::AuthClient, codec::Json, problem::Problem};
use contract::view::SessionView;
use leptos::prelude::*;

/// All living sessions of whoever asks, the newest first: there are never more than one answer holds.
#[server(name = MySessionsCall, prefix = "/fn", endpoint = "sessions", client = AuthClient, output = Json)]
pub async fn my_sessions() -> Result<Vec<SessionView>, Problem> {
    crate::edge::run(async |call| Ok(call.signed_in().await?.sessions(auth::MOST_SESSIONS, None).await?.items)).await
}
