//! Confirm the email address, or the new one, with a code.

use crate::{
    browser::{json_codec::Json, server_fn_client::AuthenticatedClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::CodeForm, views::TaggedAccount};
use leptos::prelude::*;

/// Uses the code from the newest email to the account or to its new address.
#[server(
    name = ConfirmCodeCall,
    prefix = "/fn",
    endpoint = "confirm-code",
    client = AuthenticatedClient,
    output = Json
)]
pub async fn confirm_code(
    #[server(default)] form: CodeForm,
    #[server(default)] session_tag: String,
) -> Result<TaggedAccount, ServerFnProblem> {
    crate::request::handle::<ConfirmCodeCall, _>(async |request| {
        use countersign_core::{Error, accounts::AddressProof};
        let code = form.validate().map_err(Error::from)?;
        let signed_in = request.signed_in_as(&session_tag).await?;
        let account = signed_in.confirm_email(AddressProof::Code(&code)).await?;
        request.redirect_form(&crate::routes::email_page_after_change());
        Ok(TaggedAccount { account, session_tag })
    })
    .await
}

access!(ConfirmCodeCall: SignedIn);
