//! Creating a session, and issuing the pair of tokens for one of its generations.

use crate::{
    Auth, Error, RequestContext,
    audit::AuditEntry,
    fail_point,
    fail_point::FailPoint,
    policy::Verification,
    retention::REVOCATION_RETENTION_MARGIN,
    sessions::{
        access_token,
        access_token::Claims,
        activity::LAST_SEEN_GRANULARITY,
        refresh_token,
        store::{SessionRecord, SessionUse, SessionWithUser},
    },
    store::{WriteTransaction, change_feed::Change},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::{
    EventKind, FRESH_PERIOD, SessionId, TimeSpan, Timestamp, UserId, views::Account,
};
use std::fmt;

/// An access token and its lifetime.
#[derive(Clone)]
pub struct AccessToken {
    /// The JWT.
    pub token: String,
    /// The lifetime in seconds.
    pub expires_in: u32,
    /// The scopes, separated by spaces (RFC 6749, 3.3).
    pub scope: String,
}

/// A refresh token and the lifetime of its cookie.
#[derive(Clone)]
pub struct RefreshToken {
    /// `csgn_rt_…`
    pub token: String,
    /// The lifetime in seconds; `None`: until the browser is closed.
    pub max_age: Option<u32>,
}

/// The value of a device cookie, which a browser presents at its next log-in.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCookieToken {
    /// `csgn_dc_…`
    pub token: String,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AccessToken(…)")
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RefreshToken(…)")
    }
}

impl fmt::Debug for DeviceCookieToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DeviceCookieToken(…)")
    }
}

/// The tokens that are issued after a log-in or a refresh.
#[derive(Clone, Debug)]
pub struct IssuedTokens {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token.
    pub refresh: RefreshToken,
    /// Whether the session outlives the browser ("remember me").
    pub persistent: bool,
    /// Whether the account has just been created.
    pub is_sign_up: bool,
    /// The account.
    pub account: Account,
    /// The session tag: [`countersign_types::views::TaggedAccount::session_tag`].
    pub session_tag: String,
    /// The device cookie, after a log-in with a password, if it has changed.
    pub device_cookie: Option<DeviceCookieToken>,
}

/// A session to be created.
pub(crate) struct NewSession<'a> {
    /// The user.
    pub(crate) user: UserId,
    /// Whether the session outlives the browser.
    pub(crate) persistent: bool,
    /// The refresh token that came with the request, whose session is revoked.
    pub(crate) replaces: Option<&'a str>,
    /// The previous log-in: refresh token reuse since then is reported to the user.
    pub(crate) since: Timestamp,
}

/// A session that was used within this time is in use.
const IN_USE_PERIOD: TimeSpan = TimeSpan::minutes(5);

/// Maximum number of sessions of a user. A new one evicts the one that was unused for longest.
pub const MAX_SESSIONS_PER_USER: u16 = 100;

/// Returns the time of authentication for a claim: at most the current time, because tokens from
/// the future are rejected. If it is in the future because the clock was set back, the
/// authentication does not count as fresh.
fn claimed_auth_time(auth_time: Timestamp, now: Timestamp) -> Timestamp {
    if auth_time > now + access_token::CLOCK_SKEW { now - FRESH_PERIOD } else { auth_time.min(now) }
}

impl Auth {
    /// Creates a session in the transaction that has just verified or created the user, and revokes
    /// the sessions that it replaces. Returns the changes to publish after the commit.
    pub(crate) async fn create_session(
        &self,
        tx: &mut WriteTransaction,
        context: &RequestContext,
        new_session: NewSession<'_>,
        now: Timestamp,
    ) -> Result<(SessionId, Vec<Change>), Error> {
        let NewSession { user, persistent, replaces, since } = new_session;
        let id = SessionId(self.new_id(now)?);
        let reuse_detected_at = tx.session_reuse_detected_since(user, since).await?;
        tx.session_insert(&SessionRecord {
            id,
            user_id: user,
            generation: 1,
            oldest_generation: 0,
            rotated_at: now,
            previous_rotated_at: now,
            confirmed_generation: 0,
            persistent,
            amr: "pwd".into(),
            auth_time: now,
            device: context.device.as_deref().map(str::to_owned),
            address: context.address.map(|address| address.to_string()),
            created_at: now,
            last_seen_at: now,
            idle_limit: self.policy().idle_timeout,
            expires_at: now + self.policy().absolute_timeout,
            revoked_at: None,
            reuse_detected_at,
        })
        .await?;
        let mut changes = Vec::new();
        if let Some(old) = replaces.and_then(|token| refresh_token::decode(self.secret(), token))
            && tx.session_revoke_own(old.session, old.user, "replaced", now).await?
        {
            let entry = AuditEntry {
                actor: Some(user),
                ..AuditEntry::by_user(EventKind::SessionReplaced, old.user, old.session)
            };
            self.audit(tx, context, now, entry).await?;
            changes.push(Change::SessionRevoked(old.session));
        }
        tx.session_close_expired(user, now - REVOCATION_RETENTION_MARGIN).await?;
        let others = tx.session_last_uses(user, id, now).await?;
        for evicted in self.sessions_to_evict(others, now) {
            if tx.session_revoke(evicted, "crowded_out", now).await?.is_some() {
                self.audit(
                    tx,
                    context,
                    now,
                    AuditEntry::by_user(EventKind::SessionEvicted, user, evicted),
                )
                .await?;
                changes.push(Change::SessionRevoked(evicted));
            }
        }
        Ok((id, changes))
    }

    /// Returns the sessions to evict for a new one. Sessions that were used in the last five
    /// minutes are evicted last; the creation of a session does not count as a use. Within both
    /// groups, the one that was unused for longest is evicted first.
    fn sessions_to_evict(&self, sessions: Vec<SessionUse>, now: Timestamp) -> Vec<SessionId> {
        let mut ranked: Vec<_> = sessions
            .into_iter()
            .map(|session| {
                // The activity that this node has seen is written a little later, and that of
                // others a minute later at most.
                let last = self
                    .activity()
                    .last_seen(session.id)
                    .map_or(session.last_seen_at, |seen| seen.max(session.last_seen_at));
                let in_use = last > session.created_at
                    && now.since(last) < TimeSpan(IN_USE_PERIOD.0 + LAST_SEEN_GRANULARITY.0);
                (in_use, last, session.id)
            })
            .collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked
            .into_iter()
            .skip(usize::from(MAX_SESSIONS_PER_USER) - 1)
            .map(|(_, _, id)| id)
            .collect()
    }

    /// Appends the changes to the feed, commits, and records them on this node. They are also
    /// recorded if the outcome of the commit is unknown, because it may have taken effect.
    pub(crate) async fn commit_and_publish(
        &self,
        mut tx: WriteTransaction,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), Error> {
        if changes.is_empty() {
            return tx.commit().await;
        }
        let until = now + crate::policy::MAX_ACCESS_TOKEN_TTL + TimeSpan::minutes(1);
        tx.feed_append(changes, until).await?;
        let committed = tx.commit().await;
        fail_point::hit(FailPoint::AfterRevocationCommit);
        for change in changes {
            if committed.is_ok() {
                self.revocations().record(change, until);
            } else {
                self.revocations().record_uncertain(change, until);
            }
        }
        committed
    }

    /// Issues the pair of tokens for generation `generation` of a session that has just been read.
    pub(crate) fn issue(
        &self,
        row: &SessionWithUser,
        generation: i64,
        now: Timestamp,
    ) -> Result<IssuedTokens, Error> {
        let session = &row.session;
        // Up to 5% shorter, so that clients that started together do not refresh together.
        let ttl = self.policy().access_token_ttl.as_seconds();
        let ttl = ttl - self.random().number_up_to(ttl / 20)?;
        // The token does not outlive the session.
        let ttl = ttl
            .min(session.idle_limit.as_seconds())
            .min(session.expires_at.since(now).as_seconds());
        let claims = Claims {
            iss: self.policy().issuer.clone(),
            aud: self.policy().issuer.clone(),
            sub: session.user_id,
            client_id: access_token::CLIENT_ID.to_owned(),
            // Rounded up, so that it is accepted for all of `expires_in`.
            exp: (now + TimeSpan::seconds(ttl) + TimeSpan(999)).min(session.expires_at).seconds(),
            iat: now.seconds(),
            nbf: None,
            jti: URL_SAFE_NO_PAD.encode(self.random().bytes::<16>()?),
            sid: session.id,
            generation,
            epoch: row.epoch,
            amr: session.amr.split_whitespace().map(str::to_owned).collect(),
            acr: "aal1".into(),
            auth_time: claimed_auth_time(session.auth_time, now).seconds(),
            scope: row.roles.scope(),
            roles: row.roles.to_vec(),
        };
        let max_age = u32::try_from(session.expires_at.since(now).as_seconds()).unwrap_or(0);
        Ok(IssuedTokens {
            access: AccessToken {
                token: access_token::sign(self.keys(), &claims)?,
                expires_in: u32::try_from(ttl).unwrap_or(0),
                scope: claims.scope,
            },
            refresh: RefreshToken {
                token: refresh_token::encode(
                    self.secret(),
                    session.id,
                    session.user_id,
                    generation,
                ),
                max_age: session.persistent.then_some(max_age),
            },
            persistent: session.persistent,
            is_sign_up: false,
            account: self.account_view(row, now),
            session_tag: self.session_tag(session.id),
            device_cookie: None,
        })
    }

    /// Returns the tag of a session, which identifies it and is no credential.
    pub(crate) fn session_tag(&self, session: SessionId) -> String {
        let tag = aws_lc_rs::hmac::sign(&self.secret().mac_key("tag", &[]), session.0.as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..12])
    }

    /// Returns the account as its owner sees it at `now`.
    pub(crate) fn account_view(&self, row: &SessionWithUser, now: Timestamp) -> Account {
        let is_postponed = row.verification_postponed_until.is_some_and(|until| now < until);
        Account {
            id: row.session.user_id,
            email: row.email.clone(),
            email_verified: row.email_verified_at.is_some(),
            verification_due: row.email_verified_at.is_none()
                && self.verification() != Verification::Off
                && !is_postponed,
            pending_email: row.pending_email.clone(),
            name: row.name.clone(),
            roles: row.roles.to_vec(),
            created_at: row.user_created_at,
            reuse_detected_at: row.session.reuse_detected_at,
            deletion_scheduled_at: row.deletion_scheduled_at,
        }
    }
}
