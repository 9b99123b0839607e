//! Read the link from an email that this browser has opened.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::OpenedLink;
use leptos::prelude::*;

/// Returns whose link it is, without using it. `page` is the path of the page of the link.
#[server(
    name = ReadLinkCall,
    prefix = "/fn",
    endpoint = "read-link",
    client = AnonymousClient,
    output = Json
)]
pub async fn read_link(#[server(default)] page: String) -> Result<OpenedLink, ServerFnProblem> {
    crate::request::handle::<ReadLinkCall, _>(async |request| {
        use countersign_core::one_time_links::LinkPurpose;
        let purpose = match page.as_str() {
            crate::routes::SECURE => LinkPurpose::SecureAccount,
            _ => LinkPurpose::ResetPassword,
        };
        let link = request.auth().read_link(purpose, &request.link_token()?).await?;
        Ok(OpenedLink { link_id: link.id, email: link.email })
    })
    .await
}

access!(ReadLinkCall: Public);
