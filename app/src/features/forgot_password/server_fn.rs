//! Request an email to reset the password.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::ForgotPasswordForm, views::RequestedMail};
use leptos::prelude::*;

/// Sends a link and a code, if the address has an account. The response doesn't tell.
#[server(
    name = ForgotPasswordCall,
    prefix = "/fn",
    endpoint = "forgot-password",
    client = AnonymousClient,
    output = Json
)]
pub async fn forgot_password(
    #[server(default)] form: ForgotPasswordForm,
) -> Result<RequestedMail, ServerFnProblem> {
    crate::request::handle::<ForgotPasswordCall, _>(async |request| {
        let link_id = request.auth().request_password_reset(request.client(), &form).await?;
        request.redirect_form(&crate::routes::sent_page(&link_id.to_string()));
        Ok(RequestedMail { link_id })
    })
    .await
}

access!(ForgotPasswordCall: Public);
