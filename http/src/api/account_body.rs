//! The account of the user in responses.

use crate::rfc3339::rfc3339;
use countersign_types::views::Account;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub(crate) struct AccountBody {
    id: Uuid,
    email: String,
    email_verified: bool,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When reuse of a refresh token was detected in another session, before this session started.
    /// The token may have been stolen, and that session was revoked.
    #[schema(required = true, format = DateTime)]
    reuse_detected_at: Option<String>,
    /// When the account will be deleted, if its owner has requested that. Until then, the deletion
    /// can be canceled.
    #[schema(required = true, format = DateTime)]
    deletion_scheduled_at: Option<String>,
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.0,
            email: account.email,
            email_verified: account.email_verified,
            name: account.name,
            roles: account.roles.into_iter().map(countersign_types::views::Role::as_str).collect(),
            created_at: rfc3339(account.created_at),
            reuse_detected_at: account.reuse_detected_at.map(rfc3339),
            deletion_scheduled_at: account.deletion_scheduled_at.map(rfc3339),
        }
    }
}
