//! Choose a new password with a link.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::forms::ResetPasswordForm;
use leptos::prelude::*;

/// Replaces the password with the link that this browser has opened. The form was rendered for the
/// link with the id `link_id`. No session begins.
#[server(
    name = ResetPasswordCall,
    prefix = "/fn",
    endpoint = "reset-password",
    client = AnonymousClient,
    output = Json
)]
pub async fn reset_password(
    #[server(default)] form: ResetPasswordForm,
    #[server(default)] link_id: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<ResetPasswordCall, _>(async |request| {
        let token = request.link_token_for(&link_id)?;
        request.auth().reset_password(request.client(), &token, &form).await?;
        request.clear_link_cookie();
        request.redirect_form(&crate::routes::log_in_after_reset());
        Ok(())
    })
    .await
}

access!(ResetPasswordCall: Public);
