//! Confirm an email address with a link.

use crate::{
    browser::{json_codec::Json, server_fn_client::SessionClient},
    server_fn_access::access,
    server_fn_error::ServerFnProblem,
};
use countersign_types::{forms::ResetPasswordForm, views::LogInResponse};
use leptos::prelude::*;

/// Uses the link that this browser has opened: completes the sign-up or log-in that waits here,
/// creates an account with the password in the form, or confirms the address of the account that
/// is signed in. The form was rendered for the link with the id `link_id`.
#[server(
    name = ConfirmEmailCall,
    prefix = "/fn",
    endpoint = "confirm-email",
    client = SessionClient,
    output = Json
)]
pub async fn confirm_email(
    #[server(default)] form: ResetPasswordForm,
    #[server(default)] link_id: String,
) -> Result<LogInResponse, ServerFnProblem> {
    crate::request::handle::<ConfirmEmailCall, _>(async |request| {
        use countersign_core::{Error, accounts::AddressProof};
        use countersign_types::{Problem, views::LinkAction};
        let token = request.link_token_for(&link_id)?;
        let proof = AddressProof::Link(&token);
        let (auth, client, cookie) = (request.auth(), request.client(), request.cookie());
        let signed_in = request.signed_in().await.ok();
        let held = request.pending_verification().ok();
        let user = signed_in.as_ref().map(countersign_core::SignedIn::user);
        let link = auth.read_address_link(&token, held, user).await?;
        let is_confirmed = link.action == LinkAction::Confirm && form.new_password.is_empty();
        let issued = match (link.action, held) {
            (LinkAction::LogIn, _) => return Err(Problem::LinkExpired.into()),
            // The link belongs to what waits in this browser, or to the account in its session.
            (_, Some(held)) if is_confirmed => {
                match auth.complete_verification(client, held, proof, cookie).await {
                    Ok(issued) => Some(issued),
                    Err(Error::LinkExpired) => None,
                    Err(error) => return Err(error.into()),
                }
            }
            _ if is_confirmed => None,
            // A typed password counts, also if the browser has signed up in another tab meanwhile.
            _ => Some(auth.sign_up_with_link(client, &token, &form, cookie).await?),
        };
        let response = if let Some(issued) = issued {
            request.clear_verification_cookie();
            request.log_in_response("", issued)
        } else {
            let signed_in = signed_in.ok_or(Problem::LinkExpired)?;
            signed_in.confirm_email(proof).await?;
            let next = crate::routes::email_page_after_change();
            request.redirect_form(&next);
            LogInResponse { next, session: None }
        };
        request.clear_link_cookie();
        Ok(response)
    })
    .await
}

access!(ConfirmEmailCall: Public);
