//! Read the link from an email that this browser has opened.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::OpenedLink;
use leptos::prelude::*;

/// Returns whose link it is, without using it.
#[server(
    name = ReadLinkCall,
    prefix = "/fn",
    endpoint = "read-link",
    client = AnonymousClient,
    output = Json
)]
pub async fn read_link() -> Result<OpenedLink, ServerFnProblem> {
    crate::request::handle::<ReadLinkCall, _>(async |request| {
        let link = request.auth().read_link(&request.link_token()?).await?;
        Ok(OpenedLink { email: link.email })
    })
    .await
}

access!(ReadLinkCall: Public);
