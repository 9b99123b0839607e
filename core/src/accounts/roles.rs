//! The roles column of a user, and the scopes that follow from it.

use crate::sessions::access_token::{ACCOUNT_SCOPE, ADMIN_SCOPE};
use countersign_types::views::Role;

/// Returns the column value for a role.
pub(crate) const fn roles_to_column(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Admin => "user admin",
    }
}

/// Returns the scopes of a token (RFC 6749, 3.3): the user's own account, and for administrators
/// all accounts.
pub(crate) fn scope_string(roles: &str) -> String {
    if parse_roles(roles).contains(&Role::Admin) {
        format!("{ACCOUNT_SCOPE} {ADMIN_SCOPE}")
    } else {
        ACCOUNT_SCOPE.into()
    }
}

pub(crate) fn parse_roles(stored: &str) -> Vec<Role> {
    stored.split_whitespace().filter_map(Role::from_name).collect()
}
