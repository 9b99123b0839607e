//! Administration of other accounts. The operations are methods of [`Admin`], which is created by
//! [`SignedIn::admin`], or by [`Auth::operator`] for commands on the server itself.
//!
//! Administrators revoke sessions, disable and enable accounts, and set roles. They never see or
//! set a password, a token or a key. (ASVS 5.0 6.4.6, 7.4.5, 8.3.2.)

use crate::{
    Auth, Error, LimitedAction, RequestContext, ServerSecret, SignedIn,
    accounts::{
        sign_up::new_user,
        store::{User, UserSummaryRow},
    },
    audit::{AuditEntry, store::Outcome},
    pagination::PageRequest,
    passwords::{hasher::Priority, strength::too_weak},
    rate_limit::throttling::Permit,
    server_secret::constant_time_eq,
    store::{WriteTransaction, change_feed::Change},
};
use countersign_types::{
    Email, EventKind, Field, SessionId, Timestamp, UserId,
    forms::{NewUser, SignUpForm},
    views::{AdminUser, Paginated, Role},
};
use uuid::Uuid;

/// The permission to administer other accounts.
pub struct Admin<'a> {
    auth: &'a Auth,
    context: RequestContext,
    /// The administrator, for the audit log. `None`: the operator.
    actor: Option<UserId>,
    session: Option<SessionId>,
}

/// A change of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAction {
    /// Disable the account and revoke all its tokens.
    Disable,
    /// Enable the account again.
    Enable,
    /// Set the role.
    Role(Role),
    /// Revoke all sessions.
    RevokeSessions,
}

impl<'a> SignedIn<'a> {
    /// Returns the permission, or [`Error::Forbidden`] if the user is no administrator. The role is
    /// that of the token, which is revoked as soon as the role changes.
    pub fn admin(&self) -> Result<Admin<'a>, Error> {
        if !self.roles.contains(&Role::Admin) {
            return Err(Error::Forbidden);
        }
        Ok(Admin {
            auth: self.auth,
            context: self.context.clone(),
            actor: Some(self.user),
            session: Some(self.session),
        })
    }
}

impl Auth {
    /// Returns the permission of the operator, for commands that can read the server secret.
    /// Returns [`Error::Forbidden`] if `secret` is another one.
    pub fn operator(
        &self,
        context: &RequestContext,
        secret: &ServerSecret,
    ) -> Result<Admin<'_>, Error> {
        if !constant_time_eq(&secret.fingerprint(), &self.secret().fingerprint()) {
            return Err(Error::Forbidden);
        }
        Ok(Admin { auth: self, context: context.clone(), actor: None, session: None })
    }
}

impl Admin<'_> {
    pub(crate) const fn auth(&self) -> &Auth {
        self.auth
    }

    pub(crate) const fn context(&self) -> &RequestContext {
        &self.context
    }

    /// Returns the administrator; `None`: the operator.
    pub(crate) const fn actor(&self) -> Option<UserId> {
        self.actor
    }

    pub(crate) const fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// Returns all accounts, newest first: at most `limit` (1 to
    /// [`crate::pagination::MAX_PAGE_SIZE`]) created before the one that `cursor` names.
    pub async fn users(
        &self,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Paginated<AdminUser>, Error> {
        let page_request = PageRequest::new(limit, cursor)?;
        let rows = self
            .auth
            .store()
            .read()
            .await?
            .user_list(UserId(page_request.before), page_request.rows())
            .await?;
        let page = page_request.page(rows, |row| row.id.0);
        Ok(Paginated {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Returns one account.
    pub async fn user(&self, id: UserId) -> Result<AdminUser, Error> {
        self.auth.store().read().await?.user_summary(id).await?.map(view).ok_or(Error::NotFound)
    }

    /// Returns the account with this address.
    pub async fn user_by_email(&self, email: &Email) -> Result<AdminUser, Error> {
        let user = self
            .auth
            .store()
            .read()
            .await?
            .user_by_email(&email.lookup_key())
            .await?
            .ok_or(Error::NotFound)?;
        self.user(user.id).await
    }

    /// Creates an account without a session.
    pub async fn create(&self, form: &SignUpForm, role: Role) -> Result<AdminUser, Error> {
        let NewUser { name, email, password, .. } = form.validate()?;
        let permit = self.permit()?;
        let slot = self.auth.hasher().reserve(Priority::KnownDevice, Vec::new())?;
        let id = UserId(self.auth.new_id(self.auth.clock().now())?);
        let hash = self
            .auth
            .hasher()
            .hash_new(password, id, email.clone(), name.clone(), slot)
            .await?
            .map_err(too_weak(Field::Password))?;
        let (mut tx, now) = self.begin(permit).await?;
        let user = User { last_login_at: None, ..new_user(id, name, &email, hash, role, now) };
        if role == Role::Admin {
            tx.installation_claim_first_admin(now).await?;
        }
        if !tx.user_insert(&user, &email.lookup_key()).await? {
            return Err(Error::EmailTaken);
        }
        let entry = AuditEntry {
            kind: EventKind::SignedUp,
            outcome: Outcome::Done,
            actor: self.actor,
            target: Some(user.id),
            session: self.session,
        };
        self.auth.audit(&mut tx, &self.context, now, entry).await?;
        tx.commit().await?;
        self.user(user.id).await
    }

    /// Changes an account. The change takes effect at once on every node: tokens issued before are
    /// revoked. If nothing changes, nothing is recorded.
    ///
    /// Returns [`Error::LastAdmin`] if no active administrator would be left.
    pub async fn change(&self, id: UserId, change: AdminAction) -> Result<AdminUser, Error> {
        let (mut tx, now) = self.begin(self.permit()?).await?;
        // Administrators who demote each other concurrently are serialized here. The operator may
        // demote the last one, because they can appoint another.
        tx.installation_lock().await?;
        let (epoch, kind) = match change {
            AdminAction::Disable => (tx.user_disable(id, now).await?, EventKind::AccountDisabled),
            AdminAction::Enable => (tx.user_enable(id).await?, EventKind::AccountEnabled),
            AdminAction::Role(role) => (
                tx.user_set_role(id, Role::Admin, role == Role::Admin).await?,
                EventKind::RoleChanged,
            ),
            AdminAction::RevokeSessions => {
                (tx.user_raise_epoch_even_if_disabled(id).await?, EventKind::AllSessionsRevoked)
            }
        };
        let Some(epoch) = epoch else {
            // The attempt is counted. The commit also makes earlier transactions of the same group
            // visible.
            tx.commit().await?;
            return self.user(id).await;
        };
        if change == AdminAction::Role(Role::Admin) {
            tx.installation_claim_first_admin(now).await?;
        }
        let takes_away = matches!(change, AdminAction::Disable | AdminAction::Role(Role::User));
        if takes_away && self.actor.is_some() && !tx.has_active_admin().await? {
            return Err(Error::LastAdmin);
        }
        if change == AdminAction::Disable {
            tx.link_end_all_except_restoring(id, now).await?;
        }
        if matches!(change, AdminAction::Disable | AdminAction::RevokeSessions) {
            tx.session_revoke_others(id, SessionId(Uuid::nil()), "ended_by_admin", now).await?;
        }
        let entry = AuditEntry {
            kind,
            outcome: Outcome::Done,
            actor: self.actor,
            target: Some(id),
            session: self.session,
        };
        self.auth.audit(&mut tx, &self.context, now, entry).await?;
        self.auth.commit_and_publish(tx, &[Change::EpochRaised(id, epoch)], now).await?;
        self.user(id).await
    }

    /// Counts a change by an administrator on this node. The operator is not limited.
    pub(crate) fn permit(&self) -> Result<Option<Permit>, Error> {
        self.actor
            .map(|actor| self.auth.permit(&self.context, LimitedAction::Administration, actor))
            .transpose()
    }

    /// Begins the transaction of a change, and counts the change for all nodes.
    pub(crate) async fn begin(
        &self,
        permit: Option<Permit>,
    ) -> Result<(WriteTransaction, Timestamp), Error> {
        let mut tx = self.auth.store().write().await?;
        let now = self.auth.clock().now();
        if let (Some(permit), Some(actor)) = (permit, self.actor) {
            self.auth.count_user_action(&mut tx, &self.context, permit, actor, now).await?;
        }
        Ok((tx, now))
    }
}

fn view(row: UserSummaryRow) -> AdminUser {
    AdminUser {
        id: row.id,
        email: row.email,
        name: row.name,
        roles: row.roles.to_vec(),
        created_at: row.created_at,
        last_login_at: row.last_login_at,
        disabled_at: row.disabled_at,
        deletion_scheduled_at: row.deletion_scheduled_at,
    }
}

#[cfg(any(test, feature = "testing"))]
impl Auth {
    /// The operator, without the server secret, which tests do not keep.
    ///
    /// # Panics
    /// Never: the secret is that of this instance.
    pub fn operator_for_tests(&self, context: &RequestContext) -> Admin<'_> {
        self.operator(context, self.secret()).expect("the secret is its own")
    }
}
