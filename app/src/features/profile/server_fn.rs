//! Change the display name.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::UpdateProfileForm, views::TaggedAccount};
use leptos::prelude::*;

/// Changes the display name of the account.
#[server(
    name = UpdateProfileCall,
    prefix = "/fn",
    endpoint = "update-profile",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn update_profile(
    #[server(default)] form: UpdateProfileForm,
    #[server(default)] session_tag: String,
) -> Result<TaggedAccount, ServerFnProblem> {
    crate::request::handle::<UpdateProfileCall, _>(async |request| {
        let signed_in = request.signed_in_as(&session_tag).await?;
        // Scripts compare the names themselves.
        let before =
            if request.is_plain_form() { Some(signed_in.account().await?.name) } else { None };
        let account = signed_in.update_display_name(&form).await?;
        request.redirect_form(if before.as_ref() == Some(&account.name) {
            "/account?saved=nothing"
        } else {
            "/account?saved"
        });
        Ok(TaggedAccount { account, session_tag })
    })
    .await
}

access!(UpdateProfileCall: SignedIn);
