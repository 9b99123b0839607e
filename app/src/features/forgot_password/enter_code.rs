//! Enter the code from an email.

use crate::{
    browser::{json_codec::Json, server_fn_client::AnonymousClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::forms::CodeForm;
use leptos::prelude::*;

/// Opens the link that the code stands for, in this browser.
#[server(
    name = EnterCodeCall,
    prefix = "/fn",
    endpoint = "enter-code",
    client = AnonymousClient,
    output = Json
)]
pub async fn enter_code(
    #[server(default)] form: CodeForm,
    #[server(default)] link_id: String,
) -> Result<(), ServerFnProblem> {
    crate::request::handle::<EnterCodeCall, _>(async |request| {
        use countersign_core::{Error, one_time_links::LinkPurpose};
        let code = form.validate().map_err(Error::from)?;
        let link = link_id.parse().map_err(|_| Error::LinkExpired)?;
        let purpose = LinkPurpose::ResetPassword;
        let token = request.auth().redeem_code(request.client(), purpose, link, &code).await?;
        request.set_link_cookie(&token);
        request.redirect_form(crate::routes::RESET);
        Ok(())
    })
    .await
}

access!(EnterCodeCall: Public);
