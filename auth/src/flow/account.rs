//! Who is asking, and what they may read and change of their own.

use super::{Auth, Happened};
use crate::{
    Client, Error, Presented,
    refresh::{self, Verdict},
    store::sessions::SessionOfUser,
    token::{self, Refused},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{
    EventId, SessionId, UserId,
    form::Rename,
    view::{Account, Event, EventKind, Page},
};
use uuid::Uuid;

/// Somebody whose credential has been checked. What only they may do are methods of this; there is no other way to do it.
pub struct SignedIn<'a> {
    auth: &'a Auth,
    client: Client,
    user: UserId,
    session: SessionId,
    tag: String,
    /// Already read, when the credential was one that had to be looked up.
    row: Option<SessionOfUser>,
}

/// How many events one call may ask for.
pub const MOST_EVENTS: u16 = 100;

impl Auth {
    /// Checks a credential. An access token is checked without asking the database. A refresh token is looked up but not renewed, and never
    /// raises an alarm: showing who somebody is must not change anything.
    pub async fn signed_in(&self, client: &Client, presented: Presented<'_>) -> Result<SignedIn<'_>, Error> {
        let now = self.clock.now();
        let (user, session, row) = match presented {
            Presented::Bearer(token) => {
                self.not_deaf()?;
                let claims = token::verify(&self.keys, &self.policy.issuer, token, now)
                    .and_then(|claims| if self.revocations.refuses(&claims) { Err(Refused::Revoked) } else { Ok(claims) })
                    .map_err(|refused| {
                        tracing::debug!(request.id = client.request_id, reason = %refused, "an access token was refused");
                        Error::SignedOut
                    })?;
                self.seen.mark(claims.sid, claims.generation, now);
                (claims.sub, claims.sid, None)
            }
            Presented::Cookie(token) => {
                let shown = refresh::open(&self.secret, token).ok_or(Error::SignedOut)?;
                let row = self.living_session(shown, now).await?;
                match refresh::judge(shown.counter, self.state_of(&row), now, self.policy.grace) {
                    Verdict::Step | Verdict::Reissue | Verdict::Parallel | Verdict::Stale => {}
                    Verdict::Theft | Verdict::NotIssued => return Err(Error::SignedOut),
                }
                self.seen.mark(shown.session, shown.counter, now);
                (row.session.user_id, shown.session, Some(row))
            }
        };
        Ok(SignedIn { auth: self, client: client.clone(), user, session, tag: self.tag_of(session), row })
    }
}

impl SignedIn<'_> {
    /// Who they are, as the key of whatever else is kept of them.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
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

    async fn read_account(&self) -> Result<Account, Error> {
        let row = self.auth.store.read().await?.session_with_user(self.session).await?.ok_or(Error::SignedOut)?;
        if row.session.is_alive(self.auth.clock.now()) && row.disabled_at.is_none() { Ok(self.auth.account_of(&row)) } else { Err(Error::SignedOut) }
    }

    /// What happened to their account, newest first: at most `limit` (1 to [`MOST_EVENTS`]) events before the one that `cursor` names.
    pub async fn activity(&self, limit: u16, cursor: Option<&str>) -> Result<Page<Event>, Error> {
        let before = cursor.map_or(Ok(EventId(Uuid::max())), |cursor| open_cursor(cursor).ok_or(Error::Cursor))?;
        let limit = limit.clamp(1, MOST_EVENTS);
        // One more than asked for shows whether there is more.
        let mut rows = self.auth.store.read().await?.event_list(self.user, before, i64::from(limit) + 1).await?;
        let more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let next_cursor = rows.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.id.0.as_bytes()));
        let items = rows
            .into_iter()
            // A kind that only a newer version knows is not shown.
            .filter_map(|row| Some(Event { id: row.id, kind: EventKind::from_name(&row.kind)?, at: row.at, device: row.device, address: row.address }))
            .collect();
        Ok(Page { items, next_cursor })
    }

    /// Changes the name. The tag in the form is not looked at: it is about pages, and compared where they are known.
    pub async fn rename(&self, form: &Rename) -> Result<Account, Error> {
        let name = form.check()?;
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        if !tx.user_set_name(self.user, name.as_ref().map(contract::Name::as_str)).await? {
            return Err(Error::SignedOut);
        }
        self.auth.record(&mut tx, &self.client, now, Happened::own(EventKind::NameChanged, self.user, self.session)).await?;
        tx.commit().await?;
        self.read_account().await
    }
}

fn open_cursor(cursor: &str) -> Option<EventId> {
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    Some(EventId(Uuid::from_bytes(bytes)))
}
