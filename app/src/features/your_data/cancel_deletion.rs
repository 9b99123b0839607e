//! Cancel the account deletion.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::views::TaggedAccount;
use leptos::prelude::*;

/// Cancels the scheduled deletion of the account.
#[server(
    name = CancelDeletionCall,
    prefix = "/fn",
    endpoint = "cancel-deletion",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn cancel_deletion(
    #[server(default)] session_tag: String,
) -> Result<TaggedAccount, ServerFnProblem> {
    crate::request::handle::<CancelDeletionCall, _>(async |request| {
        let account = request.signed_in_as(&session_tag).await?.cancel_deletion().await?;
        request
            .redirect_form_back(Some(crate::routes::DELETION_CANCELLED), crate::routes::DATA.path);
        Ok(TaggedAccount { account, session_tag })
    })
    .await
}

access!(CancelDeletionCall: SignedIn);
