//! Looking after the accounts of others. What only an administrator may do are methods of
//! [`Admin`], and there is no other way to it than [`SignedIn::admin`], or standing at the machine
//! itself ([`Auth::operator`]).
//!
//! An administrator ends sessions, disables, enables, and says who else is one. They never see or
//! set a password, a token or a key. (ASVS 5.0 6.4.6, 7.4.5, 8.3.2.)

use super::{Auth, Happened, SignedIn, part::Part, sign_up::new_user, tries::Permit};
use crate::{
    Client, Error, LimitedAction, ServerSecret,
    hasher::Lane,
    secret::same,
    store::{
        Tx,
        events::Outcome,
        feed::News,
        users::{User, UserRow},
    },
};
use countersign_types::{
    Email, Fault, Faults, Field, SessionId, Timestamp, UserId,
    form::{NewUser, SignUp},
    view::{EventKind, Page, Role, UserView},
};
use uuid::Uuid;

/// Somebody who may look after the accounts of others.
pub struct Admin<'a> {
    auth: &'a Auth,
    client: Client,
    /// Who, for the record. `None`: whoever stands at the machine.
    actor: Option<UserId>,
    session: Option<SessionId>,
}

/// What becomes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nobody gets in, and whoever is in is out.
    Disable,
    /// As before.
    Enable,
    /// Another role.
    Role(Role),
    /// All its sessions end; everything else stays.
    EndSessions,
}

impl<'a> SignedIn<'a> {
    /// What an administrator may do; [`Error::Forbidden`] to everybody else. The role is that of
    /// the token, which is refused as soon as the role is taken away.
    pub fn admin(&self) -> Result<Admin<'a>, Error> {
        if !self.roles.contains(&Role::Admin) {
            return Err(Error::Forbidden);
        }
        Ok(Admin {
            auth: self.auth,
            client: self.client.clone(),
            actor: Some(self.user),
            session: Some(self.session),
        })
    }
}

impl Auth {
    /// For commands on the machine itself, which can read the server secret. [`Error::Forbidden`]:
    /// it is another one.
    pub fn operator(&self, client: &Client, secret: &ServerSecret) -> Result<Admin<'_>, Error> {
        if !same(&secret.check_value(), &self.secret.check_value()) {
            return Err(Error::Forbidden);
        }
        Ok(Admin { auth: self, client: client.clone(), actor: None, session: None })
    }
}

impl Admin<'_> {
    /// All accounts, the newest first: at most `limit` (1 to [`super::MOST_ITEMS`]) that were made
    /// before the one that `cursor` names.
    pub async fn users(&self, limit: u16, cursor: Option<&str>) -> Result<Page<UserView>, Error> {
        let part = Part::new(limit, cursor)?;
        let rows =
            self.auth.store.read().await?.user_list(UserId(part.before), part.rows()).await?;
        let page = part.page(rows, |row| row.id.0);
        Ok(Page {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// One account.
    pub async fn user(&self, id: UserId) -> Result<UserView, Error> {
        self.auth.store.read().await?.user_row(id).await?.map(view).ok_or(Error::NotFound)
    }

    /// The account with this address.
    pub async fn user_with(&self, email: &Email) -> Result<UserView, Error> {
        let user = self
            .auth
            .store
            .read()
            .await?
            .user_by_email(&email.key())
            .await?
            .ok_or(Error::NotFound)?;
        self.user(user.id).await
    }

    /// Makes an account for somebody, who is not logged in by that.
    pub async fn create(&self, form: &SignUp, role: Role) -> Result<UserView, Error> {
        let NewUser { name, email, password, .. } = form.check()?;
        let permit = self.permit()?;
        let place = self.auth.hasher.place(Lane::Known, Vec::new())?;
        let id = UserId(self.auth.id(self.auth.clock.now())?);
        let Some(hash) =
            self.auth.hasher.hash_new(password, id, email.clone(), name.clone(), place).await?
        else {
            return Err(Faults::from((Field::Password, Fault::Guessable)).into());
        };
        let (mut tx, now) = self.begin(permit).await?;
        let user = User { last_login_at: None, ..new_user(id, name, &email, hash, role, now) };
        if role == Role::Admin {
            tx.installation_first_admin(now).await?;
        }
        if !tx.user_insert(&user, &email.key()).await? {
            return Err(Error::EmailTaken);
        }
        let happened = Happened {
            kind: EventKind::SignedUp,
            outcome: Outcome::Done,
            actor: self.actor,
            target: Some(user.id),
            session: self.session,
        };
        self.auth.record(&mut tx, &self.client, now, happened).await?;
        tx.commit().await?;
        self.user(user.id).await
    }

    /// Changes an account. It takes effect at once, on every node: tokens from before are refused.
    /// What is so already is no change, and is not recorded.
    ///
    /// [`Error::LastAdmin`]: nobody would be left who could take it back.
    pub async fn change(&self, id: UserId, change: Change) -> Result<UserView, Error> {
        let (mut tx, now) = self.begin(self.permit()?).await?;
        // Two administrators that take each other's role away at the same moment wait for each
        // other here, in one order. (The operator may leave none: they can make another.)
        tx.installation_lock().await?;
        let (epoch, kind) = match change {
            Change::Disable => (tx.user_disable(id, now).await?, EventKind::Disabled),
            Change::Enable => (tx.user_enable(id).await?, EventKind::Enabled),
            Change::Role(role) => {
                (tx.user_set_roles(id, stored(role)).await?, EventKind::RoleChanged)
            }
            Change::EndSessions => (tx.user_raise_epoch_of_any(id).await?, EventKind::AllLoggedOut),
        };
        let Some(epoch) = epoch else {
            // Counted all the same; and a reader sees what came before in the same group once that
            // is committed.
            tx.commit().await?;
            return self.user(id).await;
        };
        if change == Change::Role(Role::Admin) {
            tx.installation_first_admin(now).await?;
        }
        let takes_away = matches!(change, Change::Disable | Change::Role(Role::User));
        if takes_away && self.actor.is_some() && !tx.user_has_admin().await? {
            return Err(Error::LastAdmin);
        }
        if matches!(change, Change::Disable | Change::EndSessions) {
            tx.session_revoke_others(id, SessionId(Uuid::nil()), "ended_by_admin", now).await?;
        }
        let happened = Happened {
            kind,
            outcome: Outcome::Done,
            actor: self.actor,
            target: Some(id),
            session: self.session,
        };
        self.auth.record(&mut tx, &self.client, now, happened).await?;
        self.auth.commit_with(tx, &[News::EpochRaised(id, epoch)], now).await?;
        self.user(id).await
    }

    /// Counts a change by an administrator on this node. The operator is not limited.
    fn permit(&self) -> Result<Option<Permit>, Error> {
        self.actor
            .map(|actor| self.auth.permit(&self.client, LimitedAction::Administration, actor))
            .transpose()
    }

    /// Opens the transaction of a change, in which it is counted for all nodes.
    async fn begin(&self, permit: Option<Permit>) -> Result<(Tx, Timestamp), Error> {
        let mut tx = self.auth.store.write().await?;
        let now = self.auth.clock.now();
        if let (Some(permit), Some(actor)) = (permit, self.actor) {
            self.auth.count_user(&mut tx, &self.client, permit, actor, now).await?;
        }
        Ok((tx, now))
    }
}

/// The roles that come with a role, as they are stored.
pub(super) const fn stored(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Admin => "user admin",
    }
}

fn view(row: UserRow) -> UserView {
    UserView {
        id: row.id,
        email: row.email,
        name: row.name,
        roles: super::issue::roles(&row.roles),
        created_at: row.created_at,
        last_login_at: row.last_login_at,
        disabled_at: row.disabled_at,
        deletes_at: row.delete_at,
    }
}
