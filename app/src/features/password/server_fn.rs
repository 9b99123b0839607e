//! Change the password.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::forms::ChangePasswordForm;
use leptos::prelude::*;

/// Changes the password and revokes all other sessions.
///
/// The current session gets new tokens: the response sets the cookie, and the next call refreshes
/// the access token.
#[server(
    name = ChangePasswordCall,
    prefix = "/fn",
    endpoint = "change-password",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn change_password(
    #[server(default)] form: ChangePasswordForm,
    #[server(default)] session_tag: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<ChangePasswordCall, _>(async |request| {
        let issued = request.signed_in_as(&session_tag).await?.change_password(&form).await?;
        request.replace_tokens(&issued);
        request.redirect_form("/account/password?saved");
        Ok(())
    })
    .await
}

access!(ChangePasswordCall: SignedIn);
