//! Reading and changing the user's own account.

use crate::{Error, LimitedAction, SignedIn, audit::AuditEntry};
use countersign_types::{EventKind, forms::UpdateProfileForm, views::Account};

impl SignedIn<'_> {
    /// Returns the account.
    pub async fn account(&self) -> Result<Account, Error> {
        match &self.row {
            Some(row) => Ok(self.auth.account_view(row, self.auth.clock().now())),
            None => self.read_account().await,
        }
    }

    pub(crate) async fn read_account(&self) -> Result<Account, Error> {
        let row = self.auth.session_groups().read(self.session).await?;
        let row = row.ok_or(Error::Unauthenticated)?;
        let now = self.auth.clock().now();
        if row.session.is_active(now) && row.disabled_at.is_none() {
            Ok(self.auth.account_view(&row, now))
        } else {
            Err(Error::Unauthenticated)
        }
    }

    /// Returns the account after a change was committed. No error says that nothing was changed.
    pub(crate) async fn read_changed_account(&self) -> Result<Account, Error> {
        self.read_account().await.map_err(|error| match error {
            Error::Overloaded { .. } => Error::Unavailable(error.into()),
            other => other,
        })
    }

    /// Changes the display name. The same name is no change and writes nothing.
    pub async fn update_display_name(&self, form: &UpdateProfileForm) -> Result<Account, Error> {
        let name = form.validate()?;
        let account = self.read_account().await?;
        if account.name.as_deref() == name.as_ref().map(countersign_types::DisplayName::as_str) {
            return Ok(account);
        }
        let (mut tx, now) = self.begin(self.permit(LimitedAction::DisplayName)?).await?;
        if !tx
            .user_set_name(self.user, name.as_ref().map(countersign_types::DisplayName::as_str))
            .await?
        {
            // A concurrent request set the same name, or the account was deleted or disabled.
            tx.commit().await?;
            return self.read_account().await;
        }
        self.auth
            .audit(
                &mut tx,
                &self.context,
                now,
                AuditEntry::by_user(EventKind::NameChanged, self.user, self.session),
            )
            .await?;
        tx.commit().await?;
        self.read_changed_account().await
    }
}
