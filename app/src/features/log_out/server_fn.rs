//! Log out.

use crate::{
    browser::{json_codec::Json, server_fn_client::LogOutClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use leptos::prelude::*;

/// Ends the session and clears its cookies. Without a session the call succeeds and does nothing
/// else.
#[server(
    name = LogOutCall,
    prefix = "/fn",
    endpoint = "logout",
    client = LogOutClient,
    output = Json
)]
pub async fn log_out() -> Result<(), ServerFnProblem> {
    crate::request::handle::<LogOutCall, _>(async |request| request.log_out().await).await
}

access!(LogOutCall: Public);
