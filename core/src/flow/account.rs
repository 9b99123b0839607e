//! Who is asking, and what they may read and change of their own.

use super::{Auth, Happened, part::Part};
use crate::{
    Client, Error, LimitedAction, Presented,
    refresh::{self, Verdict},
    store::{Reader, events::EventRow, sessions::SessionOfUser},
    token::{self, Refused},
};
use countersign_types::{
    EventId, SessionId, UserId,
    form::Rename,
    view::{Account, Event, EventKind, Page, Role},
};

/// Somebody whose credential has been checked. What only they may do are methods of this; there is
/// no other way to do it.
pub struct SignedIn<'a> {
    pub(super) auth: &'a Auth,
    pub(super) client: Client,
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) roles: Vec<Role>,
    tag: String,
    /// Already read, when the credential was one that had to be looked up.
    row: Option<SessionOfUser>,
}

/// How many items of a list one call may ask for.
pub const MOST_ITEMS: u16 = 100;

impl Auth {
    /// Checks a credential. An access token is checked without asking the database. A refresh token
    /// is looked up but not renewed, and never raises an alarm: showing who somebody is must
    /// not change anything.
    pub async fn signed_in(
        &self,
        client: &Client,
        presented: Presented<'_>,
    ) -> Result<SignedIn<'_>, Error> {
        let now = self.clock.now();
        let (user, session, roles, row) = match presented {
            Presented::Bearer(token) => {
                self.not_deaf()?;
                let claims = token::verify(&self.keys, &self.verified, &self.policy.issuer, token, now)
                    .and_then(|claims| if self.revocations.refuses(&claims) { Err(Refused::Revoked) } else { Ok(claims) })
                    .map_err(|refused| {
                        tracing::debug!(request.id = client.request_id, reason = %refused, "an access token was refused");
                        Error::SignedOut
                    })?;
                self.seen.mark(claims.sid, claims.generation, now);
                (claims.sub, claims.sid, claims.roles, None)
            }
            Presented::Cookie(token) => {
                let shown = refresh::open(&self.secret, token).ok_or(Error::SignedOut)?;
                let (row, now) = self.living_session(shown).await?;
                // The grace is for refreshing tabs only: what is older than the last change of the
                // password shows nothing at all.
                if shown.counter < row.session.oldest_generation {
                    return Err(Error::SignedOut);
                }
                match refresh::judge(
                    shown.counter,
                    self.state_of(&row),
                    now,
                    now,
                    self.policy.grace,
                ) {
                    Verdict::Step | Verdict::Reissue | Verdict::Parallel | Verdict::Stale => {}
                    Verdict::Superseded | Verdict::Theft | Verdict::NotIssued => {
                        return Err(Error::SignedOut);
                    }
                }
                self.seen.mark(shown.session, shown.counter, now);
                (row.session.user_id, shown.session, super::issue::roles(&row.roles), Some(row))
            }
        };
        Ok(SignedIn {
            auth: self,
            client: client.clone(),
            user,
            session,
            roles,
            tag: self.tag_of(session),
            row,
        })
    }
}

impl SignedIn<'_> {
    /// Who they are, as the key of whatever else is kept of them.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The roles that the credential gives.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The session that the credential belongs to.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Names the session that the credential belongs to: [`Account::tag`].
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Who they are.
    pub async fn account(&self) -> Result<Account, Error> {
        match &self.row {
            Some(row) => Ok(self.auth.account_of(row)),
            None => self.read_account().await,
        }
    }

    pub(super) async fn read_account(&self) -> Result<Account, Error> {
        let row = self
            .auth
            .store
            .read()
            .await?
            .session_with_user(self.session)
            .await?
            .ok_or(Error::SignedOut)?;
        if row.session.is_alive(self.auth.clock.now()) && row.disabled_at.is_none() {
            Ok(self.auth.account_of(&row))
        } else {
            Err(Error::SignedOut)
        }
    }

    /// What happened to their account, newest first: at most `limit` (1 to [`MOST_ITEMS`]) events
    /// before the one that `cursor` names.
    pub async fn activity(&self, limit: u16, cursor: Option<&str>) -> Result<Page<Event>, Error> {
        let part = Part::new(limit, cursor)?;
        self.events(&mut self.auth.store.read().await?, &part).await
    }

    pub(super) async fn events(
        &self,
        reader: &mut Reader,
        part: &Part,
    ) -> Result<Page<Event>, Error> {
        let rows = reader.event_list(self.user, EventId(part.before), part.rows()).await?;
        let page = part.page(rows, |row| row.id.0);
        // A kind that only a newer version knows is not shown.
        let event = |row: EventRow| {
            Some(Event {
                id: row.id,
                kind: EventKind::from_name(&row.kind)?,
                at: row.at,
                device: row.device,
                address: row.address,
            })
        };
        Ok(Page {
            items: page.items.into_iter().filter_map(event).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Changes the display name. The same name again is no change and writes nothing. The tag in
    /// the form is not looked at: it is about pages, and compared where they are known.
    pub async fn rename(&self, form: &Rename) -> Result<Account, Error> {
        let name = form.check()?;
        let account = self.read_account().await?;
        if account.name.as_deref() == name.as_ref().map(countersign_types::Name::as_str) {
            return Ok(account);
        }
        let (mut tx, now) = self.begin(self.permit(LimitedAction::DisplayName)?).await?;
        if !tx.user_set_name(self.user, name.as_ref().map(countersign_types::Name::as_str)).await? {
            // Another request was quicker with the same name, or the account is gone or disabled.
            tx.commit().await?;
            return self.read_account().await;
        }
        self.auth
            .record(
                &mut tx,
                &self.client,
                now,
                Happened::own(EventKind::NameChanged, self.user, self.session),
            )
            .await?;
        tx.commit().await?;
        self.read_account().await
    }
}
