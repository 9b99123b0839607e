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
        let token = request.link_token()?;
        if page == crate::routes::CONFIRM {
            let user = request.signed_in().await.ok().map(|signed_in| signed_in.user());
            let held = request.pending_verification().ok();
            let link = request.auth().read_address_link(&token, held, user).await?;
            let (link_id, email, action) = (link.id, link.email, Some(link.action));
            return Ok(OpenedLink { link_id, email, action });
        }
        if page == crate::routes::SIGN_UP {
            let link = request.auth().read_invitation(&token).await?;
            return Ok(OpenedLink { link_id: link.id, email: link.email, action: None });
        }
        let is_restore = request.auth().link_purpose(&token) == Some(LinkPurpose::RestoreEmail);
        let purpose = match page.as_str() {
            crate::routes::SECURE if is_restore => LinkPurpose::RestoreEmail,
            crate::routes::SECURE => LinkPurpose::SecureAccount,
            _ => LinkPurpose::ResetPassword,
        };
        let link = request.auth().read_link(purpose, &token).await?;
        Ok(OpenedLink { link_id: link.id, email: link.email, action: None })
    })
    .await
}

access!(ReadLinkCall: Public);
