//! Confirm the password.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::forms::CurrentPasswordForm;
use leptos::prelude::*;

/// Makes the authentication of the session fresh. `next` is the redirect path, which is returned
/// validated.
///
/// The page is authenticated by the cookie, whose session is fresh at once.
#[server(
    name = ConfirmPasswordCall,
    prefix = "/fn",
    endpoint = "confirm-password",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn confirm_password(
    #[server(default)] form: CurrentPasswordForm,
    #[server(default)] next: String,
    #[server(default)] session_tag: String,
) -> Result<String, ServerFnProblem> {
    crate::request::handle::<ConfirmPasswordCall, _>(async |request| {
        request.signed_in_as(&session_tag).await?.confirm_password(&form).await?;
        let next = countersign_types::RedirectPath::parse(&next);
        request.redirect_form(next.as_str());
        Ok(next.as_str().to_owned())
    })
    .await
}

access!(ConfirmPasswordCall: SignedIn);
