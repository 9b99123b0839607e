//! List the own activity.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{ActivityFilter, views::ActivityEventPage};
use leptos::prelude::*;

/// Returns one page of the events that `show` includes, newest first. `cursor` is the `next_cursor`
/// of the page before.
#[server(
    name = ListActivityCall,
    prefix = "/fn",
    endpoint = "list-activity",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn list_activity(
    #[server(default)] show: ActivityFilter,
    cursor: Option<String>,
) -> Result<ActivityEventPage, ServerFnProblem> {
    /// Number of events on one page.
    const PAGE_SIZE: u16 = 20;
    crate::request::handle::<ListActivityCall, _>(async |request| {
        Ok(request.signed_in().await?.activity(show, PAGE_SIZE, cursor.as_deref()).await?)
    })
    .await
}

access!(ListActivityCall: SignedIn);
