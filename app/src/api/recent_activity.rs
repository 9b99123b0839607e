//! What happened to my account?

use crate::{client::AuthClient, problem::Problem};
use contract::view::{Event, Page};
use leptos::prelude::*;

/// One part of the activity list, newest first; `cursor` is the `next_cursor` of the part before.
#[server(name = RecentActivityCall, prefix = "/fn", endpoint = "recent-activity", client = AuthClient)]
pub async fn recent_activity(cursor: Option<String>) -> Result<Page<Event>, Problem> {
    /// What fits a page without making it long.
    const ITEMS: u16 = 20;
    crate::edge::run(async |call| Ok(call.signed_in().await?.activity(ITEMS, cursor.as_deref()).await?)).await
}
