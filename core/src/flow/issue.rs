//! Opening a session, and making the pair of tokens for one generation of it.

use super::{Auth, Happened, retention::REVOCATION_RETENTION_MARGIN};
use crate::{
    Client, Error,
    fail_point::{self, FailPoint},
    refresh,
    seen::COARSE,
    store::{
        Tx,
        feed::News,
        sessions::{Session, SessionOfUser, Use},
    },
    token::{self, ACCOUNT_SCOPE, ADMIN_SCOPE, Claims},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::{
    SessionId, Span, Timestamp, UserId,
    view::{Account, EventKind, Role},
};
use std::fmt;

/// An access token, and for how long it is good.
#[derive(Clone)]
pub struct Access {
    /// The JWT.
    pub token: String,
    /// Seconds from now.
    pub expires_in: u32,
    /// What it may be used for, separated by blanks (RFC 6749, 3.3).
    pub scope: String,
}

/// A refresh token, and for how long to keep it.
#[derive(Clone)]
pub struct Refresh {
    /// `csgn_rt_…`
    pub token: String,
    /// Seconds from now; `None`: until the browser is closed.
    pub max_age: Option<u32>,
}

/// A device cookie: for a browser to show at the next log-in, so that it is known.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceToken {
    /// `csgn_dc_…`
    pub token: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Access(…)")
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Refresh(…)")
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DeviceToken(…)")
    }
}

/// What somebody gets who has signed in or renewed.
#[derive(Clone, Debug)]
pub struct Issued {
    /// For every call.
    pub access: Access,
    /// For the next pair.
    pub refresh: Refresh,
    /// Whether the session is to outlive the browser.
    pub persistent: bool,
    /// Whose they are.
    pub account: Account,
    /// Only where somebody came in with a password, and the browser does not hold it already.
    pub known_browser: Option<DeviceToken>,
}

/// The session that is to be opened.
pub(super) struct Opening<'a> {
    /// Whose.
    pub(super) user: UserId,
    /// Whether it is to outlive the browser.
    pub(super) persistent: bool,
    /// The refresh token that came along: its session ends.
    pub(super) replaces: Option<&'a str>,
    /// When they were last here: what happened since is told.
    pub(super) since: Timestamp,
}

/// A session that was used within this time is in use.
const IN_USE: Span = Span::minutes(5);

/// How many sessions a user may have. The longest unused one makes room for the next.
pub const MOST_SESSIONS: u16 = 100;

impl Auth {
    /// Opens a session inside the transaction that has just verified or made the user, and ends
    /// those that it takes the place of. Returns what must be applied to this node's memory
    /// once the transaction is committed.
    pub(super) async fn open_session(
        &self,
        tx: &mut Tx,
        client: &Client,
        opening: Opening<'_>,
        now: Timestamp,
    ) -> Result<(SessionId, Vec<News>), Error> {
        let Opening { user, persistent, replaces, since } = opening;
        let id = SessionId(self.id(now)?);
        let stolen_at = tx.session_stolen_since(user, since).await?;
        tx.session_insert(&Session {
            id,
            user_id: user,
            counter: 1,
            oldest_generation: 0,
            rotated_at: now,
            previous_rotated_at: now,
            confirmed: 0,
            persistent,
            amr: "pwd".into(),
            auth_time: now,
            device: client.device.clone(),
            address: client.address.map(|address| address.to_string()),
            created_at: now,
            last_seen_at: now,
            idle_limit: self.policy.idle,
            expires_at: now + self.policy.absolute,
            revoked_at: None,
            stolen_at,
        })
        .await?;
        let mut news = Vec::new();
        if let Some(old) = replaces.and_then(|token| refresh::open(&self.secret, token))
            && tx.session_revoke_own(old.session, old.user, "replaced", now).await?
        {
            let happened = Happened {
                actor: Some(user),
                ..Happened::own(EventKind::SessionReplaced, old.user, old.session)
            };
            self.record(tx, client, now, happened).await?;
            news.push(News::SessionEnded(old.session));
        }
        tx.session_end_expired(user, now - REVOCATION_RETENTION_MARGIN).await?;
        let others = tx.session_use(user, id, now).await?;
        for evicted in self.least_used(others, now) {
            if tx.session_revoke(evicted, "crowded_out", now).await?.is_some() {
                self.record(
                    tx,
                    client,
                    now,
                    Happened::own(EventKind::SessionCrowdedOut, user, evicted),
                )
                .await?;
                news.push(News::SessionEnded(evicted));
            }
        }
        Ok((id, news))
    }

    /// The sessions that make room for one more. A session that was used in the last five minutes
    /// stays before all that were not used since they were opened or are unused for longer;
    /// among these the longest unused goes first.
    fn least_used(&self, sessions: Vec<Use>, now: Timestamp) -> Vec<SessionId> {
        let mut ranked: Vec<_> = sessions
            .into_iter()
            .map(|session| {
                // What this node has seen is written a little later, and what others have seen a
                // minute later at most.
                let last = self
                    .seen
                    .last(session.id)
                    .map_or(session.last_seen_at, |seen| seen.max(session.last_seen_at));
                let in_use =
                    last > session.created_at && now.since(last) < Span(IN_USE.0 + COARSE.0);
                (in_use, last, session.id)
            })
            .collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.into_iter().skip(usize::from(MOST_SESSIONS) - 1).map(|(_, _, id)| id).collect()
    }

    /// Appends to the feed, commits, and applies the news to this node's memory: also when the
    /// outcome of the commit is unknown, because then it may have happened.
    pub(super) async fn commit_with(
        &self,
        mut tx: Tx,
        news: &[News],
        now: Timestamp,
    ) -> Result<(), Error> {
        if news.is_empty() {
            return tx.commit().await;
        }
        let until = now + crate::policy::LONGEST_ACCESS + Span::minutes(1);
        tx.feed_append(news, until).await?;
        let committed = tx.commit().await;
        fail_point::reach(FailPoint::Ended);
        for news in news {
            if committed.is_ok() {
                self.revocations.note(news, until);
            } else {
                self.revocations.note_in_doubt(news, until);
            }
        }
        committed
    }

    /// The pair of tokens for generation `generation` of a session that has just been read.
    pub(super) fn issue(
        &self,
        row: &SessionOfUser,
        generation: i64,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let session = &row.session;
        // Up to a twentieth shorter, so that what was started together does not renew together.
        let life = self.policy.access.as_seconds();
        let life = life - self.entropy.up_to(life / 20)?;
        // No copy outlives the row.
        let life = life
            .min(session.idle_limit.as_seconds())
            .min(session.expires_at.since(now).as_seconds());
        let claims = Claims {
            iss: self.policy.issuer.clone(),
            aud: self.policy.issuer.clone(),
            sub: session.user_id,
            client_id: token::CLIENT_ID.to_owned(),
            // Rounded up: nobody is refused before the `expires_in` that they were told.
            exp: (now + Span::seconds(life) + Span(999)).min(session.expires_at).seconds(),
            iat: now.seconds(),
            nbf: None,
            jti: URL_SAFE_NO_PAD.encode(self.entropy.bytes::<16>()?),
            sid: session.id,
            generation,
            epoch: row.epoch,
            amr: session.amr.split_whitespace().map(str::to_owned).collect(),
            acr: "aal1".into(),
            // Not later than now, though the clock may have been set back since: nobody accepts
            // what is from the future.
            auth_time: session.auth_time.min(now).seconds(),
            scope: scope(&row.roles),
            roles: roles(&row.roles),
        };
        let max_age = u32::try_from(session.expires_at.since(now).as_seconds()).unwrap_or(0);
        Ok(Issued {
            access: Access {
                token: token::sign(&self.keys, &claims)?,
                expires_in: u32::try_from(life).unwrap_or(0),
                scope: claims.scope,
            },
            refresh: Refresh {
                token: refresh::mint(&self.secret, session.id, session.user_id, generation),
                max_age: session.persistent.then_some(max_age),
            },
            persistent: session.persistent,
            account: self.account_of(row),
            known_browser: None,
        })
    }

    /// What the owner of a session sees of themselves.
    pub(super) fn account_of(&self, row: &SessionOfUser) -> Account {
        Account {
            id: row.session.user_id,
            email: row.email.clone(),
            email_verified: row.email_verified_at.is_some(),
            name: row.name.clone(),
            roles: roles(&row.roles),
            created_at: row.user_created_at,
            tag: self.tag_of(row.session.id),
            stolen_at: row.session.stolen_at,
            deletes_at: row.delete_at,
        }
    }

    /// Names a session without giving power over it.
    pub(super) fn tag_of(&self, session: SessionId) -> String {
        let tag = aws_lc_rs::hmac::sign(&self.secret.mac_key("tag", &[]), session.0.as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..12])
    }
}

/// What a token is good for (RFC 6749, 3.3): one's own account, and for administrators those of
/// others.
fn scope(stored: &str) -> String {
    if roles(stored).contains(&Role::Admin) {
        format!("{ACCOUNT_SCOPE} {ADMIN_SCOPE}")
    } else {
        ACCOUNT_SCOPE.into()
    }
}

pub(super) fn roles(stored: &str) -> Vec<Role> {
    stored.split_whitespace().filter_map(Role::from_name).collect()
}
