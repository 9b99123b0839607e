//! The roles of a user as they are stored, and the scopes that follow from them.

use crate::sessions::access_token::{ACCOUNT_SCOPE, ADMIN_SCOPE};
use countersign_types::views::Role;
use sqlx::{Database, Decode, Type, error::BoxDynError};

/// The roles of a user. Every user has [`Role::User`]; only further roles have rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// The roles of a user with the rights of `role`.
    pub(crate) fn new(role: Role) -> Self {
        Self::with_further([role])
    }

    fn with_further(further: impl IntoIterator<Item = Role>) -> Self {
        let further = further.into_iter().filter(|role| *role != Role::User);
        Self([Role::User].into_iter().chain(further).collect())
    }

    /// Returns the roles that have rows.
    pub(crate) fn further(&self) -> &[Role] {
        &self.0[1..]
    }

    /// Returns all roles, beginning with [`Role::User`].
    pub(crate) fn to_vec(&self) -> Vec<Role> {
        self.0.clone()
    }

    pub(crate) fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Returns the scopes of a token (RFC 6749, 3.3): the user's own account, and for
    /// administrators all accounts.
    pub(crate) fn scope(&self) -> String {
        if self.contains(Role::Admin) {
            format!("{ACCOUNT_SCOPE} {ADMIN_SCOPE}")
        } else {
            ACCOUNT_SCOPE.into()
        }
    }
}

/// Parses the names of the rows, which the statements join with spaces; `None` without rows.
/// Unknown names are ignored: a newer version may have granted them.
impl From<Option<String>> for Roles {
    fn from(names: Option<String>) -> Self {
        let names = names.unwrap_or_default();
        Self::with_further(names.split(' ').filter_map(Role::from_name))
    }
}

impl<D: Database> Type<D> for Roles
where
    String: Type<D>,
{
    fn type_info() -> D::TypeInfo {
        <String as Type<D>>::type_info()
    }

    fn compatible(found: &D::TypeInfo) -> bool {
        <String as Type<D>>::compatible(found)
    }
}

impl<'r, D: Database> Decode<'r, D> for Roles
where
    Option<String>: Decode<'r, D>,
{
    fn decode(value: D::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <Option<String> as Decode<'r, D>>::decode(value).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_roles_are_added_to_the_role_of_every_user() {
        for (stored, roles, scope) in [
            (None, vec![Role::User], "account"),
            (Some(""), vec![Role::User], "account"),
            (Some("auditor"), vec![Role::User], "account"),
            (Some("user"), vec![Role::User], "account"),
            (Some("admin"), vec![Role::User, Role::Admin], "account admin"),
            (Some("admin auditor"), vec![Role::User, Role::Admin], "account admin"),
            (Some("auditor admin"), vec![Role::User, Role::Admin], "account admin"),
            (Some("administrator"), vec![Role::User], "account"),
        ] {
            let read = Roles::from(stored.map(str::to_owned));
            assert_eq!((read.to_vec(), &*read.scope()), (roles, scope), "{stored:?}");
        }
    }

    #[test]
    fn only_further_roles_have_rows() {
        assert_eq!(Roles::new(Role::User).further(), []);
        assert_eq!(Roles::new(Role::Admin).further(), [Role::Admin]);
    }
}
